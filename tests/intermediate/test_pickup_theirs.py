"""Tables of a partner's own: read by key log, status column or time column, and made into records by a mapping."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exchange_db.intermediate import capture
from exchange_db.intermediate.capture import Watched
from exchange_db.intermediate.partner import Partner, PartnerUnreachable
from exchange_db.intermediate.reading.status_column import StatusReader
from exchange_db.intermediate.reading.time_column import TimeReader, position_at
from exchange_db.records import Case, Record
from exchange_db.session import Ledger
from hub.intermediate import loading
from hub.intermediate.loading import Load
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.pickups import Pickup, pickup_of

TABLE = "T_案件"
MAPPING = f"""
version = 1
issuer_id = "{COUNTY}"
case_no = {{ column = "编号" }}
[times]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S"]
[report]
revision = {{ column = "修订" }}
state = "REPORTED"
region_code = {{ column = "区划" }}
class = {{ column = "小类", standard_ref = "GB/T-30428.2-2013", kind = "event" }}
source_code = "01"
authority_id = "431200.hub"
description = {{ column = "描述" }}
address = "某路"
reported_time = {{ column = "时间" }}
"""


@asynccontextmanager
async def _hub(ledger: Ledger, clock: FakeClock, folder: Path, url: str, options: str) -> AsyncIterator[Pickup]:
    (folder / "county.mapping.toml").write_text(MAPPING)
    source = (
        'manner = "theirs"\nmost_refused_per_hour = 50\n'
        f'[[source]]\nname = "{TABLE}"\nkey = ["区划", "编号"]\nmapping = "county.mapping.toml"\n{options}\n'
    )
    async with pickup_of(ledger, clock, folder, url, source) as pickup, pickup.running():
        yield pickup


@pytest.fixture
async def theirs(partner: Partner, clock: FakeClock) -> Partner:
    """A partner with a table of its own."""
    clock.advance(days=2)
    moment = {"postgresql": "timestamp", "mariadb": "datetime", "sqlite": "text"}[partner.dialect.name]
    quoted = partner.dialect.quoted
    columns = [
        f"{quoted('区划')} int", f"{quoted('编号')} varchar(40)", f"{quoted('小类')} varchar(4)",
        f"{quoted('描述')} varchar(200)", f"{quoted('时间')} {moment}", f"{quoted('修订')} int",
        f"{quoted('标志')} char(1)", f"{quoted('更新')} {moment}",
    ]  # fmt: skip
    await partner.execute(
        f"CREATE TABLE {quoted(TABLE)} ({', '.join(columns)}, PRIMARY KEY ({quoted('区划')}, {quoted('编号')}))"
    )
    return partner


async def _put(partner: Partner, number: str, revision: int = 1, **changes: Any) -> None:
    """Writes a row as the partner does, marked as new."""
    quoted = partner.dialect.quoted
    row = {
        "区划": 431221, "编号": number, "小类": "0203", "描述": "暴露垃圾", "时间": "2020-06-15 08:00:00",
        "修订": revision, "标志": "0", "更新": "2020-06-15 08:00:00",
    } | changes  # fmt: skip
    async with partner.transaction():
        where = f"{quoted('区划')} = %s AND {quoted('编号')} = %s"
        await partner.execute(f"DELETE FROM {quoted(TABLE)} WHERE {where}", (row["区划"], number))
        names = ", ".join(map(quoted, row))
        await partner.execute(
            f"INSERT INTO {quoted(TABLE)} ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
        )


async def _marks(partner: Partner) -> dict[str, str]:
    quoted = partner.dialect.quoted
    return dict(await partner.fetch(f"SELECT {quoted('编号')}, {quoted('标志')} FROM {quoted(TABLE)}"))


def _told(records: list[Record]) -> list[tuple[str, int]]:
    return [
        (record.case_no, record.report.revision) for record in records if isinstance(record, Case) and record.report
    ]


async def test_by_key_log(ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, theirs: Partner) -> None:
    await capture.install(theirs, [Watched(TABLE, ("区划", "编号"))])
    await _put(theirs, "a")
    await _put(theirs, "b", 小类=None)
    async with _hub(ledger, clock, tmp_path, partner_url, "") as hub:
        await hub.until_count(1)
        await _put(theirs, "a", 2)
        found = await hub.until_count(2)
        ((reason, path, image),) = await hub.until_refused(1)
    assert _told(found) == [("a", 1), ("a", 2)]
    assert (reason, path) == ("FIELD_MISSING", "case.report.class_code.code")
    assert image[0]["row"]["编号"] == "b"


async def test_by_status_column(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, theirs: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await _put(theirs, "a")
    await _put(theirs, "old", 标志="2")
    await _put(theirs, "b", 小类=None)
    options = 'capture = "status"\ncolumn = "标志"'
    async with _hub(ledger, clock, tmp_path, partner_url, options) as hub:
        await hub.until_count(1)
        await hub.until_refused(1)
        assert await _marks(theirs) == {"a": "1", "b": "1", "old": "2"}
        # The partner marks a row again without changing it: it wants an answer, and gets one.
        await _put(theirs, "a")
        await hub.until(lambda: hub.rows("SELECT 1 FROM streams WHERE duplicate_count = 1"))
        await _put(theirs, "a", 2)
        found = await hub.until_count(2)
        async with ledger.watching() as connection:
            await loading.order(connection.driver, COUNTY, Load(TABLE))
        found = await hub.until_count(3)
    assert _told(found) == [("a", 1), ("a", 2), ("old", 1)]


async def test_rows_claimed_before_a_crash_are_taken_once(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, theirs: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    claim, breaks = StatusReader._claim, [True]

    async def breaks_after_claim(reader: StatusReader, keys: Any) -> None:
        await claim(reader, keys)
        if breaks:
            # The partner's database has committed, the hub has not.
            await reader._partner.execute("COMMIT")
            await reader._partner.execute("BEGIN")
            breaks.clear()
            raise PartnerUnreachable("cut off")

    monkeypatch.setattr(StatusReader, "_claim", breaks_after_claim)
    await _put(theirs, "a")
    await _put(theirs, "had", 标志="1")
    options = 'capture = "status"\ncolumn = "标志"'
    async with _hub(ledger, clock, tmp_path, partner_url, options) as hub:
        found = await hub.until_count(2)
    assert {number for number, _ in _told(found)} == {"a", "had"}
    assert await hub.rows("SELECT last_sequence FROM streams") == [(2,)]


async def test_by_time_column(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, theirs: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("hub.intermediate.pickup._POLL_SECONDS", 0.05)
    await _put(theirs, "a", 更新="2020-06-15 09:00:00")
    await _put(theirs, "b", 更新="2020-06-15 08:00:00")
    options = 'capture = "timestamp"\ncolumn = "更新"\noverlap_seconds = 3600'
    async with _hub(ledger, clock, tmp_path, partner_url, options) as hub:
        assert _told(await hub.until_count(2)) == [("b", 1), ("a", 1)]
        # Committed later than its time says, inside the overlap.
        await _put(theirs, "late", 更新="2020-06-15 08:30:00")
        await hub.until_count(3)
        await _put(theirs, "a", 2, 更新="2020-06-15 10:00:00")
        found = await hub.until_count(4)
        await _put(theirs, "too late", 更新="2020-06-15 08:59:59")
        await _put(theirs, "c", 更新="2020-06-15 11:00:00")
        found = await hub.until_count(5)
        async with ledger.watching() as connection:
            await loading.order(connection.driver, COUNTY, Load(TABLE, since="2020-06-15 08:00:00"))
        found = await hub.until_count(6)
    assert [number for number, _ in _told(found)] == ["b", "a", "late", "a", "c", "too late"]
    assert await hub.rows("SELECT last_sequence, duplicate_count FROM streams") == [(6, 0)]


async def test_rows_of_one_moment_are_read_across_pages(theirs: Partner) -> None:
    from exchange_db.intermediate.reading.pages import ReadTable

    for number in range(5):
        await _put(theirs, str(number))
    table = ReadTable.theirs(theirs.dialect, TABLE, ("区划", "编号"), ("编号",))
    seen, position = [], None
    for _ in range(3):
        page = await TimeReader(theirs, table, "更新", 600, position).page(2)
        assert page is not None
        seen += [row.key[-1] for row in page.rows]
        position = page.position
    assert seen == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("latest", "earlier"),
    [
        ("20200615083000", "20200615082000"),
        ("20200615", "20200614"),
        ("2020-06-15 08:30:00+08", "2020-06-15 08:20:00+08:00"),
        ("第三周", "第三周"),
    ],
)
def test_times_are_written_as_the_partner_writes_them(latest: str, earlier: str) -> None:
    from datetime import timedelta

    from exchange_db.intermediate.reading.time_column import _earlier

    assert _earlier(latest, timedelta(minutes=10)) == earlier
    assert json.loads(position_at(latest)) == [latest, None]
