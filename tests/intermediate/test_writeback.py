"""The write-back: what is due becomes rows, once and in order, whatever breaks on the way, and receipts go back."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange_db import links
from exchange_db.inbox import Entry
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.writing import link_row
from exchange_db.intermediate.writing.link_row import Marks
from exchange_db.session import Ledger
from hub.intermediate.link_files import DatabaseLink, Manner, TargetTable
from hub.intermediate.marks import PartnerMarks
from tests.support.builders import (
    CITY,
    COUNTY,
    OTHER_COUNTY,
    PROVINCE,
    a_case,
    a_handling,
    a_report,
    a_sheet,
    an_assignment,
    an_entry,
)
from tests.support.clock import FakeClock
from tests.support.partners import enrol_partner, lay_down, link_values, rows_at, until_delivered, writing
from tests.support.pickups import make_tables
from tests.support.stages import until


async def _ready(url: str, **changes: object) -> DatabaseLink:
    async with open_partner(url) as partner:
        await make_tables(partner)
    return DatabaseLink(COUNTY, "中方县", url, **changes)  # type: ignore[arg-type]


def _assigned(case_no: str, revision: int = 1, **changes: Any) -> Entry:
    """An assignment of another county's case, written by the city."""
    section = an_assignment(revision, **changes)
    return an_entry(a_case(case_no, OTHER_COUNTY, assignment=section), CITY)


async def test_what_is_due_becomes_rows_and_is_confirmed(ledger: Ledger, partner_url: str, clock: FakeClock) -> None:
    link = await _ready(partner_url)
    peer = await enrol_partner(ledger)
    # Its own report comes along in no way; a row of its own is its own.
    own = an_entry(a_case("own", COUNTY), COUNTY)
    codes = [("GB", "event", "01", "市容", None)]
    await lay_down(ledger, peer, [_assigned("c1"), own, _assigned("c2"), _assigned("c1", 2)])
    async with writing(ledger, peer, link, clock, codes):
        await until_delivered(ledger, peer, 4)
        await lay_down(ledger, peer, [_assigned("c3")])
        await until_delivered(ledger, peer, 5)

        async def has_codes() -> bool:
            return await rows_at(partner_url, "SELECT count(*) FROM x_code_list") == [(1,)]

        await until(has_codes, "codes in force")
    rows = await rows_at(partner_url, "SELECT case_no, revision FROM x_assignment ORDER BY case_no")
    assert rows == [("c1", 2), ("c2", 1), ("c3", 1)]
    assert await rows_at(partner_url, "SELECT count(*) FROM x_case") == [(0,)]
    assert await rows_at(partner_url, "SELECT delivered_sequence, hub_id FROM x_link") == [(5, CITY)]
    assert await rows_at(partner_url, "SELECT count(*) FROM x_change_log") == [(0,)]
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT receipted_sequence FROM links")
        assert await cursor.fetchone() == (5,)


async def test_a_crash_between_the_two_commits_writes_nothing_twice_and_loses_nothing(
    ledger: Ledger, postgresql_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await _ready(postgresql_url)
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned(f"c{n}") for n in range(3)])
    told = asyncio.Event()
    confirm = links.confirm

    async def lost(driver: object, destination_id: int, sequence: int) -> None:
        if sequence and not told.is_set():
            told.set()
            raise OSError("the ledger was lost right now")
        await confirm(driver, destination_id, sequence)  # type: ignore[arg-type]

    monkeypatch.setattr(links, "confirm", lost)
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 3)
    assert told.is_set()
    assert await rows_at(postgresql_url, "SELECT count(*), max(revision) FROM x_assignment") == [(3, 1)]


async def test_a_partner_that_restored_a_backup_gets_everything_again_and_people_are_told(
    ledger: Ledger, partner_url: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    link = await _ready(partner_url)
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned(f"c{n}") for n in range(6)])
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 6)
        async with open_partner(partner_url) as vendor:
            await vendor.execute("DELETE FROM x_assignment")
            await vendor.execute("UPDATE x_link SET delivered_sequence = 2")

        async def is_back() -> bool:
            return await rows_at(partner_url, "SELECT delivered_sequence FROM x_link") == [(6,)]

        # The sign of life finds it, without a new connection.
        await until(is_back, "sent again")
    assert await rows_at(partner_url, "SELECT count(*) FROM x_assignment") == [(4,)]
    assert "went back to number 2 from 6" in caplog.text


async def test_a_clock_that_jumps_to_and_fro_changes_nothing_about_what_is_written(
    ledger: Ledger, partner_url: str, clock: FakeClock
) -> None:
    link = await _ready(partner_url)
    peer = await enrol_partner(ledger)
    async with writing(ledger, peer, link, clock):
        for number, days in enumerate((0, -2, 30, -29), 1):
            clock.advance(days=days)
            # An older revision never replaces a newer one, whatever the time says.
            await lay_down(ledger, peer, [_assigned(f"c{number}"), _assigned("c0", number)])
            await until_delivered(ledger, peer, 2 * number)
    rows = await rows_at(partner_url, "SELECT case_no, revision FROM x_assignment ORDER BY case_no")
    assert rows == [("c0", 4), ("c1", 1), ("c2", 1), ("c3", 1), ("c4", 1)]


async def test_a_partner_ahead_of_every_number_stops_the_link(
    ledger: Ledger, sqlite_url: str, clock: FakeClock
) -> None:
    link = await _ready(sqlite_url)
    peer = await enrol_partner(ledger)
    async with open_partner(sqlite_url) as partner:
        await PartnerMarks(partner, COUNTY).enter(CITY, clock())
        assert await link_row.move(partner, COUNTY, Marks(), Marks(9, 0), clock())
    await lay_down(ledger, peer, [_assigned("c1")])
    async with writing(ledger, peer, link, clock):

        async def is_stopped() -> bool:
            return "older backup" in (await link_values(ledger, peer))[2]

        await until(is_stopped, "the link stops")
    assert await rows_at(sqlite_url, "SELECT count(*) FROM x_assignment") == [(0,)]


async def test_a_refused_row_is_held_with_its_column_and_the_others_go_on(
    ledger: Ledger, mariadb_url: str, clock: FakeClock
) -> None:
    link = await _ready(mariadb_url)
    async with open_partner(mariadb_url) as vendor:
        await vendor.execute("ALTER TABLE x_assignment MODIFY unit_name varchar(3)")
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned(f"c{n}", unit_name="环卫所" if n != 4 else "县环卫所") for n in range(9)])
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 9)
        async with ledger.read() as session:
            cursor = await session.driver.execute(
                "SELECT stage, sequence, reason, field_path, message_zh FROM quarantine"
            )
            held = await cursor.fetchall()
        assert [row[:4] for row in held] == [("delivery", 5, "COLUMN_UNFIT", "x_assignment.unit_name")]
        assert "4 > 3" in held[0][4]
        assert await rows_at(mariadb_url, "SELECT count(*) FROM x_assignment") == [(8,)]
        # Mended there and replayed here, it goes out under a new number.
        async with open_partner(mariadb_url) as vendor:
            await vendor.execute("ALTER TABLE x_assignment MODIFY unit_name varchar(100)")
        async with ledger.write() as session:
            await links.send_again(session.driver, 1)
        await until_delivered(ledger, peer, 10)
    assert await rows_at(mariadb_url, "SELECT count(*) FROM x_assignment") == [(9,)]


async def test_a_partner_that_is_away_or_lacks_a_table_is_told_of_and_tried_again(
    ledger: Ledger, sqlite_url: str, clock: FakeClock
) -> None:
    link = DatabaseLink(COUNTY, "中方县", sqlite_url)
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned("c1")])
    async with writing(ledger, peer, link, clock):

        async def is_told() -> bool:
            return "x_case" in (await link_values(ledger, peer))[2]

        await until(is_told, "the missing table")
        async with open_partner(sqlite_url) as partner:
            await make_tables(partner)
        await until_delivered(ledger, peer, 1)
        assert (await link_values(ledger, peer))[2] == ""


async def test_sheets_go_to_the_partner_above(ledger: Ledger, sqlite_url: str, clock: FakeClock) -> None:
    link = await _ready(sqlite_url)
    peer = await enrol_partner(ledger, PROVINCE, "parent")
    await lay_down(ledger, peer, [an_entry(a_sheet(), CITY), an_entry(a_sheet(revision=2), CITY)])
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 2)
    assert await rows_at(sqlite_url, "SELECT unit_code, revision, total_count FROM x_figure") == [("hw01", 2, 10)]


_THEIRS = TargetTable(
    name="gd_task",
    key=("task_id", "src"),
    section="assignment",
    columns={"task_id": "case_no", "zt": "state", "dw": "unit_name", "jz_sj": "deadline_time", "db": "is_supervised"},
    words={"zt": {"dispatched": "1", "void": "9"}},
    constants={"src": "市平台"},
)
_TABLES = {
    "postgresql": "CREATE TABLE gd_task (task_id varchar(30), src varchar(20), zt smallint, dw char(10),"
    " jz_sj timestamp, db smallint, PRIMARY KEY (task_id, src))",
    "mariadb": "CREATE TABLE gd_task (task_id varchar(30), src varchar(20), zt tinyint, dw varchar(10),"
    " jz_sj datetime, db tinyint, PRIMARY KEY (task_id, src))",
    "sqlite": "CREATE TABLE gd_task (task_id TEXT, src TEXT, zt INTEGER, dw TEXT, jz_sj TEXT, db INTEGER,"
    " PRIMARY KEY (task_id, src))",
}


async def test_a_partner_with_tables_of_its_own_gets_its_own_words(
    ledger: Ledger, partner_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    async with open_partner(partner_url) as partner:
        await partner.execute(_TABLES[partner.dialect.name])
    link = DatabaseLink(COUNTY, "中方县", partner_url, Manner.THEIRS, target=(_THEIRS,), folder=tmp_path)
    peer = await enrol_partner(ledger)
    told = _assigned("c2", state=an_assignment().state.__class__.SUSPENDED, reason="等待")
    await lay_down(ledger, peer, [_assigned("c1"), told, _assigned("c3", is_supervised=True)])
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 3)
        # No mark is kept there, so it is kept here; nothing is written twice after a new start.
    async with writing(ledger, peer, link, clock):
        await lay_down(ledger, peer, [_assigned("c4")])
        await until_delivered(ledger, peer, 4)
    rows = await rows_at(partner_url, "SELECT task_id, src, zt, db FROM gd_task ORDER BY task_id")
    assert rows == [("c1", "市平台", 1, 0), ("c3", "市平台", 1, 1), ("c4", "市平台", 1, 0)]
    times = {str(row[0])[:19] for row in await rows_at(partner_url, "SELECT jz_sj FROM gd_task")}
    assert times == {"2020-06-16 10:00:00"}
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT sequence, reason, field_path FROM quarantine")
        assert await cursor.fetchall() == [(2, "PARTNER_WORD_MISSING", "gd_task.zt")]


async def _ready_with_two_tables(url: str, folder: Path) -> DatabaseLink:
    other = msgspec.structs.replace(
        _THEIRS, name="gd_note", columns={"task_id": "case_no", "dw": "unit_name"}, words={}
    )
    async with open_partner(url) as vendor:
        await vendor.execute(_TABLES[vendor.dialect.name])
        await vendor.execute(
            "CREATE TABLE gd_note (task_id varchar(30), src varchar(20), dw varchar(20), PRIMARY KEY (task_id, src))"
        )
    return DatabaseLink(COUNTY, "中方县", url, Manner.THEIRS, target=(_THEIRS, other), folder=folder)


async def test_a_table_of_the_partners_own_that_changed_is_paused_alone_and_catches_up(
    ledger: Ledger, partner_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    link = await _ready_with_two_tables(partner_url, tmp_path)
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned("c1")])
    count = "SELECT (SELECT count(*) FROM gd_task), (SELECT count(*) FROM gd_note)"
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 1)
        # While it is connected: the engine refuses the statement.
        async with open_partner(partner_url) as vendor:
            await vendor.execute("ALTER TABLE gd_note DROP COLUMN dw")
        await lay_down(ledger, peer, [_assigned("c2"), _assigned("c3")])
        await until_delivered(ledger, peer, 3)

        async def is_told() -> bool:
            told = (await link_values(ledger, peer))[2]
            return "gd_note" in told and "dw = 'unit_name'" in told and "gd_task" not in told

        await until(is_told, "the paused table")
        assert await rows_at(partner_url, count) == [(3, 1)]
    # And when it connects: the column is found missing.
    async with writing(ledger, peer, link, clock):
        await lay_down(ledger, peer, [_assigned("c4")])
        await until_delivered(ledger, peer, 4)
        await until(is_told, "the paused table")
        assert await rows_at(partner_url, count) == [(4, 1)]
        async with open_partner(partner_url) as vendor:
            await vendor.execute("ALTER TABLE gd_note ADD COLUMN dw varchar(20)")

        async def has_caught_up() -> bool:
            return await rows_at(partner_url, count) == [(4, 4)]

        await until(has_caught_up, "the rows it missed")
        await lay_down(ledger, peer, [_assigned("c5")])
        await until_delivered(ledger, peer, 5)
        assert await rows_at(partner_url, count) == [(5, 5)]

        async def is_well() -> bool:
            return (await link_values(ledger, peer))[2] == ""

        await until(is_well, "no trouble left")
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT count(*) FROM quarantine")
        assert await cursor.fetchone() == (0,)
        cursor = await session.driver.execute("SELECT count(*) FROM pickup_positions WHERE source LIKE 'unwritten/%'")
        assert await cursor.fetchone() == (0,)


async def test_rows_are_spread_over_time_for_a_weak_partner(ledger: Ledger, sqlite_url: str, clock: FakeClock) -> None:
    link = await _ready(sqlite_url, most_rows_per_second=40)
    peer = await enrol_partner(ledger)
    await lay_down(ledger, peer, [_assigned(f"c{n}") for n in range(60)])
    loop = asyncio.get_running_loop()
    async with writing(ledger, peer, link, clock):
        begun = loop.time()
        await until_delivered(ledger, peer, 60)
    assert loop.time() - begun > 0.9


async def test_handling_and_report_of_the_partner_are_not_written_back(
    ledger: Ledger, sqlite_url: str, clock: FakeClock
) -> None:
    link = await _ready(sqlite_url)
    peer = await enrol_partner(ledger)
    entries = [
        an_entry(a_case("c1", COUNTY, report=a_report()), COUNTY),
        an_entry(a_case("c1", COUNTY, handling=a_handling()), COUNTY),
        an_entry(a_case("c1", COUNTY, assignment=an_assignment()), CITY),
    ]
    await lay_down(ledger, peer, entries)
    async with writing(ledger, peer, link, clock):
        await until_delivered(ledger, peer, 3)
    for table, count in (("x_case", 0), ("x_handling", 0), ("x_assignment", 1)):
        assert await rows_at(sqlite_url, f"SELECT count(*) FROM {table}") == [(count,)]
