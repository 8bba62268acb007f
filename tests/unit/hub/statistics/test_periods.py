"""Periods: days, bounds, names, what came before, on every calendar that is hard."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.counting import CountingRules
from exchange_db.period_kinds import PeriodKind
from hub.statistics.periods import (
    Period,
    PeriodInvalid,
    ended_periods,
    parse_period,
    period_at,
    period_of,
)
from tests.support.clock import at

RULES = CountingRules()
LATE_MIDNIGHT = CountingRules(is_midnight_next_month=False)
_DAYS = st.dates(date(1995, 1, 1), date(2190, 12, 31))
_WEEKDAYS = st.integers(0, 6)


@given(st.sampled_from(list(PeriodKind)), _DAYS, _WEEKDAYS)
def test_periods_follow_each_other_without_gap_and_are_read_as_they_are_written(
    kind: PeriodKind, day: date, first_weekday: int
) -> None:
    period = period_of(kind, day, first_weekday)
    assert period.first_day <= day <= period.last_day
    assert period.following.first_day == period.last_day + timedelta(days=1)
    assert period.following.previous == period
    assert parse_period(period.name, first_weekday) == period
    before = period.last_year
    if before is not None:
        assert before.name[:4] == str(int(period.name[:4]) - 1)
        assert before.name[4:] == period.name[4:]


@given(_DAYS)
def test_weeks_are_those_of_iso_8601(day: date) -> None:
    year, week, _ = day.isocalendar()
    assert period_of(PeriodKind.WEEK, day, 3).name == f"{year}-W{week:02d}"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020-02", 20200201, 20200229),
        ("202006", 20200601, 20200630),
        ("2020-Q2", 20200401, 20200630),
        ("2020-H2", 20200701, 20201231),
        ("2020", 20200101, 20201231),
        ("2020-06-15", 20200615, 20200615),
        ("2020-W53", 20201228, 20210103),
        ("2020-e01", 20200103, 20200109),
    ],
)
def test_a_period_is_read(text: str, first: int, last: int) -> None:
    period = parse_period(text, first_weekday=4)
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "2020-13", "2020-Q5", "2021-W53", "2020-W00", "2021-02-29", "20-06", "1800", "五月"]
)
def test_what_names_no_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodInvalid):
        parse_period(text)


def test_the_first_instant_belongs_to_the_month_or_to_the_one_before() -> None:
    instant = at("2020-04-01T00:00:00+08:00")
    assert period_at(PeriodKind.MONTH, instant, RULES).name == "2020-04"
    assert period_at(PeriodKind.MONTH, instant, LATE_MIDNIGHT).name == "2020-03"
    march = parse_period("2020-03")
    assert (march.has(instant, RULES), march.has(instant, LATE_MIDNIGHT)) == (False, True)
    assert (march.has_ended(instant, RULES), march.has_ended(instant, LATE_MIDNIGHT)) == (True, False)
    assert march.bounds(RULES) == (at("2020-03-01T00:00:00+08:00"), instant)


def test_a_leap_day_and_a_week_53_have_no_counterpart() -> None:
    assert parse_period("2020-02-29").last_year is None
    assert parse_period("2020-W53").last_year is None
    assert parse_period("2020-02").last_year == parse_period("2019-02")


def test_only_periods_of_months_have_months() -> None:
    assert parse_period("2020-Q3").months == (202007, 202009)
    assert parse_period("2020-W10").months is None


def test_ended_periods_are_named_oldest_first() -> None:
    found = list(ended_periods(PeriodKind.MONTH, date(2020, 3, 15), at("2020-06-01T00:00:00+08:00"), RULES))
    assert [period.name for period in found] == ["2020-03", "2020-04", "2020-05"]
    assert all(isinstance(period, Period) for period in found)
