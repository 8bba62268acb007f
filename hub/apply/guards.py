"""What a legal step must bring along: approvals, rulings, requests made in time, checks of one's own tier.

Judged once, by the hub where a record enters the federation; the tiers above carry what that hub let through, because
their settings and their knowledge of the past may differ. Pure. Called by ``hub.apply.lifecycle``.

Source: 2.3 and 2.4 of the domain notes; limits marked as settings there are ``LifeRules``.
"""

from typing import Final

from msgspec import Struct

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.facts import AssignmentFacts, HandlingFacts, ReportFacts, VerdictFacts
from exchange_db.records import (
    AssignmentState,
    CheckState,
    Decision,
    HandlingState,
    Request,
    RequestKind,
    Violated,
)
from hub.apply.transitions import BY_ASSIGNMENT, BY_REPORT, BY_VERDICT, forbidden, is_step

_DAY: Final = 86_400_000_000


class LifeRules(Struct, frozen=True):
    """Rules of one hub that others may set otherwise; unverified, seen in single cities.

    ``most_extensions``: granted extensions of one case. ``approval_count``: posts that must approve a suspension or
    review an appeal, 0 to 2. ``longest_suspension_days``: natural days.
    """

    most_extensions: int = 2
    approval_count: int = 2
    longest_suspension_days: int = 366


def check_report(row: CaseRow, report: ReportFacts) -> None:
    """Checks that a report says nothing new once the case has gone on.

    Raises:
        Violated: TRANSITION_FORBIDDEN or CASE_FINAL.
    """
    if report.state != row.report_state:
        _require_step(row, BY_REPORT[report.state], "report")


def _require_step(row: CaseRow, target: CaseState, section: str) -> None:
    if not is_step(row.state, target, section):
        raise forbidden(row.state, target, f"case.{section}.state")


def check_assignment(row: CaseRow, assignment: AssignmentFacts, rules: LifeRules) -> None:
    """Checks a decision of the authority against the case as it stands before it.

    Raises:
        Violated: TRANSITION_FORBIDDEN, CASE_FINAL, EXTENSION_TOO_MANY, EXTENSION_UNASKED, EXTENSION_TOO_LATE,
            SUSPENSION_UNAPPROVED, SUSPENSION_TOO_LONG, RULING_MISSING or FIELD_MISSING.
    """
    if assignment.state != row.assignment_state:
        _require_step(row, BY_ASSIGNMENT[assignment.state], "assignment")
    if assignment.extension_count > row.extension_count:
        _check_extension(row, assignment, rules)
    if assignment.state == AssignmentState.SUSPENDED and row.assignment_state != AssignmentState.SUSPENDED:
        _check_suspension(assignment, rules)
    is_dispatched = assignment.state == AssignmentState.DISPATCHED
    if row.state == CaseState.DISPUTED and is_dispatched and not assignment.is_ruled:
        raise Violated("RULING_MISSING", "case.assignment.is_ruled")


def _check_extension(row: CaseRow, assignment: AssignmentFacts, rules: LifeRules) -> None:
    path = "case.assignment.extension_count"
    if assignment.extension_count > rules.most_extensions:
        raise Violated("EXTENSION_TOO_MANY", path, f"{assignment.extension_count} > {rules.most_extensions}")
    if not row.assignment_revision:
        return
    decision = assignment.decision
    if decision is None or decision.kind is not RequestKind.EXTENSION or not decision.is_granted:
        raise Violated("EXTENSION_UNASKED", path)
    if assignment.extension_count - row.extension_count > assignment.revision - row.assignment_revision:
        raise Violated("EXTENSION_TOO_MANY", path, f"{row.extension_count} -> {assignment.extension_count}")
    if row.deadline_time and decision.request_time >= row.deadline_time:
        raise Violated("EXTENSION_TOO_LATE", "case.assignment.decision.request_time")
    if assignment.deadline_time <= row.deadline_time:
        raise Violated("FIELD_INVALID", "case.assignment.deadline_time", "<= deadline before the extension")


def _check_suspension(assignment: AssignmentFacts, rules: LifeRules) -> None:
    for name in ("suspended_time", "suspended_until_time"):
        if not getattr(assignment, name):
            raise Violated("FIELD_MISSING", f"case.assignment.{name}")
    days = (assignment.suspended_until_time - assignment.suspended_time) / _DAY
    if not 0 < days <= rules.longest_suspension_days:
        path = "case.assignment.suspended_until_time"
        raise Violated("SUSPENSION_TOO_LONG", path, f"{days:.0f} (1 - {rules.longest_suspension_days})")
    decision = assignment.decision
    is_about_it = decision is not None and decision.kind is RequestKind.SUSPENSION and decision.is_granted
    if rules.approval_count and not (is_about_it and _is_approved(decision, rules)):
        raise Violated("SUSPENSION_UNAPPROVED", "case.assignment.decision", rules.approval_count)


def _is_approved(decision: Decision | None, rules: LifeRules) -> bool:
    posts = {decision.approver_ref, decision.second_approver_ref} - {""} if decision else set()
    return len(posts) >= rules.approval_count


def check_handling(row: CaseRow, handling: HandlingFacts) -> None:
    """Checks what the handling platform says against the case as it stands before it.

    Raises:
        Violated: TRANSITION_FORBIDDEN, CASE_FINAL, RULED_ALREADY, CHECK_LEVEL_MISSING, CONFIRMATION_EARLY,
            REQUEST_FORBIDDEN, EXTENSION_TOO_LATE or APPEAL_TWICE.
    """
    is_closed = row.state == CaseState.CLOSED
    is_said_before = (handling.state, handling.round) == (row.handling_state, row.handling_round)
    if not is_said_before and handling.state == HandlingState.RETURNED:
        is_again = row.return_count or row.state == CaseState.DISPATCHING
        _require_step(row, CaseState.DISPUTED if is_again else CaseState.DISPATCHING, "handling")
    is_on_the_spot = row.is_self_handled and row.state == CaseState.FILED
    if not is_said_before and handling.state == HandlingState.CLOSE_REQUESTED and not is_on_the_spot:
        _require_step(row, CaseState.DISPOSED, "handling")
    if handling.state == HandlingState.CLOSE_CONFIRMED and not is_closed:
        raise Violated("CONFIRMATION_EARLY", "case.handling.state")
    if handling.state == HandlingState.RETURNED and row.is_ruled:
        raise Violated("RULED_ALREADY", "case.handling.state")
    is_asking = handling.state == HandlingState.CLOSE_REQUESTED and not is_closed
    if is_asking and row.check_levels == 2 and not handling.local_checked_time:
        raise Violated("CHECK_LEVEL_MISSING", "case.handling.local_checked_time")
    # A section is sent whole: a request that was made before is carried along until it is answered.
    if handling.request is not None and handling.request.request_time != row.request_time:
        _check_request(row, handling.request)


def _check_request(row: CaseRow, request: Request) -> None:
    if request.kind is RequestKind.APPEAL:
        if row.state != CaseState.CLOSED:
            raise Violated("REQUEST_FORBIDDEN", "case.handling.request.kind", "appeal")
        if row.appeal_state:
            raise Violated("APPEAL_TWICE", "case.handling.request.kind")
        return
    if row.state != CaseState.DISPOSING:
        raise Violated("REQUEST_FORBIDDEN", "case.handling.request.kind", request.kind.name.lower())
    is_extension = request.kind is RequestKind.EXTENSION
    if is_extension and row.deadline_time and request.request_time >= row.deadline_time:
        raise Violated("EXTENSION_TOO_LATE", "case.handling.request.request_time")


def check_verdict(row: CaseRow, verdict: VerdictFacts, rules: LifeRules) -> None:
    """Checks a verdict against the case as it stands before it.

    Raises:
        Violated: TRANSITION_FORBIDDEN, CASE_FINAL, APPEAL_UNASKED, APPEAL_TWICE or APPEAL_UNREVIEWED.
    """
    if (verdict.state, verdict.round) != (row.verdict_state, row.verdict_round):
        _require_step(row, BY_VERDICT[verdict.state], "verdict")
    decision = verdict.appeal_decision
    if decision is None:
        return
    path = "case.verdict.appeal_decision"
    if row.appeal_state == AppealState.NONE or verdict.state != CheckState.CLOSED:
        raise Violated("APPEAL_UNASKED", path)
    if row.appeal_state != AppealState.ASKED and appeal_state_of(decision) != row.appeal_state:
        raise Violated("APPEAL_TWICE", path)
    if not _is_approved(decision, rules):
        raise Violated("APPEAL_UNREVIEWED", path, rules.approval_count)


def appeal_state_of(decision: Decision) -> AppealState:
    """Returns what a decision makes of an appeal."""
    return AppealState.UPHELD if decision.is_granted else AppealState.REJECTED
