"""Correcting fields of a parcel that is held back, named by path as ``connectors.display`` shows them.

Who wrote the record and what it is about stay as they came: a correction is no other record. Called by
``hub.quarantine`` for whoever has decided it; nothing is corrected by itself.
"""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from exchange_db.records import Violated
from protos.exchange.v1 import parcel_pb2

#: What nobody but the origin says: whose record it is, and what it is about.
FIXED = re.compile(r"(message_id|origin_id|masked\..*|(\w+\.)+key\..*|component\.(owner_id|component_id))\Z")
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?\Z")
_WHOLE = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64,
    }
)  # fmt: skip


def is_correctable(path: str) -> bool:
    """Tells whether a field may be corrected by anybody but its origin."""
    return FIXED.match(path) is None


def with_fields(payload: bytes, changes: Mapping[str, str], zone: tzinfo) -> bytes:
    """Returns a parcel with other values.

    Args:
        payload: a serialized Parcel.
        changes: path to the new value as text; an empty text takes the field away. Enumerations by name or number, a
            time (a field named ``…_time``) as microseconds since 1970 or as ISO 8601.
        zone: of times without an offset.

    Raises:
        Violated: UNREADABLE; FIELD_UNKNOWN or FIELD_INVALID with the path.
    """
    try:
        parcel = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        raise Violated("UNREADABLE") from None
    for path, text in changes.items():
        if not is_correctable(path):
            raise Violated("FIELD_INVALID", path, text)
        _put(parcel, path, text, zone)
    return parcel.SerializeToString(deterministic=True)


def _put(parcel: Message, path: str, text: str, zone: tzinfo) -> None:
    *way, last = path.split(".")
    message = parcel
    for step in way:
        message = _inside(message, step, path)
    name, position = _read_step(last, path)
    descriptor = message.DESCRIPTOR.fields_by_name.get(name)
    if descriptor is None or descriptor.message_type is not None or descriptor.is_repeated != (position is not None):
        raise Violated("FIELD_UNKNOWN", path, name)
    try:
        if position is not None:
            getattr(message, name)[position] = _value(descriptor, text, zone)
        elif text:
            setattr(message, name, _value(descriptor, text, zone))
        else:
            message.ClearField(name)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError):
        raise Violated("FIELD_INVALID", path, text) from None


def _inside(message: Message, step: str, path: str) -> Message:
    """Returns a message inside another; one that is not there is made, unless another stands in its place."""
    name, position = _read_step(step, path)
    descriptor = message.DESCRIPTOR.fields_by_name.get(name)
    if descriptor is None or descriptor.message_type is None or descriptor.is_repeated != (position is not None):
        raise Violated("FIELD_UNKNOWN", path, name)
    found = getattr(message, name)
    if position is not None:
        if position >= len(found):
            raise Violated("FIELD_UNKNOWN", path, step)
        inner: Message = found[position]
        return inner
    if descriptor.containing_oneof is not None and not message.HasField(name):
        raise Violated("FIELD_UNKNOWN", path, name)
    single: Message = found
    return single


def _read_step(step: str, path: str) -> tuple[str, int | None]:
    match = _STEP.match(step)
    if match is None:
        raise Violated("FIELD_UNKNOWN", path, step)
    return match[1], int(match[2]) if match[2] is not None else None


def _value(descriptor: Any, text: str, zone: tzinfo) -> Any:
    if descriptor.enum_type is not None:
        return int(text) if text.isdecimal() else descriptor.enum_type.values_by_name[text].number
    if descriptor.cpp_type in _WHOLE:
        return _whole(descriptor.name, text, zone)
    if descriptor.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "1": True, "是": True, "false": False, "0": False, "否": False}[text.lower()]
    if descriptor.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return float(text)
    return bytes.fromhex(text) if descriptor.type == FieldDescriptor.TYPE_BYTES else text


def _whole(name: str, text: str, zone: tzinfo) -> int:
    if not name.endswith("_time") or text.lstrip("-").isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1_000_000)
