"""Reading what a hub answered on a push stream."""

from exchange_db.records import Refused, Violation, printable
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import receipt_pb2

#: Longest text of a violation that is kept.
_LONGEST = 1_000


def last_taken(verdict: exchange.BatchVerdict) -> int:
    """Returns the last number of a batch that the hub has settled; the one before the batch when none."""
    taken = 0
    for outcome in verdict.outcomes:
        if outcome == receipt_pb2.OUTCOME_OUT_OF_ORDER:
            break
        taken += 1
    return verdict.first_sequence + taken - 1


def is_taken_whole(verdict: exchange.BatchVerdict) -> bool:
    """Tells whether every parcel of a batch was settled."""
    return last_taken(verdict) == verdict.first_sequence + len(verdict.outcomes) - 1


def refused(verdict: exchange.BatchVerdict) -> list[Refused]:
    """Returns the parcels the hub refused at intake."""
    return [
        Refused(item.sequence, _told(item)) for item in verdict.verdicts if item.outcome == receipt_pb2.OUTCOME_REFUSED
    ]


def quarantined(receipts: exchange.ReceiptRange) -> list[Refused]:
    """Returns the parcels that broke a rule when they were applied."""
    return [
        Refused(item.sequence, _told(item))
        for item in receipts.exceptions
        if item.state == receipt_pb2.BUSINESS_STATE_QUARANTINED
    ]


def _told(item: receipt_pb2.Verdict | receipt_pb2.Receipt) -> Violation:
    """What the hub says of a record, as it can be stored and shown; its own words are no more trusted than others."""
    texts = (item.reason, item.field_path, item.message, item.message_zh)
    return Violation(*(printable(text[:_LONGEST]) for text in texts))
