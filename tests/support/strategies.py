"""Hypothesis strategies for records, drawn from the limits the records state themselves."""

import enum
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from exchange_db.attachment_records import SECTION_NUMBERS, AttachmentKind, AttachmentRef
from exchange_db.records import (
    COUNTERS,
    Action,
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    CheckVerdict,
    CodeKind,
    Component,
    Counts,
    Crs,
    FigureCell,
    FigureSheet,
    Handling,
    HandlingState,
    Milestone,
    Report,
)

platform_ids = st.builds(
    "{:06d}.{}".format, st.integers(0, 999_999), st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
)
_times = st.integers(1, 7_258_118_400_000_000)


def _texts(shortest: int, longest: int) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t市容环境'\"%{}")
    return st.text(letters, min_size=shortest, max_size=min(longest, 30))


#: Codes that are counted by: one way to write each.
_COUNTED_BY = ("standard_ref", "class_code", "source_code", "unit_code")


def _codes(shortest: int, longest: int) -> st.SearchStrategy[str]:
    letters = st.characters(codec="ascii", categories=["L", "N", "P"]) | st.sampled_from("市容环境")
    return st.text(letters, min_size=shortest, max_size=min(longest, 20))


def _of_type(kind: Any, name: str) -> st.SearchStrategy[Any]:
    if isinstance(kind, msgspec.inspect.StrType):
        texts = _codes if name in _COUNTED_BY else _texts
        return texts(kind.min_length or 0, kind.max_length or 30)
    if isinstance(kind, msgspec.inspect.IntType):
        return st.integers(kind.ge or 0, kind.le)
    if isinstance(kind, msgspec.inspect.FloatType):
        return st.floats(-180, 180) if name == "x" else st.floats(-90, 90)
    if isinstance(kind, msgspec.inspect.BoolType):
        return st.booleans()
    if isinstance(kind, msgspec.inspect.UnionType):
        (inner,) = (member for member in kind.types if isinstance(member, msgspec.inspect.StructType))
        special = {"issuer_id": platform_ids} if inner.cls is CaseLink else {}
        return st.none() | _section(inner.cls, **special)
    assert isinstance(kind, msgspec.inspect.EnumType)
    assert issubclass(kind.cls, enum.Enum)
    return st.sampled_from(kind.cls)


def _section(kind: type[Any], **special: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return st.builds(
        kind, **{f.name: special[f.name] if f.name in special else _of_type(f.type, f.name) for f in info.fields}
    )


def _placed(report: Report) -> Report:
    """Gives a report without reference system no position but an address, and one in a Chinese system one in China."""
    if report.crs is Crs.NONE:
        return msgspec.structs.replace(report, x=0.0, y=0.0, address=report.address or "路口")
    if report.crs in (Crs.CGCS2000, Crs.GCJ02, Crs.BD09):
        return msgspec.structs.replace(report, x=105.0 + report.x / 6, y=28.0 + report.y / 4)
    return report


def _complete_handling(handling: Handling) -> Handling:
    changes: dict[str, Any] = {}
    if handling.state is HandlingState.RETURNED:
        changes["reason"] = handling.reason or "不属本辖区"
    if handling.state is HandlingState.CLOSE_REQUESTED:
        changes["close_requested_time"] = handling.close_requested_time or 1
    return msgspec.structs.replace(handling, **changes)


def _complete_verdict(verdict: CheckVerdict) -> CheckVerdict:
    changes: dict[str, Any] = {}
    if verdict.state is CheckState.FAILED:
        changes["reason"] = verdict.reason or "未清净"
    if verdict.state is CheckState.CLOSED:
        changes["closed_time"] = verdict.closed_time or 1
    return msgspec.structs.replace(verdict, **changes)


def _complete_assignment(assignment: Assignment) -> Assignment:
    changes: dict[str, Any] = {}
    if assignment.state is AssignmentState.DISPATCHED:
        changes["handler_id"] = assignment.handler_id or "431221.platform"
    if assignment.state in (AssignmentState.SUSPENDED, AssignmentState.VOID, AssignmentState.SENT_BACK):
        changes["reason"] = assignment.reason or "产权不清"
    if assignment.state is AssignmentState.MERGED:
        changes["duplicate_of"] = assignment.duplicate_of or CaseLink("431221.platform", "2020-0001")
    if assignment.milestones:
        last = max(milestone.deadline_time for milestone in assignment.milestones)
        changes["deadline_time"] = last
    return msgspec.structs.replace(assignment, **changes)


reports = _section(Report, region_code=st.integers(0, 999_999).map("{:06d}".format), authority_id=platform_ids).map(
    _placed
)
_milestones = st.lists(_section(Milestone), max_size=3).map(
    lambda found: tuple(sorted(found, key=lambda milestone: milestone.deadline_time))
)
assignments = _section(Assignment, handler_id=st.just("") | platform_ids, milestones=_milestones).map(
    _complete_assignment
)
handlings = _section(Handling).map(_complete_handling)
verdicts = _section(CheckVerdict).map(_complete_verdict)
actions = _section(Action, action_id=st.uuids().map(str), platform_id=platform_ids)

attachments = st.builds(
    AttachmentRef,
    section=st.sampled_from(["report", "handling", "verdict"]),
    kind=st.sampled_from(AttachmentKind),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size_bytes=st.integers(1, 10**12),
    media_type=st.sampled_from(["image/jpeg", "video/mp4", "x"]),
    captured_time=st.just(0) | _times,
)


def _with_evidence(case: Case, found: list[AttachmentRef]) -> Case:
    """Gives a case the evidence of sections it carries, in the order it is read back in."""
    kept = [ref for name in SECTION_NUMBERS for ref in found if ref.section == name and getattr(case, name)]
    return msgspec.structs.replace(case, attachments=tuple(kept))


_bare_cases = st.builds(
    Case,
    issuer_id=platform_ids,
    case_no=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=64),
    report=st.none() | reports,
    assignment=st.none() | assignments,
    handling=st.none() | handlings,
    verdict=st.none() | verdicts,
    actions=st.lists(actions, max_size=3).map(tuple),
).filter(lambda case: any((case.report, case.assignment, case.handling, case.verdict, case.actions)))
cases = st.builds(_with_evidence, _bare_cases, st.lists(attachments, max_size=3))


def _placed_component(component: Component) -> Component:
    """Gives a component without reference system one, and one in a Chinese system a place in China."""
    component = msgspec.structs.replace(component, crs=component.crs or Crs.CGCS2000)
    if component.crs in (Crs.CGCS2000, Crs.GCJ02, Crs.BD09):
        return msgspec.structs.replace(component, x=105.0 + component.x / 6, y=28.0 + component.y / 4)
    return component


components = _section(
    Component,
    component_id=st.from_regex(r"[0-9A-Z]{1,32}", fullmatch=True),
    owner_id=platform_ids,
    class_kind=st.just(CodeKind.COMPONENT),
    region_code=st.integers(0, 999_999).map("{:06d}".format),
    accuracy_class=st.sampled_from(["", "A", "B", "C"]),
    id_scheme=st.just("opaque"),
    **{
        name: _codes(0, 12)
        for name in ("grid_code", "area_code", "supervisor_code", "proprietor_code", "maintainer_code")
    },
).map(_placed_component)


def _counts(values: list[int]) -> Counts:
    counts = dict(zip(COUNTERS, values, strict=True))
    counts["on_time"], counts["done"], counts["total"] = sorted(counts[name] for name in ("on_time", "done", "total"))
    return Counts(**counts)


counts = st.lists(st.integers(0, 10**12), min_size=len(COUNTERS), max_size=len(COUNTERS)).map(_counts)
_cells = st.builds(
    FigureCell, unit_code=_texts(0, 40), class_key=_texts(0, 64), source_code=_texts(0, 40), counts=counts
)
sheets = st.builds(
    FigureSheet,
    reporter_id=platform_ids,
    region=st.integers(0, 999_999),
    month=st.builds(lambda year, month: year * 100 + month, st.integers(1990, 2200), st.integers(1, 12)),
    revision=st.integers(1, 2_147_483_647),
    definition_ref=_texts(1, 60),
    cutoff_time=_times,
    is_locked=st.booleans(),
    cells=st.lists(_cells, max_size=3, unique_by=lambda cell: (cell.unit_code, cell.class_key, cell.source_code)).map(
        tuple
    ),
)
message_ids: st.SearchStrategy[UUID] = st.uuids()
