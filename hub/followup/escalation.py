"""How a letter about a frequent problem goes on: proposed, sent, answered, or followed by a stricter one. Pure.

    proposed ─► sent ─► answered
        │         ├──► returned
        ▼         └──► unanswered ─► (the next step is proposed) ; a late answer ends both
    dismissed

A person confirms or dismisses; the addressee answers; time does the rest. Source: F20 and D19 of the domain notes for
the letters; that one leads to the next when it is not answered, and when, are settings.
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from msgspec.structs import replace

from exchange_db.document_records import AnswerState, DocumentKind
from exchange_db.followup import Pending, ProposalRow
from hub.evaluation.repeats import Letter, RepeatRules, Sent

_NAMESPACE = UUID("5f0d3c52-96d5-5d0e-8c3c-61d0a0c02026")
#: Letters by what they are as documents.
KINDS = {
    Letter.ASSIGNMENT: DocumentKind.ASSIGNMENT_LETTER,
    Letter.SUPERVISION: DocumentKind.SUPERVISION_LETTER,
    Letter.SPECIAL: DocumentKind.SPECIAL_LETTER,
}
_LETTERS = {kind: letter for letter, kind in KINDS.items()}
LATE = "late"


class ProposalState(StrEnum):
    """How a proposal stands; the words are stored."""

    PROPOSED = "proposed"
    DISMISSED = "dismissed"
    SENT = "sent"
    ANSWERED = "answered"
    RETURNED = "returned"
    UNANSWERED = "unanswered"


#: What may follow; whatever has no entry is over.
NEXT = {
    ProposalState.PROPOSED: frozenset({ProposalState.DISMISSED, ProposalState.SENT}),
    ProposalState.SENT: frozenset({ProposalState.ANSWERED, ProposalState.RETURNED, ProposalState.UNANSWERED}),
    ProposalState.UNANSWERED: frozenset({ProposalState.ANSWERED, ProposalState.RETURNED}),
}
#: A letter that went out, however it ended.
WAS_SENT = frozenset({ProposalState.SENT, ProposalState.ANSWERED, ProposalState.RETURNED, ProposalState.UNANSWERED})


class StepForbidden(ValueError):
    """A proposal cannot go from its state to that one."""


class Settled(NamedTuple):
    """What has become of a letter: the proposal as it stands now and, where it goes on, the next step."""

    proposal: ProposalRow
    next_step: ProposalRow | None


def chain_of(region: int, problem: tuple[str, str], day: date) -> UUID:
    """Returns the chain a problem begins on a day; the same for ever, so finding it again has no effect."""
    return uuid5(_NAMESPACE, "\0".join((str(region), *problem, day.isoformat())))


def proposal_of(chain_id: UUID, step: int) -> UUID:
    """Returns the id of a step of a chain."""
    return uuid5(chain_id, str(step))


def go(proposal: ProposalRow, state: ProposalState, now: int) -> ProposalRow:
    """Returns a proposal in another state.

    Raises:
        StepForbidden: it cannot go there.
    """
    if state not in NEXT.get(ProposalState(proposal.state), frozenset()):
        raise StepForbidden(f"{proposal.state} → {state}")
    is_over = state not in (ProposalState.SENT, ProposalState.UNANSWERED)
    return replace(proposal, state=state.value, ended_time=now if is_over else 0)


def settle(pending: Pending, rules: RepeatRules, now: int, today: date) -> Settled | None:
    """Returns what has become of a letter; ``None`` while nothing has.

    An answer counts whenever it comes. A letter that was taken back counts as dealt with.

    Args:
        pending: the letter and the answer to it.
        rules: the steps.
        now: microseconds since 1970.
        today: the day a next step is proposed on.
    """
    proposal = pending.proposal
    if pending.answer_state in (AnswerState.ANSWERED, AnswerState.RETURNED) or pending.is_withdrawn:
        is_returned = pending.answer_state == AnswerState.RETURNED
        after = ProposalState.RETURNED if is_returned else ProposalState.ANSWERED
        return Settled(go(proposal, after, pending.answered_time or now), None)
    if proposal.state != ProposalState.SENT or now <= proposal.deadline_time:
        return None
    left = go(proposal, ProposalState.UNANSWERED, now)
    if proposal.step + 1 >= len(rules.steps):
        return Settled(left, None)
    return Settled(left, step_after(left, rules, now, today))


def step_after(proposal: ProposalRow, rules: RepeatRules, now: int, today: date) -> ProposalRow:
    """Returns the proposal of the next, stricter letter about the same cases."""
    step = proposal.step + 1
    due = rules.steps[step]
    return replace(
        proposal,
        proposal_id=proposal_of(proposal.chain_id, step),
        step=step,
        day=today,
        letter_kind=int(KINDS[due.letter]),
        days=due.days,
        made_time=now,
        state=ProposalState.PROPOSED.value,
        decided_time=0,
        decided_by="",
        reason="",
        document_id="",
        deadline_time=0,
        ended_time=0,
    )


def sent_of(proposals: list[ProposalRow]) -> list[Sent]:
    """Returns the letters that went out among some proposals."""
    return [
        Sent(problem=row.problem, letter=_LETTERS[DocumentKind(row.letter_kind)], day=row.day)
        for row in proposals
        if row.state in WAS_SENT
    ]


def is_busy(problem: tuple[str, str], day: date, proposals: list[ProposalRow]) -> bool:
    """Tells whether a problem needs no proposal of this day: one is open, or the day had one."""
    return any(
        row.problem == problem and (row.state in (ProposalState.PROPOSED, ProposalState.SENT) or row.day == day)
        for row in proposals
    )
