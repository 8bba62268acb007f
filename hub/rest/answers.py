"""Answers in JSON: the messages of the contract in protobuf's own JSON form, made without protobuf. Pure."""

from datetime import datetime
from typing import Any

from exchange_db.receipts import PENDING, SettledRange, Settlement
from exchange_db.records import Violation
from hub.intake.desk import Receipt

_OUTCOMES = {
    "D": "OUTCOME_DURABLE",
    "U": "OUTCOME_DUPLICATE",
    "R": "OUTCOME_REFUSED",
    "O": "OUTCOME_OUT_OF_ORDER",
}
_STATES = {
    PENDING: "BUSINESS_STATE_PENDING",
    2: "BUSINESS_STATE_APPLIED",
    3: "BUSINESS_STATE_STALE",
    4: "BUSINESS_STATE_QUARANTINED",
}


def error(violation: Violation) -> dict[str, Any]:
    """Answers a call that was refused as a whole."""
    return {
        "reason": violation.reason,
        "field_path": violation.field_path,
        "message": violation.message,
        "message_zh": violation.message_zh,
    }


def batch_verdict(first_sequence: int, receipt: Receipt) -> dict[str, Any]:
    """Answers one batch, parcel by parcel: a ``BatchVerdict``.

    Args:
        first_sequence: number of the first parcel; 0 when the hub was to number them itself.
        receipt: what the desk answered.
    """
    outcomes, violations, next_sequence, _ = receipt.answer
    first = first_sequence or next_sequence - len(outcomes)
    verdicts: list[dict[str, Any]] = []
    for index, letter in enumerate(outcomes):
        if letter != "D":
            verdict = {"sequence": str(first + index), "outcome": _OUTCOMES[letter]}
            violation = violations.get(index)
            verdicts.append(verdict | error(violation) if violation else verdict)
    return {
        "first_sequence": str(first),
        "outcomes": [_OUTCOMES[letter] for letter in outcomes],
        "verdicts": verdicts,
        "next_sequence": str(next_sequence),
        "accepted_time": str(receipt.accepted_time),
    }


def receipt_range(settled: SettledRange, seen_time: int) -> dict[str, Any]:
    """Settles a range of a stream, seen to be settled at a moment: a ``ReceiptRange``."""
    return {
        "first_sequence": str(settled.first),
        "last_sequence": str(settled.last),
        "exceptions": [
            {"sequence": str(sequence)} | _receipt(state, violation, moment)
            for sequence, state, violation, moment in settled.exceptions
        ],
        "settled_time": str(seen_time),
    }


def settlement(found: Settlement) -> dict[str, Any]:
    """Answers what became of one message: a ``Receipt``."""
    return _receipt(found.state, found.violation, found.settled_time)


def _receipt(state: int, violation: Violation, moment: datetime | None) -> dict[str, Any]:
    told = {"state": _STATES[state], "settled_time": str(round(moment.timestamp() * 1_000_000) if moment else 0)}
    return told | error(violation) if violation.reason else told
