"""The test records of a run: whose they are, how they are marked, and how they are made.

Every record of a run is marked as a test in three ways: the prefix and run in its case number, its campaign
(专项普查) and its description. All sections of a case are written by the platform the kit calls as: it reports,
dispatches, handles and checks, as a platform does for a case it settles alone.
"""

import itertools
import secrets
import time
from typing import Any, Final
from uuid import UUID, uuid4

from msgspec import Struct

from connectors.wire import write_parcel
from exchange_db.records import (
    Action,
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    CheckVerdict,
    CodeKind,
    Crs,
    Handling,
    HandlingState,
    Report,
    ReportState,
)

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR
#: What every test record says of itself.
CAMPAIGN: Final = "一致性检验测试数据 conformance test"
DESCRIPTION: Final = "【测试】一致性检验，请勿处置 / conformance test, do not handle"


class Terms(Struct, frozen=True):
    """What both sides have agreed on for the test records.

    Args:
        platform_id: the platform in whose name the kit calls; issuer of the test cases.
        region_code: county the test cases lie in, six digits.
        standard_ref, class_kind, class_code: a class the other side knows.
        source_code: a source the other side knows.
        x, y: a place in CGCS2000.
        prefix: begin of every test case number.
        patience_seconds: longest wait for one answer.
        run: letters that tell this run's numbers from those of others.
    """

    platform_id: str
    region_code: str
    standard_ref: str = "GB/T-30428.2-2013"
    class_kind: CodeKind = CodeKind.EVENT
    class_code: str = "0203"
    source_code: str = "01"
    x: float = 109.944
    y: float = 27.440
    prefix: str = "SANJI-TEST"
    patience_seconds: float = 20.0
    run: str = ""


def new_run() -> str:
    """Returns letters for a run."""
    return secrets.token_hex(4)


def now() -> int:
    """Returns this machine's clock, microseconds since 1970."""
    return time.time_ns() // 1_000


class Scene:
    """Makes the test records of a run and remembers the numbers it gave.

    Args:
        terms: what was agreed on.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.case_numbers: list[str] = []
        self._counter = itertools.count(1)
        self._streams = itertools.count(1)

    def number(self) -> str:
        """Returns a case number nobody has used."""
        case_no = f"{self.terms.prefix}-{self.terms.run}-{next(self._counter):04d}"
        self.case_numbers.append(case_no)
        return case_no

    def stream(self) -> str:
        """Returns the name of a stream nobody has used."""
        return f"conformance-{self.terms.run}-{next(self._streams)}"

    def report(self, case_no: str = "", revision: int = 1, **changes: Any) -> Case:
        """Returns a case that is reported; of a new number unless one is given."""
        terms = self.terms
        values: dict[str, Any] = {
            "state": ReportState.REPORTED,
            "region_code": terms.region_code,
            "standard_ref": terms.standard_ref,
            "class_kind": terms.class_kind,
            "class_code": terms.class_code,
            "source_code": terms.source_code,
            "authority_id": terms.platform_id,
            "reported_time": now() - HOUR,
            "description": DESCRIPTION,
            "campaign": CAMPAIGN,
            "crs": Crs.CGCS2000,
            "x": terms.x,
            "y": terms.y,
            "address": "一致性检验测试地址",
        }
        return self.case(case_no or self.number(), report=Report(revision=revision, **values | changes))

    def case(self, case_no: str, **sections: Any) -> Case:
        """Returns a case of ours with some sections."""
        return Case(self.terms.platform_id, case_no, **sections)

    def link(self, case_no: str) -> CaseLink:
        """Returns the key of a case of ours."""
        return CaseLink(self.terms.platform_id, case_no)

    def assignment(
        self, revision: int = 1, state: AssignmentState = AssignmentState.DISPATCHED, **changes: Any
    ) -> Assignment:
        """Returns a decision of the authority, dispatching to ourselves unless told otherwise."""
        moment = now() - HOUR // 2
        values: dict[str, Any] = {
            "standard_ref": self.terms.standard_ref,
            "class_kind": self.terms.class_kind,
            "class_code": self.terms.class_code,
            "handler_id": self.terms.platform_id,
            "unit_code": "test",
            "unit_name": "一致性检验测试单位",
            "limit_value": 1,
            "limit_unit": 3,
            "original_deadline_time": moment + DAY,
            "deadline_time": moment + DAY,
            "dispatched_time": moment,
            "dispatch_count": 1,
            "acted_time": moment,
        }
        return Assignment(revision, state, **values | changes)

    def handling(self, revision: int = 1, state: HandlingState = HandlingState.RECEIVED, **changes: Any) -> Handling:
        """Returns the work as the handler tells of it."""
        moment = now() - HOUR // 4
        values: dict[str, Any] = {"received_time": moment, "acted_time": moment}
        if state is HandlingState.CLOSE_REQUESTED:
            values |= {"disposed_time": moment, "close_requested_time": moment, "result": DESCRIPTION}
        if state is HandlingState.RETURNED:
            values["reason"] = "测试退单"
        return Handling(revision, state, **values | changes)

    def check(self, revision: int = 1, state: CheckState = CheckState.CLOSED, **changes: Any) -> CheckVerdict:
        """Returns the authority's judgement on the work."""
        moment = now() - HOUR // 8
        values: dict[str, Any] = {"check_sent_time": moment, "acted_time": moment}
        if state is CheckState.CLOSED:
            values |= {"check_answered_time": moment, "closed_time": moment, "closing_kind": 1}
        if state is CheckState.FAILED:
            values |= {"check_answered_time": moment, "reason": "测试：未清理干净"}
        return CheckVerdict(revision, state, **values | changes)

    def action(self, **changes: Any) -> Action:
        """Returns a line of the story."""
        values: dict[str, Any] = {
            "action_id": str(uuid4()),
            "kind": "urge",
            "platform_id": self.terms.platform_id,
            "action_time": now() - SECOND,
            "opinion": DESCRIPTION,
        }
        return Action(**values | changes)

    def payload(self, case: Case, message_id: UUID | None = None, created_time: int = 0) -> bytes:
        """Returns the parcel of a case, of a new message unless one is named."""
        return write_parcel(message_id or uuid4(), self.terms.platform_id, created_time or now(), case)
