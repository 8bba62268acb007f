"""The nightly proof, and what an upgrade leaves to be done: cases filled from the log, everything counted anew."""

import pytest

from exchange_db import audit, figure_duties, figures
from exchange_db.counting import CountingRules
from exchange_db.figures import Basis, Question
from exchange_db.records import Counts
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.statistics.checking import FigureCheck, FiguresDiffer
from hub.statistics.fold import FigureFold
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY
from tests.support.clock import FakeClock, at


async def _june(ledger: Ledger) -> Counts:
    async with ledger.read() as session:
        return (await figures.counts(session, Question(subtree(431221), 202006, 202006), Basis.LEDGER))[""]


def _check(ledger: Ledger, hour: int = 3) -> FigureCheck:
    return FigureCheck(ledger, CountingRules(), CITY, hour, lambda: at(f"2020-06-15T{hour:02d}:30:00+08:00"))


async def test_figures_are_proved_in_the_hour_of_the_check_only(ledger: Ledger, clock: FakeClock) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    assert (await _check(ledger).run()).startswith("1 件案件")
    day = FigureCheck(ledger, CountingRules(), CITY, 3, lambda: at("2020-06-15T14:30:00+08:00"))
    assert await day.run() == ""


async def test_a_difference_is_told_and_not_put_right_in_silence(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await FigureFold(ledger).run()
    async with ledger.write() as session:
        await session.driver.execute("UPDATE figure_days SET closed = closed + 1")
        await session.driver.execute("UPDATE figure_totals SET closed = closed + 1 WHERE kind = 3")
    for _ in range(2):
        with pytest.raises(FiguresDiffer, match="rebuild --write"):
            await _check(ledger).run()
    async with ledger.read() as session:
        found = await audit.search(session, audit.Search(action="figures.differ"), limit=9)
    assert [entry.reason for entry in found] == ["FIGURES_DIFFER"] * 2


async def test_after_an_upgrade_cases_are_filled_from_the_log_and_counted_anew(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    await FigureFold(ledger).run()
    right = await _june(ledger)
    assert right.check_replied == 1
    async with ledger.write() as session:
        driver = session.driver
        # As an older version left it: nothing but the first counters, by month alone.
        await driver.execute(
            "UPDATE cases SET grid_code = '', accepted_time = NULL, verified_time = NULL, filed_time = NULL,"
            " check_sent_time = NULL, check_answered_time = NULL"
        )
        await driver.execute("DELETE FROM figure_days")
        await driver.execute("UPDATE figures SET closed = 0, check_replied = 0, filed = 0")
        await driver.execute("INSERT INTO figure_duties VALUES ('refill'), ('recount')")
    told = await _check(ledger, hour=14).run()
    assert "补全 1 件" in told
    assert await _june(ledger) == right
    async with ledger.read() as session:
        assert await figure_duties.duties(session) == set()
    assert (await _check(ledger).run()).startswith("2 件案件")
