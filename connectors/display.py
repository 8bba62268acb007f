"""A parcel's bytes for people: every field with its path, also when the parcel breaks the contract."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from protos.exchange.v1 import parcel_pb2

#: Fields shown of one parcel; a sheet of counts may have thousands.
MAX_FIELDS = 400


class ShownField(NamedTuple):
    """A field that is set: its path as violations name it, its own name, and its value.

    ``value`` is a text, a number or a truth value; enumerations are given by their name in the contract.
    """

    path: str
    name: str
    value: str | int | float | bool


def fields_of(payload: bytes) -> list[ShownField] | None:
    """Returns the fields of a parcel in the order of the contract, or ``None`` when the bytes are not a parcel."""
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return None
    fields = []
    for field in _walk(message, ""):
        fields.append(field)
        if len(fields) == MAX_FIELDS:
            break
    return fields


def json_of(payload: bytes) -> str | None:
    """Returns a parcel as JSON by protobuf's own mapping, or ``None`` when the bytes are not a parcel."""
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return None
    return json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False, indent=2)


def _walk(message: Message, prefix: str) -> Iterator[ShownField]:
    for descriptor, value in message.ListFields():
        path = f"{prefix}{descriptor.name}"
        if descriptor.is_repeated:
            for index, item in enumerate(value):
                yield from _shown(descriptor, item, f"{path}[{index}]")
        else:
            yield from _shown(descriptor, value, path)


def _shown(descriptor: FieldDescriptor, value: Any, path: str) -> Iterator[ShownField]:
    if descriptor.message_type is not None:
        yield from _walk(value, f"{path}.")
        return
    if descriptor.enum_type is not None:
        named = descriptor.enum_type.values_by_number.get(value)
        value = named.name if named else value
    elif isinstance(value, bytes):
        value = value.hex()
    yield ShownField(path, descriptor.name, value)
