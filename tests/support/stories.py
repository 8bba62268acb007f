"""Lives of cases that many tests can push and foresee: dispatch by the city, handling by the county, checks."""

from dataclasses import dataclass, field

from bench.workload import HANDLER, ISSUER, case_of
from exchange_db.cases import CaseRow
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import Case, CheckState, CheckVerdict, Handling, HandlingState
from hub.apply.lifecycle import fold

HOUR = 3_600_000_000

#: What the ledgers are compared by: everything of a case but the places in the log.
COMPARED = (
    "case_no", "region", "state", "authority_id", "handler_id", "rework_count", "report_revision",
    "assignment_revision", "handling_revision", "verdict_revision", "handling_round", "verdict_round",
)  # fmt: skip
TIMES = ("reported_time", "deadline_time", "close_requested_time", "closed_time")


def steps_of(number: int) -> list[tuple[str, Case]]:
    """Returns the life of a case as (origin, record); every third case fails its first check."""
    new = case_of(number)
    assert new.assignment is not None
    requested = new.assignment.deadline_time + (number % 5 - 3) * HOUR
    failures = 1 if number % 3 == 0 else 0
    steps: list[tuple[str, Case]] = [(ISSUER, new)]
    for turn in range(1, failures + 2):
        moment = requested + (turn - 1) * 6 * HOUR
        handling = Handling(
            turn, HandlingState.CLOSE_REQUESTED, turn, received_time=new.assignment.dispatched_time + HOUR,
            dispatched_on_time=new.assignment.dispatched_time + 2 * HOUR, close_requested_time=moment, result="已清理",
        )  # fmt: skip
        fails = turn <= failures
        verdict = CheckVerdict(
            turn,
            CheckState.FAILED if fails else CheckState.CLOSED,
            turn,
            closed_time=0 if fails else moment + HOUR,
            reason="仍有残留" if fails else "",
        )
        steps += [
            (HANDLER, Case(ISSUER, new.case_no, handling=handling)),
            (ISSUER, Case(ISSUER, new.case_no, verdict=verdict)),
        ]
    return steps


@dataclass
class Story:
    """One case on its way: how many of its steps were written, and where the last one stands in its stream."""

    number: int
    written: int = 0
    place: int = 0
    steps: list[tuple[str, Case]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = steps_of(self.number)

    @property
    def is_told(self) -> bool:
        return self.written == len(self.steps)

    def next(self) -> tuple[str, Case]:
        """Returns the next step as (origin, record) and counts it as written."""
        self.written += 1
        return self.steps[self.written - 1]

    def model(self) -> CaseRow:
        """Returns the case as the written steps leave it."""
        row: CaseRow | None = None
        for inbox_id, (origin_id, case) in enumerate(self.steps[: self.written], 1):
            key = case_key(case.issuer_id, case.case_no)
            row = fold(row, key, facts_of(case, origin_id), inbox_id).row
        assert row is not None
        return row


def as_compared(row: CaseRow) -> tuple[object, ...]:
    """Returns what a case is compared by, times in microseconds."""
    return tuple(getattr(row, name) for name in (*COMPARED, *TIMES))


#: The same from a ledger.
CASES_COMPARED = (
    f"SELECT {', '.join(COMPARED)}, "
    + ", ".join(f"coalesce(extract(epoch FROM {name}) * 1000000, 0)::bigint" for name in TIMES)
    + " FROM cases ORDER BY case_no"
)
