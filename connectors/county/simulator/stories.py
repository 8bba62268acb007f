"""The whole story of one case of the simulated year: who says what after whom, as the real messages.

Source: 2.3 and 2.4 of the domain notes: dispatch, acknowledgement, giving on, close request, check, closing and its
confirmation; with returns, disputes, extensions, suspensions, failed checks, appeals, voids and merged duplicates.
"""

import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from connectors import messages
from connectors.county.simulator.plan import GRACE, HOUR, RECEIVED, CasePlan, Fate, Turn
from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckVerdict,
    CodeKind,
    Crs,
    Decision,
    Handling,
    Report,
    ReportState,
    Request,
    RequestKind,
)

CITY, COUNTY = "431200.platform", "431221.platform"
STANDARD = "GB/T-30428.2-2013"
_ACTIONS = uuid.UUID("0d7b8c52-6f0e-4d2a-8a43-0f5b6f0a2020")
_MINUTE = HOUR // 60
_OFFICER, _LEADER = "值班长", "分管领导"


class Move(NamedTuple):
    """One message: who writes it, and the sections it carries."""

    writer: str
    case: Case


@lru_cache(maxsize=8_192)
def story_of(plan: CasePlan) -> tuple[Move, ...]:
    """Returns every message of a case, each the answer to the one before or the next of the same writer."""
    return tuple(_Story(plan).tell())


class _Story:
    def __init__(self, plan: CasePlan) -> None:
        self._plan = plan
        self._link = CaseLink(CITY, plan.case_no)
        self._assignment = _assignment(plan)
        self._handling: Handling | None = None
        self._verdict: CheckVerdict | None = None

    def tell(self) -> Iterator[Move]:
        plan, begun = self._plan, self._plan.reported_time
        if plan.fate is Fate.MERGED:
            yield Move(CITY, Case(CITY, plan.case_no, _report(plan)))
            original = CaseLink(CITY, f"HH2020-{int(plan.case_no[-6:]) % RECEIVED + 1:06d}")
            pending = Assignment(0, AssignmentState.PENDING, STANDARD, CodeKind.EVENT, plan.class_code)
            yield Move(CITY, messages.merge(self._link, pending, begun + HOUR // 2, original))
            return
        action = _action(plan.case_no, "dispatch", begun)
        yield Move(CITY, Case(CITY, plan.case_no, _report(plan), self._assignment, actions=(action,)))
        yield from self._returns()
        local_case_no = f"ZF-{plan.case_no[-6:]}"
        taken = begun + 110 * _MINUTE
        yield self._county(messages.acknowledge(self._link, self._handling, taken, local_case_no=local_case_no))
        if plan.fate is Fate.VOIDED:
            yield self._city(messages.void(self._link, self._assignment, begun + 3 * HOUR, "现场无此问题"))
        if plan.fate in (Fate.RECEIVED_ONLY, Fate.VOIDED):
            return
        yield self._county(messages.give_on(self._link, self._own, begun + 2 * HOUR, unit_code=plan.unit_code))
        if plan.turn is Turn.EXTENDED:
            yield from self._extension()
        if plan.turn is Turn.SUSPENDED:
            yield from self._suspension()
        yield from self._work()

    @property
    def _own(self) -> Handling:
        assert self._handling is not None  # noqa: S101 — the county has acknowledged
        return self._handling

    def _returns(self) -> Iterator[Move]:
        """The county sends the case back, once or twice; the second time somebody has to rule."""
        begun = self._plan.reported_time
        count = {Turn.RETURNED: 1, Turn.DISPUTED: 2}.get(self._plan.turn, 0)
        for number in range(count):
            moment = begun + (45 + 30 * number) * _MINUTE
            yield self._county(messages.refuse(self._link, self._handling, moment, "非本县权属"))
            again = moment + 15 * _MINUTE
            yield self._city(messages.dispatch_again(self._link, self._assignment, again, is_ruled=number == 1))

    def _extension(self) -> Iterator[Move]:
        first = self._plan.deadline_time - GRACE
        yield self._county(messages.ask(self._link, self._own, first - 6 * HOUR, RequestKind.EXTENSION, "材料未到"))
        request = self._asked()
        yield self._city(
            messages.extend(self._link, self._assignment, first - 5 * HOUR, request, _OFFICER, self._plan.deadline_time)
        )

    def _suspension(self) -> Iterator[Move]:
        """The clock stands still for half of the time that is added; cases never done stay suspended."""
        first, deadline = self._plan.deadline_time - GRACE, self._plan.deadline_time
        yield self._county(messages.ask(self._link, self._own, first - 7 * HOUR, RequestKind.SUSPENSION, "产权不清"))
        decision = Decision(
            RequestKind.SUSPENSION,
            self._asked().request_time,
            is_granted=True,
            approver_ref=_OFFICER,
            second_approver_ref=_LEADER,
            reason="产权不清，待确权",
        )
        is_lasting = self._plan.fate is Fate.GIVEN_ON
        until = first + (180 * 24 * HOUR if is_lasting else GRACE // 4)
        yield self._city(messages.suspend(self._link, self._assignment, first - 6 * HOUR, decision, until, deadline))
        if not is_lasting:
            yield self._city(messages.resume(self._link, self._assignment, until, deadline))

    def _asked(self) -> Request:
        request = self._own.request
        assert request is not None  # noqa: S101 — the move before asked
        return request

    def _work(self) -> Iterator[Move]:
        """Close requests and checks, until one passes; then the county confirms, or appeals first."""
        plan = self._plan
        if plan.fate is Fate.GIVEN_ON and not plan.failures:
            return
        for number in range(1, plan.failures + 2):
            requested = plan.requested_time - (plan.failures + 1 - number) * HOUR
            yield self._county(
                messages.request_check(self._link, self._own, requested, "已按要求整改到位。", work_round=number)
            )
            checked = requested + 5 * HOUR
            if number <= plan.failures:
                reason = "现场核查仍有残留"
                yield self._city(messages.fail_check(self._link, self._verdict, checked, number, reason))
                if plan.fate is Fate.GIVEN_ON:
                    return
        kind = 1 + (plan.fate is Fate.DONE_LATE)
        yield self._city(messages.close(self._link, self._verdict, checked, plan.failures + 1, kind))
        if plan.turn is Turn.APPEALED:
            yield self._county(messages.ask(self._link, self._own, checked + HOUR, RequestKind.APPEAL, "道路封闭"))
            decision = Decision(
                RequestKind.APPEAL,
                checked + HOUR,
                approver_ref=_OFFICER,
                second_approver_ref=_LEADER,
                reason="封闭期已扣除",
            )
            assert self._verdict is not None  # noqa: S101 — the case is closed
            yield self._city(messages.decide_appeal(self._link, self._verdict, checked + 24 * HOUR, decision))
        yield self._county(messages.confirm_close(self._link, self._own, checked + 25 * HOUR))

    def _city(self, case: Case) -> Move:
        self._assignment = case.assignment or self._assignment
        self._verdict = case.verdict or self._verdict
        return Move(CITY, case)

    def _county(self, case: Case) -> Move:
        self._handling = case.handling
        return Move(COUNTY, case)


def _report(plan: CasePlan) -> Report:
    return Report(
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


def _assignment(plan: CasePlan) -> Assignment:
    is_moved = plan.turn in (Turn.EXTENDED, Turn.SUSPENDED)
    deadline = plan.deadline_time - (GRACE if is_moved else 0)
    dispatched = plan.reported_time + HOUR // 2
    return Assignment(
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
        original_deadline_time=deadline,
        deadline_time=deadline,
        dispatched_time=dispatched,
        dispatch_count=1,
        acted_time=dispatched,
    )


def _action(case_no: str, kind: str, moment: int) -> Action:
    return Action(str(uuid.uuid5(_ACTIONS, f"{case_no} {kind} {moment}")), kind, CITY, moment, "派遣员", "请按时限处置")
