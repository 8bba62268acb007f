"""Showing a parcel's bytes to people."""

from connectors.display import MAX_FIELDS, ShownField, fields_of
from tests.support.builders import a_case, a_cell, a_payload, a_report, a_sheet, an_action


def test_every_field_is_shown_with_its_path() -> None:
    case = a_case(report=a_report(standard_ref=""), actions=(an_action(),))
    fields = fields_of(a_payload(case))
    assert fields is not None
    assert ShownField("case.report.region_code", "region_code", "431221") in fields
    assert ShownField("case.report.state", "state", "REPORT_STATE_REPORTED") in fields
    assert ShownField("case.report.position.x", "x", 109.944) in fields
    assert ShownField("case.actions[0].kind", "kind", "receive") in fields
    assert fields[0].path == "message_id"


def test_a_long_sheet_is_cut() -> None:
    fields = fields_of(a_payload(a_sheet(*(a_cell(f"hw{number}") for number in range(500)))))
    assert fields is not None
    assert len(fields) == MAX_FIELDS


def test_bytes_that_are_no_parcel_are_not_shown_as_one() -> None:
    assert fields_of(b"\xff\xfe<case>") is None
    assert fields_of(b"") == []
