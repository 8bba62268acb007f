"""Canaries at the gate and on their way: written by who must have, over one link, with no mark."""

from uuid import uuid4

import pytest

from auth.principal import Principal
from connectors.canary_wire import message_id_of_canary
from connectors.county.canaries import answer_to
from connectors.wire import mark_of, read_parcel, write_parcel
from exchange_db.canary_records import CanaryRecord
from exchange_db.inbox import Entry, Refusal
from exchange_db.keys import canary_key, partition_of
from exchange_db.records import RecordKind, Violated
from hub.apply.routing import Consignment, Router
from hub.intake.validation import MAX_AHEAD, Gate
from tests.support.builders import COUNTY, a_case, a_payload, a_principal
from tests.support.clock import NOON
from tests.support.neighbours import a_peer

CITY, PROVINCE = "431200.hub", "430000.hub"
QUESTION = CanaryRecord(PROVINCE, CITY, NOON)
ANSWER = CanaryRecord(CITY, PROVINCE, NOON - 5_000_000, NOON)
ABOVE = a_principal(PROVINCE, relation="parent")


def _payload(canary: CanaryRecord, origin_id: str = "") -> bytes:
    return write_parcel(message_id_of_canary(canary), origin_id or canary.writer_id, NOON, canary)


def _check(payload: bytes, sender: Principal = ABOVE) -> Entry | Refusal:
    return Gate(sender, 431200).check(payload, NOON)


@pytest.mark.parametrize("canary", [QUESTION, ANSWER])
def test_a_canary_is_read_as_it_was_written(canary: CanaryRecord) -> None:
    parcel = read_parcel(_payload(canary))
    assert (parcel.kind, parcel.record) == (RecordKind.CANARY, canary)
    entry = _check(_payload(canary))
    assert isinstance(entry, Entry)
    assert entry.record_key == canary_key(canary.sender_id, canary.receiver_id, canary.sent_time)
    assert entry.facts is None


def test_a_canary_has_no_mark_and_a_case_has() -> None:
    assert mark_of(_payload(QUESTION)) is None
    assert mark_of(a_payload(a_case())) is not None


def test_canaries_of_an_hour_go_through_most_partitions() -> None:
    keys = (canary_key(PROVINCE, CITY, NOON + minute * 60_000_000) for minute in range(60))
    assert len({partition_of(key) for key in keys}) > 30


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        (_payload(QUESTION, "430100.hub"), "ORIGIN_FORBIDDEN", "origin_id"),
        (_payload(CanaryRecord("430100.hub", CITY, NOON)), "ORIGIN_FORBIDDEN", "origin_id"),
        (_payload(CanaryRecord(PROVINCE, CITY, NOON + MAX_AHEAD + 1)), "CLOCK_SKEW", "canary.sent_time"),
        (_payload(CanaryRecord(PROVINCE, CITY, 0)), "FIELD_MISSING", "canary.sent_time"),
        (_payload(CanaryRecord(PROVINCE, CITY, -1)), "FIELD_INVALID", "canary.sent_time"),
        (_payload(CanaryRecord(PROVINCE, "x", NOON)), "PLATFORM_ID_INVALID", "canary.receiver_id"),
    ],
)
def test_what_is_wrong_with_a_canary_is_named(payload: bytes, reason: str, field: str) -> None:
    refused = _check(payload)
    assert isinstance(refused, Refusal)
    assert (refused.violation.reason, refused.violation.field_path) == (reason, field)


def test_a_canary_goes_over_its_one_link_and_no_further() -> None:
    router = Router((a_peer(PROVINCE, "parent", 1), a_peer(COUNTY, "child", 2)), CITY)
    ours = CanaryRecord(CITY, COUNTY, NOON)
    assert router.of_canary(ours, 7, CITY) == [Consignment(2, (7,))]
    assert router.of_canary(QUESTION, 7, PROVINCE) == []
    assert router.of_canary(ANSWER, 7, PROVINCE) == []
    assert router.of_canary(ours, 7, PROVINCE) is None
    assert router.of_canary(CanaryRecord(PROVINCE, "430100.hub", NOON), 7, PROVINCE) is None


def test_a_platform_answers_what_it_is_asked_and_nothing_else() -> None:
    asked = CanaryRecord(CITY, COUNTY, NOON)
    (item,) = answer_to(_payload(asked), COUNTY)
    answer = read_parcel(item.payload).record
    assert isinstance(answer, CanaryRecord)
    assert answer.answered_time
    assert (answer.sender_id, answer.receiver_id, answer.sent_time) == (CITY, COUNTY, NOON)
    assert item.case_no == ""
    others = (_payload(QUESTION), _payload(ANSWER), item.payload, a_payload(a_case()), b"\xff", uuid4().bytes)
    assert [answer_to(payload, COUNTY) for payload in others] == [[]] * 6


def test_nothing_else_about_a_canary_can_be_read() -> None:
    with pytest.raises(Violated):
        read_parcel(_payload(CanaryRecord("", CITY, NOON)))
