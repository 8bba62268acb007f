"""What apply needs to know of a case record: its facts, without the texts that people read.

Intake has read and checked the record anyway. It lays the facts beside the payload in the log, where apply reads them
ten times as fast as the payload. They say nothing the payload does not say: a row without facts, or with those of
another ``FORM``, is read from its payload again.
"""

from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal

import msgspec
from msgspec import Struct

from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CheckVerdict,
    CodeKind,
    Decision,
    Handling,
    HandlingState,
    Milestone,
    Report,
    Request,
)
from exchange_db.regions import region_of

#: Version of the stored form; raise it whenever a field changes its place or meaning.
FORM: Final = 4


class ReportFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a report; fields as in ``Report``. In all facts ``step_time`` is when the step was taken.

    ``grid_code`` is the duty grid, or the unit grid where the report names no duty grid.
    """

    revision: int
    state: int
    region: int
    class_key: str
    source_code: str
    authority_id: str
    is_self_handled: bool
    reported_time: int
    crs: int
    x: float
    y: float
    accepted_time: int
    verified_time: int
    filed_time: int
    grid_code: str
    step_time: int


class AssignmentFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of an assignment; fields as in ``Assignment``."""

    revision: int
    state: int
    class_key: str
    handler_id: str
    unit_code: str
    deadline_time: int
    dispatched_time: int
    extension_count: int
    is_supervised: bool
    suspended_time: int
    suspended_until_time: int
    check_levels: int
    return_count: int
    is_ruled: bool
    resumed_deadline_time: int
    decision: Decision | None
    milestones: tuple[Milestone, ...]
    step_time: int


class HandlingFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a handling section; fields as in ``Handling``."""

    revision: int
    state: int
    round: int
    dispatched_on_time: int
    close_requested_time: int
    local_checked_time: int
    request: Request | None
    step_time: int


class VerdictFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a check's verdict; fields as in ``CheckVerdict``."""

    revision: int
    state: int
    round: int
    closed_time: int
    check_sent_time: int
    check_answered_time: int
    appeal_decision: Decision | None
    step_time: int


class CaseFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of the sections one record carries; ``None`` for those it does not. ``origin_id`` wrote it."""

    form: Literal[4]
    origin_id: str
    home_region: int
    issuer_id: str
    case_no: str
    report: ReportFacts | None
    assignment: AssignmentFacts | None
    handling: HandlingFacts | None
    verdict: VerdictFacts | None
    actions: tuple[Action, ...]


@lru_cache(maxsize=16_384)
def class_key(standard_ref: str, kind: CodeKind, code: str) -> str:
    """Returns the one text a class is counted under: ``standard|C or E|code``."""
    return f"{standard_ref}|{'C' if kind is CodeKind.COMPONENT else 'E'}|{code}"


# Taken in one call each, in the order of the fields: intake does this for every record.
_REPORT = attrgetter(
    "source_code",
    "authority_id",
    "is_self_handled",
    "reported_time",
    "crs",
    "x",
    "y",
    "accepted_time",
    "verified_time",
    "filed_time",
)
_ASSIGNMENT = attrgetter(
    "handler_id",
    "unit_code",
    "deadline_time",
    "dispatched_time",
    "extension_count",
    "is_supervised",
    "suspended_time",
    "suspended_until_time",
    "check_levels",
    "return_count",
    "is_ruled",
    "resumed_deadline_time",
    "decision",
    "milestones",
)
_HANDLING = attrgetter(*HandlingFacts.__struct_fields__[:-1])
_VERDICT = attrgetter(*VerdictFacts.__struct_fields__[:-1])
_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(CaseFacts).decode


def pack_facts(case: Case, origin_id: str, created_time: int = 0) -> bytes:
    """Returns the facts of a record that ``origin_id`` wrote at ``created_time``, as the log keeps them."""
    report, assignment, handling, verdict = case.report, case.assignment, case.handling, case.verdict
    return _write(
        (
            FORM,
            origin_id,
            region_of(case.issuer_id),
            case.issuer_id,
            case.case_no,
            (
                report.revision, report.state, int(report.region_code), _class_of(report), *_REPORT(report),
                report.duty_grid_code or report.grid_code,
                max(report.reported_time, report.accepted_time, report.verified_time, report.filed_time),
            )
            if report
            else None,
            (
                assignment.revision, assignment.state, _class_of(assignment), *_ASSIGNMENT(assignment),
                _assigned_time(assignment) or created_time,
            )
            if assignment
            else None,
            (*_HANDLING(handling), _handled_time(handling) or created_time) if handling else None,
            (*_VERDICT(verdict), _checked_time(verdict) or created_time) if verdict else None,
            case.actions,
        )
    )  # fmt: skip


def read_facts(stored: bytes) -> CaseFacts | None:
    """Returns stored facts, ``None`` if they have another form."""
    try:
        return _read(stored)
    except msgspec.DecodeError:
        return None


def facts_of(case: Case, origin_id: str, created_time: int = 0) -> CaseFacts:
    """Returns the facts of a record that ``origin_id`` wrote at ``created_time``."""
    return _read(pack_facts(case, origin_id, created_time))


def _assigned_time(assignment: Assignment) -> int:
    if assignment.acted_time:
        return assignment.acted_time
    is_suspended = assignment.state is AssignmentState.SUSPENDED
    return assignment.suspended_time if is_suspended else assignment.dispatched_time


def _handled_time(handling: Handling) -> int:
    if handling.acted_time:
        return handling.acted_time
    if handling.request is not None:
        return handling.request.request_time
    if handling.state is HandlingState.CLOSE_REQUESTED:
        return handling.close_requested_time
    if handling.state is HandlingState.DISPATCHED_ON:
        return handling.dispatched_on_time
    return handling.received_time if handling.state is HandlingState.RECEIVED else 0


def _checked_time(verdict: CheckVerdict) -> int:
    return verdict.acted_time or verdict.closed_time or verdict.check_answered_time or verdict.check_sent_time


def _class_of(section: Report | Assignment) -> str:
    return class_key(section.standard_ref, section.class_kind, section.class_code)
