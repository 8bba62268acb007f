"""Lives of cases that nobody planned: any section at any moment, right or wrong, over the borders of months.

What is written is judged by the rules of the life cycle first, so it is known beforehand whether a hub will take it.
"""

import random
from typing import NamedTuple

from msgspec.structs import replace

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import (
    Assignment,
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    CheckVerdict,
    Decision,
    Handling,
    HandlingState,
    Report,
    ReportState,
    Request,
    RequestKind,
    Violated,
)
from exchange_db.regions import format_region, region_of
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import fold
from tests.support.builders import DAY, HOUR, a_handling, a_report, a_verdict, an_assignment
from tests.support.clock import NOON

_RULES = LifeRules()
_TRIES = 8
_CLASSES = ("0101", "0203", "0305", "0414")
_SOURCES = ("01", "02", "12")
_UNITS = ("hw01", "hw02", "sz07")
_CITY_COUNTIES = {431200: (431221, 431222, 431226), 430200: (430221, 430223)}
_PROVINCE = "430000.platform"
_S = CaseState
#: Sections a case in some state is likely to be told about next.
_LIKELY = {
    _S.REPORTED: ("report",) * 6 + ("assignment",),
    _S.VERIFYING: ("report",) * 6 + ("assignment",),
    _S.NOT_ACCEPTED: ("report",),
    _S.FILED: ("assignment",) * 6 + ("report",),
    _S.DISPATCHING: ("assignment",) * 6 + ("report",),
    _S.DISPOSING: ("handling",) * 6 + ("assignment",) * 3 + ("report",),
    _S.DISPUTED: ("assignment",),
    _S.DISPOSED: ("verdict",) * 6 + ("assignment", "report"),
    _S.CHECKING: ("verdict",) * 6 + ("assignment", "report"),
    _S.SUSPENDED: ("assignment",) * 4 + ("report",),
    _S.CLOSED: ("report", "handling", "verdict"),
    _S.VOID: ("report",),
    _S.MERGED: ("report",),
}


class Told(NamedTuple):
    """One record: who wrote it, what it says, and whether the rules let it through."""

    origin_id: str
    case: Case
    is_legal: bool


class Life:
    """One case, as all that was written about it leaves it.

    Args:
        number: its number.
        chance: decides everything.
        wrongs: share of the records that break a rule, 0 to 1; they are told and must change nothing.
    """

    def __init__(self, number: int, chance: random.Random, wrongs: float) -> None:
        self._chance = chance
        self._wrongs = wrongs
        city = chance.choice(list(_CITY_COUNTIES))
        self._counties = _CITY_COUNTIES[city]
        county = chance.choice(self._counties)
        #: What the city's own collectors find may turn out to lie in another county.
        self.issuer_id = f"{chance.choice((county, county, city))}.platform"
        self._case_no = f"storm-{number}"
        self._key = case_key(self.issuer_id, self._case_no)
        self.is_provincial = chance.random() < 0.1
        self._authority_id = _PROVINCE if self.is_provincial else f"{city}.platform"
        self._now = NOON + chance.randrange(0, 200 * 24) * HOUR
        self._report = a_report(
            0, region_code=format_region(county), authority_id=self._authority_id, reported_time=self._now,
            is_self_handled=chance.random() < 0.1,
        )  # fmt: skip
        self._count = 0
        self.row: CaseRow | None = None
        #: Settlings of the tree up to the last record; a case of the province goes on when it is known everywhere.
        self.settled_at = -1

    def next(self) -> Told | None:
        """Returns the next record, and takes it as said if it is legal; ``None`` when nothing came to mind."""
        for _ in range(_TRIES):
            told = self._judged(*self._thought())
            if told.is_legal or self._chance.random() < self._wrongs:
                return told
        return None

    def _judged(self, origin_id: str, case: Case) -> Told:
        try:
            folded = fold(self.row, self._key, facts_of(case, origin_id), self._count + 1, _RULES)
        except Violated:
            return Told(origin_id, case, is_legal=False)
        if not folded.sections:
            return Told(origin_id, case, is_legal=False)
        self._count += 1
        self.row = folded.row
        if case.report:
            self._report = case.report
        return Told(origin_id, case, is_legal=True)

    def _thought(self) -> tuple[str, Case]:
        row, chance = self.row, self._chance
        self._now += chance.choice((1, 1, 5, 20, 24 * 9)) * chance.randrange(10, 200) * HOUR // 100
        if row is None or chance.random() < 0.06:
            return self._case(self.issuer_id, report=self._a_report())
        section = chance.choice(_LIKELY[CaseState(row.state)])
        if chance.random() < 0.15:
            section = chance.choice(("report", "assignment", "handling", "verdict"))
        if section == "report":
            return self._case(self.issuer_id, report=self._a_report())
        # Sometimes somebody writes who does not own the section.
        writer = self.issuer_id if chance.random() < 0.05 else self._authority_id
        if section == "assignment":
            return self._case(writer, assignment=self._an_assignment(row))
        if section == "verdict":
            return self._case(writer, verdict=self._a_verdict(row))
        return self._case(row.handler_id or self.issuer_id, handling=self._a_handling(row))

    def _case(self, origin_id: str, **sections: Report | Assignment | Handling | CheckVerdict) -> tuple[str, Case]:
        return origin_id, Case(self.issuer_id, self._case_no, **sections)  # type: ignore[arg-type]

    def _a_report(self) -> Report:
        """The report again with something corrected, often gone on, and now and then said too late to count."""
        chance, old = self._chance, self._report
        changes: dict[str, object] = {"revision": old.revision + (0 if chance.random() < 0.03 else 1)}
        state = self.row.state if self.row else 0
        if state in (0, _S.REPORTED, _S.VERIFYING):
            changes["state"] = chance.choice((ReportState.REPORTED, ReportState.VERIFYING, *[ReportState.FILED] * 5,
                                              ReportState.NOT_ACCEPTED))  # fmt: skip
            changes["accepted_time"] = old.reported_time + chance.randrange(0, 50) * HOUR // 100
            if changes["state"] == ReportState.FILED:
                changes["filed_time"] = max(self._now, old.reported_time + HOUR) if chance.random() < 0.8 else 0
                changes["verified_time"] = old.reported_time + HOUR // 3 if chance.random() < 0.3 else 0
        if chance.random() < 0.3:
            changes["class_code"] = chance.choice(_CLASSES)
        if chance.random() < 0.2:
            changes["source_code"] = chance.choice(_SOURCES)
        if chance.random() < 0.15:
            changes["reported_time"] = old.reported_time - chance.randrange(1, 45) * DAY
        if chance.random() < 0.15 and region_of(self.issuer_id) % 100 == 0:
            changes["region_code"] = format_region(chance.choice(self._counties))
        return replace(old, **changes)

    def _an_assignment(self, row: CaseRow) -> Assignment:
        chance = self._chance
        states = [AssignmentState.DISPATCHED] * 14 + list(AssignmentState)
        is_worked_on = row.state == _S.DISPOSING
        state = chance.choice(states)
        deadline_time = row.deadline_time or self._now + chance.randrange(4, 40 * 24) * HOUR
        handler_id, unit_code = row.handler_id, row.unit_code
        changes: dict[str, object] = {}
        if not is_worked_on or chance.random() < 0.3:
            handler_id = f"{chance.choice(self._counties)}.platform"
            unit_code = chance.choice(_UNITS)
            deadline_time = self._now + chance.randrange(4, 40 * 24) * HOUR
        elif state is AssignmentState.DISPATCHED:
            kind, moment = RequestKind.EXTENSION, min(self._now, deadline_time - 1)
            changes |= {"extension_count": row.extension_count + 1, "decision": Decision(kind, moment, is_granted=True)}
            deadline_time += chance.randrange(1, 20) * DAY
        if state is AssignmentState.SUSPENDED:
            approved = Decision(RequestKind.SUSPENSION, self._now, True, "局长", "主任")
            until = self._now + chance.randrange(1, 60) * DAY
            changes |= {"decision": approved, "suspended_time": self._now, "suspended_until_time": until}
        if state is AssignmentState.MERGED:
            changes["duplicate_of"] = CaseLink(self.issuer_id, "storm-0")
        class_code = chance.choice(_CLASSES) if chance.random() < 0.15 else row.class_key.rpartition("|")[2]
        is_kept = state is not AssignmentState.DISPATCHED or (is_worked_on and chance.random() < 0.7)
        return an_assignment(
            row.assignment_revision + 1, state, handler_id=handler_id, unit_code=unit_code,
            class_code=class_code,
            original_deadline_time=deadline_time, deadline_time=deadline_time, reason="核实后决定",
            acted_time=self._now, dispatched_time=row.dispatched_time if is_kept else self._now,
            return_count=min(9, row.return_count + (row.handling_state == 4)),
            is_ruled=row.is_ruled or row.state == _S.DISPUTED,
            **{"extension_count": row.extension_count} | changes,
        )  # fmt: skip

    def _a_handling(self, row: CaseRow) -> Handling:
        chance = self._chance
        if row.state == _S.CLOSED:
            state = chance.choice((HandlingState.CLOSE_REQUESTED, HandlingState.CLOSE_CONFIRMED))
        else:
            state = chance.choice((HandlingState.RECEIVED, HandlingState.DISPATCHED_ON, HandlingState.RETURNED,
                                   *[HandlingState.CLOSE_REQUESTED] * 4))  # fmt: skip
        is_asked = state is HandlingState.CLOSE_REQUESTED
        request = None
        if chance.random() < 0.3:
            kind = RequestKind.APPEAL if row.state == _S.CLOSED else RequestKind.EXTENSION
            request = Request(kind, self._now, "情况特殊")
        moment = self._now if chance.random() < 0.9 else self._now - 40 * DAY
        return a_handling(
            row.handling_revision + 1, state, round=max(1, row.verdict_round + (row.state != _S.CLOSED)),
            received_time=moment, dispatched_on_time=moment if chance.random() < 0.8 else 0,
            disposed_time=moment if is_asked else 0, close_requested_time=moment if is_asked else 0, request=request,
        )  # fmt: skip

    def _a_verdict(self, row: CaseRow) -> CheckVerdict:
        chance = self._chance
        is_closed = row.state == _S.CLOSED
        state = CheckState.CLOSED if is_closed else chance.choice((CheckState.CHECKING, CheckState.FAILED,
                                                                   *[CheckState.CLOSED] * 3))  # fmt: skip
        decision = None
        if is_closed and row.appeal_state == AppealState.ASKED:
            decision = Decision(RequestKind.APPEAL, self._now, chance.random() < 0.5, "局长", "主任")
        sent = (row.close_requested_time or self._now) + chance.randrange(1, 30) * HOUR // 10
        is_answered = state is not CheckState.CHECKING
        return a_verdict(
            row.verdict_revision + 1, state, round=max(1, row.handling_round), check_sent_time=sent,
            check_answered_time=sent + chance.randrange(1, 30) * HOUR // 10 if is_answered else 0,
            closed_time=(row.closed_time or max(self._now, sent + 3 * HOUR)) if state is CheckState.CLOSED else 0,
            appeal_decision=decision,
        )  # fmt: skip
