"""Pages kept unread while much waits at a PostgreSQL partner: complete, in order, bounded, through any crash."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange_db import pickup_pages, pickups
from exchange_db.errors import LeaseLost
from exchange_db.intermediate import schema
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.reading import snapshot_log
from exchange_db.intermediate.reading.packed import Form, PackedPage, unpack
from exchange_db.intermediate.reading.pages import ChangedRow, ReadTable
from exchange_db.intermediate.reading.snapshot_log import SnapshotLog
from exchange_db.records import Component, Record
from exchange_db.session import Ledger
from hub.intermediate import keeping, pickup
from hub.intermediate.intaking import Take
from tests.support.builders import COUNTY, a_case, a_component, a_handling, a_report, an_action
from tests.support.clock import NOON, FakeClock
from tests.support.pickups import Pickup, make_tables, pickup_of, write

ROWS = 30


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a backlog of few rows: two at once, four in a page that is kept."""
    monkeypatch.setattr(pickup, "_SMALLEST_PAGE", 2)
    monkeypatch.setattr(pickup, "_KEPT_PAGE", 4)
    monkeypatch.setattr(snapshot_log, "_CUT", 2)
    monkeypatch.setattr(snapshot_log, "_FEWEST", 2)


@pytest.fixture
async def partner(postgresql_url: str) -> AsyncIterator[PostgresqlPartner]:
    """A PostgreSQL partner with our tables."""
    async with open_partner(postgresql_url) as opened:
        assert isinstance(opened, PostgresqlPartner)
        await make_tables(opened)
        yield opened


class Door:
    """The intake desk behind a door: rows that are taken at once pass, kept ones only while it is open."""

    def __init__(self) -> None:
        self._open = asyncio.Event()

    def open(self) -> None:
        """Lets kept rows pass from now on."""
        self._open.set()

    def before(self, take: Take) -> Take:
        """Returns the desk behind this door."""

        async def act(*args: Any) -> Any:
            if args[-1].page_no or args[-1].position is None:
                await self._open.wait()
            return await take(*args)

        return act


@pytest.fixture
def door() -> Door:
    """A closed door."""
    return Door()


@pytest.fixture
async def hub(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, postgresql_url: str, partner: PostgresqlPartner, door: Door
) -> AsyncIterator[Pickup]:
    """A hub with this partner; the worker does not run yet."""
    clock.advance(days=2)
    async with pickup_of(ledger, clock, tmp_path, postgresql_url, change_take=door.before) as opened:
        yield opened


async def _write_many(partner: PostgresqlPartner, numbers: range, **changes: Any) -> None:
    async with partner.transaction():
        for number in numbers:
            await write(partner, a_component(number), **changes)


async def _until_kept(hub: Pickup, rows: int) -> None:
    async def is_so() -> bool:
        return bool((await hub.rows("SELECT coalesce(sum(row_count), 0) FROM pickup_pages"))[0][0] >= rows)

    await hub.until(is_so)


async def _until_empty(hub: Pickup) -> None:
    async def is_so() -> bool:
        return not await hub.rows("SELECT 1 FROM pickup_pages UNION ALL SELECT 1 FROM pickup_bytes")

    await hub.until(is_so)


def _ids(found: list[Record]) -> list[int]:
    return [int(record.component_id[-6:]) for record in found if isinstance(record, Component)]


async def test_a_backlog_is_kept_first_and_nothing_later_overtakes_it(
    hub: Pickup, partner: PostgresqlPartner, door: Door
) -> None:
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await _until_kept(hub, ROWS - 2)
        # All of it is here; two rows were taken before it was seen that many wait.
        assert len(await hub.records()) == 2
        await write(partner, a_component(7, name="井盖", revision=2))
        await _until_kept(hub, ROWS - 1)
        door.open()
        found = await hub.until_count(ROWS + 1)
        await _until_empty(hub)
        # Nothing waits any more: one row alone is taken at once.
        await write(partner, a_component(ROWS))
        await hub.until_count(ROWS + 2)
    assert sorted(_ids(found)) == sorted([*range(ROWS), 7])
    assert [record.name for record in found if isinstance(record, Component) and _ids([record]) == [7]] == [
        "污水井盖",
        "井盖",
    ]


async def test_killed_between_keeping_and_records_the_partner_is_not_needed_again(
    hub: Pickup, partner: PostgresqlPartner, door: Door, tmp_path: Path, postgresql_url: str
) -> None:
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await _until_kept(hub, ROWS - 2)
    file = tmp_path / "county.toml"
    text = file.read_text()
    file.write_text(text.replace(postgresql_url, "postgresql://nobody@127.0.0.1:1/nothing"))
    door.open()
    async with hub.running():
        found = await hub.until_count(ROWS)
        await _until_empty(hub)
    file.write_text(text)
    async with hub.running():
        await write(partner, a_component(ROWS))
        await hub.until_count(ROWS + 1)
    assert sorted(_ids(found)) == list(range(ROWS))
    assert await hub.refusals() == []


async def test_what_is_kept_is_bounded_and_reading_goes_on_when_there_is_room(
    hub: Pickup, partner: PostgresqlPartner, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_MEGABYTE", 10)  # the link file's 512 of them are 5,120 bytes
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await hub.until(lambda: hub.rows("SELECT 1 FROM pickup_pages HAVING sum(byte_count) >= 5120"))
        ((kept, size, pages),) = await hub.rows("SELECT sum(row_count), sum(byte_count), count(*) FROM pickup_pages")
        await asyncio.sleep(0.3)
        assert await hub.rows("SELECT sum(row_count), sum(byte_count), count(*) FROM pickup_pages") == [
            (kept, size, pages)
        ]
        assert kept < ROWS - 2
        assert size < 5120 + 2 * size / pages
        door.open()
        found = await hub.until_count(ROWS)
        await _until_empty(hub)
    assert sorted(_ids(found)) == list(range(ROWS))


async def test_bad_rows_in_kept_pages_are_held_exactly(hub: Pickup, partner: PostgresqlPartner, door: Door) -> None:
    door.open()
    # Each is written once: what is refused is tried again whenever it is written again.
    for number in range(ROWS):
        await write(partner, a_component(number), **({"class_code": None} if number % 10 == 9 else {}))
    async with hub.running():
        found = await hub.until_count(ROWS - 3)
        refused = await hub.until_refused(3)
        await _until_empty(hub)
    assert sorted(_ids(found)) == [number for number in range(ROWS) if number % 10 != 9]
    assert sorted(int(image[0]["key"][1][-6:]) for _, _, image in refused) == [9, 19, 29]
    assert {(reason, path) for reason, path, _ in refused} == {("FIELD_MISSING", "x_component.class_code")}


async def test_a_flood_of_bad_rows_ends_with_the_table_and_not_with_the_pages(
    ledger: Ledger,
    clock: FakeClock,
    tmp_path: Path,
    postgresql_url: str,
    partner: PostgresqlPartner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.advance(days=2)
    monkeypatch.setattr(keeping, "_ROWS", 8)
    await _write_many(partner, range(ROWS), class_code=None)
    link = "most_refused_per_hour = 5\n"
    async with pickup_of(ledger, clock, tmp_path, postgresql_url, link) as hub, hub.running():
        await hub.until(lambda: hub.rows("SELECT 1 FROM pickup_pauses WHERE reason = 'flood'"))
        await _until_empty(hub)
        assert 5 < len(await hub.refusals()) < ROWS


async def test_deleted_rows_and_changed_keys_are_told_from_kept_pages(
    hub: Pickup, partner: PostgresqlPartner, door: Door
) -> None:
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await _until_kept(hub, ROWS - 2)
        async with partner.transaction():
            await partner.execute("DELETE FROM x_component WHERE component_id LIKE '%%5'")
            await partner.execute(
                "UPDATE x_component SET component_id = '4312210102000099' WHERE component_id LIKE '%%000011'"
            )
        await _until_kept(hub, ROWS + 3)
        door.open()
        found = await hub.until_count(ROWS + 1)
        refused = await hub.until_refused(4)
    assert sorted(_ids(found)) == sorted([*range(ROWS), 99])
    assert {(reason, image[0]["key"][1][-2:]) for reason, _, image in refused} == {
        ("ROW_DELETED", number) for number in ("05", "15", "25", "11")
    }


async def test_rows_that_are_read_again_unchanged_leave_nothing(
    hub: Pickup, partner: PostgresqlPartner, door: Door
) -> None:
    door.open()
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await hub.until_count(ROWS)
        await partner.execute("UPDATE x_component SET written_time = written_time")
        await write(partner, a_component(ROWS))
        await hub.until_count(ROWS + 1)
        await _until_empty(hub)
    assert len(await hub.records()) == ROWS + 1


async def test_rows_kept_by_other_columns_are_read_again(
    hub: Pickup, partner: PostgresqlPartner, door: Door, ledger: Ledger
) -> None:
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await _until_kept(hub, ROWS - 2)
    async with ledger.write() as session:
        await session.driver.execute("""UPDATE pickup_pages SET shape = replace(shape, '"name"', '"title"')""")
    door.open()
    async with hub.running():
        found = await hub.until_count(ROWS)
        await _until_empty(hub)
    assert sorted(_ids(found)) == list(range(ROWS))


async def test_evidence_and_rows_too_large_are_kept_row_by_row(
    hub: Pickup, partner: PostgresqlPartner, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_log, "_MOST_BYTES", 200)
    await _write_many(partner, range(ROWS))
    async with hub.running():
        await _until_kept(hub, ROWS - 2)
        assert await hub.rows("SELECT DISTINCT form FROM pickup_pages") == [("rows",)]
        door.open()
        found = await hub.until_count(ROWS)
    assert sorted(_ids(found)) == list(range(ROWS))


async def test_who_did_not_read_the_last_page_keeps_none(ledger: Ledger) -> None:
    async with ledger.write() as session:
        await pickups.move_position(session, COUNTY, "key_log", None, "1")
        await pickups.move_position(session, COUNTY, "key_log", "1", "2")
    for before in (None, "1"):
        with pytest.raises(LeaseLost):
            async with ledger.write() as session:
                await pickups.move_position(session, COUNTY, "key_log", before, "3")
    async with ledger.watching() as connection:
        assert await pickups.position_of(connection.driver, COUNTY, "key_log") == "2"
        assert (await pickup_pages.waiting(connection.driver, COUNTY, "key_log")).page_count == 0


async def _opened(session: PostgresqlPartner) -> SnapshotLog:
    tables = {table.name: ReadTable.ours(session.dialect, table) for table in schema.SHARED}
    log = SnapshotLog(session, tables, "test", None)
    await log.open()
    return log


def _rows(page: PackedPage | None) -> dict[tuple[Any, ...], ChangedRow]:
    assert page is not None
    return {(row.table, row.key): row for part in page.parts for row in unpack(part)}


@pytest.mark.parametrize("is_shared", [False, True])
async def test_packed_rows_are_those_that_are_read_one_by_one(
    partner: PostgresqlPartner, postgresql_url: str, *, is_shared: bool
) -> None:
    case = a_case(report=a_report(), handling=a_handling(), actions=(an_action(action_time=NOON),))
    await write(partner, case, *(a_component(number) for number in range(9)))
    await partner.execute("UPDATE x_component SET name = %s WHERE component_id LIKE '%%1'", ("ｘ'\n√",))
    await partner.execute("DELETE FROM x_component WHERE component_id LIKE '%%3'")
    await partner.execute("TRUNCATE x_verdict")
    async with open_partner(postgresql_url) as reader, open_partner(postgresql_url) as second:
        assert isinstance(reader, PostgresqlPartner)
        assert isinstance(second, PostgresqlPartner)
        page = await (await _opened(reader)).page(1_000)
        log = await _opened(reader)
        await log.share(second if is_shared else None)
        packed = await log.packed(1_000)
    assert page is not None
    assert packed is not None
    assert {part.form for part in packed.parts} == {Form.RECORDS, Form.ROWS}
    assert _rows(packed) == {(row.table, row.key): row for row in page.rows}
    assert packed.position == page.position
    assert not packed.is_full
