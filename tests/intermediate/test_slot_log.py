"""Capture by PostgreSQL's own log: every commit once and in order, whatever happens to the reader."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.partner_databases import partner_server
from exchange_db.intermediate.capture import CaptureRefused, Standing, Watched
from exchange_db.intermediate.capture.slot import install_slot, remove_slot, show_slot
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import Partner, PartnerRefused, open_partner
from exchange_db.intermediate.reading.pages import ReadTable
from exchange_db.intermediate.reading.slot_log import SlotLog
from exchange_db.records import Case
from exchange_db.session import Ledger
from hub.intermediate import loading
from hub.intermediate.link_files import LinkFileInvalid, find_link
from hub.intermediate.loading import Load
from hub.intermediate.sources import sources_of
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.pickups import Pickup, pickup_of

WATCHED = [Watched("t_case", ("no",))]
MAPPING = f"""
version = 1
issuer_id = "{COUNTY}"
case_no = {{ column = "no" }}
[times]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S"]
[report]
revision = {{ column = "version" }}
state = "REPORTED"
region_code = "431221"
class = {{ column = "class", standard_ref = "GB/T-30428.2-2013", kind = "event" }}
source_code = "01"
authority_id = "431200.hub"
address = "某路"
reported_time = "2020-06-15 08:00:00"
"""
SOURCE = (
    'manner = "theirs"\ncapture = "log"\n[[source]]\nname = "t_case"\nkey = ["no"]\nmapping = "county.mapping.toml"\n'
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a server whose log can be read."""
    with partner_server("slot", wal_level="logical") as url:
        yield url


@pytest.fixture
async def partner(server: str) -> AsyncIterator[PostgresqlPartner]:
    """A partner with a table of its own, taken away afterwards."""
    async with open_partner(server) as opened:
        assert isinstance(opened, PostgresqlPartner)
        await opened.execute("CREATE TABLE t_case (no text PRIMARY KEY, class text, version int, note text)")
        try:
            yield opened
        finally:
            await remove_slot(opened)
            await opened.execute("DROP TABLE t_case")


@asynccontextmanager
async def _hub(ledger: Ledger, clock: FakeClock, folder: Path, url: str) -> AsyncIterator[Pickup]:
    (folder / "county.mapping.toml").write_text(MAPPING)
    async with pickup_of(ledger, clock, folder, url, SOURCE) as pickup, pickup.running():
        yield pickup


async def _put(partner: Partner, no: str, version: int = 1, class_code: str | None = "0203") -> None:
    await partner.execute(
        "INSERT INTO t_case VALUES (%s, %s, %s) ON CONFLICT (no) DO UPDATE SET version = excluded.version",
        (no, class_code, version),
    )


async def _log(partner: PostgresqlPartner, position: str | None = None) -> SlotLog:
    log = SlotLog(partner, {"t_case": ReadTable.theirs(partner.dialect, "t_case", ("no",), ("version",))}, position)
    await log.open()
    return log


async def test_rows_changes_and_deletions_come_in_order(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, server: str, partner: PostgresqlPartner
) -> None:
    clock.advance(days=2)
    await install_slot(partner, WATCHED)
    await _put(partner, "a")
    await _put(partner, "wrong", class_code=None)
    async with _hub(ledger, clock, tmp_path, server) as hub:
        await hub.until_count(1)
        await _put(partner, "a", 2)
        await hub.until_count(2)
        await partner.execute("UPDATE t_case SET no = 'b', version = 3 WHERE no = 'a'")
        found = await hub.until_count(3)
        await partner.execute("TRUNCATE t_case")
        refused = await hub.until_refused(3)
    told = [(one.case_no, one.report.revision) for one in found if isinstance(one, Case) and one.report]
    assert told == [("a", 1), ("a", 2), ("b", 3)]
    assert [reason for reason, _, _ in refused] == ["FIELD_MISSING", "ROW_DELETED", "TABLE_EMPTIED"]


async def test_a_late_commit_is_neither_skipped_nor_waited_for(server: str, partner: PostgresqlPartner) -> None:
    await install_slot(partner, WATCHED)
    async with open_partner(server) as reading, open_partner(server) as early:
        assert isinstance(reading, PostgresqlPartner)
        log = await _log(reading)
        async with early.transaction():
            await _put(early, "early")
            await _put(partner, "late")
            page = await log.page(100)
            assert page is not None
            assert [row.key for row in page.rows] == [("late",)]
        page = await log.page(100)
        assert page is not None
        assert [row.key for row in page.rows] == [("early",)]
        assert await log.page(100) is None


async def test_what_is_on_disk_is_not_read_again_and_what_is_not_is(server: str, partner: PostgresqlPartner) -> None:
    await install_slot(partner, WATCHED)
    await _put(partner, "a")
    async with open_partner(server) as reading:
        assert isinstance(reading, PostgresqlPartner)
        first = await (await _log(reading)).page(100)
        assert first is not None
        # Nothing was committed here: a new reader begins at the same place.
        again = await (await _log(reading)).page(100)
        assert again == first
        # Committed, and killed before the partner was told: the position decides.
        await _put(partner, "b")
        log = await _log(reading, first.position)
        page = await log.page(100)
        assert page is not None
        assert [row.key for row in page.rows] == [("b",)]
        await _put(partner, "c")
        ahead = await log.page(100)
        assert ahead is not None
        assert [row.key for row in ahead.rows] == [("c",)]
        await log.settle()
        await log.settle()
        assert await log.page(100) is None
        # The slot itself was moved: a reader that knows nothing finds nothing either.
        assert await (await _log(reading)).page(100) is None


async def test_a_position_the_log_has_not_reached_is_of_another_server(server: str, partner: PostgresqlPartner) -> None:
    await install_slot(partner, WATCHED)
    async with open_partner(server) as reading:
        assert isinstance(reading, PostgresqlPartner)
        log = await _log(reading, str(1 << 60))
        assert log.is_restored
        await _put(partner, "a")
        page = await log.page(100)
        assert page is not None
        assert [row.key for row in page.rows] == [("a",)]


async def test_rows_from_before_are_loaded_through_the_log(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, server: str, partner: PostgresqlPartner
) -> None:
    clock.advance(days=2)
    await _put(partner, "before")
    await install_slot(partner, WATCHED)
    async with _hub(ledger, clock, tmp_path, server) as hub:
        async with ledger.watching() as connection:
            await loading.order(connection.driver, COUNTY, Load("t_case"))
        (found,) = await hub.until_count(1)
    assert isinstance(found, Case)
    assert found.case_no == "before"


async def test_installing_twice_harms_nothing_and_a_missing_slot_is_told(partner: PostgresqlPartner) -> None:
    with pytest.raises(PartnerRefused, match="sanji intermediate install"):
        await _log(partner)
    assert len(await install_slot(partner, WATCHED)) == 2
    assert await install_slot(partner, WATCHED) == []
    assert {one.standing for one in await show_slot(partner)} == {Standing.INSTALLED}
    assert len(await remove_slot(partner)) == 2


async def test_a_table_without_that_key_is_refused_before_its_own_updates_are(partner: PostgresqlPartner) -> None:
    with pytest.raises(CaptureRefused, match=r"no.*请改用 key_log"):
        await install_slot(partner, [Watched("t_case", ("class",))])
    assert {one.standing for one in await show_slot(partner)} == {Standing.MISSING}


async def test_a_server_without_a_readable_log_is_told(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as plain:
        with pytest.raises(CaptureRefused, match="wal_level = logical"):
            await install_slot(plain, WATCHED)


@pytest.mark.parametrize(
    ("url", "more", "told"),
    [
        ("sqlite:///a", "", "只支持 PostgreSQL"),
        (
            "postgresql://a/b",
            '[[target]]\nname = "t_case"\nkey = ["no"]\nsection = "assignment"\n[target.columns]\nno = "case_no"\n',
            "枢纽也写这张表",
        ),
    ],
)
def test_where_the_log_cannot_serve_is_told(tmp_path: Path, url: str, more: str, told: str) -> None:
    from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect
    from exchange_db.intermediate.dialects.sqlite import SqliteDialect

    (tmp_path / "county.mapping.toml").write_text(MAPPING)
    (tmp_path / "county.toml").write_text(f'peer = "{COUNTY}"\nname = ""\nurl = "{url}"\n{SOURCE}{more}')
    dialect = SqliteDialect("Asia/Shanghai") if url.startswith("sqlite") else PostgresqlDialect()
    with pytest.raises(LinkFileInvalid, match=told):
        sources_of(find_link(tmp_path, COUNTY), dialect)
