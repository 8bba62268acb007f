"""The life of letters: whatever happens in whatever order, a chain goes on one step at a time and ends once."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange_db.document_records import AnswerState, DocumentKind
from exchange_db.followup import Pending, ProposalRow
from hub.evaluation.repeats import Letter, RepeatRules
from hub.followup.escalation import (
    KINDS,
    NEXT,
    WAS_SENT,
    ProposalState,
    StepForbidden,
    chain_of,
    go,
    is_busy,
    proposal_of,
    sent_of,
    settle,
)

RULES = RepeatRules()
DAY = 86_400_000_000
MONDAY = date(2020, 6, 15)
PROBLEM = ("GB/T-30428.2-2013|E|0203", "431221001001001")


def a_proposal(step: int = 0, state: ProposalState = ProposalState.PROPOSED, **changes: object) -> ProposalRow:
    """The first step of a chain, unless another is asked for."""
    chain_id = chain_of(431221, PROBLEM, MONDAY)
    row = ProposalRow(
        region=431221,
        proposal_id=proposal_of(chain_id, step),
        chain_id=chain_id,
        step=step,
        class_key=PROBLEM[0],
        place=PROBLEM[1],
        is_by_unit=False,
        day=MONDAY,
        addressee_id="431221.platform",
        unit_code="hw01",
        unit_name="环卫所",
        cases=(),
        letter_kind=int(KINDS[RULES.steps[step].letter]),
        days=RULES.steps[step].days,
        made_time=0,
        state=state.value,
    )
    return replace(row, **changes)


class World:
    """A chain of letters, the answers to them, and a clock."""

    def __init__(self) -> None:
        self.now = 1
        self.chain = [a_proposal()]
        self.answers: dict[int, int] = {}
        self.withdrawn: set[int] = set()

    def happen(self, event: str) -> None:
        """Lets one thing happen and then the job run."""
        if event == "wait":
            self.now += 4 * DAY
        elif event in ("confirm", "dismiss"):
            self._decide(ProposalState.SENT if event == "confirm" else ProposalState.DISMISSED)
        else:
            for row in self.chain:
                if row.state in WAS_SENT and event == "withdraw":
                    self.withdrawn.add(row.step)
                elif row.state in WAS_SENT:
                    self.answers[row.step] = int(AnswerState[event.upper()])
        for row in self.chain[:]:
            if row.state in (ProposalState.SENT, ProposalState.UNANSWERED):
                self._settle(row)

    def _decide(self, wanted: ProposalState) -> None:
        last = self.chain[-1]
        if last.state != ProposalState.PROPOSED:
            with pytest.raises(StepForbidden):
                go(last, wanted, self.now)
            return
        deadline_time = self.now + last.days * DAY if wanted == ProposalState.SENT else 0
        self.chain[-1] = replace(go(last, wanted, self.now), deadline_time=deadline_time)

    def _settle(self, row: ProposalRow) -> None:
        pending = Pending(row, self.answers.get(row.step, 0), self.now, row.step in self.withdrawn)
        settled = settle(pending, RULES, self.now, MONDAY)
        if settled is None:
            return
        assert settled.proposal.state in NEXT[ProposalState(row.state)]
        self.chain[row.step] = settled.proposal
        if settled.next_step is not None:
            assert settled.proposal.state == ProposalState.UNANSWERED
            assert self.now > row.deadline_time
            assert settled.next_step.step == row.step + 1 == len(self.chain)
            self.chain.append(settled.next_step)


@given(st.lists(st.sampled_from(["confirm", "dismiss", "wait", "received", "answered", "returned", "withdraw"])))
def test_a_chain_goes_on_one_step_at_a_time_and_is_never_open_twice(events: list[str]) -> None:
    world = World()
    for event in events:
        world.happen(event)
        _check(world.chain, world.answers)


def _check(chain: list[ProposalRow], answers: dict[int, int]) -> None:
    assert [row.step for row in chain] == list(range(len(chain))), "no step is left out or taken twice"
    assert len(chain) <= len(RULES.steps)
    assert sum(row.state in (ProposalState.PROPOSED, ProposalState.SENT) for row in chain) <= 1
    for row, step in zip(chain, RULES.steps, strict=False):
        assert row.letter_kind == KINDS[step.letter]
        assert (row.ended_time > 0) <= (row.state not in (ProposalState.PROPOSED, ProposalState.SENT))
    for row in chain[:-1]:
        assert row.state in (ProposalState.UNANSWERED, ProposalState.ANSWERED, ProposalState.RETURNED)
    if answers.get(0) == AnswerState.ANSWERED and len(chain) == 1:
        assert chain[0].state == ProposalState.ANSWERED


@given(st.sampled_from(ProposalState), st.sampled_from(ProposalState))
def test_only_the_steps_that_are_drawn_may_be_taken(before: ProposalState, after: ProposalState) -> None:
    row = a_proposal(state=before)
    if after in NEXT.get(before, frozenset()):
        assert go(row, after, 5).state == after
    else:
        with pytest.raises(StepForbidden, match=before):
            go(row, after, 5)


def test_a_problem_is_busy_while_a_letter_is_open_and_for_the_day_it_was_decided_on() -> None:
    tuesday = date(2020, 6, 16)
    for state in (ProposalState.PROPOSED, ProposalState.SENT):
        assert is_busy(PROBLEM, tuesday, [a_proposal(state=state)])
    for state in (ProposalState.DISMISSED, ProposalState.ANSWERED, ProposalState.UNANSWERED):
        assert is_busy(PROBLEM, MONDAY, [a_proposal(state=state)])
        assert not is_busy(PROBLEM, tuesday, [a_proposal(state=state)])
    assert not is_busy(("other", PROBLEM[1]), MONDAY, [a_proposal()])


def test_only_letters_that_went_out_count_for_the_next_one() -> None:
    rows = [a_proposal(state=state) for state in ProposalState]
    assert [(one.letter, one.day) for one in sent_of(rows)] == [(Letter.ASSIGNMENT, MONDAY)] * 4
    assert {KINDS[letter] for letter in Letter} == set(DocumentKind) - {4, 5, 6, 7}
