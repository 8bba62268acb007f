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

from exchange_db.records import Action, Assignment, Case, CodeKind, Report
from exchange_db.regions import region_of

#: Version of the stored form; raise it whenever a field changes its place or meaning.
FORM: Final = 1


class ReportFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a report; fields as in ``Report``."""

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


class HandlingFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a handling section; fields as in ``Handling``."""

    revision: int
    state: int
    round: int
    dispatched_on_time: int
    close_requested_time: int


class VerdictFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of a check's verdict; fields as in ``CheckVerdict``."""

    revision: int
    state: int
    round: int
    closed_time: int


class CaseFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts of the sections one record carries; ``None`` for those it does not. ``origin_id`` wrote it."""

    form: Literal[1]
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
_REPORT = attrgetter("source_code", "authority_id", "is_self_handled", "reported_time", "crs", "x", "y")
_ASSIGNMENT = attrgetter(
    "handler_id", "unit_code", "deadline_time", "dispatched_time", "extension_count", "is_supervised"
)
_HANDLING = attrgetter(*HandlingFacts.__struct_fields__)
_VERDICT = attrgetter(*VerdictFacts.__struct_fields__)
_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(CaseFacts).decode


def pack_facts(case: Case, origin_id: str) -> bytes:
    """Returns the facts of a record that ``origin_id`` wrote, as the log keeps them."""
    report, assignment, handling, verdict = case.report, case.assignment, case.handling, case.verdict
    return _write(
        (
            FORM,
            origin_id,
            region_of(case.issuer_id),
            case.issuer_id,
            case.case_no,
            (report.revision, report.state, int(report.region_code), _class_of(report), *_REPORT(report))
            if report
            else None,
            (assignment.revision, assignment.state, _class_of(assignment), *_ASSIGNMENT(assignment))
            if assignment
            else None,
            _HANDLING(handling) if handling else None,
            _VERDICT(verdict) if verdict else None,
            case.actions,
        )
    )


def read_facts(stored: bytes) -> CaseFacts | None:
    """Returns stored facts, ``None`` if they have another form."""
    try:
        return _read(stored)
    except msgspec.DecodeError:
        return None


def facts_of(case: Case, origin_id: str) -> CaseFacts:
    """Returns the facts of a record that ``origin_id`` wrote."""
    return _read(pack_facts(case, origin_id))


def _class_of(section: Report | Assignment) -> str:
    return class_key(section.standard_ref, section.class_kind, section.class_code)
