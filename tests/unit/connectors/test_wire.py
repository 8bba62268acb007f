"""Records and messages: what is written is read back, and what breaks the contract is named by field."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wire import origin_of, read_parcel, write_parcel
from exchange_db.records import Case, Component, FigureSheet, Record, RecordKind, Violated
from protos.exchange.v1 import parcel_pb2
from tests.support import strategies
from tests.support.builders import (
    COUNTY,
    a_case,
    a_cell,
    a_handling,
    a_payload,
    a_report,
    a_sheet,
    a_verdict,
    an_action,
    an_assignment,
)
from tests.support.clock import NOON

Change = Callable[[parcel_pb2.Parcel], Any]


@given(
    record=strategies.cases | strategies.sheets | strategies.components,
    message_id=strategies.message_ids,
    origin_id=strategies.platform_ids,
)
def test_what_is_written_is_read_back(record: Record, message_id: UUID, origin_id: str) -> None:
    payload = write_parcel(message_id, origin_id, NOON, record)
    parcel = read_parcel(payload)
    assert parcel.record == record
    assert (parcel.message_id, parcel.origin_id, parcel.created_time) == (message_id.bytes, origin_id, NOON)
    kinds = {Case: RecordKind.CASE, Component: RecordKind.COMPONENT, FigureSheet: RecordKind.FIGURE_SHEET}
    assert parcel.kind is kinds[type(record)]
    assert parcel.payload is payload


@given(record=strategies.cases)
def test_the_same_record_gives_the_same_bytes(record: Case) -> None:
    message_id = UUID(int=1)
    assert write_parcel(message_id, COUNTY, NOON, record) == write_parcel(message_id, COUNTY, NOON, record)


@given(payload=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_never_break_the_reader(payload: bytes) -> None:
    try:
        read_parcel(payload)
    except Violated as refused:
        assert refused.violation.message_zh
    assert isinstance(origin_of(payload), str)


@given(record=strategies.cases, at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_never_breaks_the_reader(record: Case, at: int, bit: int) -> None:
    payload = bytearray(a_payload(record))
    payload[at % len(payload)] ^= 1 << bit
    try:
        read_parcel(bytes(payload))
    except Violated as refused:
        assert refused.violation.reason


def _everything() -> Case:
    sections: dict[str, Any] = {"report": a_report(), "assignment": an_assignment(), "handling": a_handling()}
    return a_case(**sections, verdict=a_verdict(), actions=(an_action(),))


def _set(path: str, value: object) -> Change:
    *parents, leaf = path.split(".")

    def change(message: parcel_pb2.Parcel) -> None:
        target: Any = message
        for name in parents:
            target = getattr(target, name)
        setattr(target, leaf, value)

    return change


def _clear(path: str, name: str) -> Change:
    def change(message: parcel_pb2.Parcel) -> None:
        target: Any = message
        for parent in path.split("."):
            target = getattr(target, parent)
        target.ClearField(name)

    return change


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        (_set("message_id", ""), "FIELD_MISSING", "message_id"),
        (_set("message_id", "17"), "FIELD_INVALID", "message_id"),
        (_set("message_id", "00000000-0000-0000-0000-000000000001\n"), "FIELD_INVALID", "message_id"),
        (_set("origin_id", ""), "FIELD_MISSING", "origin_id"),
        (_set("origin_id", "43122.platform"), "PLATFORM_ID_INVALID", "origin_id"),
        (_set("origin_id", "431221.platform\n"), "PLATFORM_ID_INVALID", "origin_id"),
        (_set("origin_id", "４３１２２１.platform"), "PLATFORM_ID_INVALID", "origin_id"),
        (_set("created_time", 0), "FIELD_MISSING", "created_time"),
        (_set("case.key.issuer_id", "county"), "PLATFORM_ID_INVALID", "case.key.issuer_id"),
        (_set("case.key.case_no", ""), "FIELD_MISSING", "case.key.case_no"),
        (_set("case.key.case_no", "9" * 65), "FIELD_INVALID", "case.key.case_no"),
        (_set("case.key.case_no", "1\0"), "TEXT_INVALID", "case.key.case_no"),
        (_set("case.report.revision", 0), "FIELD_MISSING", "case.report.revision"),
        (_set("case.report.revision", -1), "FIELD_INVALID", "case.report.revision"),
        (_set("case.report.state", 0), "FIELD_MISSING", "case.report.state"),
        (_set("case.report.state", 9), "FIELD_INVALID", "case.report.state"),
        (_set("case.report.region_code", "43122"), "REGION_INVALID", "case.report.region_code"),
        (_set("case.report.region_code", "４３１２２１"), "REGION_INVALID", "case.report.region_code"),
        (
            _set("case.report.class_code.standard_ref", ""),
            "STANDARD_REF_MISSING",
            "case.report.class_code.standard_ref",
        ),
        (_set("case.report.class_code.kind", 0), "FIELD_MISSING", "case.report.class_code.kind"),
        (_set("case.report.class_code.code", ""), "FIELD_MISSING", "case.report.class_code.code"),
        (_set("case.report.source_code", "\0"), "TEXT_INVALID", "case.report.source_code"),
        (_set("case.report.reported_time", 0), "FIELD_MISSING", "case.report.reported_time"),
        (_set("case.report.reported_time", 2**62), "FIELD_INVALID", "case.report.reported_time"),
        (_set("case.report.description", "字" * 4001), "FIELD_INVALID", "case.report.description"),
        (_set("case.report.description", "bell\a"), "TEXT_INVALID", "case.report.description"),
        (_set("case.report.position.crs", 0), "CRS_MISSING", "case.report.position.crs"),
        (_set("case.report.position.x", 27.44 * 10), "POSITION_OUT_OF_RANGE", "case.report.position"),
        (_set("case.report.position.y", 109.944), "POSITION_OUT_OF_RANGE", "case.report.position"),
        (_set("case.report.position.y", float("nan")), "POSITION_OUT_OF_RANGE", "case.report.position"),
        (_set("case.assignment.handler_id", ""), "FIELD_MISSING", "case.assignment.handler_id"),
        (_set("case.assignment.handler_id", "x"), "PLATFORM_ID_INVALID", "case.assignment.handler_id"),
        (_set("case.assignment.unit_code", "hw\x0001"), "TEXT_INVALID", "case.assignment.unit_code"),
        (_set("case.assignment.extension_count", 100), "FIELD_INVALID", "case.assignment.extension_count"),
        (_set("case.assignment.deadline_time", -1), "FIELD_INVALID", "case.assignment.deadline_time"),
        (_set("case.handling.round", 0), "FIELD_MISSING", "case.handling.round"),
        (_set("case.handling.close_requested_time", 0), "FIELD_MISSING", "case.handling.close_requested_time"),
        (_set("case.handling.state", 4), "FIELD_MISSING", "case.handling.reason"),
        (_set("case.handling.result", "\x1b[31m"), "TEXT_INVALID", "case.handling.result"),
        (_set("case.verdict.closed_time", 0), "FIELD_MISSING", "case.verdict.closed_time"),
        (_set("case.verdict.state", 2), "FIELD_MISSING", "case.verdict.reason"),
        (lambda message: _set("action_id", "1")(message.case.actions[0]), "FIELD_INVALID", "case.actions.action_id"),
        (lambda message: _set("opinion", "\0")(message.case.actions[0]), "TEXT_INVALID", "case.actions.opinion"),
        (lambda message: _set("kind", "")(message.case.actions[0]), "FIELD_MISSING", "case.actions.kind"),
        (lambda message: message.case.actions.extend(message.case.actions[:1] * 50), "FIELD_INVALID", "case.actions"),
        (lambda message: message.ClearField("case"), "RECORD_MISSING", ""),
    ],
)
def test_what_breaks_the_contract_is_named(change: Change, reason: str, path: str) -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(_everything()))
    change(message)
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)


def test_a_case_without_any_section_is_refused() -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(a_case()))
    message.case.ClearField("report")
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert refused.value.violation.reason == "RECORD_MISSING"


def test_a_report_needs_a_position_or_an_address() -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(a_case()))
    _clear("case.report", "position")(message)
    read_parcel(message.SerializeToString())
    _clear("case.report", "address")(message)
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert refused.value.violation.reason == "PLACE_MISSING"


def test_a_local_position_may_lie_anywhere_but_must_be_a_number() -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(a_case()))
    _set("case.report.position.crs", 5)(message)
    _set("case.report.position.x", 512_345.6)(message)
    read_parcel(message.SerializeToString())
    _set("case.report.position.x", float("inf"))(message)
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert refused.value.violation.reason == "POSITION_OUT_OF_RANGE"


def test_lines_and_tabs_are_text() -> None:
    report = a_report(description="第一行\n第二行\t\r", address="　全角空格")
    record = read_parcel(a_payload(a_case(report=report))).record
    assert isinstance(record, Case)
    assert record.report == report


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        (_set("figure_sheet.region_code", ""), "FIELD_MISSING", "figure_sheet.region_code"),
        (_set("figure_sheet.month", 202013), "FIELD_INVALID", "figure_sheet.month"),
        (_set("figure_sheet.revision", 0), "FIELD_MISSING", "figure_sheet.revision"),
        (_set("figure_sheet.revision", -3), "FIELD_INVALID", "figure_sheet.revision"),
        (_set("figure_sheet.cutoff_time", -(2**60)), "FIELD_INVALID", "figure_sheet.cutoff_time"),
        (_set("figure_sheet.cutoff_time", 2**62), "FIELD_INVALID", "figure_sheet.cutoff_time"),
        (_set("figure_sheet.definition_ref", "v\0"), "TEXT_INVALID", "figure_sheet.definition_ref"),
        (_set("figure_sheet.definition_ref", "v" * 61), "FIELD_INVALID", "figure_sheet.definition_ref"),
        (
            lambda m: _set("unit_code", "u" * 41)(m.figure_sheet.cells[0]),
            "FIELD_INVALID",
            "figure_sheet.cells.unit_code",
        ),
        (lambda m: _set("class_key", "\0")(m.figure_sheet.cells[0]), "TEXT_INVALID", "figure_sheet.cells.class_key"),
        (lambda m: _set("counts.total", -1)(m.figure_sheet.cells[0]), "FIELD_INVALID", "figure_sheet.cells.counts"),
        (lambda m: _set("counts.void", 2**60)(m.figure_sheet.cells[0]), "FIELD_INVALID", "figure_sheet.cells.counts"),
        (lambda m: _set("counts.on_time", 9)(m.figure_sheet.cells[0]), "FIELD_INVALID", "figure_sheet.cells.counts"),
        (lambda m: m.figure_sheet.cells.extend(m.figure_sheet.cells[:1]), "FIELD_INVALID", "figure_sheet.cells"),
    ],
)
def test_what_breaks_the_contract_of_a_sheet_is_named(change: Change, reason: str, path: str) -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(a_sheet(a_cell("hw01"), a_cell("hw02"))))
    change(message)
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)


def test_bytes_that_are_no_parcel_are_unreadable() -> None:
    with pytest.raises(Violated) as refused:
        read_parcel(b"\xff\xff\xff")
    assert refused.value.violation.reason == "UNREADABLE"
    assert origin_of(b"\xff\xff\xff") == ""


@pytest.mark.parametrize("path", ["origin_id", "message_id", "case.key.issuer_id", "case.report.region_code"])
def test_what_is_told_about_a_bad_value_can_be_stored_and_shown(path: str) -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(_everything()))
    _set(path, "43\0\x1b[31m21\n")(message)
    payload = message.SerializeToString()
    with pytest.raises(Violated) as refused:
        read_parcel(payload)
    told = refused.value.violation
    assert (told.message + told.message_zh + origin_of(payload)).isprintable()
