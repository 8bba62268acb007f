"""What a hub answers is stored and shown, whatever it says."""

from typing import Any

from connectors.verdicts import quarantined, refused
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import receipt_pb2 as receipt

_WORDS: dict[str, Any] = {
    "reason": "A\0B",
    "field_path": "case\x1b[2J",
    "message": "no\u202e " + "x" * 5_000,
    "message_zh": "不\0行",
}


def test_the_words_of_a_hub_can_be_stored_and_shown() -> None:
    verdict = exchange.BatchVerdict(verdicts=[receipt.Verdict(sequence=7, outcome=receipt.OUTCOME_REFUSED, **_WORDS)])
    receipts = exchange.ReceiptRange(
        exceptions=[receipt.Receipt(sequence=8, state=receipt.BUSINESS_STATE_QUARANTINED, **_WORDS)]
    )
    for sequence, (told,) in ((7, refused(verdict)), (8, quarantined(receipts))):
        assert told.sequence == sequence
        violation = told.violation
        assert (violation.reason, violation.field_path, violation.message_zh) == ("A�B", "case�[2J", "不�行")
        assert violation.message.startswith("no� ")
        assert len(violation.message) == 1_000
