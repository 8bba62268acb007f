"""Deadlines: the vectors of 1.5 of the domain notes, the rules that were decided, and what must hold for all."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange_db.counting import CountingRules, month_of
from hub.standards.calendar import RegionRules, Season, SeasonalHours, WorkingCalendar, YearRules
from hub.standards.deadlines import (
    DeadlinePolicy,
    Milestone,
    Pause,
    deadline_of,
    deadline_with_pauses,
    extended,
    milestones_of,
    working_between,
)
from hub.standards.limits import WORKING_UNITS, Limit, LimitUnit, RuleBroken, parse_limit
from tests.support.clock import at

HOUR = 3_600_000_000
NATION = WorkingCalendar()
#: Hours that change twice a year, and the longer Spring Festival some provinces had in 2020.
SUMMER = WorkingCalendar(
    {
        431200: RegionRules(
            hours=("08:00-12:00", "14:30-17:30"),
            seasonal_hours=(SeasonalHours("05-01", "09-30", ("08:00-12:00", "15:00-18:30")),),
            seasons={"种植季节": Season("11-01", "03-31")},
            years={
                2020: YearRules(
                    extra_holidays=frozenset(
                        NATION.date_of(at("2020-02-03T12:00+08:00")) + timedelta(n) for n in range(7)
                    )
                )
            },
        )
    },
    431221,
)
DAY_END = DeadlinePolicy(is_day_end=True)

MOMENTS = st.integers(at("2019-12-01"), at("2023-03-01")) | st.builds(
    # Hypothesis would seldom hit an opening or a closing by itself.
    lambda day, minutes: at("2021-12-25T00:00+08:00") + (day * 1440 + minutes) * 60_000_000,
    st.integers(0, 60),
    st.sampled_from([0, 479, 480, 481, 720, 721, 839, 840, 870, 1050, 1080, 1081, 1439]),
)
VALUES = st.integers(1, 60) | st.integers(1, 40_000).map(lambda thousandths: Fraction(thousandths, 1000))
UNITS = st.sampled_from(LimitUnit)
CALENDARS = st.sampled_from([NATION, SUMMER])
POLICIES = st.sampled_from([DeadlinePolicy(), DAY_END])


def _limit(text: str) -> Limit:
    return parse_limit(text).steps[0].limit


def _local(text: str) -> int:
    return at(f"{text}+08:00")


@pytest.mark.parametrize(
    ("start", "limit", "deadline"),
    [
        # The vectors of 1.5.
        ("2021-12-31T17:00", "4工作时", "2022-01-04T11:00"),
        ("2021-12-31T17:00", "4紧急工作时", "2021-12-31T21:00"),
        ("2022-01-31T23:30", "2紧急工作时", "2022-02-01T01:30"),
        ("2022-01-28T17:00", "2工作日", "2022-01-30T17:00"),
        ("2022-01-25T12:30", "1工作时", "2022-01-25T15:00"),
        # New year, make-up Saturday, evening, midnight, weekend.
        ("2021-12-31T17:00", "1工作日", "2022-01-04T17:00"),
        ("2022-01-29T17:00", "8工作时", "2022-01-30T17:00"),
        ("2022-01-30T17:00", "2工作时", "2022-02-07T09:00"),
        ("2022-01-30T17:00", "1工作日", "2022-02-07T17:00"),
        ("2022-01-25T12:00", "1工作时", "2022-01-25T15:00"),
        ("2022-01-25T17:00", "1工作时", "2022-01-25T18:00"),
        ("2022-01-25T18:00", "1工作时", "2022-01-26T09:00"),
        ("2022-01-25T08:00", "8工作时", "2022-01-25T18:00"),
        ("2022-01-26T00:00", "15分钟", "2022-01-26T00:15"),
        ("2022-01-26T00:00", "1.5工作时", "2022-01-26T09:30"),
        ("2022-01-26T00:00", "1紧急工作日", "2022-01-27T00:00"),
        ("2022-01-26T10:00", "15日", "2022-02-10T10:00"),
        # A working day begins with the moment itself if people work then (its end is inside), else when they next do.
        ("2022-01-25T18:00", "1工作日", "2022-01-26T18:00"),
        ("2022-01-25T18:00:01", "1工作日", "2022-01-27T08:00"),
        ("2022-01-25T12:30", "1工作日", "2022-01-26T14:00"),
        ("2022-01-22T10:00", "1工作日", "2022-01-25T08:00"),
        ("2022-01-26T00:00", "1工作日", "2022-01-27T08:00"),
        # A part of a working day is that part of its working time.
        ("2022-01-26T08:00", "0.5工作日", "2022-01-26T12:00"),
        ("2022-01-26T16:00", "0.5工作日", "2022-01-27T10:00"),
        ("2022-01-25T16:00", "1.5工作日", "2022-01-27T10:00"),
    ],
)
def test_deadlines_by_hand(start: str, limit: str, deadline: str) -> None:
    assert deadline_of(_local(start), _limit(limit), NATION) == _local(deadline)


def test_a_deadline_may_fall_into_the_next_statistics_month() -> None:
    due = deadline_of(_local("2022-01-31T23:30"), _limit("2紧急工作时"), NATION)
    assert month_of(due, CountingRules()) == 202202


@pytest.mark.parametrize(
    ("start", "limit", "deadline"),
    [
        ("2022-01-28T17:00", "2工作日", "2022-01-30T18:00"),
        ("2022-01-22T10:00", "1工作日", "2022-01-24T18:00"),
        ("2022-01-21T20:00", "1工作日", "2022-01-24T18:00"),
        ("2022-01-26T16:00", "0.5工作日", "2022-01-27T10:00"),
        ("2022-01-26T16:00", "4工作时", "2022-01-27T10:00"),
    ],
)
def test_working_days_may_end_with_the_day(start: str, limit: str, deadline: str) -> None:
    assert deadline_of(_local(start), _limit(limit), NATION, DAY_END) == _local(deadline)


@pytest.mark.parametrize(
    ("start", "limit", "deadline"),
    [
        # The notice made the festival longer until 02-02; this region until 02-09.
        ("2020-01-23T16:00", "2工作时", "2020-02-10T08:30"),
        ("2020-01-23T16:00", "1工作日", "2020-02-10T16:00"),
        # Summer hours begin after the holiday of May 2022.
        ("2022-04-29T17:00", "1工作时", "2022-05-05T08:30"),
        ("2022-05-05T14:30", "1工作时", "2022-05-05T16:00"),
        # 14:30 is working time in winter and lunch in summer; 18:15 is too late in winter.
        ("2022-04-29T14:30", "1工作日", "2022-05-05T15:00"),
        ("2022-09-30T18:15", "1工作日", "2022-10-08T17:30"),
    ],
)
def test_regions_have_their_own_days_and_hours(start: str, limit: str, deadline: str) -> None:
    assert deadline_of(_local(start), _limit(limit), SUMMER) == _local(deadline)
    assert deadline_of(_local(start), _limit(limit), NATION) != _local(deadline)


def test_the_spring_festival_of_2020_lasted_until_february_2() -> None:
    assert deadline_of(_local("2020-01-23T17:00"), _limit("2工作时"), NATION) == _local("2020-02-03T09:00")


def test_steps_begin_together_or_one_after_the_other() -> None:
    start, rule = _local("2022-01-28T17:00"), parse_limit("2紧急工作时围护 | 1工作日修复")
    fenced = Milestone("围护", start, _limit("2紧急工作时"), _local("2022-01-28T19:00"))
    assert milestones_of(start, rule, NATION) == (
        fenced,
        Milestone("修复", start, _limit("1工作日"), _local("2022-01-29T17:00")),
    )
    assert milestones_of(start, rule, NATION, DeadlinePolicy(are_steps_consecutive=True)) == (
        fenced,
        Milestone("修复", _local("2022-01-28T19:00"), _limit("1工作日"), _local("2022-01-30T08:00")),
    )


def test_steps_that_wait_for_a_standing_clock_have_no_deadline() -> None:
    start, rule = _local("2022-01-28T17:00"), parse_limit("2紧急工作时围护 | 1工作日修复")
    later = [Pause(_local("2022-01-29T09:00"))]
    assert [step.deadline_time for step in milestones_of(start, rule, NATION, pauses=later)] == [
        _local("2022-01-28T19:00"),
        None,
    ]
    chained = milestones_of(
        start, rule, NATION, DeadlinePolicy(are_steps_consecutive=True), [Pause(_local("2022-01-28T18:00"))]
    )
    assert [(step.name, step.deadline_time) for step in chained] == [("围护", None)]


def test_a_limit_for_a_season_waits_for_it() -> None:
    rule = parse_limit("种植季节1工作日")
    (step,) = milestones_of(_local("2022-07-01T09:00"), rule, SUMMER)
    assert (step.start_time, step.deadline_time) == (_local("2022-11-01T00:00"), _local("2022-11-02T08:00"))
    (step,) = milestones_of(_local("2022-03-30T09:00"), rule, SUMMER)
    assert step.deadline_time == _local("2022-03-31T09:00")
    # Where no season is set, the limit runs at once.
    (step,) = milestones_of(_local("2022-07-01T09:00"), rule, NATION)
    assert step.deadline_time == _local("2022-07-04T09:00")


@pytest.mark.parametrize(
    ("limit", "pauses", "deadline"),
    [
        ("4工作时", [], "2022-01-25T16:00"),
        ("4工作时", [("10:00", "11:00")], "2022-01-25T17:00"),
        ("4工作时", [("12:00", "14:00")], "2022-01-25T16:00"),
        ("4工作时", [("10:00", "11:00"), ("10:30", "11:30")], "2022-01-25T17:30"),
        ("4工作时", [("10:00", "11:00"), ("16:30", "17:00")], "2022-01-25T17:30"),
        ("4工作时", [("07:00", "09:00"), ("09:30", "09:30")], "2022-01-25T16:00"),
        ("4工作时", [("16:00", "17:00")], "2022-01-25T16:00"),
        ("4紧急工作时", [("12:00", "14:00")], "2022-01-25T16:00"),
        ("1工作日", [("17:00", "23:00")], "2022-01-26T11:00"),
        ("1工作日", [("19:00", "23:00")], "2022-01-26T10:00"),
    ],
)
def test_the_clock_stands_still_in_pauses(limit: str, pauses: list[tuple[str, str]], deadline: str) -> None:
    start = _local("2022-01-25T10:00")
    held = [Pause(_local(f"2022-01-25T{first}"), _local(f"2022-01-25T{last}")) for first, last in pauses]
    assert deadline_with_pauses(start, _limit(limit), held, NATION) == _local(deadline)
    assert deadline_with_pauses(start, _limit(limit), reversed(held), NATION) == _local(deadline)


def test_pauses_that_touch_are_one() -> None:
    """The deadline, Tuesday 08:00, lies at the end of the first pause: working time did not go on between them."""
    start = _local("2022-01-22T10:00")
    night = Pause(_local("2022-01-24T19:00"), _local("2022-01-25T09:00"))
    morning = Pause(night.to_time, _local("2022-01-25T10:00"))
    assert deadline_with_pauses(start, _limit("1工作日"), [night], NATION) == _local("2022-01-25T09:00")
    for held in ([night, morning], [Pause(night.from_time, morning.to_time)]):
        assert deadline_with_pauses(start, _limit("1工作日"), held, NATION) == _local("2022-01-25T10:00")
    assert deadline_with_pauses(start, _limit("1工作日"), [night, Pause(night.to_time)], NATION) is None


def test_while_the_clock_stands_still_there_is_no_deadline() -> None:
    start = _local("2022-01-25T10:00")
    assert deadline_with_pauses(start, _limit("4工作时"), [Pause(start + HOUR)], NATION) is None
    # The deadline passed before the clock was stopped.
    due = _local("2022-01-25T16:00")
    assert deadline_with_pauses(start, _limit("4工作时"), [Pause(due)], NATION) == due


def test_a_pause_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RuleBroken) as refused:
        deadline_with_pauses(_local("2022-01-25T10:00"), _limit("4工作时"), [Pause(2, 1)], NATION)
    assert refused.value.rule == "PAUSE_REVERSED"


def test_an_extension_adds_the_limit_to_the_deadline_in_force() -> None:
    due = _local("2022-01-28T17:00")
    once = extended(due, _limit("2工作日"), 0, due - 1, NATION)
    assert once == _local("2022-01-30T17:00")
    assert extended(once, _limit("2工作日"), 1, due, NATION) == _local("2022-02-08T17:00")
    assert extended(due, _limit("2工作日"), 0, due - 1, NATION, DAY_END) == _local("2022-01-30T18:00")


def test_extensions_are_refused_when_too_late_or_too_many() -> None:
    due = _local("2022-01-28T17:00")
    for count, asked, rule in ((0, due, "EXTENSION_TOO_LATE"), (2, due - HOUR, "EXTENSION_TOO_MANY")):
        with pytest.raises(RuleBroken) as refused:
            extended(due, _limit("2工作日"), count, asked, NATION)
        assert refused.value.rule == rule
        assert "延期" in refused.value.chinese
        assert "extension" in refused.value.english or "extended" in refused.value.english


@pytest.mark.parametrize("limit", ["100000工作日", "100000日", "100000工作时"])
def test_a_deadline_no_record_can_hold_is_refused(limit: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        deadline_of(_local("2190-01-25T10:00"), _limit(limit), NATION)
    assert refused.value.rule == "TIME_OUT_OF_RANGE"


@given(MOMENTS, MOMENTS, VALUES, UNITS, CALENDARS, POLICIES)
def test_a_later_start_never_ends_earlier(
    one: int, other: int, value: Fraction, unit: LimitUnit, calendar: WorkingCalendar, policy: DeadlinePolicy
) -> None:
    early, late = sorted((one, other))
    limit = Limit(value, unit)
    assert deadline_of(early, limit, calendar, policy) <= deadline_of(late, limit, calendar, policy)


@given(MOMENTS, VALUES, VALUES, UNITS, CALENDARS, POLICIES)
def test_a_longer_limit_never_ends_earlier(
    start: int, one: Fraction, other: Fraction, unit: LimitUnit, calendar: WorkingCalendar, policy: DeadlinePolicy
) -> None:
    short, long = sorted((one, other))
    due = deadline_of(start, Limit(short, unit), calendar, policy)
    assert start < due <= deadline_of(start, Limit(long, unit), calendar, policy)


@given(MOMENTS, VALUES, st.sampled_from(sorted(WORKING_UNITS)), CALENDARS, POLICIES)
def test_a_deadline_of_working_time_lies_in_working_time(
    start: int, value: Fraction, unit: LimitUnit, calendar: WorkingCalendar, policy: DeadlinePolicy
) -> None:
    due = deadline_of(start, Limit(value, unit), calendar, policy)
    assert calendar.opening(due) == due
    intervals = calendar.intervals(calendar.date_of(due))
    assert any(opens <= due <= closes for opens, closes in intervals)


@given(MOMENTS, VALUES, CALENDARS)
def test_working_hours_between_start_and_deadline_are_the_limit(
    start: int, value: Fraction, calendar: WorkingCalendar
) -> None:
    due = deadline_of(start, Limit(value, LimitUnit.WORKING_HOUR), calendar)
    assert working_between(start, due, LimitUnit.WORKING_HOUR, calendar) == value * HOUR


@given(MOMENTS, st.integers(1, 30), st.integers(1, 30))
def test_working_days_add_up(start: int, first: int, second: int) -> None:
    """With hours that never change, so many days and so many more are the sum."""
    due = deadline_of(start, Limit(first, LimitUnit.WORKING_DAY), NATION)
    assert deadline_of(due, Limit(second, LimitUnit.WORKING_DAY), NATION) == deadline_of(
        start, Limit(first + second, LimitUnit.WORKING_DAY), NATION
    )


@given(MOMENTS, VALUES, UNITS, CALENDARS, st.integers(0, 200 * HOUR), st.integers(1, 200 * HOUR))
def test_a_pause_moves_the_deadline_by_what_it_would_have_counted(
    start: int, value: Fraction, unit: LimitUnit, calendar: WorkingCalendar, offset: int, length: int
) -> None:
    limit = Limit(value, unit)
    due = deadline_of(start, limit, calendar)
    assume(start + offset < due)
    pause = Pause(start + offset, start + offset + length)
    moved = deadline_with_pauses(start, limit, [pause], calendar)
    assert moved is not None
    assert working_between(due, moved, unit, calendar) == working_between(*pause, unit, calendar)
    # Two halves of it are the same.
    middle = start + offset + length // 2
    halves = [Pause(pause.from_time, middle), Pause(middle, pause.to_time)]
    assert deadline_with_pauses(start, limit, halves, calendar) == moved


@given(MOMENTS, st.integers(-1000, 5000 * HOUR), UNITS)
def test_what_counts_between_two_moments_is_never_more_than_all(start: int, length: int, unit: LimitUnit) -> None:
    counted = working_between(start, start + length, unit, NATION)
    assert 0 <= counted <= max(0, length)
    assert (counted == max(0, length)) or unit in WORKING_UNITS
