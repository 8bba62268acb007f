"""Deltas and the fold: by month, by any span of days, and what is left at its end."""

from exchange_db import figures, folding
from exchange_db.figures import Basis, Question
from exchange_db.records import COUNTERS, Counts
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import DAY
from tests.support.clock import NOON, at
from tests.support.counted import first_of

JUNE = Question(subtree(431221), 202006, 202006)
YEAR = Question(subtree(431200), 202001, 202012)


async def _fold(ledger: Ledger) -> int:
    async with ledger.write() as session:
        return await folding.fold(session)


async def _count(ledger: Ledger, question: Question = JUNE, basis: Basis = Basis.LEDGER) -> dict[str, Counts]:
    async with ledger.read() as session:
        found = await figures.counts(session, question, basis)
    return {key: first_of(counts) for key, counts in found.items()}


async def _changed(ledger: Ledger) -> dict[tuple[int, int], object]:
    async with ledger.read() as session:
        found = await session.driver.execute("SELECT region, month, changed_time FROM figure_changes")
        return {(row[0], row[1]): row[2] for row in await found.fetchall()}


async def test_figures_are_the_same_before_and_after_the_fold(ledger: Ledger) -> None:
    await apply_records(
        ledger,
        *a_closed_case("1"),
        *a_closed_case("2", close_requested_time=NOON + 2 * DAY),
        *a_dispatched_case("3"),
        *a_filed_case("4"),
    )
    expected = {"": Counts(total=3, dispatched_on=2, done=2, on_time=1, reported=4)}
    assert await _count(ledger) == expected
    assert await _fold(ledger) > 0
    assert await _count(ledger) == expected
    assert await _fold(ledger) == 0


async def test_a_case_that_moves_leaves_its_old_cell(ledger: Ledger) -> None:
    await apply_records(ledger, *a_dispatched_case("1", unit_code="hw01"))
    await _fold(ledger)
    await apply_records(ledger, a_dispatched_case("1", unit_code="hw02", revision=2, deadline_time=at("2020-07-02"))[1])
    await _fold(ledger)
    async with ledger.read() as session:
        by_month = await figures.totals(session, YEAR, Basis.LEDGER)
    assert first_of(by_month[431221, 202006]) == Counts(reported=1)
    assert first_of(by_month[431221, 202007]) == Counts(total=1)
    by_unit = await _count(ledger, Question(subtree(431221), 202007, 202007, group_by="unit"))
    assert by_unit == {"hw02": Counts(total=1)}


async def test_every_breakdown_adds_up_to_the_whole(ledger: Ledger) -> None:
    await apply_records(
        ledger,
        *a_closed_case("1", unit_code="hw01"),
        *a_closed_case("2", unit_code="hw02", deadline_time=at("2020-08-01")),
        *a_filed_case("3", region_code="431222", source_code="hotline_12345", class_code="0101"),
    )
    await _fold(ledger)
    await apply_records(ledger, *a_closed_case("4"))
    whole = (await _count(ledger, YEAR))[""]
    assert (whole.total, whole.reported) == (3, 4)
    for group in ("month", "region", "unit", "class", "source"):
        lines = await _count(ledger, Question(YEAR.regions, YEAR.first_month, YEAR.last_month, group_by=group))
        assert len(lines) == 2 if group != "unit" else 3
        assert [sum(getattr(line, name) for line in lines.values()) for name in COUNTERS] == [
            getattr(whole, name) for name in COUNTERS
        ]


async def test_filters_narrow_what_is_counted(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1", unit_code="hw01"), *a_dispatched_case("2", unit_code="hw02"))
    question = Question(subtree(431221), 202006, 202006, unit_code="hw02")
    assert (await _count(ledger, question))[""].total == 1
    assert await _count(ledger, Question(subtree(431222), 202006, 202006)) == {}


async def test_the_time_of_change_rises_with_every_fold_of_a_month(ledger: Ledger) -> None:
    await apply_records(ledger, *a_dispatched_case("1"))
    await _fold(ledger)
    first = await _changed(ledger)
    async with ledger.write() as session:
        await session.driver.execute("UPDATE figure_changes SET changed_time = '2199-01-01Z'")
    await apply_records(ledger, *a_dispatched_case("2"))
    await _fold(ledger)
    later = await _changed(ledger)
    assert first.keys() == later.keys() == {(431221, 202006)}
    async with ledger.read() as session:
        found = await session.driver.execute(
            "SELECT changed_time = '2199-01-01Z'::timestamptz + interval '1 microsecond' FROM figure_changes"
        )
        assert await found.fetchone() == (True,)
