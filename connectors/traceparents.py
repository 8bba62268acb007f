"""Where a record stands in a trace: ``traceparent`` of W3C Trace Context, made from the message id alone.

The same record gives the same bytes for ever, so its trace may depend on nothing else: the trace id is the message id
without its dashes, the parent's the begin of its digest. Who knows a message finds its trace, and a record whose origin
set nothing has the same place as if it had.
"""

import re
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from google.protobuf.message import DecodeError

from protos.exchange.v1 import parcel_pb2

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])")
_SAMPLED = 1


class RecordTrace(NamedTuple):
    """Which record, and where it stands.

    ``record`` is the number of a case, ``issuer/number``, or the kind of another record. ``is_wanted`` is False where
    the origin said that this trace is not to be recorded.
    """

    message_id: str
    origin_id: str
    record: str
    trace_id: int
    parent_id: int
    is_wanted: bool


def traceparent_of(message_id: UUID) -> str:
    """Returns what an origin writes into the record of that message."""
    return f"00-{message_id.hex}-{_parent_of(message_id):016x}-01"


def trace_of(payload: bytes) -> RecordTrace | None:
    """Returns where a serialized parcel stands; ``None`` when it cannot be read."""
    try:
        parcel = parcel_pb2.Parcel.FromString(payload)
        message_id = UUID(parcel.message_id)
    except (DecodeError, ValueError):
        return None
    kind = parcel.WhichOneof("record") or ""
    record = f"{parcel.case.key.issuer_id}/{parcel.case.key.case_no}" if kind == "case" else kind
    told = _FORM.fullmatch(parcel.traceparent)
    trace_id, parent_id, is_wanted = message_id.int, _parent_of(message_id), True
    if told is not None and int(told[1], 16) and int(told[2], 16):
        trace_id, parent_id, is_wanted = int(told[1], 16), int(told[2], 16), bool(int(told[3], 16) & _SAMPLED)
    return RecordTrace(parcel.message_id, parcel.origin_id, record, trace_id, parent_id, is_wanted)


def _parent_of(message_id: UUID) -> int:
    return int.from_bytes(sha256(message_id.bytes).digest()[:8], "big") or 1
