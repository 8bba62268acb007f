"""Rules on counts: what must hold of every case we count ourselves holds, and each breach is named."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.records import COUNTERS, ReportState
from exchange_db.shares import CaseCounting
from hub.statistics.causes import Reason, reason_of
from hub.statistics.plausibility import COHORT_ORDER, STEPS, TABLE_ORDER, Breach, Rule, breaches_of, steps_out_of_order
from hub.statistics.registry import shipped_registry
from tests.support.builders import DAY, HOUR, a_case_row
from tests.support.clock import NOON


def _random_case(number: int, source: random.Random) -> CaseRow:
    moments = [NOON + hours * HOUR for hours in (0, 1, 5, 24, 48, 800)]
    requested = source.choice([0, *moments])
    return a_case_row(
        str(number),
        state=source.choice(list(CaseState)),
        report_state=source.choice(list(ReportState)),
        reported_time=NOON,
        accepted_time=source.choice([0, NOON, NOON + HOUR]),
        verified_time=source.choice([0, NOON + HOUR]),
        filed_time=source.choice([0, NOON + HOUR]),
        dispatched_time=source.choice([0, NOON + 2 * HOUR]),
        deadline_time=source.choice([0, NOON + DAY]),
        dispatched_on_time=source.choice([0, NOON + 3 * HOUR]),
        close_requested_time=requested,
        closed_time=source.choice([0, requested]),
        check_sent_time=source.choice([0, requested]),
        check_answered_time=source.choice([0, requested]),
        extension_count=source.choice([0, 1]),
        is_self_handled=source.random() < 0.2,
    )


@given(st.integers(0, 10**9))
def test_no_case_breaks_the_order_of_its_cohort(seed: int) -> None:
    source, counting = random.Random(seed), CaseCounting(CountingRules())
    by_day: dict[int, dict[str, int]] = {}
    for number in range(30):
        for (_, day, *_rest), marks in counting.shares(_random_case(number, source)):
            counts = by_day.setdefault(day, dict.fromkeys(COUNTERS, 0))
            for mark in marks:
                counts[COUNTERS[mark]] += 1
    for counts in by_day.values():
        assert list(breaches_of(counts)) == []


def test_a_breach_names_rule_counters_and_both_numbers() -> None:
    assert list(breaches_of({"total": 3, "done": 4, "on_time": 4, "void": -1})) == [
        Breach(Rule.NEGATIVE, "void", "", -1, 0),
        Breach(Rule.ORDER, "done", "total", 4, 3),
    ]
    assert list(steps_out_of_order({"closed": 5, "disposed": 4})) == [Breach(Rule.STEPS, "closed", "disposed", 5, 4)]
    assert list(steps_out_of_order({"closed": 5})) == []


def test_the_rules_are_about_counters_there_are() -> None:
    known = shipped_registry().counters.keys()
    assert {name for pair in (*COHORT_ORDER, *STEPS) for name in pair} <= set(COUNTERS)
    assert {name for pair in TABLE_ORDER for name in pair} <= known


def _row(**changes: Any) -> CaseRow:
    values: dict[str, Any] = {"state": CaseState.DISPOSING, "deadline_time": NOON, "unit_code": "hw01"}
    return a_case_row("1", **values | changes)


def test_the_reason_of_a_change_is_the_one_that_decides_most() -> None:
    void, closed = {"state": CaseState.VOID}, {"state": CaseState.CLOSED}
    for before, after, reason in (
        (None, {}, Reason.LATE_RECORD),
        ({}, void | {"deadline_time": NOON + DAY}, Reason.VOIDED),
        (void, {}, Reason.REVIVED),
        ({}, {"state": CaseState.MERGED}, Reason.MERGED),
        ({}, closed | {"deadline_time": NOON + DAY}, Reason.DEADLINE_MOVED),
        ({}, closed | {"unit_code": "hw02"}, Reason.REASSIGNED),
        ({}, closed, Reason.CLOSED_LATE),
        (closed, {}, Reason.REOPENED),
        (closed, closed | {"appeal_state": AppealState.UPHELD}, Reason.APPEAL_UPHELD),
        ({}, {"state": CaseState.SUSPENDED}, Reason.SUSPENDED),
        ({"state": CaseState.SUSPENDED}, {}, Reason.RESUMED),
        ({}, {"dispatched_on_time": NOON}, Reason.PROGRESSED),
    ):
        was = None if before is None else _row(**before)
        assert reason_of(was, _row(**after)) is reason
