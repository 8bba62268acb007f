"""Cases on the wire: their sections, requests, decisions and actions, read from messages and written down as such.

Called by ``connectors.wire`` for parcels and by whoever shows a case.
"""

import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from connectors.attachment_wire import add_attachments, read_attachments
from connectors.codes import check_codes
from connectors.fields import FieldReader, check_platform, check_region
from connectors.positions import check_position
from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    CheckVerdict,
    Crs,
    Decision,
    Handling,
    HandlingState,
    Milestone,
    Report,
    Request,
    Violated,
)
from protos.case.v1 import case_pb2

is_uuid = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z").match
_MAX_ACTIONS = 50
_MAX_MILESTONES = 10
#: Decisions that somebody else must be able to understand.
_REASONED = frozenset({AssignmentState.SUSPENDED, AssignmentState.VOID, AssignmentState.SENT_BACK})

#: Places of fields in the messages, where they are not those of the record.
_CLASS_PATHS = {
    "standard_ref": "class_code.standard_ref",
    "class_kind": "class_code.kind",
    "class_code": "class_code.code",
    "class_original": "class_code.original",
}
#: Fields with codes that cases are counted by.
_REPORT_CODES = ("class_code.standard_ref", "class_code.code", "source_code")
_ASSIGNMENT_CODES = ("class_code.standard_ref", "class_code.code", "unit_code")
_POSITION_PATHS = {"crs": "position.crs", "x": "position.x", "y": "position.y"}

_REPORT = FieldReader(Report, "case.report", _CLASS_PATHS | _POSITION_PATHS)
_ASSIGNMENT = FieldReader(Assignment, "case.assignment", _CLASS_PATHS)
_HANDLING = FieldReader(Handling, "case.handling")
_VERDICT = FieldReader(CheckVerdict, "case.verdict")
_ACTION = FieldReader(Action, "case.actions")
_REQUEST = FieldReader(Request, "case.handling.request")
_DECISION = FieldReader(Decision, "case.assignment.decision")
_APPEAL_DECISION = FieldReader(Decision, "case.verdict.appeal_decision")
_CONTINUES = FieldReader(CaseLink, "case.report.continues")
_DUPLICATE_OF = FieldReader(CaseLink, "case.assignment.duplicate_of")
_MILESTONE = FieldReader(Milestone, "case.assignment.milestones")
_INNER = {
    "request": _REQUEST,
    "decision": _DECISION,
    "appeal_decision": _APPEAL_DECISION,
    "continues": _CONTINUES,
    "duplicate_of": _DUPLICATE_OF,
}


def read_case(message: case_pb2.Case) -> Case:
    """Reads the sections a case message carries.

    Raises:
        Violated: a field does not keep the contract.
    """
    key = message.key
    issuer_id, case_no = key.issuer_id, key.case_no
    check_platform(issuer_id, "case.key.issuer_id")
    if not 1 <= len(case_no) <= 64:
        raise Violated("FIELD_INVALID" if case_no else "FIELD_MISSING", "case.key.case_no", case_no)
    if not case_no.isprintable():
        raise Violated("TEXT_INVALID", "case.key.case_no")
    has = message.HasField
    report = _read_report(message.report) if has("report") else None
    assignment = _read_assignment(message.assignment) if has("assignment") else None
    handling = _read_handling(message.handling) if has("handling") else None
    verdict = _read_verdict(message.verdict) if has("verdict") else None
    actions: tuple[Action, ...] = ()
    if message.actions:
        actions = tuple(map(_read_action, message.actions))
        if len(actions) > _MAX_ACTIONS:
            raise Violated("FIELD_INVALID", "case.actions", f"{len(actions)} > {_MAX_ACTIONS}")
    if not (report or assignment or handling or verdict or actions):
        raise Violated("RECORD_MISSING", "case")
    if (
        (report and message.report.attachments)
        or (handling and message.handling.attachments)
        or (verdict and message.verdict.attachments)
    ):
        return Case(issuer_id, case_no, report, assignment, handling, verdict, actions, read_attachments(message))
    return Case(issuer_id, case_no, report, assignment, handling, verdict, actions)


def _read_report(message: case_pb2.Report) -> Report:
    report: Report = _REPORT.read(message)
    check_region(report.region_code, "case.report.region_code")
    check_platform(report.authority_id, "case.report.authority_id")
    check_codes((report.standard_ref, report.class_code, report.source_code), "case.report", _REPORT_CODES)
    if report.crs is not Crs.NONE:
        check_position(report.crs, report.x, report.y, "case.report.position")
    elif message.HasField("position"):
        raise Violated("CRS_MISSING", "case.report.position.crs")
    elif not report.address:
        raise Violated("PLACE_MISSING", "case.report.position")
    if message.HasField("continues"):
        return replace(report, continues=_read_link(_CONTINUES, message.continues))
    return report


def _read_link(reader: FieldReader, message: case_pb2.CaseKey) -> CaseLink:
    link: CaseLink = reader.read(message)
    check_platform(link.issuer_id, f"{reader.name}.issuer_id")
    return link


def _read_assignment(message: case_pb2.Assignment) -> Assignment:
    assignment: Assignment = _ASSIGNMENT.read(message)
    codes = (assignment.standard_ref, assignment.class_code, assignment.unit_code)
    check_codes(codes, "case.assignment", _ASSIGNMENT_CODES)
    if assignment.handler_id:
        check_platform(assignment.handler_id, "case.assignment.handler_id")
    elif assignment.state is AssignmentState.DISPATCHED:
        raise Violated("FIELD_MISSING", "case.assignment.handler_id")
    if not assignment.reason and assignment.state in _REASONED:
        raise Violated("FIELD_MISSING", "case.assignment.reason")
    has = message.HasField
    if has("decision"):
        assignment = replace(assignment, decision=_DECISION.read(message.decision))
    if has("duplicate_of"):
        assignment = replace(assignment, duplicate_of=_read_link(_DUPLICATE_OF, message.duplicate_of))
    elif assignment.state is AssignmentState.MERGED:
        raise Violated("FIELD_MISSING", "case.assignment.duplicate_of")
    if message.milestones:
        return replace(assignment, milestones=_read_milestones(message.milestones, assignment.deadline_time))
    return assignment


def _read_milestones(messages: Sequence[case_pb2.Milestone], deadline_time: int) -> tuple[Milestone, ...]:
    milestones = tuple(map(_MILESTONE.read, messages))
    times = [milestone.deadline_time for milestone in milestones]
    if len(milestones) > _MAX_MILESTONES:
        raise Violated("FIELD_INVALID", "case.assignment.milestones", f"{len(milestones)} > {_MAX_MILESTONES}")
    if times != sorted(times) or times[-1] != deadline_time:
        raise Violated("FIELD_INVALID", "case.assignment.milestones", "rising, the last at deadline_time")
    return milestones


def _read_handling(message: case_pb2.Handling) -> Handling:
    handling: Handling = _HANDLING.read(message)
    if handling.state is HandlingState.RETURNED and not handling.reason:
        raise Violated("FIELD_MISSING", "case.handling.reason")
    if handling.state is HandlingState.CLOSE_REQUESTED and not handling.close_requested_time:
        raise Violated("FIELD_MISSING", "case.handling.close_requested_time")
    if message.HasField("request"):
        return replace(handling, request=_REQUEST.read(message.request))
    return handling


def _read_verdict(message: case_pb2.CheckVerdict) -> CheckVerdict:
    verdict: CheckVerdict = _VERDICT.read(message)
    if verdict.state is CheckState.FAILED and not verdict.reason:
        raise Violated("FIELD_MISSING", "case.verdict.reason")
    if verdict.state is CheckState.CLOSED and not verdict.closed_time:
        raise Violated("FIELD_MISSING", "case.verdict.closed_time")
    if message.HasField("appeal_decision"):
        return replace(verdict, appeal_decision=_APPEAL_DECISION.read(message.appeal_decision))
    return verdict


def _read_action(message: case_pb2.Action) -> Action:
    action: Action = _ACTION.read(message)
    if not is_uuid(action.action_id):
        raise Violated("FIELD_INVALID", "case.actions.action_id", action.action_id)
    return action


def case_fields(case: Case) -> dict[str, Any]:
    """Returns what the message of a case is made of.

    Raises:
        ValueError: it names evidence of a section it does not carry.
    """
    fields: dict[str, Any] = {"key": {"issuer_id": case.issuer_id, "case_no": case.case_no}}
    for name, reader, section in (
        ("report", _REPORT, case.report),
        ("assignment", _ASSIGNMENT, case.assignment),
        ("handling", _HANDLING, case.handling),
        ("verdict", _VERDICT, case.verdict),
    ):
        if section is not None:
            fields[name] = _section_fields(reader, section)
    if case.actions:
        fields["actions"] = [_ACTION.written(action) for action in case.actions]
    if case.attachments:
        add_attachments(case, fields)
    return fields


def _section_fields(reader: FieldReader, section: Any) -> dict[str, Any]:
    fields = reader.written(section)
    if reader is _REPORT and section.crs is Crs.NONE:
        fields.pop("position", None)
    for field in section.__struct_fields__[len(reader.paths) :]:
        value = getattr(section, field)
        if isinstance(value, tuple):
            if value:
                fields[field] = [_MILESTONE.written(milestone) for milestone in value]
        elif value is not None and (inner := _INNER[field].written(value)):
            fields[field] = inner
    return fields
