"""Four eyes as a protocol: a proposal, a decision by a second person over the same bytes, one execution.

Pure. A proposal's bytes hold everything that will happen, with the result of the dry run; the decision names their
digest. People have no keys of their own here: each statement says who made it and is signed with the hub's key, so a
row that was put in or changed later in the database shows. Rights are asked twice, when somebody decides and again
when it is executed. Called by ``hub.approvals``.

Source: D30 of the domain notes (事前有审核，事中有监督，事后有记录); GB/T 22239-2019, 8.1.5 (separated administrators).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from auth.roles import Action, Kind
from auth.signatures import Signed, sign, signer_of
from exchange_db.audit_records import Value, written_time
from exchange_db.records import Violated

T = TypeVar("T", "Proposal", "Decision")
PROPOSAL, DECISION = "sanji proposal 1", "sanji decision 1"


class Operation(StrEnum):
    """What needs a second person unless the settings say otherwise. The words are stored and stand in settings."""

    MAPPING_CHANGE = "mapping.change"
    SCHEMA_CHANGE = "schema.change"
    BULK_REPLAY = "quarantine.replay_all"
    LINK_REPAIR = "link.repair"
    STANDARD_PUBLISH = "standard.publish"
    STANDARD_WITHDRAW = "standard.withdraw"
    PEER_BLOCK = "peer.block"
    UNMASK = "case.unmask"
    RESTORE = "database.restore"
    KEY_CHANGE = "key.change"
    RETENTION_CHANGE = "retention.change"
    FIGURE_CORRECTION = "figures.correct"
    FIGURE_LOCK = "figures.lock"
    FIGURE_UNLOCK = "figures.unlock"
    REWITNESS = "audit.rewitness"


#: What a person must have the right to approve, and to propose, for each of them.
CONCERNS: Mapping[Operation, Kind] = {
    Operation.MAPPING_CHANGE: Kind.MAPPING,
    Operation.SCHEMA_CHANGE: Kind.DATABASE,
    Operation.BULK_REPLAY: Kind.QUARANTINE,
    Operation.LINK_REPAIR: Kind.LINK,
    Operation.STANDARD_PUBLISH: Kind.STANDARD,
    Operation.STANDARD_WITHDRAW: Kind.STANDARD,
    Operation.PEER_BLOCK: Kind.PEER,
    Operation.UNMASK: Kind.PERSONAL_DATA,
    Operation.RESTORE: Kind.DATABASE,
    Operation.KEY_CHANGE: Kind.KEY,
    Operation.RETENTION_CHANGE: Kind.SETTING,
    Operation.FIGURE_CORRECTION: Kind.FIGURE,
    Operation.FIGURE_LOCK: Kind.FIGURE,
    Operation.FIGURE_UNLOCK: Kind.FIGURE,
    Operation.REWITNESS: Kind.PEER,
}


class State(StrEnum):
    """How far a proposal has come; the words are stored. ``expired`` is computed and never stored."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"


class Party(Struct, frozen=True):
    """Somebody who proposes or decides.

    ``names`` are all names this person is known by to be the same: the actor of their entries, identities the settings
    join, people they act for. ``login_names`` are users of the hub's machine at whose keyboard they sat; of two who
    both signed on by name that says nothing, of a user of the machine it does. ``person_id`` is the hub's own id,
    empty for users of its machine.
    """

    actor: str
    person_id: str = ""
    names: tuple[str, ...] = ()
    login_names: tuple[str, ...] = ()


class Proposal(Struct, frozen=True, kw_only=True):
    """What is to be done. Times are microseconds since 1970; ``dry_run`` is what it would do, line by line."""

    proposal_id: UUID
    hub_id: str
    operation: Operation
    object: str
    arguments: dict[str, Value]
    region: int
    purpose: str
    proposer: Party
    dry_run: tuple[str, ...]
    made_time: int
    expires_time: int


class Decision(Struct, frozen=True, kw_only=True):
    """What the second person said of exactly these bytes."""

    proposal_id: UUID
    proposal_digest: str
    decider: Party
    is_approved: bool
    comment: str
    decided_time: int


#: Tells whether somebody may do something to a kind of thing in a region now.
May = Callable[[Party, Action, Kind, int], bool]


def signed(purpose: str, statement: Proposal | Decision, certificates: bytes, key: bytes) -> Signed:
    """Signs a statement with the hub's key.

    Raises:
        ValueError: certificate or key cannot be used.
    """
    return sign(purpose, msgspec.json.encode(statement, order="sorted"), certificates, key)


def read_proposal(shown: Signed, authorities: bytes) -> Proposal:
    """Reads a proposal back.

    Raises:
        Violated: PROPOSAL_CHANGED: it is not what the hub signed.
    """
    proposal = _decoded(shown, Proposal)
    _require_signature(PROPOSAL, shown, authorities, proposal.made_time, proposal)
    return proposal


def read_decision(shown: Signed, proposal: Proposal, authorities: bytes) -> Decision:
    """Reads a decision back.

    Raises:
        Violated: PROPOSAL_CHANGED: it is not what the hub signed, or it is of another proposal.
    """
    decision = _decoded(shown, Decision)
    _require_signature(DECISION, shown, authorities, decision.decided_time, proposal)
    if decision.proposal_id != proposal.proposal_id:
        raise Violated("PROPOSAL_CHANGED", "proposal_id", proposal.proposal_id)
    return decision


def digest_of(content: bytes) -> str:
    """Returns what a decision names a proposal by: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def state_at(stored: State, expires_time: int, moment: int) -> State:
    """Returns a proposal's state; one that was neither decided nor begun in time has expired."""
    is_waiting = stored in (State.OPEN, State.APPROVED)
    return State.EXPIRED if is_waiting and moment >= expires_time else stored


def require_proposer(party: Party, operation: Operation, region: int, may: May) -> None:
    """Checks that somebody may propose.

    Raises:
        Violated: RIGHT_MISSING.
    """
    if not may(party, Action.PROPOSE, CONCERNS[operation], region):
        raise Violated("RIGHT_MISSING", "operation", operation)


def require_decidable(
    proposal: Proposal, stored: State, digest: str, shown_digest: str, decider: Party, may: May, moment: int
) -> None:
    """Checks that somebody may approve or refuse a proposal now.

    Args:
        proposal: the proposal, verified.
        stored: its state.
        digest: of the bytes it has.
        shown_digest: of the bytes the decider has read.
        decider: who decides.
        may: asks rights.
        moment: the hub's clock.

    Raises:
        Violated: PROPOSAL_EXPIRED, PROPOSAL_CLOSED, PROPOSAL_CHANGED, SELF_APPROVAL, RIGHT_MISSING.
    """
    state = state_at(stored, proposal.expires_time, moment)
    if state is State.EXPIRED:
        raise Violated("PROPOSAL_EXPIRED", "proposal_id", written_time(proposal.expires_time))
    if state is not State.OPEN:
        raise Violated("PROPOSAL_CLOSED", "proposal_id", state)
    if digest != shown_digest:
        raise Violated("PROPOSAL_CHANGED", "digest", proposal.proposal_id)
    if is_same_person(proposal.proposer, decider):
        raise Violated("SELF_APPROVAL", "decider", decider.actor)
    if not may(decider, Action.APPROVE, CONCERNS[proposal.operation], proposal.region):
        raise Violated("RIGHT_MISSING", "operation", proposal.operation)


def require_runnable(
    proposal: Proposal, stored: State, digest: str, decision: Decision | None, may: May, moment: int
) -> None:
    """Checks that a proposal may be executed now: approved, over these bytes, by somebody who still may.

    Raises:
        Violated: PROPOSAL_EXPIRED, PROPOSAL_UNAPPROVED, PROPOSAL_CLOSED, PROPOSAL_CHANGED, SELF_APPROVAL,
            APPROVAL_RIGHT_LOST.
    """
    state = state_at(stored, proposal.expires_time, moment)
    if state is State.EXPIRED:
        raise Violated("PROPOSAL_EXPIRED", "proposal_id", written_time(proposal.expires_time))
    if state is State.OPEN:
        raise Violated("PROPOSAL_UNAPPROVED", "proposal_id", state)
    if state is not State.APPROVED:
        raise Violated("PROPOSAL_CLOSED", "proposal_id", state)
    if decision is None or not decision.is_approved or decision.proposal_digest != digest:
        raise Violated("PROPOSAL_CHANGED", "digest", proposal.proposal_id)
    if is_same_person(proposal.proposer, decision.decider):
        raise Violated("SELF_APPROVAL", "decider", decision.decider.actor)
    if not may(decision.decider, Action.APPROVE, CONCERNS[proposal.operation], proposal.region):
        raise Violated("APPROVAL_RIGHT_LOST", "decider", decision.decider.actor)


def require_same_effect(proposal: Proposal, dry_run: Sequence[str]) -> None:
    """Checks that it would still do what was approved.

    Raises:
        Violated: DRY_RUN_CHANGED, with the first line that differs.
    """
    if tuple(dry_run) == proposal.dry_run:
        return
    before = set(proposal.dry_run)
    fresh = next((line for line in dry_run if line not in before), f"{len(proposal.dry_run)} → {len(dry_run)}")
    raise Violated("DRY_RUN_CHANGED", "dry_run", fresh)


def is_same_person(one: Party, other: Party) -> bool:
    """Tells whether two parties are one person, as far as the hub knows."""
    if one.person_id and other.person_id:
        return one.person_id == other.person_id or bool({one.actor, *one.names} & {other.actor, *other.names})
    return bool({one.actor, *one.names, *one.login_names} & {other.actor, *other.names, *other.login_names})


def _decoded(shown: Signed, kind: type[T]) -> T:
    try:
        statement = msgspec.json.decode(shown.content, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise Violated("PROPOSAL_CHANGED", "content", "?") from None
    return statement


def _require_signature(purpose: str, shown: Signed, authorities: bytes, moment: int, proposal: Proposal) -> None:
    try:
        signer = signer_of(purpose, shown, authorities, datetime.fromtimestamp(moment / 1_000_000, UTC))
    except Violated:
        signer = ""
    if signer != proposal.hub_id:
        raise Violated("PROPOSAL_CHANGED", "signature", proposal.proposal_id)
