"""Sheets: when one is due, what it says, and that crashes and races neither lose nor double one."""

import pytest

from connectors.wire import read_parcel
from exchange_db import figures, folding
from exchange_db.counting import DEFINITION
from exchange_db.figures import Basis, Question
from exchange_db.records import COUNTERS, Counts, FigureSheet, Record
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.statistics import sheets
from hub.statistics.fold import FigureFold
from hub.statistics.sheets import Drawn, SheetDrawer, SheetsTooLarge, draws_sheets
from tests.support.applied import Written, a_closed_case, a_dispatched_case, apply_records, apply_waiting, take_in
from tests.support.builders import CITY, DAY, a_cell, a_sheet
from tests.support.clock import NOON
from tests.support.counted import first_of

JUNE = Question(subtree(431200), 202006, 202006)


class Desk:
    """Takes the drawer's parcels into the log, or breaks after or before that."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.payloads: list[bytes] = []
        self.breaks = ""

    async def submit(self, payloads: list[bytes]) -> None:
        if self.breaks == "before":
            raise ConnectionError
        answer = await take_in(self._ledger, payloads, now=system_clock())
        assert not answer.violations, answer.violations
        self.payloads += payloads
        if self.breaks == "after":
            raise ConnectionError

    def sheets(self) -> list[FigureSheet]:
        records: list[Record] = [read_parcel(payload).record for payload in self.payloads]
        return [record for record in records if isinstance(record, FigureSheet)]


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


@pytest.fixture
def drawer(ledger: Ledger, desk: Desk) -> SheetDrawer:
    return SheetDrawer(ledger, CITY, 431200, DEFINITION, desk.submit)


async def _apply(ledger: Ledger, *records: Written) -> None:
    await apply_records(ledger, *records)
    await FigureFold(ledger).run()


async def _sent(ledger: Ledger) -> dict[str, Counts]:
    async with ledger.read() as session:
        found = await figures.counts(session, JUNE, Basis.SHEETS)
    return {key: first_of(counts) for key, counts in found.items()}


async def test_a_sheet_says_what_the_ledger_says_and_is_drawn_once(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_closed_case("1"), *a_dispatched_case("2", unit_code="hw02"))
    assert await drawer.run() == Drawn(1, 2)
    await apply_waiting(ledger)
    assert await _sent(ledger) == {"": Counts(total=2, dispatched_on=1, done=1, on_time=1, reported=2)}
    assert await drawer.run() == Drawn(0, 0)
    (sheet,) = desk.sheets()
    assert (sheet.reporter_id, sheet.region, sheet.month, sheet.revision) == (CITY, 431221, 202006, 1)
    assert sheet.definition_ref == DEFINITION


async def test_a_change_brings_the_next_revision_with_zeros_for_what_went_away(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_dispatched_case("1", unit_code="hw01"))
    await drawer.run()
    await apply_waiting(ledger)
    await _apply(ledger, a_dispatched_case("1", unit_code="hw02", revision=2)[1])
    await drawer.run()
    await apply_waiting(ledger)
    first, second = desk.sheets()
    assert (first.revision, second.revision) == (1, 2)
    assert second.cutoff_time > first.cutoff_time
    assert {cell.unit_code: cell.counts.total for cell in second.cells} == {"hw01": 0, "hw02": 1}
    assert await drawer.run() == Drawn(0, 0)


async def test_a_drawing_that_broke_before_the_log_is_drawn_again(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_dispatched_case("1"))
    desk.breaks = "before"
    with pytest.raises(ConnectionError):
        await drawer.run()
    desk.breaks = ""
    assert await drawer.run() == Drawn(1, 1)
    await apply_waiting(ledger)
    assert (await _sent(ledger))[""].total == 1


async def test_a_drawing_that_broke_after_the_log_gives_the_same_bytes_again(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_dispatched_case("1"))
    desk.breaks = "after"
    with pytest.raises(ConnectionError):
        await drawer.run()
    desk.breaks = ""
    await drawer.run()
    first, second = desk.payloads
    assert first == second
    await apply_waiting(ledger)
    assert (await _sent(ledger))[""].total == 1
    assert await drawer.run() == Drawn(0, 0)


async def test_figures_that_change_while_a_sheet_waits_are_not_lost(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_dispatched_case("1"))
    await drawer.run()
    async with ledger.dedicated() as connection:
        waiting = await connection.driver.execute("SELECT count(*) FROM figure_sheets")
        assert await waiting.fetchone() == (0,)
    await _change_without_applying_sheets(ledger)
    await drawer.run()
    assert [sheet.revision for sheet in desk.sheets()] == [1, 1]
    await apply_waiting(ledger)
    assert await drawer.run() == Drawn(1, 1)
    await apply_waiting(ledger)
    assert (await _sent(ledger))[""].total == 2
    assert await drawer.run() == Drawn(0, 0)
    assert desk.sheets()[-1].revision == 2


async def _change_without_applying_sheets(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection, connection.transaction() as session:
        change = [int(name == "total") for name in COUNTERS]
        await folding.add_deltas(session, {(431221, "hw01", "k", "01"): {20200615: change}})
        await session.driver.execute("UPDATE figure_deltas SET class_key = (SELECT min(class_key) FROM figures)")
    await FigureFold(ledger).run()


async def test_a_fold_that_commits_after_a_sheet_was_drawn_makes_it_due_again(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk
) -> None:
    await _apply(ledger, *a_dispatched_case("1"))
    await apply_records(ledger, *a_dispatched_case("2"))
    async with ledger.write() as session:
        assert await folding.fold(session) > 0
        await drawer.run()
        await apply_waiting(ledger)
    assert (await _sent(ledger))[""].total == 1
    assert await drawer.run() == Drawn(1, 1)
    await apply_waiting(ledger)
    assert (await _sent(ledger))[""].total == 2


async def test_a_sheet_with_too_many_cells_is_refused_loudly_and_the_others_are_drawn(
    ledger: Ledger, drawer: SheetDrawer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_CELLS", 2)
    june = [a_dispatched_case(str(number), unit_code=f"hw{number}") for number in range(3)]
    await _apply(ledger, *[record for records in june for record in records])
    await _apply(ledger, *a_dispatched_case("9", deadline_time=NOON + 40 * DAY))
    with pytest.raises(SheetsTooLarge, match="431221/202006"):
        await drawer.run()
    assert [sheet.month for sheet in desk.sheets()] == [202007]


async def test_of_two_sheets_about_a_month_the_citys_counts(ledger: Ledger) -> None:
    def drawn(reporter_id: str, total: int) -> FigureSheet:
        return a_sheet(a_cell(total=total), reporter_id=reporter_id)

    for reporter_id, total in (("431221.platform", 9), (CITY, 5), ("430000.hub", 7)):
        await apply_records(ledger, drawn(reporter_id, total), hub_id="430000.hub")
    assert (await _sent(ledger))[""].total == 5


async def test_an_older_revision_never_replaces_a_newer_one(ledger: Ledger) -> None:
    await apply_records(ledger, a_sheet(a_cell(total=5), revision=2))
    await apply_records(ledger, a_sheet(a_cell(total=9), revision=1))
    assert (await _sent(ledger))[""].total == 5


def test_cities_draw_sheets_unless_told_otherwise() -> None:
    assert [draws_sheets(None, region) for region in (0, 430000, 431200, 431221)] == [False, False, True, False]
    assert draws_sheets(chosen=True, hub_region=110000)
    assert not draws_sheets(chosen=False, hub_region=431200)
