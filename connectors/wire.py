"""The one place where protobuf messages and records meet.

``read_parcel`` decodes and checks one parcel: types, lengths, required fields, codes with their standard, positions
with their reference system. What depends on who sends it is checked by the hub. Reading takes every field once, as a
tuple, and lets msgspec check types and limits in C.
"""

import re
from collections.abc import Callable
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from google.protobuf.message import DecodeError

from connectors.attachment_wire import read_attachments, write_attachments
from exchange_db.records import (
    COUNTERS,
    Action,
    Assignment,
    AssignmentState,
    Case,
    CheckState,
    CheckVerdict,
    Counts,
    Crs,
    FigureCell,
    FigureSheet,
    Handling,
    HandlingState,
    Parcel,
    RecordKind,
    Report,
    Violated,
    printable,
)
from exchange_db.regions import parse_region, region_of
from protos.case.v1 import case_pb2
from protos.exchange.v1 import parcel_pb2
from protos.figure.v1 import figure_pb2

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_is_uuid = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z").match
_MAX_ACTIONS = 50
_MAX_CELLS = 20_000
_MAX_COUNT = 1_000_000_000_000
_LATEST_TIME = 7_258_118_400_000_000
#: Names and codes seen to be well formed: the same few come again and again.
_GOOD_PLATFORMS: set[str] = set()
_GOOD_REGIONS: set[str] = set()
_REMEMBERED = 10_000
_INDEX = re.compile(r"\$\[(\d+)\]")

#: Attributes of the messages, in the order of the records' fields.
_PATHS: dict[type[Any], dict[str, str]] = {
    Report: {
        "standard_ref": "class_code.standard_ref",
        "class_kind": "class_code.kind",
        "class_code": "class_code.code",
        "crs": "position.crs",
        "x": "position.x",
        "y": "position.y",
    },
    Assignment: {
        "standard_ref": "class_code.standard_ref",
        "class_kind": "class_code.kind",
        "class_code": "class_code.code",
    },
}

S = TypeVar("S", bound=msgspec.Struct)


class _Reader:
    """Reads one kind of section."""

    def __init__(self, kind: type[Any], name: str) -> None:
        paths = _PATHS.get(kind, {})
        self.kind = kind
        self.name = name
        self.paths = [paths.get(field, field) for field in kind.__struct_fields__]
        self.take: Callable[[Any], tuple[Any, ...]] = attrgetter(*self.paths)
        fields = msgspec.inspect.type_info(kind).fields  # type: ignore[attr-defined]
        self._texts = [n for n, field in enumerate(fields) if isinstance(field.type, msgspec.inspect.StrType)]
        self._take_texts: Callable[[tuple[Any, ...]], tuple[str, ...]] = itemgetter(*self._texts)

    def read(self, message: Any) -> Any:
        """Returns the record of a message.

        Raises:
            Violated: a field has the wrong type, length or value.
        """
        values = self.take(message)
        try:
            record = msgspec.convert(values, self.kind)
        except msgspec.ValidationError as error:
            raise self._violation(error, values) from None
        if not "".join(self._take_texts(values)).isprintable():
            for index in self._texts:
                _check_text(values[index], f"{self.name}.{self.paths[index]}")
        return record

    def _violation(self, error: msgspec.ValidationError, values: tuple[Any, ...]) -> Violated:
        match = _INDEX.search(str(error))
        index = int(match[1]) if match else 0
        path = f"{self.name}.{self.paths[index]}"
        value = values[index]
        if path.endswith("standard_ref") and not value:
            return Violated("STANDARD_REF_MISSING", path)
        if value in ("", 0):
            return Violated("FIELD_MISSING", path)
        return Violated("FIELD_INVALID", path, f"{value!r:.40} ({str(error).split(' - ')[0]})")


_REPORT = _Reader(Report, "case.report")
_ASSIGNMENT = _Reader(Assignment, "case.assignment")
_HANDLING = _Reader(Handling, "case.handling")
_VERDICT = _Reader(CheckVerdict, "case.verdict")
_ACTION = _Reader(Action, "case.actions")
_COUNTS = attrgetter(*COUNTERS)
_KINDS = {"case": RecordKind.CASE, "component": RecordKind.COMPONENT, "figure_sheet": RecordKind.FIGURE_SHEET}


def read_parcel(payload: bytes) -> Parcel:
    """Decodes and checks one parcel.

    Raises:
        Violated: it cannot be read or does not keep the contract; names the field.
    """
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        raise Violated("UNREADABLE") from None
    message_id, origin_id = message.message_id, message.origin_id
    if not _is_uuid(message_id):
        raise Violated("FIELD_INVALID" if message_id else "FIELD_MISSING", "message_id", message_id)
    _check_platform(origin_id, "origin_id")
    created_time = message.created_time
    if created_time <= 0:
        raise Violated("FIELD_MISSING", "created_time")
    kind = message.WhichOneof("record")
    if kind is None:
        raise Violated("RECORD_MISSING")
    record: Case | FigureSheet
    if kind == "case":
        record = read_case(message.case)
    elif kind == "figure_sheet":
        record = read_sheet(message.figure_sheet)
    else:
        raise Violated("RECORD_KIND_UNSUPPORTED", kind, kind)
    return Parcel(bytes.fromhex(message_id.replace("-", "")), origin_id, created_time, _KINDS[kind], record, payload)


def origin_of(payload: bytes) -> str:
    """Returns the origin a parcel names, as far as it can be read; for showing refused ones."""
    try:
        return printable(parcel_pb2.Parcel.FromString(payload).origin_id[:64])
    except DecodeError:
        return ""


def read_case(message: case_pb2.Case) -> Case:
    """Reads the sections a case message carries.

    Raises:
        Violated: a field does not keep the contract.
    """
    key = message.key
    issuer_id, case_no = key.issuer_id, key.case_no
    _check_platform(issuer_id, "case.key.issuer_id")
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
    _check_platform(report.authority_id, "case.report.authority_id")
    if report.crs is Crs.NONE:
        if message.HasField("position"):
            raise Violated("CRS_MISSING", "case.report.position.crs")
        if not report.address:
            raise Violated("PLACE_MISSING", "case.report.position")
    elif report.crs is Crs.LOCAL:
        if not (isfinite(report.x) and isfinite(report.y)):
            raise Violated("POSITION_OUT_OF_RANGE", "case.report.position", f"{report.x}, {report.y}")
    elif not (-180 <= report.x <= 180 and -90 <= report.y <= 90):
        raise Violated("POSITION_OUT_OF_RANGE", "case.report.position", f"{report.x}, {report.y}")
    return report


def _read_assignment(message: case_pb2.Assignment) -> Assignment:
    assignment: Assignment = _ASSIGNMENT.read(message)
    if assignment.handler_id:
        _check_platform(assignment.handler_id, "case.assignment.handler_id")
    elif assignment.state is AssignmentState.DISPATCHED:
        raise Violated("FIELD_MISSING", "case.assignment.handler_id")
    return assignment


def _read_handling(message: case_pb2.Handling) -> Handling:
    handling: Handling = _HANDLING.read(message)
    if handling.state is HandlingState.RETURNED and not handling.reason:
        raise Violated("FIELD_MISSING", "case.handling.reason")
    if handling.state is HandlingState.CLOSE_REQUESTED and not handling.close_requested_time:
        raise Violated("FIELD_MISSING", "case.handling.close_requested_time")
    return handling


def _read_verdict(message: case_pb2.CheckVerdict) -> CheckVerdict:
    verdict: CheckVerdict = _VERDICT.read(message)
    if verdict.state is CheckState.FAILED and not verdict.reason:
        raise Violated("FIELD_MISSING", "case.verdict.reason")
    if verdict.state is CheckState.CLOSED and not verdict.closed_time:
        raise Violated("FIELD_MISSING", "case.verdict.closed_time")
    return verdict


def _read_action(message: case_pb2.Action) -> Action:
    action: Action = _ACTION.read(message)
    if not _is_uuid(action.action_id):
        raise Violated("FIELD_INVALID", "case.actions.action_id", action.action_id)
    return action


def read_sheet(message: figure_pb2.FigureSheet) -> FigureSheet:
    """Reads a sheet of counts.

    Raises:
        Violated: a field does not keep the contract.
    """
    _check_platform(message.reporter_id, "figure_sheet.reporter_id")
    check_region(message.region_code, "figure_sheet.region_code")
    if not 1 <= message.month % 100 <= 12 or not 1990 <= message.month // 100 <= 2200:
        raise Violated("FIELD_INVALID", "figure_sheet.month", message.month)
    for name in ("revision", "cutoff_time", "definition_ref"):
        if not getattr(message, name):
            raise Violated("FIELD_MISSING", f"figure_sheet.{name}")
    if message.revision < 0 or not 0 < message.cutoff_time <= _LATEST_TIME:
        name = "revision" if message.revision < 0 else "cutoff_time"
        raise Violated("FIELD_INVALID", f"figure_sheet.{name}", getattr(message, name))
    _check_short(message.definition_ref, 60, "figure_sheet.definition_ref")
    if len(message.cells) > _MAX_CELLS:
        raise Violated("FIELD_INVALID", "figure_sheet.cells", f"{len(message.cells)} > {_MAX_CELLS}")
    cells = tuple(map(_read_cell, message.cells))
    if len({(cell.unit_code, cell.class_key, cell.source_code) for cell in cells}) < len(cells):
        raise Violated("FIELD_INVALID", "figure_sheet.cells", "a cell twice")
    return FigureSheet(
        message.reporter_id,
        parse_region(message.region_code),
        message.month,
        message.revision,
        message.definition_ref,
        message.cutoff_time,
        message.is_locked,
        cells,
    )


def _read_cell(message: figure_pb2.FigureCell) -> FigureCell:
    values = _COUNTS(message.counts)
    counts = Counts(*values)
    if not 0 <= min(values) <= max(values) <= _MAX_COUNT:
        raise Violated("FIELD_INVALID", "figure_sheet.cells.counts", f"{min(values)} to {max(values)}")
    if not counts.on_time <= counts.done <= counts.total:
        raise Violated("FIELD_INVALID", "figure_sheet.cells.counts", "on_time <= done <= total")
    for name, longest in (("unit_code", 40), ("class_key", 64), ("source_code", 40)):
        _check_short(getattr(message, name), longest, f"figure_sheet.cells.{name}")
    return FigureCell(message.unit_code, message.class_key, message.source_code, counts)


def _check_short(text: str, longest: int, path: str) -> None:
    if len(text) > longest:
        raise Violated("FIELD_INVALID", path, text)
    if not text.isprintable():
        _check_text(text, path)


def check_region(code: str, path: str) -> None:
    """Refuses what is not six digits."""
    if code in _GOOD_REGIONS:
        return
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        raise Violated("REGION_INVALID" if code else "FIELD_MISSING", path, code)
    if len(_GOOD_REGIONS) < _REMEMBERED:
        _GOOD_REGIONS.add(code)


def _check_platform(platform_id: str, path: str) -> None:
    if platform_id in _GOOD_PLATFORMS:
        return
    try:
        region_of(platform_id)
    except ValueError:
        raise Violated("PLATFORM_ID_INVALID" if platform_id else "FIELD_MISSING", path, platform_id) from None
    if len(_GOOD_PLATFORMS) < _REMEMBERED:
        _GOOD_PLATFORMS.add(platform_id)


def _check_text(text: str, path: str) -> None:
    if _CONTROL.search(text):
        raise Violated("TEXT_INVALID", path)


def write_parcel(message_id: UUID, origin_id: str, created_time: int, record: Case | FigureSheet) -> bytes:
    """Serializes a record in its envelope; the result is what is signed, stored and forwarded."""
    message = parcel_pb2.Parcel(message_id=str(message_id), origin_id=origin_id, created_time=created_time)
    if isinstance(record, Case):
        write_case(record, message.case)
    else:
        _write_sheet(record, message.figure_sheet)
    return message.SerializeToString(deterministic=True)


def write_case(case: Case, message: case_pb2.Case) -> None:
    """Fills a message with the sections a record carries."""
    message.key.issuer_id = case.issuer_id
    message.key.case_no = case.case_no
    for reader, section in (
        (_REPORT, case.report),
        (_ASSIGNMENT, case.assignment),
        (_HANDLING, case.handling),
        (_VERDICT, case.verdict),
    ):
        if section is not None:
            _write_fields(reader, section, getattr(message, reader.name.rpartition(".")[2]))
    for action in case.actions:
        _write_fields(_ACTION, action, message.actions.add())
    write_attachments(case, message)


def _write_fields(reader: _Reader, record: Any, message: Any) -> None:
    has_position = getattr(record, "crs", Crs.NONE) is not Crs.NONE
    for field, path in zip(record.__struct_fields__, reader.paths, strict=True):
        value = getattr(record, field)
        parent, _, leaf = path.rpartition(".")
        if not value or (parent == "position" and not has_position):
            continue
        setattr(getattr(message, parent) if parent else message, leaf, value)


def _write_sheet(sheet: FigureSheet, message: figure_pb2.FigureSheet) -> None:
    message.reporter_id = sheet.reporter_id
    message.region_code = f"{sheet.region:06d}"
    message.month = sheet.month
    message.revision = sheet.revision
    message.definition_ref = sheet.definition_ref
    message.cutoff_time = sheet.cutoff_time
    message.is_locked = sheet.is_locked
    for cell in sheet.cells:
        message.cells.add(
            unit_code=cell.unit_code,
            class_key=cell.class_key,
            source_code=cell.source_code,
            counts=write_counts(cell.counts),
        )


def write_counts(counts: Counts) -> figure_pb2.Counts:
    """Returns the message of one cell's counters."""
    return figure_pb2.Counts(**{name: getattr(counts, name) for name in COUNTERS})
