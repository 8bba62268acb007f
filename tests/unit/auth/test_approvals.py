"""Four eyes: who may decide what and when, over which bytes, and what two identities of one person are."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from auth.approvals import (
    CONCERNS,
    DECISION,
    PROPOSAL,
    Decision,
    Operation,
    Party,
    Proposal,
    State,
    digest_of,
    is_same_person,
    read_decision,
    read_proposal,
    require_decidable,
    require_proposer,
    require_runnable,
    require_same_effect,
    signed,
    state_at,
)
from auth.roles import RIGHTS, Action, Kind
from auth.signatures import Signed
from exchange_db.records import Violated
from tests.support.audit_logs import AUTHORITY, CITY, HUBS, PROVINCE
from tests.support.clock import NOON

LI, WANG = Party("person:local/li", "1"), Party("person:local/wang", "2")
_HOUR = 3_600_000_000
_PROPOSAL = Proposal(
    proposal_id=UUID(int=7), hub_id=CITY, operation=Operation.PEER_BLOCK, object="431221.platform", arguments={},
    region=431200, purpose="证书泄露", proposer=LI, dry_run=("431221.platform: active → blocked",), made_time=NOON,
    expires_time=NOON + _HOUR,
)  # fmt: skip
_HUB = HUBS[CITY]
_SIGNED = signed(PROPOSAL, _PROPOSAL, _HUB.certificate, _HUB.key)
_DIGEST = digest_of(_SIGNED.content)


def _anything(party: Party, action: Action, kind: Kind, region: int) -> bool:
    return bool(party.actor and action and kind and region)


def _nothing(party: Party, action: Action, kind: Kind, region: int) -> bool:
    return not _anything(party, action, kind, region)


def _decision(decider: Party = WANG, *, is_approved: bool = True, digest: str = _DIGEST) -> Decision:
    return Decision(
        proposal_id=_PROPOSAL.proposal_id, proposal_digest=digest, decider=decider, is_approved=is_approved,
        comment="", decided_time=NOON,
    )  # fmt: skip


def test_a_second_person_with_the_right_decides() -> None:
    require_decidable(_PROPOSAL, State.OPEN, _DIGEST, _DIGEST, WANG, _anything, NOON)
    with pytest.raises(Violated, match="RIGHT_MISSING"):
        require_decidable(_PROPOSAL, State.OPEN, _DIGEST, _DIGEST, WANG, _nothing, NOON)
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        require_decidable(_PROPOSAL, State.OPEN, _DIGEST, "0" * 64, WANG, _anything, NOON)
    with pytest.raises(Violated, match="PROPOSAL_EXPIRED"):
        require_decidable(_PROPOSAL, State.OPEN, _DIGEST, _DIGEST, WANG, _anything, NOON + _HOUR)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.OPEN, State.EXPIRED)])
def test_what_is_decided_is_not_decided_again(state: State) -> None:
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        require_decidable(_PROPOSAL, state, _DIGEST, _DIGEST, WANG, _anything, NOON)


_SAME = {
    "the same person": (LI, LI),
    "another identity with the same id of the hub": (LI, Party("person:431221.platform/li3", "1")),
    "an identity the settings join": (LI, Party("person:431221.platform/li3", "3", ("person:local/li",))),
    "a delegate": (LI, Party("person:431200.platform/desk", "4", ("person:local/li",))),
    "the same user of the machine": (Party("host:li"), Party("host:li")),
    "a user who became another one": (
        Party("host:li", "", (), ("host:li",)),
        Party("host:li as root", "", (), ("host:li", "host:root")),
    ),
    "a person at the keyboard of the user who proposed": (
        Party("host:li", "", (), ("host:li",)),
        Party("person:local/admin", "9", (), ("host:li",)),
    ),
    "the other way round": (Party("person:local/admin", "9", (), ("host:li",)), Party("host:li", "", (), ("host:li",))),
}


@pytest.mark.parametrize("name", _SAME)
def test_nobody_approves_their_own_under_any_name(name: str) -> None:
    proposer, decider = _SAME[name]
    proposal = replace(_PROPOSAL, proposer=proposer)
    assert is_same_person(proposer, decider)
    with pytest.raises(Violated, match="SELF_APPROVAL"):
        require_decidable(proposal, State.OPEN, _DIGEST, _DIGEST, decider, _anything, NOON)
    with pytest.raises(Violated, match="SELF_APPROVAL"):
        require_runnable(proposal, State.APPROVED, _DIGEST, _decision(decider), _anything, NOON)


def test_two_people_at_one_keyboard_are_two_when_both_signed_on() -> None:
    li, wang = replace(LI, login_names=("host:root",)), replace(WANG, login_names=("host:root",))
    assert not is_same_person(li, wang)
    require_decidable(replace(_PROPOSAL, proposer=li), State.OPEN, _DIGEST, _DIGEST, wang, _anything, NOON)


def test_it_is_executed_with_a_standing_approval_of_these_bytes_only() -> None:
    require_runnable(_PROPOSAL, State.APPROVED, _DIGEST, _decision(), _anything, NOON)
    for decision in (None, _decision(is_approved=False), _decision(digest="0" * 64)):
        with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
            require_runnable(_PROPOSAL, State.APPROVED, _DIGEST, decision, _anything, NOON)
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        require_runnable(_PROPOSAL, State.APPROVED, "0" * 64, _decision(), _anything, NOON)
    with pytest.raises(Violated, match="APPROVAL_RIGHT_LOST"):
        require_runnable(_PROPOSAL, State.APPROVED, _DIGEST, _decision(), _nothing, NOON)
    with pytest.raises(Violated, match="PROPOSAL_EXPIRED"):
        require_runnable(_PROPOSAL, State.APPROVED, _DIGEST, _decision(), _anything, NOON + _HOUR)
    with pytest.raises(Violated, match="PROPOSAL_UNAPPROVED"):
        require_runnable(_PROPOSAL, State.OPEN, _DIGEST, None, _anything, NOON)


@pytest.mark.parametrize("state", [State.REFUSED, State.RUNNING, State.DONE, State.FAILED, State.ABORTED])
def test_it_is_executed_once(state: State) -> None:
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        require_runnable(_PROPOSAL, state, _DIGEST, _decision(), _anything, NOON)


def test_it_must_still_do_what_was_approved() -> None:
    require_same_effect(_PROPOSAL, list(_PROPOSAL.dry_run))
    for changed in ([], ["431221.platform: blocked → blocked"], [*_PROPOSAL.dry_run, "more"]):
        with pytest.raises(Violated, match="DRY_RUN_CHANGED"):
            require_same_effect(_PROPOSAL, changed)


def test_statements_are_read_back_as_the_hub_signed_them() -> None:
    assert read_proposal(_SIGNED, AUTHORITY.certificate) == _PROPOSAL
    decided = signed(DECISION, _decision(), _HUB.certificate, _HUB.key)
    assert read_decision(decided, _PROPOSAL, AUTHORITY.certificate) == _decision()
    other = replace(_PROPOSAL, proposal_id=UUID(int=8))
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        read_decision(decided, other, AUTHORITY.certificate)


def _forged() -> list[Signed]:
    elsewhere = signed(PROPOSAL, _PROPOSAL, HUBS[PROVINCE].certificate, HUBS[PROVINCE].key)
    wrong_purpose = signed(DECISION, _PROPOSAL, _HUB.certificate, _HUB.key)
    return [
        _SIGNED._replace(content=_SIGNED.content.replace(b"431221", b"431222")),
        _SIGNED._replace(content=b"{}"),
        _SIGNED._replace(content=b""),
        _SIGNED._replace(signature=bytes(64)),
        _SIGNED._replace(certificates=b""),
        elsewhere,
        wrong_purpose,
    ]


@pytest.mark.parametrize("shown", _forged())
def test_a_proposal_that_was_changed_in_the_database_is_refused(shown: Signed) -> None:
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        read_proposal(shown, AUTHORITY.certificate)


def test_a_proposal_waits_until_its_time_is_over() -> None:
    assert state_at(State.OPEN, NOON, NOON - 1) is State.OPEN
    assert state_at(State.OPEN, NOON, NOON) is State.EXPIRED
    assert state_at(State.APPROVED, NOON, NOON) is State.EXPIRED
    for state in (State.RUNNING, State.DONE, State.REFUSED):
        assert state_at(state, NOON, NOON + 1) is state


def test_only_who_has_the_right_proposes() -> None:
    require_proposer(LI, Operation.PEER_BLOCK, 431200, _anything)
    with pytest.raises(Violated, match="RIGHT_MISSING"):
        require_proposer(LI, Operation.PEER_BLOCK, 431200, _nothing)


@pytest.mark.parametrize("operation", Operation)
def test_somebody_can_propose_and_approve_every_operation(operation: Operation) -> None:
    kind = CONCERNS[operation]
    for action in (Action.PROPOSE, Action.APPROVE):
        assert [role for role, rights in RIGHTS.items() if action in rights.get(kind, frozenset())]
