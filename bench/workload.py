"""Cases for the measurements: deterministic, of the size and shape real ones have (about 450 bytes)."""

import random
import uuid

from connectors.wire import write_parcel
from exchange_db.cases import CaseRow
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import (
    Assignment,
    AssignmentState,
    Case,
    CodeKind,
    Crs,
    Handling,
    HandlingState,
    Report,
    ReportState,
)
from hub.apply.lifecycle import fold
from hub.clock import system_clock

ISSUER = "431200.platform"
HANDLER = "431221.platform"
_START = 1_577_808_000_000_000
_HOUR = 3_600_000_000
#: Events of GB/T 30428.2-2013, about as many as a county meets in a year.
_CLASSES = tuple(
    f"{major}-{minor:02d}" for major, last in (("01", 38), ("03", 12), ("04", 6)) for minor in range(1, last + 1)
)


def case_of(number: int) -> Case:
    """Returns the report and assignment of one case."""
    chance = random.Random(number)
    reported = _START + chance.randrange(360 * 24) * _HOUR + number % 3600 * 1_000_000
    code = _CLASSES[number % len(_CLASSES)]
    report = Report(
        1,
        ReportState.FILED,
        "431221",
        "GB/T-30428.2-2013",
        CodeKind.EVENT,
        code,
        ("collector", "hotline_12345", "wechat", "video")[number % 4],
        ISSUER,
        reported,
        area_code="431221100",
        description="人行道上堆放杂物，影响通行，请及时清理。" * 2,
        crs=Crs.CGCS2000,
        x=109.9 + chance.random() / 10,
        y=27.4 + chance.random() / 10,
        address=f"中方县中方镇{number % 97}号路口东侧",
        grid_code=f"431221100001{number % 900:03d}",
        found_time=reported - _HOUR,
        filed_time=reported + 600_000_000,
    )
    assignment = Assignment(
        1,
        AssignmentState.DISPATCHED,
        "GB/T-30428.2-2013",
        CodeKind.EVENT,
        code,
        HANDLER,
        f"1143122100650{number % 18:02d}",
        "县城市管理和综合执法局",
        2,
        3,
        reported + 48 * _HOUR,
        reported + 48 * _HOUR,
        reported + _HOUR,
    )
    return Case(ISSUER, f"C2020-{number:08d}", report, assignment)


def report_payload(number: int) -> bytes:
    """Returns the parcel that only reports one case."""
    case = case_of(number)
    report = Case(case.issuer_id, case.case_no, case.report)
    return write_parcel(uuid.uuid5(uuid.NAMESPACE_OID, f"report {number}"), ISSUER, system_clock(), report)


def new_payload(number: int) -> bytes:
    """Returns the parcel that brings one case."""
    return write_parcel(uuid.uuid5(uuid.NAMESPACE_OID, f"new {number}"), ISSUER, system_clock(), case_of(number))


def change_payload(number: int) -> bytes:
    """Returns the parcel in which the county asks for the check of one case."""
    return write_parcel(uuid.uuid5(uuid.NAMESPACE_OID, f"change {number}"), HANDLER, system_clock(), change_of(number))


def change_of(number: int) -> Case:
    """Returns the handling section of one case."""
    done = _START + number % 8_000 * _HOUR
    handling = Handling(
        1,
        HandlingState.CLOSE_REQUESTED,
        1,
        local_case_no=f"Z{number}",
        received_time=done - 9 * _HOUR,
        dispatched_on_time=done - 8 * _HOUR,
        close_requested_time=done,
        result="已清理完毕，恢复通行。",
    )
    return Case(ISSUER, f"C2020-{number:08d}", handling=handling)


def row_of(number: int) -> CaseRow:
    """Returns a case as it stands after ``new_payload``."""
    case = case_of(number)
    return fold(None, case_key(case.issuer_id, case.case_no), facts_of(case, ISSUER), 1).row


def changed_row_of(number: int) -> CaseRow:
    """Returns a case as it stands after ``change_payload``."""
    row = row_of(number)
    return fold(row, row.case_id, facts_of(change_of(number), HANDLER), 2).row
