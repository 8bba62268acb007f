"""What time brings about: events told once, by the right hub, and a suspension that ends by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.wire import read_parcel
from exchange_db import cases, jobs
from exchange_db.cases import CaseState
from exchange_db.keys import case_key
from exchange_db.records import AssignmentState, Case, Decision, Milestone, ReportState, RequestKind
from exchange_db.regions import region_of, subtree
from exchange_db.session import Ledger
from hub.jobs.watch import JOB, CaseWatch
from hub.settings import HubPart, LifePart
from tests.support.applied import apply_waiting, take_in
from tests.support.builders import CITY, COUNTY, DAY, HOUR, a_payload, a_report, an_assignment
from tests.support.clock import NOON, FakeClock

METRE = 1 / 111_320


class _Told(list[bytes]):
    """Keeps what a watch has submitted."""

    async def submit(self, payloads: list[bytes]) -> None:
        self.extend(payloads)

    def lines(self) -> list[tuple[str, str]]:
        found = [read_parcel(payload).record for payload in self]
        return [(record.case_no, record.actions[0].kind) for record in found if isinstance(record, Case)]


def _watch(ledger: Ledger, clock: FakeClock, told: _Told, hub_id: str = CITY) -> CaseWatch:
    return CaseWatch(ledger, HubPart(id=hub_id, name="枢纽"), LifePart(), clock, told.submit)


async def _written(ledger: Ledger, *written: tuple[Case, str], now: int = NOON + 400 * DAY) -> None:
    payloads = [a_payload(case, origin_id) for case, origin_id in written]
    assert set((await take_in(ledger, payloads, now=now)).outcomes) == {"D"}
    await apply_waiting(ledger)


def _reported(case_no: str, **changes: Any) -> tuple[Case, str]:
    return Case(COUNTY, case_no, report=a_report(1, ReportState.FILED, **changes)), COUNTY


def _assigned(case_no: str, state: AssignmentState = AssignmentState.DISPATCHED, **changes: Any) -> tuple[Case, str]:
    return Case(COUNTY, case_no, assignment=an_assignment(1, state, **changes)), CITY


async def _state(ledger: Ledger, case_no: str) -> tuple[int, int]:
    async with ledger.read() as session:
        row = await cases.find(session, region_of(COUNTY), case_key(COUNTY, case_no), subtree(0))
    assert row is not None
    return row.state, row.deadline_time


async def test_a_deadline_is_told_before_and_after_and_each_once(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A"))
    told = _Told()
    watch = _watch(ledger, clock, told)
    seen: list[Sequence[tuple[str, str]]] = []
    for hours in (1, 22.5, 0.25, 1, 1):
        clock.advance(seconds=hours * 3600)
        told.clear()
        await watch.run()
        await _note_run(ledger, clock())
        seen.append(told.lines())
    # Runs overlap a little: what is told twice is the same message.
    assert seen == [[], [("A", "deadline_near")], [], [("A", "deadline_passed")], []]


STEPS = (Milestone("围护", NOON + 5 * HOUR), Milestone("清理", NOON + 5 * HOUR), Milestone("修复", NOON + DAY))


async def test_the_steps_of_a_limit_are_told_apart_from_its_end(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A", milestones=STEPS))
    told = _Told()
    watch = _watch(ledger, clock, told)
    seen: list[Sequence[tuple[str, str]]] = []
    for hours in (2.5, 1, 1, 1, 17, 2):
        clock.advance(seconds=hours * 3600)
        told.clear()
        await watch.run()
        await watch.run()
        assert len(told) == 2 * len(set(told)), "what is told twice is the same message"
        await _note_run(ledger, clock())
        seen.append(sorted(set(told.lines())))
    assert seen == [
        [], [("A", "milestone_near")], [], [("A", "milestone_passed")], [("A", "deadline_near")],
        [("A", "deadline_passed")],
    ]  # fmt: skip


async def test_a_line_about_steps_names_those_that_end_together(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A", milestones=STEPS))
    told = _Told()
    clock.advance(seconds=5 * 3600)
    await _watch(ledger, clock, told).run()
    (case,) = (read_parcel(payload).record for payload in told)
    assert isinstance(case, Case)
    assert case.actions[0].opinion.startswith("围护、清理：")
    assert case.actions[0].action_time == NOON + 5 * HOUR


async def test_a_step_that_was_reached_or_set_anew_is_not_told_as_it_was(ledger: Ledger, clock: FakeClock) -> None:
    reached = tuple(replace(step, reached_time=NOON + 2 * HOUR) for step in STEPS[:2])
    later = Case(COUNTY, "B", assignment=an_assignment(2, milestones=(Milestone("围护", NOON + 8 * HOUR), STEPS[2])))
    done = Case(COUNTY, "A", assignment=an_assignment(2, milestones=(*reached, STEPS[2])))
    for case_no in "AB":
        await _written(ledger, _reported(case_no), _assigned(case_no, milestones=STEPS))
    await _written(ledger, (done, CITY), (later, CITY))
    told = _Told()
    watch = _watch(ledger, clock, told)
    for hours in (5, 3):
        clock.advance(seconds=hours * 3600)
        await watch.run()
    assert [line for line in told.lines() if "milestone" in line[1]] == [("B", "milestone_passed")]


async def _note_run(ledger: Ledger, now: int) -> None:
    async with ledger.watching() as connection:
        run_id = await jobs.begin(connection.driver, JOB, now)
        await jobs.finish(connection.driver, run_id, now, "", "")


async def test_what_passed_while_nobody_looked_is_told_afterwards(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A"))
    told = _Told()
    await _note_run(ledger, NOON)
    clock.advance(seconds=5 * 86_400)
    await _watch(ledger, clock, told).run()
    assert told.lines() == [("A", "deadline_passed")]


async def test_the_same_event_is_the_same_message(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A"))
    told = _Told()
    for minutes in (0, 1):
        clock.advance(seconds=86_400 * (not minutes) + 60 * minutes)
        await _watch(ledger, clock, told).run()
    first, second = told
    assert first == second


async def test_only_the_hub_of_the_authority_tells(ledger: Ledger, clock: FakeClock) -> None:
    await _written(ledger, _reported("A"), _assigned("A"))
    clock.advance(seconds=86_400)
    told = _Told()
    await _watch(ledger, clock, told, hub_id="430000.hub").run()
    assert told == []


async def test_a_suspension_ends_by_itself_and_the_clock_goes_on(ledger: Ledger, clock: FakeClock) -> None:
    decision = Decision(RequestKind.SUSPENSION, NOON, is_granted=True, approver_ref="甲", second_approver_ref="乙")
    suspended = _assigned(
        "A", AssignmentState.SUSPENDED,
        suspended_time=NOON + HOUR, suspended_until_time=NOON + 70 * DAY, resumed_deadline_time=NOON + 71 * DAY,
        decision=decision, reason="产权不清",
    )  # fmt: skip
    await _written(ledger, _reported("A"), suspended)
    told = _Told()
    clock.advance(seconds=60 * 86_400 + 7200)
    await _watch(ledger, clock, told).run()
    assert told.lines() == [("A", "suspended_long")]
    clock.advance(seconds=10 * 86_400)
    told.clear()
    await _watch(ledger, clock, told).run()
    assert ("A", "resume") in told.lines()
    assert await _state(ledger, "A") == (CaseState.SUSPENDED, NOON + DAY)
    assert set((await take_in(ledger, told, now=clock())).outcomes) == {"D"}
    await apply_waiting(ledger)
    assert await _state(ledger, "A") == (CaseState.DISPOSING, NOON + 71 * DAY)
    told.clear()
    await _watch(ledger, clock, told).run()
    assert told == []


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({"y": 27.440 + 45 * METRE}, True),
        ({"y": 27.440 + 55 * METRE}, False),
        ({"x": 109.944 + 45 * METRE}, True),
        ({"reported_time": NOON + 24 * HOUR}, True),
        ({"reported_time": NOON + 24 * HOUR + 1}, False),
        ({"class_code": "0204"}, False),
        ({"region_code": "431222"}, False),
    ],
)
async def test_a_likely_duplicate_is_told_for_the_later_case(
    ledger: Ledger, clock: FakeClock, changes: dict[str, Any], is_found: bool
) -> None:
    later = {"reported_time": NOON + HOUR} | changes
    await _written(ledger, _reported("A"), _reported("B", **later))
    clock.advance(seconds=86_400)
    told = _Told()
    await _watch(ledger, clock, told).run()
    assert told.lines() == ([("B", "duplicate_found")] if is_found else [])
    if is_found:
        await take_in(ledger, told, now=clock())
        await apply_waiting(ledger)
        told.clear()
        await _watch(ledger, clock, told).run()
        assert told == []
