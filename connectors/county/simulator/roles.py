"""What the simulated platforms do: the city dispatches and checks, 中方县 handles, another county reports its own."""

import uuid
from collections.abc import Iterator

from connectors.county.simulator.book import Book
from connectors.county.simulator.plan import HOUR, CasePlan, Fate, OwnPlan
from connectors.wire import write_parcel
from exchange_db.records import (
    Action,
    Assignment,
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

CITY, COUNTY, REPORTER = "431200.platform", "431221.platform", "430212.platform"
STANDARD = "GB/T-30428.2-2013"
_ACTIONS = uuid.UUID("0d7b8c52-6f0e-4d2a-8a43-0f5b6f0a2020")


def dispatched(plan: CasePlan) -> Case:
    """Returns what the city sends when it has filed and dispatched a case."""
    report = Report(
        revision=1,
        state=ReportState.FILED,
        region_code="431221",
        standard_ref=STANDARD,
        class_kind=CodeKind.EVENT,
        class_code=plan.class_code,
        source_code="collector",
        authority_id=CITY,
        reported_time=plan.reported_time,
        description="信息采集员巡查发现，已拍照上报。",
        crs=Crs.CGCS2000,
        x=plan.x,
        y=plan.y,
        address="怀化市中方县中方镇",
        found_time=plan.reported_time,
        filed_time=plan.reported_time + HOUR // 4,
        collector_ref="cj-017",
    )
    assignment = Assignment(
        revision=1,
        state=AssignmentState.DISPATCHED,
        standard_ref=STANDARD,
        class_kind=CodeKind.EVENT,
        class_code=plan.class_code,
        handler_id=COUNTY,
        unit_code=plan.unit_code,
        unit_name="责任单位",
        limit_value=3,
        limit_unit=3,
        original_deadline_time=plan.deadline_time,
        deadline_time=plan.deadline_time,
        dispatched_time=plan.reported_time + HOUR // 2,
        dispatch_count=1,
    )
    return Case(
        CITY, plan.case_no, report, assignment, actions=(_action(plan.case_no, "dispatch", plan.reported_time),)
    )


def _action(case_no: str, kind: str, moment: int) -> Action:
    return Action(str(uuid.uuid5(_ACTIONS, f"{case_no} {kind} {moment}")), kind, CITY, moment, "派遣员", "请按时限处置")


class CityChecks:
    """The city's answer to a county that asks for the check: passed, or failed as the plan has it."""

    def __init__(self, plans: dict[str, CasePlan]) -> None:
        self._plans = plans

    def react(self, _book: Book, case: Case) -> Iterator[Case]:
        """Answers a request for the check."""
        handling, plan = case.handling, self._plans.get(case.case_no)
        if plan is None or handling is None or handling.state is not HandlingState.CLOSE_REQUESTED:
            return
        moment = handling.close_requested_time + 5 * HOUR
        fails = handling.round <= plan.failures or plan.fate is Fate.GIVEN_ON
        verdict = CheckVerdict(
            revision=handling.round,
            state=CheckState.FAILED if fails else CheckState.CLOSED,
            round=handling.round,
            check_sent_time=moment - 4 * HOUR,
            check_answered_time=moment - HOUR,
            closed_time=0 if fails else moment,
            closing_kind=0 if fails else 1 + (plan.fate is Fate.DONE_LATE),
            reason="现场核查仍有残留" if fails else "",
        )
        yield Case(case.issuer_id, case.case_no, verdict=verdict)


class CountyWork:
    """What 中方县 does with a task: takes it, gives it on, asks for the check, mends what failed."""

    def __init__(self, plans: dict[str, CasePlan]) -> None:
        self._plans = plans

    def react(self, book: Book, case: Case) -> Iterator[Case]:
        """Answers a dispatch or a verdict."""
        plan = self._plans[case.case_no]
        if case.assignment is not None and book.receive(case.case_no, case.assignment.deadline_time):
            yield self._handling(plan, 1, HandlingState.RECEIVED, 1)
            if plan.fate is Fate.RECEIVED_ONLY:
                return
            book.give_on(case.case_no)
            yield self._handling(plan, 2, HandlingState.DISPATCHED_ON, 1)
            if plan.fate is not Fate.GIVEN_ON or plan.failures:
                book.request(case.case_no, plan.requested_time - plan.failures * HOUR, 1)
                yield self._handling(plan, 3, HandlingState.CLOSE_REQUESTED, 1)
        if case.verdict is not None and case.verdict.state is CheckState.CLOSED:
            book.close_task(case.case_no)
        elif case.verdict is not None and plan.fate is not Fate.GIVEN_ON:
            book.request(case.case_no, plan.requested_time, case.verdict.round + 1)
            yield self._handling(plan, 3 + case.verdict.round, HandlingState.CLOSE_REQUESTED, case.verdict.round + 1)

    def _handling(self, plan: CasePlan, revision: int, state: HandlingState, work_round: int) -> Case:
        is_given_on = state is not HandlingState.RECEIVED
        is_requested = state is HandlingState.CLOSE_REQUESTED
        requested = plan.requested_time - (plan.failures * HOUR if work_round <= plan.failures else 0)
        handling = Handling(
            revision=revision,
            state=state,
            round=work_round,
            local_case_no=f"ZF-{plan.case_no[-6:]}",
            local_unit_code=plan.unit_code if is_given_on else "",
            received_time=plan.reported_time + HOUR,
            dispatched_on_time=plan.reported_time + 2 * HOUR if is_given_on else 0,
            disposed_time=requested - HOUR if is_requested else 0,
            close_requested_time=requested if is_requested else 0,
            result="已按要求整改到位。" if is_requested else "",
        )
        return Case(CITY, plan.case_no, handling=handling)


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
        return write_parcel(uuid.uuid5(_ACTIONS, f"malformed {number}"), CITY, created_time, case)

    def report(**changes: object) -> Report:
        values = {
            "revision": 1, "state": ReportState.FILED, "region_code": "431221", "standard_ref": STANDARD,
            "class_kind": CodeKind.EVENT, "class_code": "04-06", "source_code": "collector", "authority_id": CITY,
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
