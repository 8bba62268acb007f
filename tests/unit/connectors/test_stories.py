"""The simulated year: its figures are those of the self-evaluation, and every story is legal step by step."""

from collections import Counter

import pytest

from connectors.county.simulator.plan import (
    DONE,
    GIVEN_ON,
    MERGED,
    ON_TIME,
    RECEIVED,
    TURNS,
    VOIDED,
    CasePlan,
    Fate,
    Turn,
    turns_of,
    year_of_county,
)
from connectors.county.simulator.stories import story_of
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules, month_of
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.shares import is_on_time
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import fold

YEAR = year_of_county()
RULES = CountingRules()


def _end_of(plan: CasePlan) -> tuple[CaseRow, list[CaseState]]:
    """Folds a story; every message must be taken, by the rules of the hub where it enters."""
    row: CaseRow | None = None
    states = []
    for number, (writer, case) in enumerate(story_of(plan), 1):
        key = case_key(case.issuer_id, case.case_no)
        folded = fold(row, key, facts_of(case, writer), number, LifeRules())
        assert folded.sections
        row = folded.row
        states.append(CaseState(row.state))
    assert row is not None
    return row, states


def test_the_year_counts_what_the_self_evaluation_states() -> None:
    tally: Counter[str] = Counter()
    for plan in YEAR:
        row, _ = _end_of(plan)
        if row.state in (CaseState.VOID, CaseState.MERGED):
            tally[CaseState(row.state).name] += 1
            continue
        assert month_of(row.deadline_time, RULES) // 100 == 2020
        is_done = row.state == CaseState.CLOSED
        tally["received"] += 1
        tally["given_on"] += row.dispatched_on_time > 0
        tally["done"] += is_done
        tally["on_time"] += is_done and is_on_time(row, RULES)
    assert tally == {
        "received": RECEIVED, "given_on": GIVEN_ON, "done": DONE, "on_time": ON_TIME, "VOID": VOIDED, "MERGED": MERGED,
    }  # fmt: skip


def test_every_turn_is_taken_as_often_as_planned_and_some_extensions_move_a_case_into_the_next_month() -> None:
    told = turns_of(YEAR)
    assert {turn: told[turn.name.lower()] for turn in TURNS} == TURNS
    assert told["moved_to_next_month"] > 10


@pytest.mark.parametrize(
    ("turn", "state"),
    [
        (Turn.RETURNED, CaseState.DISPATCHING),
        (Turn.DISPUTED, CaseState.DISPUTED),
        (Turn.SUSPENDED, CaseState.SUSPENDED),
    ],
)
def test_a_turn_passes_through_its_state(turn: Turn, state: CaseState) -> None:
    plan = next(plan for plan in YEAR if plan.turn is turn and plan.fate is Fate.DONE_ON_TIME)
    row, states = _end_of(plan)
    assert state in states
    assert row.state == CaseState.CLOSED


def test_extensions_and_appeals_leave_their_mark() -> None:
    extended, _ = _end_of(next(plan for plan in YEAR if plan.turn is Turn.EXTENDED))
    assert extended.extension_count == 1
    appealed, _ = _end_of(next(plan for plan in YEAR if plan.turn is Turn.APPEALED))
    assert appealed.appeal_state
    assert not is_on_time(appealed, RULES)
