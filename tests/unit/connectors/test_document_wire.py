"""Documents on the wire: what is written is read back, and what is wrong is refused by the name of its field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.attachment_wire import evidence_in
from connectors.json_wire import json_of_parcel, parcel_of
from connectors.table_rows import rows_of
from connectors.wire import mark_of, read_parcel
from exchange_db.document_records import (
    AnswerState,
    Document,
    DocumentAnswer,
    DocumentContent,
    DocumentFile,
    DocumentKind,
    FigureRef,
    SubjectCase,
    case_no,
    document_id_in,
)
from exchange_db.keys import case_key, document_key
from exchange_db.records import RecordKind, Violated
from tests.support.builders import CITY, COUNTY, a_letter, a_payload, an_answer
from tests.support.clock import NOON

_text = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=40)
_printable = _text.filter(str.isprintable)
_files = st.builds(
    DocumentFile,
    name=_printable.filter(bool),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size_bytes=st.integers(1, 10**12),
    media_type=st.sampled_from(["application/pdf", "text/csv"]),
)
_times = st.integers(NOON, NOON + 10**12)
_contents = st.builds(
    DocumentContent,
    revision=st.integers(1, 2**31 - 1),
    kind=st.sampled_from(DocumentKind),
    title=_printable.filter(bool),
    region_code=st.integers(0, 999_999).map("{:06d}".format),
    issued_time=_times,
    number=_printable,
    addressee_id=st.just(COUNTY),
    unit_code=_printable,
    unit_name=_printable,
    deadline_time=st.just(0) | _times,
    text=_printable,
    supersedes_id=_printable,
    is_withdrawn=st.booleans(),
    cases=st.lists(st.builds(SubjectCase, issuer_id=st.just(COUNTY), case_no=_printable.filter(bool)), max_size=3).map(
        tuple
    ),
    figures=st.lists(
        st.builds(FigureRef, metric_id=st.just("F1"), period=st.just("2020-06"), region_code=st.just("431221")),
        max_size=2,
    ).map(tuple),
    files=st.lists(_files, max_size=3).map(tuple),
)
_answers = st.builds(
    DocumentAnswer,
    revision=st.integers(1, 2**31 - 1),
    answerer_id=st.just(COUNTY),
    state=st.sampled_from(AnswerState),
    answered_time=_times,
    text=_printable.filter(bool),
    files=st.lists(_files, max_size=3).map(tuple),
)


@given(_contents, _answers)
def test_a_document_is_read_back_as_it_was_written_in_both_forms(
    content: DocumentContent, answer: DocumentAnswer
) -> None:
    for document in (Document(CITY, "L-1", content), Document(CITY, "L-1", answer=answer)):
        payload = a_payload(document)
        parcel = read_parcel(payload)
        assert (parcel.kind, parcel.record) == (RecordKind.DOCUMENT, document)
        assert parcel_of(json_of_parcel(payload)) == payload
        mark = mark_of(payload)
        assert mark is not None
        assert mark.kind == RecordKind.DOCUMENT
        named = evidence_in(payload)
        files = (content if document.content else answer).files
        assert [ref.digest for ref in named.refs] == [file.digest for file in files] if named else not files


_CONTENT_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"revision": 0}, "FIELD_MISSING", "revision"),
    ({"title": ""}, "FIELD_MISSING", "title"),
    ({"title": "题" * 101}, "FIELD_INVALID", "title"),
    ({"title": "a\0b"}, "TEXT_INVALID", "title"),
    ({"region_code": "43"}, "REGION_INVALID", "region_code"),
    ({"addressee_id": ""}, "FIELD_MISSING", "addressee_id"),
    ({"addressee_id": "county"}, "PLATFORM_ID_INVALID", "addressee_id"),
    ({"addressee_id": "430000.hub"}, "ADDRESSEE_FORBIDDEN", "addressee_id"),
    ({"issued_time": 1_592_186_400}, "FIELD_INVALID", "issued_time"),
    ({"text": "字" * 4001}, "FIELD_INVALID", "text"),
    ({"supersedes_id": "x" * 51}, "FIELD_INVALID", "supersedes_id"),
    ({"cases": (SubjectCase("x", "1"),)}, "FIELD_INVALID", "cases.issuer_id"),
    ({"cases": (SubjectCase(COUNTY, "1"),) * 201}, "FIELD_INVALID", "cases"),
    ({"figures": (FigureRef("F1", "2020-06", ""),)}, "FIELD_MISSING", "figures.region_code"),
    ({"files": (DocumentFile("a.pdf", "xy", 1, "application/pdf"),)}, "FIELD_INVALID", "files.digest"),
    ({"files": (DocumentFile("a.pdf", "ab" * 32, 1, "application/pdf"),) * 11}, "FIELD_INVALID", "files"),
]


@pytest.mark.parametrize(("changes", "reason", "field"), _CONTENT_FAULTS)
def test_a_content_that_breaks_the_contract_is_refused_by_field(
    changes: dict[str, Any], reason: str, field: str
) -> None:
    with pytest.raises(Violated) as refused:
        read_parcel(a_payload(a_letter(**changes)))
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, f"document.content.{field}")


def test_an_answer_says_something_and_a_record_has_one_section() -> None:
    for document, reason, path in (
        (an_answer(text=""), "FIELD_MISSING", "document.answer.text"),
        (Document(CITY, "L-1"), "RECORD_MISSING", "document"),
        (replace(a_letter(), document_id=""), "FIELD_MISSING", "document.key.document_id"),
        (replace(a_letter(), document_id="a\nb"), "TEXT_INVALID", "document.key.document_id"),
    ):
        with pytest.raises(Violated) as refused:
            read_parcel(a_payload(document, CITY))
        assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)
    received = an_answer(text="", state=AnswerState.RECEIVED)
    assert read_parcel(a_payload(received)).record == received


def test_a_partners_database_is_told_that_it_takes_no_documents() -> None:
    with pytest.raises(Violated) as refused:
        rows_of(a_letter(), NOON)
    assert refused.value.violation.reason == "DOCUMENT_UNDELIVERABLE"


def test_files_are_handed_in_under_a_number_of_their_own() -> None:
    assert document_key(CITY, "L-1") == case_key(CITY, case_no("L-1"))
    assert document_id_in(case_no("L-1")) == "L-1"
    assert document_id_in("2020-0001") == ""
