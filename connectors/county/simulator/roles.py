"""What the simulated platforms do: the city dispatches and checks, 中方县 handles, another county reports its own."""

import uuid
from collections.abc import Iterator

from connectors.county.simulator.book import Book
from connectors.county.simulator.plan import HOUR, CasePlan, OwnPlan
from connectors.county.simulator.stories import CITY, STANDARD, story_of
from connectors.wire import write_parcel
from exchange_db.records import (
    AssignmentState,
    Case,
    CheckState,
    CheckVerdict,
    CodeKind,
    Crs,
    Handling,
    HandlingState,
    Report,
    ReportState,
)

REPORTER = "430212.platform"
_MALFORMED = uuid.UUID("0d7b8c52-6f0e-4d2a-8a43-0f5b6f0a2021")
_SECTIONS = ("report", "assignment", "handling", "verdict")


def opening(plan: CasePlan) -> Iterator[Case]:
    """Yields what the city writes of a case before anybody else does."""
    for writer, case in story_of(plan):
        if writer != CITY:
            return
        yield case


class Part:
    """One platform's part in the stories: it answers a message of the other with its own next ones.

    Args:
        platform_id: whose part.
        plans: cases by number.
    """

    def __init__(self, platform_id: str, plans: dict[str, CasePlan]) -> None:
        self._platform_id = platform_id
        self._plans = plans

    def react(self, book: Book, case: Case) -> Iterator[Case]:
        """Notes what was taken, and yields the answers."""
        plan = self._plans.get(case.case_no)
        if plan is None:
            return
        moves = story_of(plan)
        others = [number for number, move in enumerate(moves) if move.writer != self._platform_id]
        heard = next((number for number in others if _is_same(moves[number].case, case)), None)
        if heard is None:
            return
        _enter(book, case)
        for writer, answer in moves[heard + 1 :]:
            if writer != self._platform_id:
                return
            _enter(book, answer)
            yield answer


def _is_same(said: Case, heard: Case) -> bool:
    """Tells whether both bring the same revision of a section."""
    return any(
        getattr(said, name) and getattr(heard, name) and getattr(said, name).revision == getattr(heard, name).revision
        for name in _SECTIONS
    )


def _enter(book: Book, case: Case) -> None:
    """Enters into a handling platform's book what a message says."""
    assignment, handling, verdict = case.assignment, case.handling, case.verdict
    if assignment is not None and assignment.state is AssignmentState.DISPATCHED:
        book.receive(case.case_no, assignment.deadline_time)
    elif assignment is not None and assignment.state is AssignmentState.VOID:
        book.strike(case.case_no)
    if handling is not None and handling.state is HandlingState.DISPATCHED_ON:
        book.give_on(case.case_no)
    elif handling is not None and handling.state is HandlingState.CLOSE_REQUESTED:
        book.request(case.case_no, handling.close_requested_time, handling.round)
    if verdict is not None and verdict.state is CheckState.CLOSED:
        book.close_task(case.case_no)


def own_case(plan: OwnPlan) -> Case:
    """Returns a case the second county reports; the self-handled ones with their handling and closing."""
    report = Report(
        revision=1,
        state=ReportState.FILED,
        region_code="430212",
        standard_ref=STANDARD,
        class_kind=CodeKind.EVENT,
        class_code=plan.class_code,
        source_code=plan.source_code,
        authority_id=REPORTER,
        reported_time=plan.reported_time,
        description="渌口区自行上报。",
        crs=Crs.WGS84,
        x=113.14,
        y=27.7,
        address="株洲市渌口区",
        is_self_handled=plan.is_self_handled,
    )
    if not plan.is_self_handled:
        return Case(REPORTER, plan.case_no, report)
    moment = plan.reported_time + HOUR // 6
    handling = Handling(1, HandlingState.CLOSE_REQUESTED, 1, close_requested_time=moment, result="现场清理。")
    return Case(
        REPORTER, plan.case_no, report, None, handling, CheckVerdict(1, CheckState.CLOSED, 1, closed_time=moment)
    )


def malformed(clock_time: int) -> list[bytes]:
    """Returns five parcels of the city that are wrong in five ways."""

    def parcel(number: int, case: Case, created_time: int = clock_time) -> bytes:
        return write_parcel(uuid.uuid5(_MALFORMED, f"malformed {number}"), CITY, created_time, case)

    def report(**changes: object) -> Report:
        values = {
            "revision": 1, "state": ReportState.FILED, "region_code": "431221", "standard_ref": STANDARD,
            "class_kind": CodeKind.EVENT, "class_code": "0406", "source_code": "collector", "authority_id": CITY,
            "reported_time": clock_time, "crs": Crs.CGCS2000, "x": 109.9, "y": 27.4,
        } | changes  # fmt: skip
        return Report(**values)  # type: ignore[arg-type]

    return [
        b"\xff\xfe not a parcel",
        parcel(2, Case(CITY, "BAD-2", report(standard_ref=""))),
        parcel(3, Case(CITY, "BAD-3", report(x=27.4, y=109.9))),
        parcel(4, Case(CITY, "BAD-4", report(region_code="430202"))),
        parcel(5, Case(CITY, "BAD-5", verdict=CheckVerdict(1, CheckState.CLOSED, 1, closed_time=clock_time))),
    ]
