"""Parcels as JSON: nothing is lost on the way there and back, and whatever comes is read or refused in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.json_wire import json_of_parcel, origin_in_json, parcel_from_json, parcel_of
from exchange_db.records import Record, Violated
from protos.exchange.v1 import parcel_pb2
from tests.contract.dirty.records import RECORDS
from tests.support import strategies
from tests.support.builders import COUNTY, a_case, a_payload, a_report

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(record=strategies.cases | strategies.sheets | strategies.components)
def test_a_record_has_the_same_bytes_after_going_by_json(record: Record) -> None:
    payload = a_payload(record)
    text = json.dumps(json_of_parcel(payload), ensure_ascii=False).encode()
    assert parcel_from_json(text) == payload


def test_dirt_is_the_same_dirt_by_json() -> None:
    payloads = [one.payload("j") for one in RECORDS if one.raw is None]
    assert len(payloads) > 50
    for payload in payloads:
        known = parcel_pb2.Parcel.FromString(payload)
        # JSON has no place for a field that only a newer contract knows.
        known.DiscardUnknownFields()
        again = parcel_from_json(json.dumps(json_of_parcel(payload)).encode())
        assert again == known.SerializeToString(deterministic=True), payload


@given(value=_VALUES, path=st.lists(st.sampled_from(["case", "report", "actions", "position", "created_time"])))
def test_whatever_comes_is_read_or_refused_in_words(value: object, path: list[str]) -> None:
    for name in path:
        value = {name: value}
    try:
        parcel_from_json(json.dumps(value).encode())
    except Violated as refused:
        assert refused.violation.reason in {"JSON_INVALID", "FIELD_UNKNOWN", "FIELD_INVALID"}
        assert refused.violation.field_path.isprintable()


@given(text=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_are_no_json_are_refused(text: bytes) -> None:
    try:
        parcel_from_json(text)
    except Violated as refused:
        assert refused.violation.reason
    assert origin_in_json(text).isprintable()


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        ({"case": {"report": {"colour": 1}}}, "FIELD_UNKNOWN", "case.report.colour"),
        ({"case": {"report": {"position": {"x": 10**400}}}}, "FIELD_INVALID", "case.report.position.x"),
        ({"case": {"report": {"reported_time": "noon"}}}, "FIELD_INVALID", "case.report.reported_time"),
        ({"case": {"report": {"reported_time": 2**64}}}, "FIELD_INVALID", "case.report.reported_time"),
        ({"case": {"report": {"state": "REPORT_STATE_LOST"}}}, "FIELD_INVALID", "case.report.state"),
        ({"case": {"actions": [{}, {"opinion": 1}]}}, "FIELD_INVALID", "case.actions.opinion"),
        ({"case": {"actions": [None]}}, "FIELD_INVALID", "case.actions"),
        ({"case": {"actions": {}}}, "FIELD_INVALID", "case.actions"),
        ({"case": 7}, "FIELD_INVALID", "case"),
        ({"case": {}, "component": {}}, "FIELD_INVALID", "record"),
        ({"origin_id": "\ud800"}, "JSON_INVALID", ""),
        ({"\ud800": 1}, "JSON_INVALID", ""),
        ([], "JSON_INVALID", ""),
    ],
    ids=range(13),
)
def test_the_field_at_fault_is_named(value: object, reason: str, path: str) -> None:
    with pytest.raises(Violated) as refused:
        parcel_from_json(json.dumps(value).encode())
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)


def test_both_spellings_and_plain_numbers_are_read() -> None:
    payload = a_payload(a_case(report=a_report()))
    value = json_of_parcel(payload)
    value["createdTime"] = int(value.pop("created_time"))
    value["originId"] = value.pop("origin_id")
    assert parcel_of(value) == payload
    assert origin_in_json(json.dumps(value).encode()) == COUNTY


def test_who_reads_a_newer_contract_passes_over_what_is_new() -> None:
    value = json_of_parcel(a_payload(a_case()))
    assert parcel_of(value | {"signature": "x"}, ignores_unknown=True) == parcel_of(value)
    with pytest.raises(Violated):
        parcel_of(value | {"signature": "x"})
