"""Every pair of states through real hubs: the allowed steps are taken at every tier, the others refused at the city.

The city's hub is where the three platforms' records enter, so it is the one that judges; the province and the nation
see nothing of what was refused.
"""

import asyncio
from typing import Any, NamedTuple

from exchange_db.cases import CaseState
from exchange_db.records import (
    AssignmentState,
    Case,
    CaseLink,
    CheckState,
    Decision,
    HandlingState,
    ReportState,
    RequestKind,
)
from hub.apply.transitions import FINAL, STEPS, TRANSITIONS
from protos.exchange.v1.receipt_pb2 import BUSINESS_STATE_APPLIED, BUSINESS_STATE_QUARANTINED
from tests.support.builders import DAY, HOUR, a_handling, a_report, a_verdict, an_assignment
from tests.support.clock import NOON
from tests.support.parties import CITY_PLATFORM, COUNTY, OTHER_COUNTY, Town
from tests.support.stages import rows, until_settled

S = CaseState


class Said(NamedTuple):
    """What a platform says in a step."""

    writer: str
    sections: dict[str, Any]


def _report(revision: int, state: ReportState) -> Said:
    section = a_report(revision, state, region_code="431222", authority_id=CITY_PLATFORM)
    return Said(OTHER_COUNTY, {"report": section})


def _assignment(revision: int, state: AssignmentState, **changes: Any) -> Said:
    return Said(CITY_PLATFORM, {"assignment": an_assignment(revision, state, handler_id=COUNTY, **changes)})


def _handling(revision: int, state: HandlingState, work_round: int = 1) -> Said:
    return Said(COUNTY, {"handling": a_handling(revision, state, round=work_round)})


def _verdict(revision: int, state: CheckState) -> Said:
    return Said(CITY_PLATFORM, {"verdict": a_verdict(revision, state)})


_APPROVED = Decision(RequestKind.SUSPENSION, NOON, is_granted=True, approver_ref="值班长", second_approver_ref="主任")
_FILED = _report(1, ReportState.FILED)
_DISPATCHED = _assignment(1, AssignmentState.DISPATCHED)
_SUSPENDED = {
    "decision": _APPROVED, "suspended_time": NOON + HOUR, "suspended_until_time": NOON + DAY, "reason": "产权不清",
}  # fmt: skip
_MERGED = {"duplicate_of": CaseLink(OTHER_COUNTY, "2020-0001")}

#: How a case comes into each state.
PATHS: dict[int, tuple[Said, ...]] = {
    0: (),
    S.REPORTED: (_report(1, ReportState.REPORTED),),
    S.VERIFYING: (_report(1, ReportState.VERIFYING),),
    S.NOT_ACCEPTED: (_report(1, ReportState.NOT_ACCEPTED),),
    S.FILED: (_FILED,),
    S.DISPATCHING: (_FILED, _assignment(1, AssignmentState.PENDING)),
    S.DISPOSING: (_FILED, _DISPATCHED),
    S.DISPOSED: (_FILED, _DISPATCHED, _handling(1, HandlingState.CLOSE_REQUESTED)),
    S.CHECKING: (
        _FILED, _DISPATCHED, _handling(1, HandlingState.CLOSE_REQUESTED), _verdict(1, CheckState.CHECKING),
    ),
    S.CLOSED: (_FILED, _DISPATCHED, _handling(1, HandlingState.CLOSE_REQUESTED), _verdict(1, CheckState.CLOSED)),
    S.VOID: (_FILED, _DISPATCHED, _assignment(2, AssignmentState.VOID, reason="无此问题")),
    S.SUSPENDED: (_FILED, _DISPATCHED, _assignment(2, AssignmentState.SUSPENDED, **_SUSPENDED)),
    S.MERGED: (_FILED, _DISPATCHED, _assignment(2, AssignmentState.MERGED, **_MERGED)),
    S.DISPUTED: (
        _FILED,
        _assignment(1, AssignmentState.DISPATCHED, return_count=1),
        _handling(1, HandlingState.RETURNED),
    ),
}  # fmt: skip
#: What brings a case into each state, said late: with a revision no section has reached yet.
ATTEMPTS: dict[CaseState, Said] = {
    S.REPORTED: _report(9, ReportState.REPORTED),
    S.VERIFYING: _report(9, ReportState.VERIFYING),
    S.NOT_ACCEPTED: _report(9, ReportState.NOT_ACCEPTED),
    S.FILED: _assignment(9, AssignmentState.SENT_BACK, reason="不属本市"),
    S.DISPATCHING: _assignment(9, AssignmentState.PENDING),
    S.DISPOSING: _assignment(9, AssignmentState.DISPATCHED, is_ruled=True),
    S.DISPOSED: _handling(9, HandlingState.CLOSE_REQUESTED),
    S.CHECKING: _verdict(9, CheckState.CHECKING),
    S.CLOSED: _verdict(9, CheckState.CLOSED),
    S.VOID: _assignment(9, AssignmentState.VOID, reason="无此问题"),
    S.SUSPENDED: _assignment(9, AssignmentState.SUSPENDED, **_SUSPENDED),
    S.MERGED: _assignment(9, AssignmentState.MERGED, **_MERGED),
    S.DISPUTED: _handling(9, HandlingState.RETURNED),
}
PAIRS = [(before, after) for before in (0, *S) for after in S if before != after]


def _attempt(before: int, after: CaseState) -> Said:
    """Says it by the section the table has for the step; where it has none, by the one that usually does."""
    taken_by = next((step.section for step in STEPS if (step.origin, step.target) == (before, after)), "")
    if after is S.FILED and taken_by in ("report", "") and before in (0, S.REPORTED, S.VERIFYING, S.NOT_ACCEPTED):
        return _report(9, ReportState.FILED)
    if after is S.DISPATCHING and taken_by == "handling":
        return _handling(9, HandlingState.RETURNED)
    if after is S.DISPOSING and (taken_by == "verdict" or before is S.CLOSED):
        return _verdict(9, CheckState.FAILED)
    if after is S.DISPOSED and before in (S.CHECKING, S.CLOSED):
        # The same request again would only correct what was said; a new round claims new work.
        return _handling(9, HandlingState.CLOSE_REQUESTED, 2)
    return ATTEMPTS[after]


def _path(before: int, after: CaseState) -> tuple[Said, ...]:
    if (before, after) == (S.DISPOSING, S.DISPUTED):
        return _FILED, _assignment(1, AssignmentState.DISPATCHED, return_count=1)
    return PATHS[before]


def _expected(before: int, after: CaseState, said: Said) -> str:
    """The reason of the refusal; "" where the step is allowed."""
    if after in TRANSITIONS[before]:
        return ""
    if not before:
        return "CASE_UNKNOWN"
    has_handler = any("assignment" in step.sections for step in _path(before, after))
    if said.writer == COUNTY and not has_handler:
        return "SECTION_FORBIDDEN"
    return "CASE_FINAL" if before in FINAL else "TRANSITION_FORBIDDEN"


async def _try(town: Town, before: int, after: CaseState) -> tuple[str, str]:
    """Brings a case into one state and tries the step; returns the reason of the refusal and the Chinese text."""
    case_no = f"STEP-{before}-{after:d}"
    parties = {party.platform_id: party for party in (town.city_platform, town.county, town.other_county)}
    for said in _path(before, after):
        answer = await parties[said.writer].push(Case(OTHER_COUNTY, case_no, **said.sections))
        assert answer.receipt.state == BUSINESS_STATE_APPLIED, (case_no, answer)
    said = _attempt(before, after)
    answer = await parties[said.writer].push(Case(OTHER_COUNTY, case_no, **said.sections))
    assert answer.receipt.state in (BUSINESS_STATE_APPLIED, BUSINESS_STATE_QUARANTINED), (case_no, answer)
    return answer.receipt.reason, answer.receipt.message_zh


def test_every_state_can_be_reached_and_every_step_of_the_table_is_tried() -> None:
    assert set(PATHS) == {0, *S}
    assert set(ATTEMPTS) == set(S)
    assert {(step.origin, step.target) for step in STEPS} <= set(PAIRS)


async def test_allowed_steps_are_taken_at_every_tier_and_all_others_refused_at_the_city(town: Town) -> None:
    room = asyncio.Semaphore(8)

    async def tried(before: int, after: CaseState) -> tuple[str, str]:
        async with room:
            return await _try(town, before, after)

    told = await asyncio.gather(*(tried(*pair) for pair in PAIRS))
    for (before, after), (reason, text) in zip(PAIRS, told, strict=True):
        assert reason == _expected(before, after, _attempt(before, after)), (before, after, reason)
        if reason in ("CASE_FINAL", "TRANSITION_FORBIDDEN"):
            # A return is a dispute only after another return; before that it leads back to dispatch.
            names = [after.name.lower()] + ["dispatching"] * (after is S.DISPUTED)
            assert any(f"-> {name}" in text for name in names), text
    await until_settled(town.city, town.province, town.nation)
    ended = {
        f"STEP-{before}-{after:d}": int(after if after in TRANSITIONS[before] else before)
        for before, after in PAIRS
        if before or after in TRANSITIONS[0]
    }
    for hub in (town.city, town.province, town.nation):
        found = rows(hub, "SELECT case_no, state::int FROM cases WHERE case_no LIKE 'STEP-%%'")
        assert dict(found) == ended
    for hub in (town.province, town.nation):
        assert rows(hub, "SELECT reason FROM quarantine WHERE reason IN ('CASE_FINAL', 'TRANSITION_FORBIDDEN')") == []
