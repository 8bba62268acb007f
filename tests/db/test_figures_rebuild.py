"""Counting anew: the figures are what the cases say, and what is not is found and put right."""

import pytest

from exchange_db import figures, folding
from exchange_db.counting import CountingRules
from exchange_db.figures import Basis, Question
from exchange_db.records import COUNTERS, Counts
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.statistics.fold import FigureFold
from hub.statistics.rebuild import FigureRebuild, RebuildBusy
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import STANDARD
from tests.support.clock import at

PLACE = (431221, "hw01", f"{STANDARD}|E|0203", "01")


@pytest.fixture
def rebuild(ledger: Ledger) -> FigureRebuild:
    return FigureRebuild(ledger, CountingRules())


async def _fill(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"), *a_filed_case("3"))
    await FigureFold(ledger).run()
    await apply_records(ledger, *a_closed_case("4"))


async def _total(ledger: Ledger) -> Counts:
    async with ledger.read() as session:
        return (await figures.counts(session, Question(subtree(431221), 202006, 202006), Basis.LEDGER))[""]


async def test_what_apply_and_fold_made_is_what_the_cases_say(ledger: Ledger, rebuild: FigureRebuild) -> None:
    await _fill(ledger)
    found = await rebuild.check()
    assert (found.case_count, found.differences) == (4, [])


async def test_a_wrong_figure_is_found_and_put_right(ledger: Ledger, rebuild: FigureRebuild) -> None:
    await _fill(ledger)
    right = await _total(ledger)
    async with ledger.write() as session:
        await session.driver.execute("UPDATE figures SET done = done + 5 WHERE unit_code = 'hw01'")
        await session.driver.execute(
            f"INSERT INTO figures (month, region, unit_code, class_key, source_code, {', '.join(COUNTERS)})"
            " SELECT 209901, region, 'nobody', class_key, source_code, 3"
            + ", 0"
            * (len(COUNTERS) - 1)
            + " FROM figures"
            " LIMIT 1"
        )
    found = (await rebuild.check()).differences
    assert [(difference.cell[:3], difference.stored.total, difference.counted.total) for difference in found] == [
        ((431221, 202006, "hw01"), 3, 3),
        ((431221, 209901, "nobody"), 3, 0),
    ]
    assert found[0].stored.done == found[0].counted.done + 5
    assert (await rebuild.check()).differences == found
    assert (await rebuild.write()).differences == found
    assert await _total(ledger) == right
    assert (await rebuild.check()).differences == []


async def test_records_may_be_applied_and_folded_while_it_counts(ledger: Ledger, rebuild: FigureRebuild) -> None:
    await _fill(ledger)
    async with ledger.write() as session:
        await session.driver.execute("UPDATE figures SET total = total + 1")
    async with ledger.dedicated() as connection, connection.transaction() as slow:
        await folding.add_deltas(slow, {PLACE: {20200601: [0] * len(COUNTERS)}})
        await rebuild.write()
        await apply_records(ledger, *a_closed_case("5"))
        await FigureFold(ledger).run()
    assert (await rebuild.check()).differences == []


async def test_a_changed_rule_shows_as_differences_until_it_is_written(ledger: Ledger) -> None:
    await apply_records(ledger, *a_dispatched_case("1", deadline_time=at("2020-07-01T00:30:00+08:00")))
    elsewhere = FigureRebuild(ledger, CountingRules(zone="UTC"))
    moved = [difference.cell[1] for difference in (await elsewhere.write()).differences]
    assert moved == [202006, 202007, 20200630, 20200701]
    assert (await elsewhere.check()).differences == []


async def test_only_one_recount_runs_at_a_time(ledger: Ledger, rebuild: FigureRebuild) -> None:
    async with ledger.dedicated() as other:
        await other.driver.execute("SELECT pg_advisory_lock(%s)", (0x53414E4A4902,))
        with pytest.raises(RebuildBusy):
            await rebuild.check()
    assert (await rebuild.check()).case_count == 0
