"""What cases say of their evidence: read as it was written, and refused by field."""

from typing import Any

import pytest

from connectors.attachment_wire import evidence_in
from connectors.county.attachments import offers_of, type_of
from connectors.county.packing import pack
from connectors.wire import read_parcel
from exchange_db.attachment_records import SECTION_NUMBERS, AttachmentKind, Offer
from exchange_db.records import Case, Violated
from protos.exchange.v1 import parcel_pb2
from tests.support.builders import COUNTY, a_case, a_handling, a_payload, a_report, a_verdict
from tests.support.clock import NOON
from tests.support.photos import a_photo, a_ref

PHOTO = a_photo()


def _named(**changes: Any) -> bytes:
    """A parcel whose report names a photo, with some fields of the message changed."""
    message = parcel_pb2.Parcel.FromString(a_payload(a_case(report=a_report(), attachments=(a_ref(PHOTO),))))
    for name, value in changes.items():
        setattr(message.case.report.attachments[0], name, value)
    return message.SerializeToString()


def test_evidence_of_every_section_is_read_back_in_order() -> None:
    refs = tuple(
        a_ref(a_photo(number), section=section, captured_time=NOON)
        for number, section in enumerate(("report", "handling", "verdict"))
    )
    case = a_case(report=a_report(), handling=a_handling(), verdict=a_verdict(), attachments=refs)
    payload = a_payload(case)
    record = read_parcel(payload).record
    assert record == case
    named = evidence_in(payload)
    assert named is not None
    assert (named.issuer_id, named.case_no) == (COUNTY, case.case_no)
    assert [tuple(file) for file in named.refs] == [
        (SECTION_NUMBERS[ref.section], ref.kind, ref.digest, ref.size_bytes, ref.media_type, ref.captured_time)
        for ref in refs
    ]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"digest": ""}, "FIELD_MISSING", "digest"),
        ({"digest": "ab"}, "FIELD_INVALID", "digest"),
        ({"digest": "AB" * 32}, "FIELD_INVALID", "digest"),
        ({"digest": "ab" * 32 + "\n"}, "FIELD_INVALID", "digest"),
        ({"kind": 0}, "FIELD_MISSING", "kind"),
        ({"kind": 99}, "FIELD_INVALID", "kind"),
        ({"size_bytes": 0}, "FIELD_MISSING", "size_bytes"),
        ({"size_bytes": -1}, "FIELD_INVALID", "size_bytes"),
        ({"media_type": ""}, "FIELD_MISSING", "media_type"),
        ({"media_type": "x" * 101}, "FIELD_INVALID", "media_type"),
        ({"media_type": "image/\x00"}, "TEXT_INVALID", "media_type"),
        ({"captured_time": -1}, "FIELD_INVALID", "captured_time"),
    ],
)
def test_what_breaks_the_contract_is_named_by_field(changes: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(Violated) as refused:
        read_parcel(_named(**changes))
    violation = refused.value.violation
    assert (violation.reason, violation.field_path) == (reason, f"case.report.attachments.{field}")
    assert evidence_in(_named(**changes)) is None


def test_a_section_names_so_many_and_no_more() -> None:
    refs = tuple(a_ref(a_photo(number)) for number in range(51))
    most = a_case(report=a_report(), attachments=refs[:50])
    assert read_parcel(a_payload(most)).record == most
    with pytest.raises(Violated, match="FIELD_INVALID") as refused:
        read_parcel(a_payload(a_case(report=a_report(), attachments=refs)))
    assert refused.value.violation.field_path == "case.report.attachments"


def test_evidence_of_a_section_the_case_does_not_carry_cannot_be_written() -> None:
    case = a_case(report=a_report(), attachments=(a_ref(PHOTO, section="handling"),))
    with pytest.raises(ValueError, match="handling"):
        a_payload(case)


def test_bytes_that_name_nothing_are_no_evidence() -> None:
    assert evidence_in(b"\x12\x40") is None
    assert evidence_in(a_payload(a_case())) is None


def test_evidence_is_part_of_what_makes_a_message() -> None:
    bare = a_case(report=a_report())
    named = Case(bare.issuer_id, bare.case_no, bare.report, attachments=(a_ref(PHOTO),))
    assert pack(COUNTY, bare).message_id != pack(COUNTY, named).message_id
    assert pack(COUNTY, named) == pack(COUNTY, named)
    ref = named.attachments[0]
    assert offers_of(named) == [
        Offer(ref.digest, len(PHOTO), "image/jpeg", AttachmentKind.BEFORE_NEAR, COUNTY, bare.case_no)
    ]


def test_a_name_tells_the_type_or_it_is_asked_for(tmp_path: Any) -> None:
    assert type_of(tmp_path / "A.JPG") == "image/jpeg"
    assert type_of(tmp_path / "a.amr") == "audio/amr"
    with pytest.raises(Violated, match="FIELD_MISSING"):
        type_of(tmp_path / "photo")
