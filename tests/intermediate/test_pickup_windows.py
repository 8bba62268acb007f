"""The key log of PostgreSQL: late commits, order, plans, locks, rotation; and late commits on MariaDB."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange_db.intermediate import schema
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import Partner, open_partner
from exchange_db.intermediate.reading import snapshot_log
from exchange_db.intermediate.reading.pages import Page, ReadTable
from exchange_db.intermediate.reading.snapshot_log import SnapshotLog
from exchange_db.session import Ledger
from tests.support.builders import COUNTY, a_case, a_component
from tests.support.clock import FakeClock
from tests.support.pickups import Pickup, make_tables, pickup_of, write


@pytest.fixture
async def partner(postgresql_url: str) -> AsyncIterator[PostgresqlPartner]:
    """A PostgreSQL partner with our tables."""
    async with open_partner(postgresql_url) as opened:
        assert isinstance(opened, PostgresqlPartner)
        await make_tables(opened)
        yield opened


@pytest.fixture
async def session(postgresql_url: str) -> AsyncIterator[PostgresqlPartner]:
    """Another session of the same database, the reader's."""
    async with open_partner(postgresql_url) as opened:
        assert isinstance(opened, PostgresqlPartner)
        yield opened


@pytest.fixture
async def hub(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, postgresql_url: str, partner: Partner
) -> AsyncIterator[Pickup]:
    """A hub with a PostgreSQL partner; the worker does not run yet."""
    clock.advance(days=2)
    async with pickup_of(ledger, clock, tmp_path, postgresql_url) as pickup:
        yield pickup


async def _log(session: PostgresqlPartner, position: str | None = None) -> SnapshotLog:
    tables = {table.name: ReadTable.ours(session.dialect, table) for table in schema.SHARED}
    log = SnapshotLog(session, tables, "test", position)
    await log.open()
    return log


def _keys(page: Page | None) -> list[str]:
    return [row.key[-1] for row in page.rows] if page else []


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
async def test_a_late_commit_is_neither_skipped_nor_waited_for(
    engine: str, ledger: Ledger, clock: FakeClock, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    clock.advance(days=2)
    url = request.getfixturevalue(f"{engine}_url")
    async with (
        open_partner(url) as early,
        open_partner(url) as other,
        pickup_of(ledger, clock, tmp_path, url) as hub,
    ):
        await make_tables(early)
        async with hub.running():
            async with early.transaction():
                await write(early, a_component(1))
                await write(other, a_component(2))
                assert [record.component_id[-1] for record in await hub.until_count(1)] == ["2"]  # type: ignore[union-attr]
                await write(other, a_component(3))
                await hub.until_count(2)
            found = await hub.until_count(3)
    assert [record.component_id[-1] for record in found] == ["2", "3", "1"]  # type: ignore[union-attr]


async def test_changes_come_in_the_order_of_transactions_not_of_their_digits(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    await write(partner, *(a_case(number) for number in "abc"))
    await partner.execute("DELETE FROM x_change_log")
    for number, tx in (("a", 9), ("b", 10), ("c", 100)):
        await partner.execute(
            "INSERT INTO x_change_log (tx, table_name, row_key, op) VALUES (%s::text::xid8, 'x_case', %s, 'U')",
            (tx, [COUNTY, number]),
        )
    log = await _log(session)
    assert [_keys(await log.page(1)) for _ in range(3)] == [["a"], ["b"], ["c"]]
    assert await log.page(1) is None


async def test_a_window_is_drained_page_by_page_across_a_restart(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    await write(partner, *(a_case(number) for number in "abcd"))
    log = await _log(session)
    first = await log.page(2)
    assert first is not None
    assert _keys(first) == ["a", "b"]
    # A change made meanwhile belongs to the next window; its row is read as it stands already now.
    await write(partner, a_case("c"), address="新址")
    await log.settle()
    log = await _log(session, first.position)
    page = await log.page(10)
    assert _keys(page) == ["c", "d"]
    assert page is not None
    await log.settle()
    assert "新址" in (page.rows[0].values or ())
    log = await _log(session, page.position)
    assert _keys(await log.page(10)) == ["c"]


async def test_many_changes_of_a_row_are_one_and_a_truncated_table_is_told(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    for _ in range(5):
        await write(partner, a_case("a"))
    await write(partner, a_component())
    await partner.execute("TRUNCATE x_component")
    page = await (await _log(session)).page(100)
    assert page is not None
    assert [(row.table, row.key[1:], row.values is None) for row in page.rows] == [
        ("x_case", ("a",), False),
        ("x_component", ("4312210102000001",), True),
        ("x_component", (), True),
    ]


async def test_rows_are_read_by_index_however_large_the_table(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    await write(partner, a_case("0"))
    await partner.execute(
        "INSERT INTO x_case SELECT (jsonb_populate_record(c, jsonb_build_object('case_no', n::text))).*"
        " FROM x_case c, generate_series(1, 3000) n"
    )
    await partner.execute("ANALYZE x_case")
    log = await _log(session)
    statement = await log._rows._by_arrays(session, ReadTable.ours(session.dialect, schema.CASE))
    numbers = [str(number) for number in range(2000)]
    plan = "\n".join(row[0] for row in await session.fetch(f"EXPLAIN {statement}", [[COUNTY] * len(numbers), numbers]))
    assert "Index Scan" in plan
    assert "Seq Scan" not in plan
    assert "Hash" not in plan
    page = await log.page(4000)
    assert page is not None
    assert len(page.rows) == 3001


async def test_an_idle_reader_keeps_nobody_from_changing_tables(hub: Pickup, partner: PostgresqlPartner) -> None:
    await write(partner, a_component(1))
    async with hub.running():
        await hub.until_count(1)
        await partner.execute("SET lock_timeout = '5s'")
        await partner.execute("ALTER TABLE x_change_log ADD COLUMN theirs int")
        await partner.execute("ALTER TABLE x_component ADD COLUMN theirs int")
        await write(partner, a_component(2))
        await hub.until_count(2)
    open_since = await partner.fetch(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
    )
    assert open_since == []


async def test_a_log_that_was_large_gives_its_space_back(
    partner: PostgresqlPartner, session: PostgresqlPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_log, "_TRUNCATED_BYTES", 1000)
    await write(partner, *(a_case(str(number)) for number in range(200)))
    log = await _log(session)
    page = await log.page(500)
    assert page is not None
    await log.settle()
    # With a writer in the log it is only emptied; nobody waits.
    async with partner.transaction():
        await write(partner, a_case("late"))
        await log._clear()
    assert (await partner.fetch("SELECT pg_relation_size('x_change_log') > 0, count(*) FROM x_change_log"))[0] == (
        True,
        1,
    )
    assert _keys(await log.page(500)) == ["late"]
    await log.settle()
    await log._clear()
    assert await partner.fetch("SELECT pg_relation_size('x_change_log')") == [(0,)]


async def test_a_sleeping_reader_is_woken_and_a_waking_one_costs_no_notification(
    partner: PostgresqlPartner, session: PostgresqlPartner, hub: Pickup
) -> None:
    asleep = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
    await session.execute("LISTEN x_change")
    await write(partner, a_component(1))
    assert not await session.wait_for_notice(0.1)
    async with hub.running():
        await hub.until_count(1)

        async def is_asleep() -> bool:
            return bool(await partner.fetch(asleep))

        # It sleeps longer and longer, and is awake for a moment in between: such a row needs no telling.
        number = 2
        await hub.until(is_asleep)
        await write(partner, a_component(number))
        while not await session.wait_for_notice(0.5):
            number += 1
            assert number < 10, "a reader that sleeps is never told"
            await hub.until(is_asleep)
            await write(partner, a_component(number))
        await hub.until_count(number)
    assert not await partner.fetch(asleep)


async def test_a_database_restored_into_another_server_is_read_from_the_beginning(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    await write(partner, a_case("a"))
    ahead = '["9000000000:9000000000:", null, "0", 0, 7]'
    await partner.execute("INSERT INTO x_reader VALUES ('test', %s)", (ahead,))
    log = await _log(session, ahead)
    assert log.is_restored
    assert _keys(await log.page(10)) == ["a"]


async def test_a_restored_database_is_read_on_from_where_it_stands_itself(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    log = await _log(session)
    await write(partner, a_case("a"))
    await log.page(10)
    await log.settle()
    assert not (await _log(session, await _position(partner))).is_restored
    # The hub had read on, under numbers that have since been given to other transactions.
    await write(partner, a_case("b"))
    number = int((await partner.fetch("SELECT pg_current_xact_id()::text"))[0][0])
    log = await _log(session, f'["{number}:{number}:", null, "0", 0, 3]')
    assert log.is_restored
    assert _keys(await log.page(10)) == ["b"]


async def test_a_page_the_partner_was_not_told_of_is_read_again_and_an_older_ledger_goes_by_its_own_place(
    partner: PostgresqlPartner, session: PostgresqlPartner
) -> None:
    log = await _log(session)
    await write(partner, a_case("a"))
    first = await log.page(10)
    await log.settle()
    await write(partner, a_case("b"))
    second = await log.page(10)
    assert first is not None
    assert second is not None
    again = await _log(session, second.position)
    assert not again.is_restored
    assert _keys(await again.page(10)) == ["b"]
    await log.settle()
    again = await _log(session, first.position)
    assert not again.is_restored
    assert _keys(await again.page(10)) == ["b"]


async def _position(partner: Partner) -> str:
    position: str = (await partner.fetch("SELECT position FROM x_reader WHERE reader_id = 'test'"))[0][0]
    return position
