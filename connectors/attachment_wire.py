"""What cases say about their evidence: messages of the contract ↔ records.

Called by ``connectors.wire`` for every record that names attachments, and by the hub's job that looks for them.
"""

from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError

from connectors.document_wire import files_of, read_document
from exchange_db.attachment_records import (
    MAX_ATTACHMENTS,
    SECTION_NUMBERS,
    AttachmentKind,
    AttachmentRef,
    NamedFile,
)
from exchange_db.document_records import case_no
from exchange_db.records import Case, Violated
from protos.case.v1 import case_pb2
from protos.exchange.v1 import parcel_pb2

_FIELDS = ("kind", "digest", "size_bytes", "media_type", "captured_time")


class NamedEvidence(NamedTuple):
    """The evidence one parcel names; for a document under the number its files are handed in under."""

    issuer_id: str
    case_no: str
    refs: tuple[NamedFile, ...]


def read_attachments(message: case_pb2.Case) -> tuple[AttachmentRef, ...]:
    """Reads the attachments that the sections of a case name, in the order of the sections.

    Raises:
        Violated: FIELD_MISSING or FIELD_INVALID; names the field.
    """
    refs: list[AttachmentRef] = []
    for section in SECTION_NUMBERS:
        if not message.HasField(section):  # type: ignore[arg-type] # the names are fields of the message
            continue
        named = getattr(message, section).attachments
        if len(named) > MAX_ATTACHMENTS:
            raise Violated("FIELD_INVALID", f"case.{section}.attachments", f"{len(named)} > {MAX_ATTACHMENTS}")
        refs += [_read(section, item) for item in named]
    return tuple(refs)


def _read(section: str, message: case_pb2.AttachmentRef) -> AttachmentRef:
    values = [getattr(message, name) for name in _FIELDS]
    for name, value in zip(_FIELDS[:-1], values, strict=False):
        if not value:
            raise Violated("FIELD_MISSING", f"case.{section}.attachments.{name}")
    try:
        ref = msgspec.convert((section, *values), AttachmentRef)
    except msgspec.ValidationError as error:
        at = str(error).rpartition("$[")[2].rstrip("]`")
        name = _FIELDS[int(at) - 1] if at.isdigit() else _FIELDS[0]
        shown = f"{getattr(message, name)!r:.80}"
        raise Violated("FIELD_INVALID", f"case.{section}.attachments.{name}", shown) from None
    if not ref.media_type.isprintable():
        raise Violated("TEXT_INVALID", f"case.{section}.attachments.media_type")
    return ref


def add_attachments(case: Case, fields: dict[str, Any]) -> None:
    """Adds the attachments a case names to the sections that name them, in what its message is made of.

    Raises:
        ValueError: the case does not carry the section.
    """
    for ref in case.attachments:
        if ref.section not in fields:
            raise ValueError(f"evidence of a section that the case does not carry: {ref.section}")
        fields[ref.section].setdefault("attachments", []).append({name: getattr(ref, name) for name in _FIELDS})


def evidence_in(payload: bytes) -> NamedEvidence | None:
    """Returns the evidence a stored parcel names; ``None`` when it names none that can be read."""
    try:
        message = parcel_pb2.Parcel.FromString(payload)
        if message.HasField("document"):
            return _files_in(message)
        refs = read_attachments(message.case)
    except (DecodeError, Violated):
        # Older parcels were taken in before these fields were checked.
        return None
    key = message.case.key
    named = tuple(NamedFile(SECTION_NUMBERS[ref.section], *(getattr(ref, name) for name in _FIELDS)) for ref in refs)
    return NamedEvidence(key.issuer_id, key.case_no, named) if named else None


def _files_in(message: parcel_pb2.Parcel) -> NamedEvidence | None:
    document = read_document(message.document)
    section, files = files_of(document)
    kind = AttachmentKind.DOCUMENT
    named = tuple(NamedFile(section, kind, file.digest, file.size_bytes, file.media_type) for file in files)
    return NamedEvidence(document.issuer_id, case_no(document.document_id), named) if named else None
