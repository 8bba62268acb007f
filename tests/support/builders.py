"""Makes records for tests: everything has a sensible value, and what a test is about is named in the call.

The cast: 431221.platform (中方县) reports and handles, 431200.hub (怀化市) decides.
"""

import itertools
from typing import Any
from uuid import UUID

import msgspec

from auth.principal import Principal
from connectors.wire import write_parcel
from exchange_db.canary_records import CanaryRecord
from exchange_db.cases import CaseRow
from exchange_db.document_records import AnswerState, Document, DocumentAnswer, DocumentContent, DocumentKind
from exchange_db.evaluation_shapes import EvaluationRecord
from exchange_db.facts import pack_facts
from exchange_db.inbox import Entry
from exchange_db.keys import case_key, component_key, message_key, partition_of
from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CheckState,
    CheckVerdict,
    CodeKind,
    Component,
    ComponentState,
    Counts,
    Crs,
    FigureCell,
    FigureSheet,
    Handling,
    HandlingState,
    Record,
    RecordKind,
    Report,
    ReportState,
)
from exchange_db.regions import region_of
from tests.support.clock import NOON

COUNTY = "431221.platform"
CITY = "431200.hub"
OTHER_COUNTY = "431222.platform"
PROVINCE = "430000.hub"
STANDARD = "GB/T-30428.2-2013"
HOUR = 3_600_000_000
DAY = 24 * HOUR

_numbers = itertools.count(1)


def a_report(revision: int = 1, state: ReportState = ReportState.REPORTED, **changes: Any) -> Report:
    """A report of an exposed rubbish heap in 中方县."""
    values: dict[str, Any] = {
        "revision": revision,
        "state": state,
        "region_code": "431221",
        "standard_ref": STANDARD,
        "class_kind": CodeKind.EVENT,
        "class_code": "0203",
        "source_code": "01",
        "authority_id": CITY,
        "reported_time": NOON,
        "description": "人行道上有暴露垃圾",
        "crs": Crs.CGCS2000,
        "x": 109.944,
        "y": 27.440,
        "address": "中方县芙蓉路12号",
    }
    return Report(**values | changes)


def an_assignment(revision: int = 1, state: AssignmentState = AssignmentState.DISPATCHED, **changes: Any) -> Assignment:
    """An assignment to the county's platform, due in a day."""
    values: dict[str, Any] = {
        "revision": revision,
        "state": state,
        "standard_ref": STANDARD,
        "class_kind": CodeKind.EVENT,
        "class_code": "0203",
        "handler_id": COUNTY,
        "unit_code": "hw01",
        "unit_name": "中方县环卫所",
        "limit_value": 1,
        "limit_unit": 3,
        "original_deadline_time": NOON + DAY,
        "deadline_time": NOON + DAY,
        "dispatched_time": NOON + HOUR,
        "dispatch_count": 1,
    }
    return Assignment(**values | changes)


def a_handling(revision: int = 1, state: HandlingState = HandlingState.CLOSE_REQUESTED, **changes: Any) -> Handling:
    """The work, done after ten hours."""
    values: dict[str, Any] = {
        "revision": revision,
        "state": state,
        "round": 1,
        "local_unit_code": "zf-03",
        "received_time": NOON + 2 * HOUR,
        "dispatched_on_time": NOON + 3 * HOUR,
        "result": "已清理",
        "reason": "不属本辖区" if state is HandlingState.RETURNED else "",
    }
    if state is HandlingState.CLOSE_REQUESTED:
        values |= {"disposed_time": NOON + 10 * HOUR, "close_requested_time": NOON + 10 * HOUR}
    return Handling(**values | changes)


def a_verdict(revision: int = 1, state: CheckState = CheckState.CLOSED, **changes: Any) -> CheckVerdict:
    """The check, passed after twelve hours."""
    values: dict[str, Any] = {
        "revision": revision,
        "state": state,
        "round": 1,
        "check_sent_time": NOON + 11 * HOUR,
        "check_answered_time": NOON + 12 * HOUR,
        "closed_time": NOON + 12 * HOUR if state is CheckState.CLOSED else 0,
        "reason": "垃圾未清净" if state is CheckState.FAILED else "",
    }
    return CheckVerdict(**values | changes)


def an_action(number: int = 1, **changes: Any) -> Action:
    """One line of the story, told by the county's platform."""
    values: dict[str, Any] = {
        "action_id": str(UUID(int=number)),
        "kind": "receive",
        "platform_id": COUNTY,
        "action_time": NOON + number,
        "actor_ref": "u-17",
        "opinion": "已收到",
    }
    return Action(**values | changes)


def a_case(case_no: str = "2020-0001", issuer_id: str = COUNTY, **sections: Any) -> Case:
    """A case with the sections named; with none it carries a report."""
    return Case(issuer_id, case_no, **sections or {"report": a_report()})


def a_component(number: int = 1, revision: int = 1, **changes: Any) -> Component:
    """A manhole cover in 中方县, kept by the county's platform."""
    values: dict[str, Any] = {
        "revision": revision,
        "component_id": f"4312210102{number:06d}",
        "owner_id": COUNTY,
        "standard_ref": STANDARD,
        "class_kind": CodeKind.COMPONENT,
        "class_code": "0102",
        "name": "污水井盖",
        "region_code": "431221",
        "state": ComponentState.SOUND,
        "area_code": "431221100001",
        "grid_code": "431221100001001",
        "crs": Crs.CGCS2000,
        "x": 109.944,
        "y": 27.440,
        "accuracy_class": "B",
        "supervisor_code": "cg01",
        "supervisor_name": "县城市管理局",
        "proprietor_code": "ps01",
        "proprietor_name": "县排水公司",
        "maintainer_code": "sz01",
        "maintainer_name": "县市政所",
        "initial_time": NOON - 300 * DAY,
        "data_source": "普查",
    }
    return Component(**values | changes)


def a_sheet(*cells: FigureCell, **changes: Any) -> FigureSheet:
    """The city's sheet of counts for 中方县, June 2020."""
    values: dict[str, Any] = {
        "reporter_id": CITY,
        "region": 431221,
        "month": 202006,
        "revision": 1,
        "definition_ref": "sanji-counts/2",
        "cutoff_time": NOON,
        "is_locked": False,
        "cells": cells or (a_cell(),),
    }
    return FigureSheet(**values | changes)


def a_cell(unit_code: str = "hw01", **counts: int) -> FigureCell:
    """A cell; without counts: ten cases, eight done, six of them in time."""
    return FigureCell(unit_code, f"{STANDARD}|E|0203", "01", Counts(**counts or {"total": 10, "done": 8, "on_time": 6}))


def a_letter(document_id: str = "L-1", revision: int = 1, issuer_id: str = CITY, **changes: Any) -> Document:
    """A letter of assignment from the city to the county's platform, to be answered within a week."""
    values: dict[str, Any] = {
        "revision": revision,
        "kind": DocumentKind.ASSIGNMENT_LETTER,
        "title": "关于反复发生暴露垃圾问题的交办函",
        "region_code": "431221",
        "issued_time": NOON,
        "number": "怀城管交〔2020〕1号",
        "addressee_id": COUNTY,
        "deadline_time": NOON + 7 * DAY,
        "text": "请于期限内整改并回复。",
    }
    return Document(issuer_id, document_id, DocumentContent(**values | changes))


def an_answer(document_id: str = "L-1", revision: int = 1, issuer_id: str = CITY, **changes: Any) -> Document:
    """The county's answer to it, after a day."""
    values: dict[str, Any] = {
        "revision": revision,
        "answerer_id": COUNTY,
        "state": AnswerState.ANSWERED,
        "answered_time": NOON + DAY,
        "text": "已整改到位。",
    }
    return Document(issuer_id, document_id, answer=DocumentAnswer(**values | changes))


def a_payload(
    record: Record, origin_id: str = "", *, message_id: UUID | None = None, created_time: int = NOON
) -> bytes:
    """A serialized Parcel; the origin is the record's own platform unless named, the message a new one."""
    return write_parcel(
        message_id or UUID(int=next(_numbers) << 64), origin_id or writer_of(record), created_time, record
    )


def writer_of(record: Record) -> str:
    """The platform a record belongs to."""
    if isinstance(record, Case):
        return record.issuer_id
    if isinstance(record, EvaluationRecord):
        return record.reporter_id
    if isinstance(record, CanaryRecord):
        return record.writer_id
    if isinstance(record, Document):
        return record.answer.answerer_id if record.answer else record.issuer_id
    return record.owner_id if isinstance(record, Component) else record.reporter_id


def an_entry(
    record: Record | None = None, origin_id: str = "", *, message_id: UUID | None = None, **changes: Any
) -> Entry:
    """A record as the intake desk appends it."""
    record = record or a_case(f"2020-{next(_numbers):06d}")
    message_id = message_id or UUID(int=next(_numbers) << 64)
    payload = a_payload(record, origin_id, message_id=message_id)
    facts, origin = None, origin_id or writer_of(record)
    if isinstance(record, Case):
        key, kind = case_key(record.issuer_id, record.case_no), RecordKind.CASE
        facts = pack_facts(record, origin, NOON)
    elif isinstance(record, Component):
        key, kind = component_key(record.owner_id, record.component_id), RecordKind.COMPONENT
    else:
        key, kind = bytes(16), RecordKind.FIGURE_SHEET
    entry = Entry(message_key(origin, message_id.bytes), kind, key, region_of(origin), facts, payload)
    return msgspec.structs.replace(entry, **changes)


def a_principal(
    peer_id: str = COUNTY, *, kind: str = "", relation: str = "child", destination_id: int = 1
) -> Principal:
    """A neighbour that calls; a hub if its name ends so."""
    kind = kind or ("hub" if peer_id.endswith(".hub") else "platform")
    return Principal(peer_id, region_of(peer_id), kind, relation, destination_id, f"thumb-{peer_id}")


def a_case_row(case_no: str = "2020-0001", issuer_id: str = COUNTY, **changes: Any) -> CaseRow:
    """A reported case as it stands in the ledger."""
    values: dict[str, Any] = {
        "region": 431221,
        "state": 1,
        "class_key": f"{STANDARD}|E|0203",
        "source_code": "01",
        "authority_id": CITY,
        "reported_time": NOON,
        "report_state": 1,
        "report_revision": 1,
    }
    return CaseRow(region_of(issuer_id), case_key(issuer_id, case_no), issuer_id, case_no, **values | changes)


def a_case_no_in(partition: int, issuer_id: str = COUNTY) -> str:
    """Returns a case number whose records are applied in that partition."""
    return next(
        number
        for number in (f"2020-{n:06d}" for n in itertools.count())
        if partition_of(case_key(issuer_id, number)) == partition
    )
