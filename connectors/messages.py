"""The messages between a dispatching authority and a handling platform, as the sections that carry them.

State is sent, not deltas: a message is the writer's whole section with the next revision. Pure; used by platforms'
programs and by the simulators. ``docs/lifecycle.md`` shows who sends what when. Times are microseconds since 1970.

Source: 2.4 of the domain notes (the seven steps between city and county); names of the messages are ours.
"""

from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    CheckVerdict,
    Decision,
    Handling,
    HandlingState,
    Request,
    RequestKind,
)

_ACTIONS: Final = UUID("7b0f9f0e-3d0c-4b67-9a35-9c7c1f0e2026")


# What the handling platform says.


def acknowledge(link: CaseLink, last: Handling | None, now: int, *, local_case_no: str = "") -> Case:
    """Acknowledges a dispatch (``dispatch.ack``, 接收)."""
    return _handled(link, last, now, state=HandlingState.RECEIVED, received_time=now, local_case_no=local_case_no)


def give_on(link: CaseLink, last: Handling, now: int, *, unit_code: str = "", unit_name: str = "") -> Case:
    """Tells that a department has the case (派发)."""
    return _handled(
        link, last, now,
        state=HandlingState.DISPATCHED_ON, dispatched_on_time=now, local_unit_code=unit_code, local_unit_name=unit_name,
    )  # fmt: skip


def refuse(link: CaseLink, last: Handling | None, now: int, reason: str) -> Case:
    """Refuses a dispatch (``dispatch.refuse``, 退单): only for what was dispatched to the wrong place."""
    return _handled(link, last, now, state=HandlingState.RETURNED, reason=reason)


def ask(link: CaseLink, last: Handling, now: int, kind: RequestKind, reason: str) -> Case:
    """Asks for an extension, a suspension, or, after the closing, for an appeal to be heard."""
    return _handled(link, last, now, request=Request(kind, now, reason))


def request_check(
    link: CaseLink, last: Handling, now: int, result: str, *, work_round: int = 1, local_checked_time: int = 0
) -> Case:
    """Says that the work is done and asks for the check (``check.request``, 结案申请).

    Args:
        link: the case.
        last: the platform's section in force.
        now: moment of the request: with the default anchor it decides on time or late.
        result: what was done.
        work_round: 1, and one more after each failed check.
        local_checked_time: when the platform's own tier checked; needed where two levels are ordered.
    """
    return _handled(
        link, last, now,
        state=HandlingState.CLOSE_REQUESTED, round=work_round, disposed_time=last.disposed_time or now,
        close_requested_time=now, result=result, local_checked_time=local_checked_time,
    )  # fmt: skip


def confirm_close(link: CaseLink, last: Handling, now: int) -> Case:
    """Takes note that the case is closed (``close.ack``, 确认结案)."""
    return _handled(link, last, now, state=HandlingState.CLOSE_CONFIRMED)


def _handled(link: CaseLink, last: Handling | None, now: int, **changes: Any) -> Case:
    last = last or Handling(0, HandlingState.RECEIVED)
    changes = {"revision": last.revision + 1, "acted_time": now, "request": None, "reason": ""} | changes
    return Case(link.issuer_id, link.case_no, handling=replace(last, **changes))


# What the authority says.


def dispatch_again(
    link: CaseLink, last: Assignment, now: int, *, handler_id: str = "", deadline_time: int = 0, is_ruled: bool = False
) -> Case:
    """Dispatches a case that came back: to the same platform or another (``reassign``), or after a ruling (裁定)."""
    return _assigned(
        link, last, now,
        state=AssignmentState.DISPATCHED, handler_id=handler_id or last.handler_id,
        deadline_time=deadline_time or last.deadline_time, is_ruled=is_ruled,
        dispatch_count=last.dispatch_count + 1, return_count=last.return_count + 1,
    )  # fmt: skip


def extend(link: CaseLink, last: Assignment, now: int, request: Request, approver_ref: str, deadline_time: int) -> Case:
    """Grants an extension (``extension.decision``, 延期); the city computes the new deadline."""
    decision = Decision(RequestKind.EXTENSION, request.request_time, is_granted=True, approver_ref=approver_ref)
    return _assigned(
        link, last, now, decision=decision, deadline_time=deadline_time, extension_count=last.extension_count + 1
    )


def refuse_request(
    link: CaseLink, last: Assignment, now: int, request: Request, approver_ref: str, reason: str
) -> Case:
    """Refuses an extension or a suspension; the case stands as it stood."""
    decision = Decision(request.kind, request.request_time, is_granted=False, approver_ref=approver_ref, reason=reason)
    return _assigned(link, last, now, decision=decision)


def suspend(
    link: CaseLink, last: Assignment, now: int, decision: Decision, until_time: int, resumed_deadline_time: int
) -> Case:
    """Suspends a case (``suspend.decision``, 挂账): approved by two posts, until a day, its clock stopped."""
    return _assigned(
        link, last, now,
        state=AssignmentState.SUSPENDED, decision=decision, suspended_time=now, suspended_until_time=until_time,
        resumed_deadline_time=resumed_deadline_time, reason=decision.reason,
    )  # fmt: skip


def resume(link: CaseLink, last: Assignment, now: int, deadline_time: int) -> Case:
    """Ends a suspension before its time, or repeats that it has ended (恢复)."""
    state = AssignmentState.DISPATCHED if last.handler_id else AssignmentState.PENDING
    return _assigned(link, last, now, state=state, deadline_time=deadline_time)


def supervise(link: CaseLink, last: Assignment, now: int, deadline_time: int) -> Case:
    """Puts a case under supervision with a deadline of its own (``supervise``, 督办)."""
    return _assigned(link, last, now, is_supervised=True, supervision_deadline_time=deadline_time)


def void(link: CaseLink, last: Assignment, now: int, reason: str) -> Case:
    """Voids a case (``void``, 作废)."""
    return _assigned(link, last, now, state=AssignmentState.VOID, reason=reason)


def send_back(link: CaseLink, last: Assignment, now: int, reason: str) -> Case:
    """Sends a case back to whoever accepted it (退回受理)."""
    return _assigned(link, last, now, state=AssignmentState.SENT_BACK, reason=reason)


def merge(link: CaseLink, last: Assignment, now: int, duplicate_of: CaseLink) -> Case:
    """Merges a case with the one it repeats (合并); a person has confirmed it."""
    return _assigned(link, last, now, state=AssignmentState.MERGED, duplicate_of=duplicate_of)


def _assigned(link: CaseLink, last: Assignment, now: int, **changes: Any) -> Case:
    changes = {"revision": last.revision + 1, "acted_time": now, "decision": None, "reason": ""} | changes
    return Case(link.issuer_id, link.case_no, assignment=replace(last, **changes))


def send_check(link: CaseLink, last: CheckVerdict | None, now: int, work_round: int) -> Case:
    """Sends somebody to check the work (核查派发)."""
    return _judged(link, last, now, state=CheckState.CHECKING, round=work_round, check_sent_time=now)


def fail_check(link: CaseLink, last: CheckVerdict | None, now: int, work_round: int, reason: str) -> Case:
    """Says that the work did not pass (``check.failed``): the case goes back to the same platform (返工)."""
    return _judged(link, last, now, state=CheckState.FAILED, round=work_round, check_answered_time=now, reason=reason)


def close(link: CaseLink, last: CheckVerdict | None, now: int, work_round: int, closing_kind: int = 1) -> Case:
    """Says that the work passed and the case is closed (``close.notice``, 结案)."""
    return _judged(
        link, last, now,
        state=CheckState.CLOSED, round=work_round, check_answered_time=now, closed_time=now, closing_kind=closing_kind,
    )  # fmt: skip


def decide_appeal(link: CaseLink, last: CheckVerdict, now: int, decision: Decision) -> Case:
    """Answers an appeal; upheld, the case is not counted late, and its times stay as they are (申诉)."""
    return _judged(link, last, now, appeal_decision=decision)


def _judged(link: CaseLink, last: CheckVerdict | None, now: int, **changes: Any) -> Case:
    last = last or CheckVerdict(0, CheckState.CHECKING)
    changes = {"revision": last.revision + 1, "acted_time": now, "reason": ""} | changes
    return Case(link.issuer_id, link.case_no, verdict=replace(last, **changes))


# What either side may say without changing anything.


def note(link: CaseLink, platform_id: str, kind: str, now: int, opinion: str, actor_ref: str = "") -> Case:
    """Adds a line to the story: ``urge`` (催办) and the like. The same line is the same action, however often sent."""
    name = f"{link.issuer_id}\0{link.case_no}\0{platform_id}\0{kind}\0{now}"
    action = Action(str(uuid5(_ACTIONS, name)), kind, platform_id, now, actor_ref, opinion)
    return Case(link.issuer_id, link.case_no, actions=(action,))
