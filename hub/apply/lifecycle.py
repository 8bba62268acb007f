"""The life cycle of a case as pure functions: who owns a section, which state follows, which step is legal.

No clock, no database. ``fold`` takes a case as it stands and a record, and returns the case as it stands afterwards.
The legal steps are a table in ``hub.apply.transitions``; what a step must bring along is in ``hub.apply.guards``.
Source: sections 2.2–2.5 of the domain notes; ownership: decision 0004.
"""

from msgspec import Struct
from msgspec.structs import replace

from exchange_db.cases import AppealState, CaseRow, CaseState, Section, SectionStep
from exchange_db.facts import AssignmentFacts, CaseFacts, HandlingFacts, ReportFacts, VerdictFacts
from exchange_db.records import Action, AssignmentState, CheckState, HandlingState, RequestKind, Violated
from exchange_db.regions import region_of, subtree
from hub.apply.guards import (
    LifeRules,
    appeal_state_of,
    check_assignment,
    check_handling,
    check_report,
    check_verdict,
)
from hub.apply.transitions import BY_ASSIGNMENT, BY_REPORT, TRANSITIONS, forbidden

#: Kind of the action by which a hub says that the agreed time of a suspension is over.
RESUME = "resume"


class Folded(Struct, frozen=True, gc=False):
    """What a record did: the case afterwards, the sections that took effect, and the actions it brought."""

    row: CaseRow
    sections: tuple[SectionStep, ...]
    actions: tuple[Action, ...]


def fold(
    before: CaseRow | None, case_id: bytes, case: CaseFacts, inbox_id: int, rules: LifeRules | None = None
) -> Folded:
    """Folds one record into a case.

    Args:
        before: the case as it stands; ``None`` when it is not known yet. Not changed.
        case_id: key of the case.
        case: what the record says, and who wrote it.
        inbox_id: row of the log that holds it.
        rules: what steps must bring along; ``None`` where the record was judged before, at the hub it entered by.

    Returns:
        The case afterwards. No sections and no actions mean that all of it was known already.

    Raises:
        Violated: SECTION_FORBIDDEN, TRANSITION_FORBIDDEN, CASE_FINAL, CASE_UNKNOWN, FIELD_INVALID, or a reason of
            ``hub.apply.guards``; nothing took effect.
    """
    row = replace(before) if before else _opened(case_id, case)
    origin_id = case.origin_id
    sections: list[SectionStep] = []
    report, assignment, handling, verdict = case.report, case.assignment, case.handling, case.verdict
    if report and report.revision > row.report_revision:
        if rules:
            check_report(row, report)
        _take_report(row, report, origin_id)
        row.report_inbox_id = inbox_id
        _advance(row, "case.report.state")
        sections.append(SectionStep(_REPORT, report.revision, row.state, report.step_time))
    if assignment and assignment.revision > row.assignment_revision:
        _require_owner(origin_id, row.authority_id, "case.assignment")
        if rules:
            check_assignment(row, assignment, rules)
        _take_assignment(row, assignment)
        row.assignment_inbox_id = inbox_id
        _advance(row, "case.assignment.state")
        sections.append(SectionStep(_ASSIGNMENT, assignment.revision, row.state, assignment.step_time))
    if handling and handling.revision > row.handling_revision:
        _require_owner(origin_id, handler_of(row), "case.handling")
        if rules:
            check_handling(row, handling)
        _take_handling(row, handling)
        row.handling_inbox_id = inbox_id
        _advance(row, "case.handling.state")
        sections.append(SectionStep(_HANDLING, handling.revision, row.state, handling.step_time))
    if verdict and verdict.revision > row.verdict_revision:
        _require_owner(origin_id, row.authority_id, "case.verdict")
        if rules:
            check_verdict(row, verdict, rules)
        _take_verdict(row, verdict)
        row.verdict_inbox_id = inbox_id
        _advance(row, "case.verdict.state")
        sections.append(SectionStep(_VERDICT, verdict.revision, row.state, verdict.step_time))
    if case.actions:
        _require_party(row, case.actions, origin_id)
        sections += _resume(row, case.actions)
    return Folded(row, tuple(sections), case.actions)


def _opened(case_id: bytes, case: CaseFacts) -> CaseRow:
    if case.report is None:
        raise Violated("CASE_UNKNOWN", "case.key.case_no", case.case_no)
    return CaseRow(case.home_region, case_id, case.issuer_id, case.case_no)


def handler_of(row: CaseRow) -> str:
    """Returns the platform that handles a case: the one assigned, or the issuer of a self-handled one."""
    return row.handler_id or (row.issuer_id if row.is_self_handled else "")


# Members under names of their own: finding one through its enum costs more than comparing with it.
_REPORT, _ASSIGNMENT, _HANDLING, _VERDICT = Section.REPORT, Section.ASSIGNMENT, Section.HANDLING, Section.VERDICT
_VOID, _SUSPENDED, _MERGED = AssignmentState.VOID, AssignmentState.SUSPENDED, AssignmentState.MERGED
_PENDING, _DISPATCHED, _SENT_BACK = AssignmentState.PENDING, AssignmentState.DISPATCHED, AssignmentState.SENT_BACK
_S = CaseState
_CLOSE_REQUESTED, _RETURNED = HandlingState.CLOSE_REQUESTED, HandlingState.RETURNED
_CHECKING, _CLOSED = CheckState.CHECKING, CheckState.CLOSED
#: Decisions that do not leave the case with its handler.
_WITHDRAWN = frozenset({_VOID, _SUSPENDED, _SENT_BACK, _MERGED})
_IS_CLOSED, _IS_CHECKING, _IS_DISPOSED = _S.CLOSED, _S.CHECKING, _S.DISPOSED
_IS_DISPATCHING, _IS_DISPUTED, _IS_FILED = _S.DISPATCHING, _S.DISPUTED, _S.FILED


def state_of(row: CaseRow) -> CaseState:
    """Derives the state of a case from its sections."""
    assigned = row.assignment_state
    if assigned not in _WITHDRAWN:
        if row.verdict_state == _CLOSED:
            return _IS_CLOSED
        if row.verdict_state == _CHECKING and row.verdict_round >= row.handling_round:
            return _IS_CHECKING
        if row.handling_state == _CLOSE_REQUESTED and row.handling_round > row.verdict_round:
            return _IS_DISPOSED
        if row.handling_state == _RETURNED:
            return _IS_DISPUTED if row.return_count else _IS_DISPATCHING
    return BY_ASSIGNMENT[assigned] if assigned else BY_REPORT[row.report_state]


def _advance(row: CaseRow, path: str) -> None:
    after = state_of(row)
    is_on_the_spot = row.is_self_handled and row.state == _IS_FILED and after is _IS_DISPOSED
    if after != row.state and after not in TRANSITIONS[row.state] and not is_on_the_spot:
        raise forbidden(row.state, after, path)
    row.state = after


def _require_owner(origin_id: str, owner_id: str, path: str) -> None:
    if origin_id != owner_id:
        raise Violated("SECTION_FORBIDDEN", path, owner_id or "nobody yet")


def _require_party(row: CaseRow, actions: tuple[Action, ...], origin_id: str) -> None:
    is_party = origin_id in (row.issuer_id, row.authority_id, row.handler_id)
    # A hub above the authority tells what time has brought about.
    if not is_party and region_of(row.authority_id) not in subtree(region_of(origin_id)):
        raise Violated("SECTION_FORBIDDEN", "case.actions", "the parties of the case")
    for action in actions:
        if action.platform_id != origin_id:
            raise Violated("SECTION_FORBIDDEN", "case.actions.platform_id", action.platform_id)


def _take_report(row: CaseRow, report: ReportFacts, origin_id: str) -> None:
    _require_owner(origin_id, row.issuer_id, "case.report")
    if row.authority_id and report.authority_id != row.authority_id:
        raise Violated("FIELD_INVALID", "case.report.authority_id", f"fixed as {row.authority_id}")
    if report.region not in subtree(region_of(report.authority_id)):
        raise Violated("FIELD_INVALID", "case.report.authority_id", f"{report.authority_id} for {report.region:06d}")
    row.authority_id = report.authority_id
    row.report_revision = report.revision
    row.report_state = report.state
    row.region = report.region
    if not row.assignment_revision:
        row.class_key = report.class_key
    row.source_code = report.source_code
    row.is_self_handled = report.is_self_handled
    row.reported_time = report.reported_time
    row.crs, row.x, row.y = report.crs, report.x, report.y
    row.accepted_time, row.verified_time, row.filed_time = (
        report.accepted_time, report.verified_time, report.filed_time,
    )  # fmt: skip
    row.grid_code = report.grid_code


def _take_assignment(row: CaseRow, assignment: AssignmentFacts) -> None:
    if assignment.handler_id != row.handler_id:
        row.handling_revision = row.handling_state = row.handling_round = row.handling_inbox_id = 0
        row.dispatched_on_time = row.close_requested_time = row.request_time = 0
    elif row.handling_state == _RETURNED and assignment.state == _DISPATCHED:
        row.handling_state = 0
    row.assignment_revision = assignment.revision
    row.assignment_state = assignment.state
    row.class_key = assignment.class_key
    row.handler_id = assignment.handler_id
    row.unit_code = assignment.unit_code
    row.deadline_time = assignment.deadline_time
    row.dispatched_time = assignment.dispatched_time
    row.extension_count = assignment.extension_count
    row.is_supervised = assignment.is_supervised
    row.is_ruled = assignment.is_ruled
    row.return_count = assignment.return_count
    row.check_levels = assignment.check_levels
    row.suspended_time = assignment.suspended_time
    row.suspended_until_time = assignment.suspended_until_time
    row.resumed_deadline_time = assignment.resumed_deadline_time


def _resume(row: CaseRow, actions: tuple[Action, ...]) -> list[SectionStep]:
    """Ends a suspension whose agreed time is over; the authority's next revision says the rest."""
    for action in actions:
        if action.kind != RESUME or row.assignment_state != _SUSPENDED:
            continue
        if not 0 < row.suspended_until_time <= action.action_time:
            continue
        row.assignment_state = _DISPATCHED if row.handler_id else _PENDING
        row.deadline_time = row.resumed_deadline_time or row.deadline_time
        _advance(row, "case.actions.kind")
        return [SectionStep(Section.EVENT, 0, CaseState(row.state), action.action_time)]
    return []


def _take_handling(row: CaseRow, handling: HandlingFacts) -> None:
    """After the closing a handling section is kept as history and counts for nothing, but for an appeal."""
    is_same_request = handling.round == row.handling_round and row.close_requested_time
    row.handling_revision = handling.revision
    request = handling.request
    if request is not None:
        row.request_time = request.request_time
    if row.verdict_state == _CLOSED:
        if request is not None and request.kind is RequestKind.APPEAL and not row.appeal_state:
            row.appeal_state = AppealState.ASKED
        return
    row.handling_state = handling.state
    row.handling_round = handling.round
    row.dispatched_on_time = handling.dispatched_on_time
    # The first request of a round stands: whoever is judged by a moment may not move it afterwards.
    if not is_same_request:
        row.close_requested_time = handling.close_requested_time


def _take_verdict(row: CaseRow, verdict: VerdictFacts) -> None:
    row.verdict_revision = verdict.revision
    row.verdict_state = verdict.state
    row.verdict_round = verdict.round
    row.closed_time = verdict.closed_time
    row.check_sent_time, row.check_answered_time = verdict.check_sent_time, verdict.check_answered_time
    if verdict.appeal_decision is not None:
        row.appeal_state = appeal_state_of(verdict.appeal_decision)
    # By the round, not by counting verdicts: a hub that sees only the last one must come to the same number.
    failed_count = verdict.round if verdict.state == CheckState.FAILED else verdict.round - 1
    row.rework_count = max(row.rework_count, failed_count)
