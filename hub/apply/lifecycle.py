"""The life cycle of a case as pure functions: who owns a section, which state follows, which step is legal.

No clock, no database. ``fold`` takes a case as it stands and a record, and returns the case as it stands afterwards.
Source: sections 2.2–2.5 of the domain notes; ownership: decision 0004.
"""

from msgspec import Struct
from msgspec.structs import replace

from exchange_db.cases import CaseRow, CaseState, Section
from exchange_db.facts import AssignmentFacts, CaseFacts, HandlingFacts, ReportFacts, VerdictFacts
from exchange_db.records import Action, AssignmentState, CheckState, HandlingState, ReportState, Violated
from exchange_db.regions import region_of, subtree

_S = CaseState
_OPEN = frozenset({_S.REPORTED, _S.VERIFYING, _S.FILED, _S.DISPATCHING, _S.DISPOSING, _S.DISPOSED, _S.CHECKING})

#: From a state to the states that may follow. Staying in a state is always legal.
TRANSITIONS: dict[int, frozenset[CaseState]] = {
    0: frozenset({_S.REPORTED, _S.VERIFYING, _S.NOT_ACCEPTED, _S.FILED}),
    _S.REPORTED: frozenset({_S.VERIFYING, _S.NOT_ACCEPTED, _S.FILED, _S.VOID}),
    _S.VERIFYING: frozenset({_S.NOT_ACCEPTED, _S.FILED, _S.VOID}),
    _S.NOT_ACCEPTED: frozenset(),
    _S.FILED: frozenset({_S.DISPATCHING, _S.DISPOSING, _S.SUSPENDED, _S.VOID}),
    _S.DISPATCHING: frozenset({_S.FILED, _S.DISPOSING, _S.SUSPENDED, _S.VOID}),
    _S.DISPOSING: frozenset({_S.DISPATCHING, _S.DISPOSED, _S.SUSPENDED, _S.VOID}),
    _S.DISPOSED: frozenset({_S.CHECKING, _S.CLOSED, _S.DISPOSING, _S.VOID}),
    _S.CHECKING: frozenset({_S.CLOSED, _S.DISPOSING, _S.VOID}),
    _S.SUSPENDED: frozenset({_S.DISPATCHING, _S.DISPOSING, _S.VOID}),
    _S.CLOSED: frozenset(),
    _S.VOID: frozenset(),
}


class Folded(Struct, frozen=True, gc=False):
    """What a record did: the case afterwards, the sections that took effect, and the actions it brought."""

    row: CaseRow
    sections: tuple[tuple[Section, int], ...]
    actions: tuple[Action, ...]


def fold(before: CaseRow | None, case_id: bytes, case: CaseFacts, inbox_id: int) -> Folded:
    """Folds one record into a case.

    Args:
        before: the case as it stands; ``None`` when it is not known yet. Not changed.
        case_id: key of the case.
        case: what the record says, and who wrote it.
        inbox_id: row of the log that holds it.

    Returns:
        The case afterwards. No sections and no actions mean that all of it was known already.

    Raises:
        Violated: SECTION_FORBIDDEN, TRANSITION_FORBIDDEN, CASE_UNKNOWN or FIELD_INVALID; nothing took effect.
    """
    if before is None:
        if case.report is None:
            raise Violated("CASE_UNKNOWN", "case.key.case_no", case.case_no)
        row = CaseRow(case.home_region, case_id, case.issuer_id, case.case_no)
    else:
        row = replace(before)
    origin_id = case.origin_id
    sections: list[tuple[Section, int]] = []
    if case.report and case.report.revision > row.report_revision:
        _take_report(row, case.report, origin_id)
        row.report_inbox_id = inbox_id
        sections.append((Section.REPORT, case.report.revision))
        _advance(row, "case.report.state")
    if case.assignment and case.assignment.revision > row.assignment_revision:
        _require_owner(origin_id, row.authority_id, "case.assignment")
        _take_assignment(row, case.assignment)
        row.assignment_inbox_id = inbox_id
        sections.append((Section.ASSIGNMENT, case.assignment.revision))
        _advance(row, "case.assignment.state")
    if case.handling and case.handling.revision > row.handling_revision:
        _require_owner(origin_id, handler_of(row), "case.handling")
        _take_handling(row, case.handling)
        row.handling_inbox_id = inbox_id
        sections.append((Section.HANDLING, case.handling.revision))
        _advance(row, "case.handling.state")
    if case.verdict and case.verdict.revision > row.verdict_revision:
        _require_owner(origin_id, row.authority_id, "case.verdict")
        _take_verdict(row, case.verdict)
        row.verdict_inbox_id = inbox_id
        sections.append((Section.VERDICT, case.verdict.revision))
        _advance(row, "case.verdict.state")
    if case.actions:
        _require_party(row, case.actions, origin_id)
    return Folded(row, tuple(sections), case.actions)


def handler_of(row: CaseRow) -> str:
    """Returns the platform that handles a case: the one assigned, or the issuer of a self-handled one."""
    return row.handler_id or (row.issuer_id if row.is_self_handled else "")


# Members under names of their own: finding one through its enum costs more than comparing with it.
_VOID, _SUSPENDED = AssignmentState.VOID, AssignmentState.SUSPENDED
_PENDING, _DISPATCHED = AssignmentState.PENDING, AssignmentState.DISPATCHED
_CLOSE_REQUESTED, _RETURNED = HandlingState.CLOSE_REQUESTED, HandlingState.RETURNED
_CHECKING, _CLOSED = CheckState.CHECKING, CheckState.CLOSED
_BY_ASSIGNMENT: dict[int, CaseState] = {
    _VOID: _S.VOID,
    _SUSPENDED: _S.SUSPENDED,
    _PENDING: _S.DISPATCHING,
    _DISPATCHED: _S.DISPOSING,
}
_BY_REPORT: dict[int, CaseState] = {
    ReportState.REPORTED: _S.REPORTED,
    ReportState.VERIFYING: _S.VERIFYING,
    ReportState.NOT_ACCEPTED: _S.NOT_ACCEPTED,
    ReportState.FILED: _S.FILED,
}
_IS_CLOSED, _IS_CHECKING, _IS_DISPOSED = _S.CLOSED, _S.CHECKING, _S.DISPOSED
_IS_DISPATCHING, _IS_FILED = _S.DISPATCHING, _S.FILED


def state_of(row: CaseRow) -> CaseState:
    """Derives the state of a case from its sections."""
    assigned = row.assignment_state
    if row.verdict_state == _CLOSED and assigned != _VOID:
        return _IS_CLOSED
    if assigned not in (_VOID, _SUSPENDED):
        if row.verdict_state == _CHECKING and row.verdict_round >= row.handling_round:
            return _IS_CHECKING
        if row.handling_state == _CLOSE_REQUESTED and row.handling_round > row.verdict_round:
            return _IS_DISPOSED
        if row.handling_state == _RETURNED:
            return _IS_DISPATCHING
    return _BY_ASSIGNMENT[assigned] if assigned else _BY_REPORT[row.report_state]


def _advance(row: CaseRow, path: str) -> None:
    after = state_of(row)
    is_on_the_spot = row.is_self_handled and row.state == _IS_FILED and after is _IS_DISPOSED
    if after != row.state and after not in TRANSITIONS[row.state] and not is_on_the_spot:
        was = CaseState(row.state).name.lower() if row.state else "none"
        raise Violated("TRANSITION_FORBIDDEN", path, f"{was} -> {after.name.lower()}")
    row.state = after


def _require_owner(origin_id: str, owner_id: str, path: str) -> None:
    if origin_id != owner_id:
        raise Violated("SECTION_FORBIDDEN", path, owner_id or "nobody yet")


def _require_party(row: CaseRow, actions: tuple[Action, ...], origin_id: str) -> None:
    if origin_id not in (row.issuer_id, row.authority_id, row.handler_id):
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


def _take_assignment(row: CaseRow, assignment: AssignmentFacts) -> None:
    if assignment.handler_id != row.handler_id:
        row.handling_revision = row.handling_state = row.handling_round = row.handling_inbox_id = 0
        row.dispatched_on_time = row.close_requested_time = 0
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


def _take_handling(row: CaseRow, handling: HandlingFacts) -> None:
    """After the closing a handling section is kept as history and counts for nothing."""
    is_same_request = handling.round == row.handling_round and row.close_requested_time
    row.handling_revision = handling.revision
    if row.verdict_state == _CLOSED:
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
    # By the round, not by counting verdicts: a hub that sees only the last one must come to the same number.
    failed_count = verdict.round if verdict.state == CheckState.FAILED else verdict.round - 1
    row.rework_count = max(row.rework_count, failed_count)
