"""Parcels whose texts are masked before they go on, and by what they are still known as the same record.

Owns the form: which texts are free, and the note that says who masked them. What is masked in a text, and for whom, is
the hub's to say. A parcel without anything to mask goes on byte by byte as it came.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256

from google.protobuf.message import DecodeError, Message

from exchange_db.marks import digest_of
from protos.exchange.v1 import parcel_pb2

#: Of records that hold such, the fields people write freely into; codes, names of units and numbers are none.
_FREE = {
    "case": frozenset({"description", "address", "reason", "result", "opinion"}),
    "document": frozenset({"title", "text"}),
    "evaluation": frozenset({"note"}),
}
#: Bytes of the digest by which a masked parcel names what it was.
DIGEST_BYTES = 32


def veiled(payload: bytes, hub_id: str, mask: Callable[[str], str]) -> bytes:
    """Returns a parcel with its free texts masked; the very bytes it came with when nothing is masked.

    Args:
        payload: the parcel.
        hub_id: who masks it.
        mask: masks one text.
    """
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        # What cannot be read was checked when it came; the neighbour refuses it with its reason.
        return payload
    record = message.WhichOneof("record")
    if record not in _FREE or not cover(getattr(message, record), mask, record):
        return payload
    if not message.HasField("masked"):
        message.masked.hub_id = hub_id
        message.masked.original_sha256 = sha256(payload).digest()
    return message.SerializeToString(deterministic=True)


def masked_by(payload: bytes) -> tuple[str, bytes] | None:
    """Returns who masked a parcel, and the SHA-256 of what it was; ``None`` for one as its origin wrote it."""
    try:
        message = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return None
    return (message.masked.hub_id, message.masked.original_sha256) if message.HasField("masked") else None


def cover(message: Message, mask: Callable[[str], str], record: str = "case") -> bool:
    """Masks the free texts in a message; tells whether there was anything to mask.

    Args:
        message: a record, or an answer that holds some.
        mask: masks one text.
        record: what kind of record, as ``Parcel`` names it.
    """
    is_masked = False
    for owner, name in _texts(message, _FREE[record]):
        text = getattr(owner, name)
        if (shown := mask(text)) != text:
            setattr(owner, name, shown)
            is_masked = True
    return is_masked


def mark_digest(message: parcel_pb2.Parcel, payload: bytes) -> int:
    """Returns the digest both sides of a link know a record by: that of the bytes before they were masked."""
    original = message.masked.original_sha256
    return int.from_bytes(original[:8], "big", signed=True) if len(original) == DIGEST_BYTES else digest_of(payload)


def _texts(message: Message, free: frozenset[str]) -> Iterator[tuple[Message, str]]:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from _texts(inner, free)
        elif field.name in free:
            yield message, field.name
