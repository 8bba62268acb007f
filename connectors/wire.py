"""Parcels on the wire, and the sheets of counts they carry.

Cases are read by ``connectors.case_wire``, components by ``connectors.component_wire``, documents by
``connectors.document_wire``.

``read_parcel`` decodes and checks one parcel: types, lengths, required fields, codes with their standard, positions
with their reference system. What depends on who sends it is checked by the hub.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any
from uuid import UUID

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from connectors.canary_wire import canary_fields, read_canary
from connectors.case_wire import case_fields, is_uuid, read_case
from connectors.component_wire import component_fields, read_component
from connectors.document_wire import document_fields, read_document
from connectors.evaluation_wire import evaluation_fields, read_evaluation
from connectors.fields import check_platform, check_region, check_text
from connectors.veiling import DIGEST_BYTES, mark_digest
from exchange_db.canary_records import CanaryRecord
from exchange_db.document_records import Document
from exchange_db.evaluation_shapes import EvaluationRecord
from exchange_db.keys import message_key
from exchange_db.marks import Mark
from exchange_db.records import (
    COUNTERS,
    Case,
    Component,
    Counts,
    FigureCell,
    FigureSheet,
    Parcel,
    Record,
    RecordKind,
    Violated,
    printable,
)
from exchange_db.regions import parse_region
from protos.exchange.v1 import parcel_pb2
from protos.figure.v1 import figure_pb2

_MAX_CELLS = 20_000
_MAX_COUNT = 1_000_000_000_000
_LENGTH_DELIMITED = 2
_LATEST_TIME = 7_258_118_400_000_000
_COUNTS = attrgetter(*COUNTERS)
_KINDS = {
    "case": RecordKind.CASE,
    "component": RecordKind.COMPONENT,
    "figure_sheet": RecordKind.FIGURE_SHEET,
    "document": RecordKind.DOCUMENT,
    "evaluation": RecordKind.EVALUATION,
    "canary": RecordKind.CANARY,
}


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
    if not is_uuid(message_id):
        raise Violated("FIELD_INVALID" if message_id else "FIELD_MISSING", "message_id", message_id)
    check_platform(origin_id, "origin_id")
    created_time = message.created_time
    if created_time <= 0:
        raise Violated("FIELD_MISSING", "created_time")
    if message.HasField("masked"):
        _check_masked(message.masked)
    kind = message.WhichOneof("record")
    if kind is None:
        # A kind of record that was added to the contract after this hub was built.
        unknown = UnknownFieldSet(message)
        for field in (unknown[index] for index in range(len(unknown))):
            if field.wire_type == _LENGTH_DELIMITED:
                raise Violated("RECORD_KIND_UNSUPPORTED", "record", f"#{field.field_number}")
        raise Violated("RECORD_MISSING")
    record: Record = read_case(message.case) if kind == "case" else _READERS[kind](getattr(message, kind))
    return Parcel(bytes.fromhex(message_id.replace("-", "")), origin_id, created_time, _KINDS[kind], record, payload)


def _check_masked(masked: parcel_pb2.Masked) -> None:
    check_platform(masked.hub_id, "masked.hub_id")
    if not masked.hub_id.endswith(".hub") or len(masked.original_sha256) != DIGEST_BYTES:
        raise Violated("FIELD_INVALID", "masked", masked.hub_id)


def mark_of(payload: bytes) -> Mark | None:
    """Returns the mark by which both sides of a link know a record; ``None`` when it cannot be read.

    A canary has none: it concerns its link only, and the two ends of that link compare records.
    """
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return None
    kind = _KINDS.get(message.WhichOneof("record") or "")
    if (
        kind is None
        or kind is RecordKind.CANARY
        or not is_uuid(message.message_id)
        or not 0 < message.created_time <= _LATEST_TIME
    ):
        return None
    key = message_key(message.origin_id, bytes.fromhex(message.message_id.replace("-", "")))
    return Mark(key, message.created_time, kind, mark_digest(message, payload))


def origin_of(payload: bytes) -> str:
    """Returns the origin a parcel names, as far as it can be read; for showing refused ones."""
    try:
        return printable(parcel_pb2.Parcel.FromString(payload).origin_id[:64])
    except DecodeError:
        return ""


def read_sheet(message: figure_pb2.FigureSheet) -> FigureSheet:
    """Reads a sheet of counts.

    Raises:
        Violated: a field does not keep the contract.
    """
    check_platform(message.reporter_id, "figure_sheet.reporter_id")
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


#: Field of a parcel to what reads it.
_READERS: dict[str, Callable[[Any], Record]] = {
    "component": read_component,
    "figure_sheet": read_sheet,
    "document": read_document,
    "evaluation": read_evaluation,
    "canary": read_canary,
}


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
        check_text(text, path)


def write_parcel(
    message_id: UUID, origin_id: str, created_time: int, record: Record, *, traceparent: str = ""
) -> bytes:
    """Serializes a record in its envelope; the result is what is signed, stored and forwarded."""
    fields: dict[str, Any] = {}
    if isinstance(record, Case):
        fields["case"] = case_fields(record)
    elif isinstance(record, Component):
        fields["component"] = component_fields(record)
    elif isinstance(record, Document):
        fields["document"] = document_fields(record)
    elif isinstance(record, EvaluationRecord):
        fields["evaluation"] = evaluation_fields(record)
    elif isinstance(record, CanaryRecord):
        fields["canary"] = canary_fields(record)
    message = parcel_pb2.Parcel(
        message_id=str(message_id), origin_id=origin_id, created_time=created_time, traceparent=traceparent, **fields
    )
    if isinstance(record, FigureSheet):
        _write_sheet(record, message.figure_sheet)
    return message.SerializeToString(deterministic=True)


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
