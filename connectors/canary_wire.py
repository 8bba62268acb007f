"""Canaries on the wire. Called by ``connectors.wire``."""

from uuid import UUID, uuid5

from connectors.fields import check_platform
from exchange_db.canary_records import CanaryRecord
from exchange_db.records import Violated
from protos.exchange.v1 import parcel_pb2

_NAMES = UUID("5d0b5a5e-8f5e-4f0e-9d0d-6d1f2c3b2026")
_LATEST_TIME = 7_258_118_400_000_000


def read_canary(message: parcel_pb2.Canary) -> CanaryRecord:
    """Reads a canary.

    Raises:
        Violated: a field does not keep the contract.
    """
    check_platform(message.sender_id, "canary.sender_id")
    check_platform(message.receiver_id, "canary.receiver_id")
    if not message.sent_time:
        raise Violated("FIELD_MISSING", "canary.sent_time")
    for name in ("sent_time", "answered_time"):
        if not 0 <= getattr(message, name) <= _LATEST_TIME:
            raise Violated("FIELD_INVALID", f"canary.{name}", getattr(message, name))
    return CanaryRecord(message.sender_id, message.receiver_id, message.sent_time, message.answered_time)


def canary_fields(record: CanaryRecord) -> parcel_pb2.Canary:
    """Returns the message of a canary."""
    return parcel_pb2.Canary(**{name: getattr(record, name) for name in record.__struct_fields__})


def message_id_of_canary(record: CanaryRecord) -> UUID:
    """Returns the id of the message that carries it: a question, and each answer of one moment, is one for ever."""
    return uuid5(_NAMES, f"{record.sender_id}\0{record.receiver_id}\0{record.sent_time}\0{record.answered_time}")
