"""Freezing: late closing, voiding, extending and moving over a month's end change what they must, as corrections."""

import asyncio

import pytest

from exchange_db import figure_runs, frozen_figures
from exchange_db.counting import CountingRules
from exchange_db.records import AssignmentState, Decision, RequestKind, Violated
from exchange_db.session import Ledger
from tests.support.applied import Written, a_closed_case, a_dispatched_case, a_filed_case
from tests.support.builders import CITY, COUNTY, DAY, HOUR, a_case, a_handling, a_verdict, an_assignment
from tests.support.clock import NOON, FakeClock, at
from tests.support.periods import City, settings_of

#: Three days into July, when June is due.
JULY_4 = at("2020-07-04T08:00:00+08:00")


@pytest.fixture
def city(ledger: Ledger, clock: FakeClock) -> City:
    return City.over(ledger, clock, settings_of(frozen=("month",)))


async def _june_frozen(city: City) -> None:
    """Three cases due in June: one done, one dispatched, one that will be void; then June is frozen."""
    await city.apply(*a_closed_case("done"), *a_dispatched_case("open"), *a_dispatched_case("other"))
    city.clock.now = JULY_4
    assert [frozen.period.name for frozen in await city.freezer.run()] == ["2020-06"]


def _closing(case_no: str, moment: int) -> list[Written]:
    handling = a_handling(
        received_time=NOON + 2 * HOUR, dispatched_on_time=NOON + 3 * HOUR, disposed_time=moment,
        close_requested_time=moment,
    )  # fmt: skip
    verdict = a_verdict(check_sent_time=moment + 1, check_answered_time=moment + 2, closed_time=moment + 2)
    return [(a_case(case_no, handling=handling), COUNTY), (a_case(case_no, verdict=verdict), CITY)]


async def test_a_period_is_frozen_when_it_is_due_and_once(city: City) -> None:
    await city.apply(*a_closed_case("1"))
    city.clock.now = at("2020-07-03T23:59:59+08:00")
    assert await city.freezer.run() == []
    city.clock.now = at("2020-07-04T00:00:00+08:00")
    (frozen,) = await city.freezer.run()
    assert (frozen.period.name, frozen.cell_count) == ("2020-06", 1)
    assert await city.freezer.run() == []
    assert (await city.said("2020-06"))["total"] == 1


async def test_two_that_freeze_at_once_take_one_picture(city: City, database_url: str) -> None:
    await city.apply(*a_closed_case("1"))
    june = city.calendar.parse("2020-06")
    city.clock.now = JULY_4
    async with Ledger(database_url, pool_size=0) as other:
        rival = City.over(other, city.clock, city.settings)
        frozen = await asyncio.gather(city.freezer.freeze(june), rival.freezer.freeze(june))
    assert [one.cell_count for one in frozen if one] == [1]
    assert (await city.said("2020-06"))["total"] == 1


async def test_an_open_period_cannot_be_frozen(city: City) -> None:
    with pytest.raises(Violated, match="PERIOD_OPEN"):
        await city.freezer.freeze(city.calendar.parse("2020-06"))


async def test_a_case_closed_late_changes_only_what_it_must(city: City) -> None:
    await _june_frozen(city)
    frozen = await city.said("2020-06")
    assert (frozen["total"], frozen["done"], frozen["on_time"]) == (3, 1, 1)
    await city.apply(*_closing("open", at("2020-07-02T10:00:00+08:00")))
    ((reason, changed, case_count),) = await city.correct("2020-06")
    assert (reason, case_count) == ("closed_late", 1)
    assert changed == {"dispatched_on": 1, "done": 1}
    assert (await city.said("2020-06"))["done"] == 2
    async with city.ledger.read() as session:
        row = await frozen_figures.find(session, city.calendar.key(city.calendar.parse("2020-06")))
        assert row is not None
        first = await frozen_figures.published(session, row.key, row.counters, city.calendar.regions, 0)
    assert row.revision == 2
    assert sum(counts[row.counters.index("done")] for counts in first.values()) == frozen["done"]


async def test_a_voided_case_leaves_every_counter_of_the_month(city: City) -> None:
    await _june_frozen(city)
    void = an_assignment(2, AssignmentState.VOID, reason="误报", acted_time=JULY_4, deadline_time=NOON + DAY)
    await city.apply((a_case("other", assignment=void), CITY))
    ((reason, changed, case_count),) = await city.correct("2020-06")
    assert (reason, case_count) == ("voided", 1)
    assert (changed["total"], changed["void"]) == (-1, 1)
    assert "reported" not in changed


async def test_an_extension_over_the_months_end_takes_the_case_out_of_june(city: City) -> None:
    await _june_frozen(city)
    granted = Decision(RequestKind.EXTENSION, NOON + 2 * HOUR, is_granted=True, approver_ref="值班长")
    moved = an_assignment(
        2, extension_count=1, decision=granted, deadline_time=at("2020-07-20"), dispatched_time=NOON + HOUR
    )
    await city.apply((a_case("open", assignment=moved), CITY))
    ((reason, changed, case_count),) = await city.correct("2020-06")
    assert (reason, case_count) == ("deadline_moved", 1)
    assert changed == {"total": -1, "fell_overdue": -1, "overdue": -1}
    city.clock.now = at("2020-08-05")
    await city.freezer.run()
    assert (await city.said("2020-07"))["total"] == 1


async def test_a_deadline_moved_into_the_frozen_month_adds_to_it(city: City) -> None:
    await city.apply(*a_dispatched_case("later", deadline_time=at("2020-07-10")))
    await _june_frozen(city)
    moved = an_assignment(2, deadline_time=at("2020-06-30"), dispatched_time=NOON + HOUR)
    await city.apply((a_case("later", assignment=moved), CITY))
    ((reason, changed, _),) = await city.correct("2020-06")
    assert (reason, changed) == ("deadline_moved", {"total": 1, "fell_overdue": 1, "overdue": 1})


async def test_a_late_record_and_a_change_of_unit_are_told_apart(city: City) -> None:
    await _june_frozen(city)
    moved = an_assignment(2, unit_code="hw02", dispatched_time=NOON + HOUR)
    await city.apply(*a_filed_case("late"), (a_case("open", assignment=moved), CITY))
    found = {(reason, min(changed.values()) < 0) for reason, changed, _ in await city.correct("2020-06")}
    assert found == {("late_record", False), ("reassigned", True), ("reassigned", False)}
    whole = await city.said("2020-06")
    assert (whole["total"], whole["reported"]) == (3, 4)


async def test_what_nobody_changed_brings_no_correction(city: City) -> None:
    await _june_frozen(city)
    assert await city.corrections.run() == 0
    await city.apply(*a_dispatched_case("july", deadline_time=at("2020-07-20"), reported_time=at("2020-07-01T08:00")))
    assert await city.corrections.run() == 0


async def test_a_correction_of_figures_that_were_wrong_is_a_recount(city: City) -> None:
    await _june_frozen(city)
    async with city.ledger.write() as session:
        await session.driver.execute("UPDATE figures SET done = done + 5 WHERE month = 202006")
        await session.driver.execute("UPDATE figure_changes SET changed_time = clock_timestamp()")
    ((reason, changed, case_count),) = await city.correct("2020-06")
    assert (reason, changed, case_count) == ("recounted", {"done": 5}, 0)


async def test_corrections_follow_each_other_by_number(city: City) -> None:
    await _june_frozen(city)
    await city.apply(*_closing("open", at("2020-07-02T10:00:00+08:00")))
    await city.correct("2020-06")
    void = an_assignment(2, AssignmentState.VOID, reason="误报", acted_time=JULY_4, deadline_time=NOON + DAY)
    await city.apply((a_case("other", assignment=void), CITY))
    ((reason, _, case_count),) = await city.correct("2020-06")
    assert (reason, case_count) == ("voided", 1)
    said = await city.said("2020-06")
    assert (said["total"], said["done"], said["void"]) == (2, 2, 1)


async def test_corrections_of_an_open_period_wait_their_hours(ledger: Ledger, clock: FakeClock) -> None:
    city = City.over(ledger, clock, settings_of(frozen=("month",), correction_hours=24))
    await _june_frozen(city)
    await city.apply(*a_filed_case("late"))
    assert await city.corrections.run() == 0
    city.clock.advance(hours=24)
    assert await city.corrections.run() == 1


async def test_a_hub_that_was_down_freezes_what_it_missed_oldest_first(ledger: Ledger, clock: FakeClock) -> None:
    city = City.over(ledger, clock, settings_of(frozen=("evaluation_week", "month", "quarter"), first_weekday=4))
    await city.apply(*a_closed_case("1"))
    city.clock.now = at("2020-09-02")
    names = [frozen.period.name for frozen in await city.freezer.run()]
    assert [name for name in names if "E" not in name] == ["2020-06", "2020-Q2", "2020-07"]
    assert [name for name in names if "E" in name] == sorted(name for name in names if "E" in name)
    assert len(names) == 16
    async with ledger.read() as session:
        runs = await figure_runs.listing(session, "freeze", 100)
    june = next(run for run in runs if (run.kind, run.first_day) == ("month", 20200601))
    assert june.result == {"cells": 1, "is_late": True}
    assert june.planned_time.isoformat() == "2020-07-03T16:00:00+00:00"
    assert june.ended_time is not None
    assert (june.inputs["basis"], june.trouble) == ("ledger", "")
    assert (await city.said("2020-E24"))["total"] == 1
    assert "total" not in await city.said("2020-E25")


async def test_a_week_and_its_month_say_the_same_of_a_case(ledger: Ledger, clock: FakeClock) -> None:
    city = City.over(ledger, clock, settings_of(frozen=("week", "month")))
    await city.apply(*a_closed_case("1"), *a_dispatched_case("2"))
    city.clock.now = JULY_4
    await city.freezer.run()
    assert await city.said("2020-W25") == await city.said("2020-06")
    await city.apply(*_closing("2", NOON + 5 * DAY))
    await city.corrections.run()
    assert await city.correct("2020-W25") == await city.correct("2020-06") != []


def test_the_rules_of_the_city_are_the_usual_ones(city: City) -> None:
    assert city.calendar.rules == CountingRules()
