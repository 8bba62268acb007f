"""What a case counts for: months, done, in time, and the shares."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import Anchor, CountingRules, day_of, definition_of, month_bounds, month_of
from exchange_db.counting_sql import condition_of
from exchange_db.records import COUNTERS, Counts
from exchange_db.shares import CaseCounting, Share
from tests.support.builders import DAY, HOUR, a_case_row
from tests.support.clock import NOON, at

RULES = CountingRules()
CLOSED: dict[str, Any] = {"state": CaseState.CLOSED, "close_requested_time": NOON, "closed_time": NOON + HOUR}


def shares(row: CaseRow, rules: CountingRules = RULES) -> tuple[Share, ...]:
    return CaseCounting(rules).shares(row)


def _counts(marks: tuple[int, ...]) -> Counts:
    found = Counter(COUNTERS[mark] for mark in marks)
    return Counts(**found)


def _on(row: CaseRow, day: int, rules: CountingRules = RULES) -> Counts:
    """What a case counts for on a day."""
    return _counts(tuple(mark for (_, on, *_), marks in shares(row, rules) if on == day for mark in marks))


def _due(row: CaseRow, rules: CountingRules = RULES) -> Counts:
    """What a case counts for by its deadline, by the first version's counters."""
    marks = [marks for (_, day, *_), marks in shares(row, rules) if day == day_of(row.deadline_time, rules)]
    by_deadline = {"total", "dispatched_on", "done", "on_time", "suspended", "void", "reworked"}
    return _counts(tuple(mark for part in marks for mark in part if COUNTERS[mark] in by_deadline))


@pytest.mark.parametrize(
    ("moment", "half_open", "until_24h"),
    [
        ("2020-03-31T23:59:59+08:00", 202003, 202003),
        ("2020-04-01T00:00:00+08:00", 202004, 202003),
        ("2020-04-01T00:00:00.000001+08:00", 202004, 202004),
        ("2020-12-31T16:00:00+00:00", 202101, 202012),
    ],
)
def test_a_month_begins_at_midnight_of_the_hubs_zone(moment: str, half_open: int, until_24h: int) -> None:
    """F5 and its conflict: 1日0时 and 最后一天24时 are the same instant."""
    assert month_of(at(moment), RULES) == half_open
    assert month_of(at(moment), CountingRules(is_midnight_next_month=False)) == until_24h


def test_an_extended_case_counts_in_the_month_of_its_deadline_in_force() -> None:
    row = a_case_row(reported_time=at("2020-01-20"), deadline_time=at("2020-03-05"), state=CaseState.DISPOSING)
    reported, due = shares(row)
    assert (reported[0][1], due[0][1]) == (20200120, 20200305)
    assert _counts(reported[1]) == Counts(reported=1)
    assert _counts(due[1]) == Counts(total=1, fell_overdue=1)


def test_a_case_without_deadline_counts_as_reported_only() -> None:
    assert [_counts(marks) for _, marks in shares(a_case_row(is_self_handled=True))] == [
        Counts(reported=1, self_handled=1)
    ]


def test_a_case_that_was_not_dispatched_on_is_part_of_the_total() -> None:
    assert _due(a_case_row(deadline_time=NOON, state=CaseState.DISPATCHING)) == Counts(total=1)


def test_a_void_case_counts_as_void_only() -> None:
    row = a_case_row(deadline_time=NOON, state=CaseState.VOID, dispatched_on_time=NOON, rework_count=1)
    assert _due(row) == Counts(void=1)


def test_a_suspended_case_is_part_of_the_total() -> None:
    assert _due(a_case_row(deadline_time=NOON, state=CaseState.SUSPENDED)) == Counts(total=1, suspended=1)


def test_a_case_is_done_when_the_check_passed() -> None:
    """F6."""
    asked = a_case_row(deadline_time=NOON + DAY, state=CaseState.CHECKING, close_requested_time=NOON)
    assert _due(asked) == Counts(total=1)
    assert _due(a_case_row(deadline_time=NOON + DAY, **CLOSED)) == Counts(total=1, done=1, on_time=1)


def test_a_case_closed_without_close_request_is_not_done() -> None:
    """F6: 未提交结案申请."""
    row = a_case_row(deadline_time=NOON + DAY, state=CaseState.CLOSED, closed_time=NOON)
    assert _due(row) == Counts(total=1)


@pytest.mark.parametrize(
    ("late_by", "rules", "is_on_time"),
    [
        (-1, RULES, True),
        (0, RULES, True),
        (1, RULES, False),
        (0, CountingRules(is_equal_on_time=False), False),
        (-1, CountingRules(is_equal_on_time=False), True),
        (-1, CountingRules(anchor=Anchor.CHECK_PASS_TIME), False),
        (-HOUR, CountingRules(anchor=Anchor.CHECK_PASS_TIME), True),
    ],
)
def test_the_anchor_against_the_deadline_decides_in_time_or_late(
    late_by: int, rules: CountingRules, is_on_time: bool
) -> None:
    """2.5 of the domain notes."""
    row = a_case_row(deadline_time=NOON - late_by, **CLOSED)
    assert _due(row, rules) == Counts(total=1, done=1, on_time=int(is_on_time))


def test_every_failed_check_counts() -> None:
    assert _due(a_case_row(deadline_time=NOON, state=CaseState.DISPOSING, rework_count=2)) == Counts(
        total=1, reworked=2
    )


@given(st.integers(at("2000-01-01"), at("2100-01-01")), st.booleans())
def test_bounds_and_months_agree(moment: int, is_midnight_next_month: bool) -> None:
    rules = CountingRules(is_midnight_next_month=is_midnight_next_month)
    first, following = (round(bound.timestamp() * 1_000_000) for bound in month_bounds(month_of(moment, rules), rules))
    assert first <= moment < following if is_midnight_next_month else first < moment <= following


def test_every_counter_names_its_cases_and_nothing_else_does() -> None:
    for counter in COUNTERS:
        assert "%(begin)s" in condition_of(counter, RULES)
    with pytest.raises(ValueError, match="late"):
        condition_of("late", RULES)


def test_the_definition_names_what_is_not_usual() -> None:
    assert definition_of(RULES) == "sanji-counts/2"
    unusual = CountingRules("Asia/Urumqi", Anchor.CHECK_PASS_TIME, is_equal_on_time=False, is_midnight_next_month=False)
    assert definition_of(unusual) == "sanji-counts/2+check+before+24h+Asia/Urumqi"
