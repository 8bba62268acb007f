"""Parcels as JSON, by protobuf's own mapping: for platforms that do not speak protobuf.

Fields have the names of the contract (lowerCamelCase is read as well), enums their names, 64-bit numbers are strings
(numbers are read as well). Source: https://protobuf.dev/programming-guides/json/
"""

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from exchange_db.records import Violated, printable
from protos.exchange.v1 import parcel_pb2

#: What Python's own conversions raise beside the error of ``json_format``.
_FAULTS = (json_format.ParseError, TypeError, ValueError, OverflowError, AttributeError, RecursionError)
_SHOWN = 60


def parcel_from_json(text: bytes) -> bytes:
    """Reads one parcel in JSON and returns it serialized, always to the same bytes.

    Raises:
        Violated: JSON_INVALID, FIELD_UNKNOWN or FIELD_INVALID with the path of the field. What the record must carry
            is checked later, by ``read_parcel``.
    """
    try:
        value = json.loads(text.decode())
        if b"\\u" in text:
            # An escape can make half a character, at which protobuf stumbles.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Violated("JSON_INVALID", value=str(error)) from None
    return parcel_of(value)


def parcel_of(value: object, *, ignores_unknown: bool = False) -> bytes:
    """Returns the JSON values of one parcel serialized; ``ignores_unknown``: as whoever reads a newer contract must.

    Raises:
        Violated: as ``parcel_from_json``.
    """
    if not isinstance(value, dict):
        raise Violated("JSON_INVALID", value="a parcel is an object")
    try:
        message = json_format.ParseDict(value, parcel_pb2.Parcel(), ignore_unknown_fields=ignores_unknown)
        return message.SerializeToString(deterministic=True)
    except _FAULTS:
        raise _fault_in(value, parcel_pb2.Parcel, "") from None


def origin_in_json(text: bytes) -> str:
    """Returns the origin a parcel in JSON names, as far as it can be read; for showing refused ones."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    origin_id = value.get("origin_id", value.get("originId")) if isinstance(value, dict) else None
    return printable(origin_id[:64]) if isinstance(origin_id, str) else ""


def json_of_parcel(payload: bytes) -> dict[str, Any]:
    """Returns a serialized parcel as JSON values.

    Raises:
        Violated: UNREADABLE.
    """
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        raise Violated("UNREADABLE") from None
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _fault_in(value: dict[str, Any], kind: type[Message], path: str) -> Violated:
    """Returns what is wrong with a message that cannot be read, at the deepest field that shows it."""
    fields = {name: field for field in kind.DESCRIPTOR.fields for name in (field.name, field.json_name)}
    for name, held in value.items():
        if name not in fields:
            return Violated("FIELD_UNKNOWN", f"{path}{printable(name[:_SHOWN])}", name)
        if _is_readable({name: held}, kind):
            continue
        field = fields[name]
        here = f"{path}{field.name}"
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            inner = type(getattr(kind(), field.name)) if not field.is_repeated else _element_of(kind, field.name)
            for item in held if field.is_repeated and isinstance(held, list) else [held]:
                if isinstance(item, dict) and not _is_readable(item, inner):
                    return _fault_in(item, inner, f"{here}.")
        return Violated("FIELD_INVALID", here, _shown(held))
    # Every field alone can be read: two of one choice were given.
    return Violated("FIELD_INVALID", path.rstrip(".") or "record", "more than one of a choice")


def _is_readable(value: dict[str, Any], kind: type[Message]) -> bool:
    try:
        json_format.ParseDict(value, kind())
    except _FAULTS:
        return False
    return True


def _element_of(kind: type[Message], name: str) -> type[Message]:
    return type(getattr(kind(), name).add())


def _shown(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:_SHOWN]
    except (ValueError, RecursionError):  # a number of thousands of digits
        return "?"
