"""Texts of cases that go to the tiers above: masked where numbers stand in them, and still the same record."""

from hashlib import sha256
from typing import Any

import pytest

from auth.masking import masked_text
from connectors.veiling import masked_by, veiled
from connectors.wire import mark_of, read_parcel
from exchange_db.document_records import Document
from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord, EvaluationValue
from exchange_db.marks import digest_of
from exchange_db.records import Case, Violated
from hub.sections.personal import PersonalPart
from hub.veil import Veil
from protos.exchange.v1 import parcel_pb2
from tests.support.builders import (
    CITY,
    a_case,
    a_component,
    a_handling,
    a_letter,
    a_payload,
    a_report,
    an_action,
    an_answer,
)
from tests.support.clock import NOON

_TEXT = "王先生 13812345678 反映井盖缺失"


def _case(**sections: Any) -> bytes:
    return a_payload(a_case("13812345678", **sections))


def test_every_free_text_is_masked_and_nothing_else() -> None:
    payload = _case(
        report=a_report(description=_TEXT, address="芙蓉路 0745-2223344 旁"),
        handling=a_handling(result=_TEXT),
        actions=(an_action(opinion=_TEXT),),
    )
    shown = veiled(payload, "431200.hub", masked_text)
    record = read_parcel(shown).record
    assert isinstance(record, Case)
    assert record.report is not None
    assert record.handling is not None
    masked = "王先生 138****5678 反映井盖缺失"
    assert (record.report.description, record.handling.result, record.actions[0].opinion) == (masked,) * 3
    assert "2223344" not in record.report.address
    # The number of the case only looks like one of a telephone.
    assert record.case_no == "13812345678"
    assert b"13812345678 " not in shown


def test_letters_answers_and_remarks_are_masked_too() -> None:
    masked = "王先生 138****5678 反映井盖缺失"
    letter = read_parcel(veiled(a_payload(a_letter(text=_TEXT, title=_TEXT)), "431200.hub", masked_text)).record
    answer = read_parcel(veiled(a_payload(an_answer(text=_TEXT)), "431200.hub", masked_text)).record
    assert isinstance(letter, Document)
    assert isinstance(answer, Document)
    assert letter.content is not None
    assert answer.answer is not None
    assert (letter.content.title, letter.content.text, answer.answer.text) == (masked,) * 3
    # What only looks like a number to call is left alone: ids, the number of the paper, units.
    payload = a_payload(a_letter("13812345678", number="13812345678", unit_name="13812345678"))
    assert veiled(payload, "431200.hub", masked_text) == payload
    values = (EvaluationValue("U1", "", "1"),)
    record = EvaluationRecord(CITY, 431200, EvaluationKind.VALUES, "s", 1, "2020", 1, NOON, note=_TEXT, values=values)
    shown = read_parcel(veiled(a_payload(record), "431200.hub", masked_text)).record
    assert isinstance(shown, EvaluationRecord)
    assert shown.note == masked


def test_it_says_who_masked_it_and_what_it_was_and_keeps_its_mark() -> None:
    payload = _case(report=a_report(description=_TEXT))
    shown = veiled(payload, "431200.hub", masked_text)
    assert shown == veiled(payload, "431200.hub", masked_text)
    assert masked_by(shown) == ("431200.hub", sha256(payload).digest())
    assert mark_of(shown) == mark_of(payload)
    assert digest_of(shown) != digest_of(payload)
    # Whoever masks it once more leaves the note of the first.
    assert masked_by(veiled(shown, "430000.hub", lambda text: text[:2])) == masked_by(shown)


@pytest.mark.parametrize(
    "payload",
    [_case(report=a_report(description="井盖缺失")), a_payload(a_component()), b"\xff no parcel"],
    ids=["nothing to mask", "no case", "no parcel"],
)
def test_what_holds_nothing_to_mask_goes_on_byte_by_byte(payload: bytes) -> None:
    assert veiled(payload, "431200.hub", masked_text) == payload
    assert masked_by(payload) is None


def test_a_note_that_is_none_is_refused() -> None:
    for hub_id, digest in (("431221.platform", bytes(32)), ("431200.hub", bytes(31)), ("", bytes(32))):
        message = parcel_pb2.Parcel.FromString(_case(report=a_report()))
        message.masked.hub_id, message.masked.original_sha256 = hub_id, digest
        with pytest.raises(Violated) as refused:
            read_parcel(message.SerializeToString())
        assert refused.value.violation.field_path.startswith("masked")


def test_province_and_nation_get_masked_texts_unless_they_are_granted_the_detail() -> None:
    veil = Veil("431200.hub", PersonalPart(detail_to=("000000.hub",)))
    over = {name: veil.is_over(name) for name in ("430000.hub", "000000.hub", "431200.hub", "431221.platform")}
    assert over == {"430000.hub": True, "000000.hub": False, "431200.hub": False, "431221.platform": False}
    payload = _case(report=a_report(description=_TEXT))
    assert veil.shown("430000.hub", payload) != payload
    assert veil.shown("000000.hub", payload) == veil.shown("431221.platform", payload) == payload
    with pytest.raises(ValueError, match=r"somewhere|region|platform"):
        PersonalPart(detail_to=("somewhere",))
