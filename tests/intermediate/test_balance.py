"""Both sides of a partner's database compared: what differs is found, told with its cause, and repaired."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from connectors.reconciliation import BalancedTable, Cause
from exchange_db import link_days, months, peers
from exchange_db.inbox import Entry
from exchange_db.intermediate.partner import Partner, Row, open_partner
from exchange_db.peers import Peer
from exchange_db.records import ReportState
from exchange_db.session import Ledger
from hub.intermediate.balancing import Balance
from hub.intermediate.link_files import find_link
from hub.reconciliation.compared import ComparedLink
from hub.reconciliation.databases import DatabaseReconciler
from tests.support.applied import apply_waiting, take_in
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    a_case,
    a_cell,
    a_payload,
    a_report,
    a_sheet,
    an_assignment,
    an_entry,
)
from tests.support.clock import NOON, FakeClock
from tests.support.partners import lay_down, writing
from tests.support.pickups import Pickup, make_tables, pickup_of, write
from tests.support.stages import until


class County:
    """A county's database, the city's ledger, and the comparison of both."""

    def __init__(self, ledger: Ledger, partner: Partner, folder: Path, peer: Peer, pickup: Pickup) -> None:
        self.ledger = ledger
        self.partner = partner
        self.pickup = pickup
        self._folder = folder
        self._peer = peer
        self.clock = FakeClock(NOON + DAY)
        #: Codes in force: none, until a test adds some.
        self.codes: list[Row] = []

    async def given(self, *entries: Entry) -> None:
        """The city has records for the county that are no cases."""
        await lay_down(self.ledger, self._peer, list(entries))

    async def balance(
        self, *, is_full: bool = False, is_repairing: bool = False
    ) -> tuple[list[BalancedTable], list[str]]:
        """Compares the two."""
        link = find_link(self._folder, COUNTY)
        async with self.ledger.dedicated() as connection:
            balance = Balance(
                self.ledger, connection, self.clock, 431200, self._peer, link,
                patience_seconds=10.0, codes=self.codes,
            )  # fmt: skip
            return await balance.run(is_full=is_full, is_repairing=is_repairing)

    async def found(self, *, is_full: bool = False) -> dict[str, Cause]:
        """Returns what differs: table and key, and why."""
        tables, troubles = await self.balance(is_full=is_full)
        assert troubles == []
        return {item.place: item.cause for table in tables for item in table.found}

    async def reported(self, *case_nos: str) -> None:
        """The county reports cases."""
        known = len(await self.pickup.records())
        for case_no in case_nos:
            await write(self.partner, a_case(case_no, report=a_report(state=ReportState.FILED)), written_time=None)
        await self.pickup.until_count(known + len(case_nos))
        await apply_waiting(self.ledger, peers=(self._peer,))

    async def dispatched(self, *case_nos: str) -> None:
        """The city dispatches cases to the county."""
        payloads = [a_payload(a_case(case_no, assignment=an_assignment()), CITY) for case_no in case_nos]
        assert set((await take_in(self.ledger, payloads, now=NOON + DAY)).outcomes) == {"D"}
        await apply_waiting(self.ledger, peers=(self._peer,))

        async def is_there() -> bool:
            (count,) = (await self.partner.fetch("SELECT count(*) FROM x_assignment"))[0]
            return bool(count == len(case_nos))

        await until(is_there, "dispatched", step_seconds=0.02)

    async def unnoted(self, statement: str) -> None:
        """Changes the county's database so that its triggers note nothing."""
        marks = {
            "postgresql": ("SET sanji.exchange = 'on'", "RESET sanji.exchange"),
            "mariadb": ("SET @sanji_exchange = 1", "SET @sanji_exchange = NULL"),
            "sqlite": ("UPDATE x_session SET is_exchange = 1", "UPDATE x_session SET is_exchange = 0"),
        }
        begin, end = marks[self.partner.dialect.name]
        await self.partner.execute(begin)
        await self.partner.execute(statement)
        await self.partner.execute(end)

    async def reconciled(self, *, is_repairing: bool = False) -> ComparedLink:
        """Compares the two as the hub does, and keeps it."""

        async def compare(peer: Peer, *, is_full: bool, is_repairing: bool) -> tuple[list[BalancedTable], list[str]]:
            del peer
            return await self.balance(is_full=is_full, is_repairing=is_repairing)

        reconciler = DatabaseReconciler(self.ledger, self.clock, compare)
        return await reconciler.compare(self._peer, is_full=False, is_repairing=is_repairing)


@pytest.fixture
async def county(ledger: Ledger, partner: Partner, partner_url: str, tmp_path: Path) -> AsyncIterator[County]:
    """A county with our tables and the city's workers, on each engine in turn."""
    await make_tables(partner)
    async with AsyncExitStack() as stack:
        clock = FakeClock(NOON + DAY)
        async with ledger.write() as session:
            await months.ensure(session, clock())
        pickup = await stack.enter_async_context(pickup_of(ledger, clock, tmp_path, partner_url))
        async with ledger.read() as session:
            peer = await peers.by_id(session, COUNTY)
        assert peer is not None
        await stack.enter_async_context(pickup.running())
        county = County(ledger, partner, tmp_path, peer, pickup)
        await stack.enter_async_context(writing(ledger, peer, find_link(tmp_path, COUNTY), clock, county.codes))
        yield county


def _key(table: str, case_no: str) -> str:
    return f'{table} ["{COUNTY}","{case_no}"]'


async def test_what_both_sides_hold_is_the_same_and_the_statement_says_so(county: County) -> None:
    await county.reported("c1", "c2")
    await county.dispatched("c1")
    assert await county.found() == {}
    query = "SELECT table_name, direction, hub_count, partner_count, hub_hash = partner_hash, state FROM x_reconcile"
    told = await county.partner.fetch(f"{query} WHERE hub_count > 0 ORDER BY table_name")
    assert [tuple(row) for row in told] == [
        ("x_assignment", "out", 1, 1, True, "equal"),
        ("x_case", "in", 2, 2, True, "equal"),
    ]
    assert await county.found(is_full=True) == {}


async def test_changes_that_were_not_captured_are_found_and_picked_up(county: County) -> None:
    await county.reported("c1", "c2", "c3")
    assert await county.found() == {}
    await county.unnoted("UPDATE x_case SET address = '东街', revision = 2 WHERE case_no = 'c2'")
    assert await county.found() == {_key("x_case", "c2"): Cause.UNNOTED}
    states = await county.partner.fetch(
        "SELECT state FROM x_reconcile WHERE table_name = 'x_case' AND direction = 'in'"
    )
    assert [tuple(row) for row in states] == [("differs",)]

    tables, _ = await county.balance(is_repairing=True)
    (case,) = (one for one in tables if one.found)
    assert len(case.resent) == 1
    assert (case.own_count, case.own_hash) == (case.other_count, case.other_hash)
    assert (await county.pickup.records())[-1].report.address == "东街"  # type: ignore[union-attr]
    assert await county.found() == {}


async def test_rows_of_the_hub_that_are_changed_or_gone_are_written_again(county: County) -> None:
    await county.reported("c1", "c2", "c3")
    await county.dispatched("c1", "c2", "c3")
    assert await county.found() == {}
    await county.unnoted("UPDATE x_assignment SET revision = 9, unit_code = 'other' WHERE case_no = 'c1'")
    await county.unnoted("DELETE FROM x_assignment WHERE case_no = 'c2'")
    assert await county.found() == {
        _key("x_assignment", "c1"): Cause.ROW_CHANGED,
        _key("x_assignment", "c2"): Cause.ROW_MISSING,
    }
    before = await county.partner.fetch("SELECT * FROM x_assignment WHERE case_no = 'c3'")
    county.clock.advance(seconds=1)
    tables, _ = await county.balance(is_repairing=True)
    assert [len(one.resent) for one in tables if one.found] == [2]
    held = await county.partner.fetch("SELECT case_no, revision FROM x_assignment ORDER BY case_no")
    assert [tuple(row) for row in held] == [("c1", 1), ("c2", 1), ("c3", 1)]
    assert await county.partner.fetch("SELECT * FROM x_assignment WHERE case_no = 'c3'") == before
    assert await county.found() == {}


async def test_rows_that_went_away_before_they_were_ever_compared_are_missed(county: County) -> None:
    await county.reported("c1")
    await county.dispatched("c1")
    await county.unnoted("DELETE FROM x_assignment")
    assert await county.found() == {_key("x_assignment", "c1"): Cause.ROW_MISSING}
    # What the hub itself takes away after a while is not missed.
    county.clock.advance(days=200)
    assert await county.found() == {}


async def test_a_deleted_row_is_told_once_and_a_refused_one_until_it_is_mended(county: County) -> None:
    await county.reported("c1", "c2")
    await write(county.partner, a_case("c4"), region_code=None, written_time=None)
    await county.pickup.until_refused(1)
    assert await county.found() == {_key("x_case", "c4"): Cause.REFUSED}
    await county.unnoted("DELETE FROM x_case WHERE case_no = 'c1'")
    assert await county.found() == {
        _key("x_case", "c4"): Cause.REFUSED,
        _key("x_case", "c1"): Cause.ROW_DELETED,
    }
    assert await county.found() == {_key("x_case", "c4"): Cause.REFUSED}
    await county.unnoted("UPDATE x_case SET region_code = '431221', revision = 2 WHERE case_no = 'c4'")
    assert await county.found() == {_key("x_case", "c4"): Cause.UNNOTED}
    await county.balance(is_repairing=True)
    assert await county.found() == {}


async def test_figures_and_codes_that_were_given_are_compared_and_given_again(county: County) -> None:
    async def holds(query: str, *rows: Row) -> None:
        async def is_so() -> bool:
            return [tuple(row) for row in await county.partner.fetch(query)] == list(rows)

        await until(is_so, query, step_seconds=0.02)

    figures = "SELECT unit_code, revision, total_count FROM x_figure ORDER BY unit_code"
    codes = "SELECT code, name FROM x_code_list ORDER BY code"
    county.codes += [("GB", "event", "01", "市容", None), ("GB", "event", "02", "环卫", None)]
    await county.given(an_entry(a_sheet(a_cell(), a_cell("hw02")), CITY))
    await holds(figures, ("hw01", 1, 10), ("hw02", 1, 10))
    await holds(codes, ("01", "市容"), ("02", "环卫"))
    assert await county.found() == {}
    # A sheet is replaced whole.
    await county.given(an_entry(a_sheet(revision=2), CITY))
    await holds(figures, ("hw01", 2, 10))
    assert await county.found() == {}

    await county.unnoted("UPDATE x_figure SET total_count = 11")
    await county.unnoted("DELETE FROM x_code_list WHERE code = '02'")
    found = {place.split()[0]: cause for place, cause in (await county.found()).items()}
    assert found == {"x_figure": Cause.ROW_CHANGED, "x_code_list": Cause.ROW_MISSING}
    county.clock.advance(seconds=1)
    await county.balance(is_repairing=True)
    await holds(figures, ("hw01", 2, 10))
    await holds(codes, ("01", "市容"), ("02", "环卫"))
    assert await county.found() == {}


async def test_what_was_found_is_kept_with_the_days_of_the_link(county: County) -> None:
    await county.reported("c1", "c2")
    assert (await county.reconciled()).days[1].is_clean
    await county.unnoted("UPDATE x_case SET address = '东街', revision = 2 WHERE case_no = 'c2'")
    compared = await county.reconciled()
    assert [(day.is_sent, day.own_count, day.left_count) for day in compared.days] == [(True, 0, 0), (False, 2, 1)]
    async with county.ledger.read() as session:
        (kept,) = await link_days.differences(session, COUNTY, is_open=True)
    assert (kept.place, kept.cause) == (_key("x_case", "c2"), Cause.UNNOTED)

    assert (await county.reconciled(is_repairing=True)).days[1].left_count == 0
    county.clock.advance(days=1)
    assert (await county.reconciled()).days[1].is_clean
    async with county.ledger.read() as session:
        assert await link_days.differences(session, COUNTY, is_open=True) == []


async def test_a_table_nobody_wrote_to_is_not_summed_up_again(
    ledger: Ledger, postgresql_url: str, tmp_path: Path
) -> None:
    async with open_partner(postgresql_url) as partner:
        await make_tables(partner)
        async with pickup_of(ledger, FakeClock(NOON + DAY), tmp_path, postgresql_url) as pickup:
            async with ledger.read() as session:
                peer = await peers.by_id(session, COUNTY)
            assert peer is not None
            county = County(ledger, partner, tmp_path, peer, pickup)
            async with pickup.running():
                await write(partner, a_case("c1", report=a_report()), written_time=None)
                await pickup.until_count(1)
            first, _ = await county.balance()
            assert await county.found() == {}
            # Behind the ledger's back: only who sums up anew sees it.
            async with ledger.write() as writing_session:
                await writing_session.driver.execute("DELETE FROM partner_rows")
            second, _ = await county.balance()
            assert second == first
            third, _ = await county.balance(is_full=True)
            assert third == first
            await partner.execute("UPDATE x_case SET address = '西街'")
            assert await county.found() == {_key("x_case", "c1"): Cause.UNREAD}
