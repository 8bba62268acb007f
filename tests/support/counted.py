"""Cases of every kind for tests about counting: drawn from a random source, so that a seed tells all of them."""

import random
from collections import Counter
from typing import Any

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.counting import Anchor, CountingRules
from exchange_db.records import COUNTERS, FIRST_COUNTERS, Counts, HandlingState, ReportState
from exchange_db.shares import CaseCounting, CellKey
from tests.support.builders import a_case_row
from tests.support.clock import at

MINUTE = 60_000_000
#: Rules that differ in every open question.
UNUSUAL = CountingRules(
    anchor=Anchor.CHECK_PASS_TIME, is_equal_on_time=False, is_midnight_next_month=False, is_self_handled_counted=True,
    acceptance_minutes=0, dispatch_minutes=1440, check_minutes=1,
)  # fmt: skip
ALL_RULES = (CountingRules(), UNUSUAL, CountingRules(zone="UTC"))

_EDGES = [at("2020-03-31T23:59:59+08:00"), at("2020-04-01T00:00:00+08:00"), at("2020-04-02T00:00:00+08:00")]
_MOMENTS = [
    *(edge + shift * MINUTE for edge in _EDGES for shift in (-60, -16, -1, 0, 14, 15, 31)),
    *(edge + 1 for edge in _EDGES),
    at("2020-04-20T12:00:00+08:00"),
]


def a_random_row(number: int, source: random.Random, **given: Any) -> CaseRow:
    """A case in any state, with moments at the edges of days, months and limits; seldom one a life cycle would give."""
    some = [0, *_MOMENTS]
    deadline, requested = source.choice(some), source.choice(some)
    values = {
        "region": source.choice([431221, 431222]),
        "state": source.choice(list(CaseState)),
        "report_state": source.choice(list(ReportState)),
        "handling_state": source.choice([0, *HandlingState]),
        "unit_code": source.choice(["", "hw01"]),
        "source_code": source.choice(["collector", "hotline_12345"]),
        "grid_code": source.choice(["", "43122100001"]),
        "reported_time": source.choice(_MOMENTS[:7]),
        "accepted_time": source.choice(some),
        "verified_time": source.choice(some),
        "filed_time": source.choice(some),
        "deadline_time": deadline,
        "dispatched_time": source.choice(some),
        "dispatched_on_time": source.choice([0, _MOMENTS[0]]),
        "close_requested_time": source.choice([requested, deadline]),
        "closed_time": source.choice([requested, deadline, *some]),
        "check_sent_time": source.choice([0, requested, *some]),
        "check_answered_time": source.choice([0, requested, *some]),
        "extension_count": source.choice([0, 0, 1]),
        "rework_count": source.choice([0, 0, 1, 3]),
        "return_count": source.choice([0, 0, 1]),
        "appeal_state": source.choice(list(AppealState)),
        "is_self_handled": source.random() < 0.2,
        "is_ruled": source.random() < 0.2,
    }
    return a_case_row(str(number), **values | given)


def first_of(counts: Counts) -> Counts:
    """The counters of the first version alone."""
    return Counts(*(getattr(counts, name) for name in FIRST_COUNTERS))


def counted(rows: list[CaseRow], rules: CountingRules) -> dict[CellKey, Counter[str]]:
    """What cases count for by cell, by the pure rule."""
    counting = CaseCounting(rules)
    found: dict[CellKey, Counter[str]] = {}
    for row in rows:
        for cell, marks in counting.shares(row):
            found.setdefault(cell, Counter()).update(COUNTERS[mark] for mark in marks)
    return found
