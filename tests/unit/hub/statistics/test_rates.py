"""Rates: the county's own year, the traps of rounding, and what holds for all counts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import COUNTERS, Counts
from hub.statistics.definitions import MetricDefinition
from hub.statistics.rates import METRICS, Rate, metrics_of, rate_of
from hub.statistics.rounding import rounded_half_up

#: 中方县 2020 (S004): received, dispatched on, done, in time.
YEAR = Counts(total=14_664, dispatched_on=12_299, done=8_907, on_time=5_867)
F1, F2, F3 = METRICS


def _displays(counts: Counts, metrics: tuple[MetricDefinition, ...] = METRICS) -> list[str]:
    return [rate_of(metric, counts).display for metric in metrics]


def _counts(total: int, done: int, on_time: int) -> Counts:
    return Counts(total=total, done=done, on_time=on_time)


@st.composite
def possible_counts(draw: st.DrawFn) -> Counts:
    total = draw(st.integers(1, 100_000))
    done = draw(st.integers(0, total))
    return _counts(total, done, draw(st.integers(0, done)))


def test_the_county_solved_what_its_report_says() -> None:
    """A4-1, A4-2, A4-4."""
    assert _displays(YEAR) == ["60.74", "40.01", "51.41"]


def test_the_denominator_is_what_was_received_not_what_was_dispatched() -> None:
    """A4-1."""
    assert Rate(8_907, 12_299).display == "72.42"
    assert rate_of(F1, YEAR) == Rate(8_907, 14_664)


def test_only_one_number_in_time_gives_the_rate_of_the_report() -> None:
    """A4-2."""
    assert [Rate(count, 14_664).display for count in (5_866, 5_867, 5_868)] == ["40.00", "40.01", "40.02"]


def test_rounded_rates_give_the_same_for_the_county() -> None:
    """A4-3."""
    assert rounded_half_up((Fraction("60.74") * 55 + Fraction("40.01") * 45) / 100 * 100) == 5_141


def test_a_late_case_is_worth_55_of_100() -> None:
    """F4, A4-4: the identity behind F3."""
    rate = rate_of(F3, YEAR)
    assert rate == Rate(5_867 * 100 + 3_040 * 55, 1_466_400)
    assert rate.value == Fraction(7_539, 14_664)
    assert [rate_of(F3, _counts(1, done, on_time)).display for done, on_time in ((1, 1), (1, 0), (0, 0))] == [
        "100.00",
        "55.00",
        "0.00",
    ]


def test_what_was_not_dispatched_or_not_done_is_derived() -> None:
    """A4-5, A4-6."""
    assert Rate(YEAR.dispatched_on, YEAR.total).display == "83.87"
    assert (YEAR.total - YEAR.dispatched_on, YEAR.dispatched_on - YEAR.done, YEAR.total - YEAR.done) == (
        2_365,
        3_392,
        5_757,
    )


@pytest.mark.parametrize(
    ("total", "done", "on_time", "expected", "of_rounded"),
    [(7, 4, 2, "44.29", 4_428), (7, 5, 1, "45.71", 4_572), (11, 6, 5, "50.45", 5_046)],
)
def test_rounded_rates_are_never_chained(total: int, done: int, on_time: int, expected: str, of_rounded: int) -> None:
    counts = _counts(total, done, on_time)
    assert rate_of(F3, counts).display == expected
    chained = Fraction(rate_of(F1, counts).display) * 55 + Fraction(rate_of(F2, counts).display) * 45
    assert rounded_half_up(chained) == of_rounded


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 32, "3.13"), (5, 32, "15.63"), (1, 160, "0.63"), (1, 1, "100.00"), (0, 5, "0.00"), (1_024, 1_000, "102.40")],
)
def test_halves_go_up(numerator: int, denominator: int, expected: str) -> None:
    assert Rate(numerator, denominator).display == expected


def test_without_cases_there_is_no_rate() -> None:
    assert _displays(Counts()) == ["", "", ""]
    assert rate_of(F1, Counts()).value is None


def test_suspended_cases_leave_the_denominator_when_asked_to() -> None:
    counts = Counts(total=10, done=6, on_time=3, suspended=2)
    metrics = metrics_of(is_suspended_excluded=True)
    assert _displays(counts) == ["60.00", "30.00", "46.50"]
    assert _displays(counts, metrics) == ["75.00", "37.50", "58.13"]
    assert [metric.metric_id for metric in metrics] == ["F1.active", "F2.active", "F3.active"]
    assert _displays(Counts(total=2, suspended=2), metrics) == ["", "", ""]


def test_every_metric_names_known_counters_and_its_source() -> None:
    for metric in (*METRICS, *metrics_of(is_suspended_excluded=True)):
        assert {name for name, _ in (*metric.numerator, *metric.denominator)} <= set(COUNTERS)
        assert "S004" in metric.source
        assert metric.version == 1


@given(possible_counts())
def test_the_weighted_rate_lies_between_the_others(counts: Counts) -> None:
    f1, f2, f3 = (rate_of(metric, counts).value for metric in METRICS)
    assert f1 is not None
    assert f2 is not None
    assert f3 is not None
    assert 0 <= f2 <= f3 <= f1 <= 1
    assert f3 == f1 * Fraction(55, 100) + f2 * Fraction(45, 100)


@given(possible_counts())
def test_one_more_case_done_or_in_time_never_lowers_a_rate(counts: Counts) -> None:
    now = [rate_of(metric, counts).value or 0 for metric in METRICS]
    if counts.done < counts.total:
        more = _counts(counts.total, counts.done + 1, counts.on_time)
        assert all((rate_of(metric, more).value or 0) >= was for metric, was in zip(METRICS, now, strict=True))
    if counts.on_time < counts.done:
        more = _counts(counts.total, counts.done, counts.on_time + 1)
        assert all((rate_of(metric, more).value or 0) >= was for metric, was in zip(METRICS, now, strict=True))


@given(st.fractions(0, 1_000))
def test_rounding_is_never_off_by_more_than_a_half(value: Fraction) -> None:
    rounded = rounded_half_up(value)
    assert Fraction(-1, 2) < rounded - value <= Fraction(1, 2)
