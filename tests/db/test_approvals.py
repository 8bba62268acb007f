"""Proposals in the ledger: two people, one execution, races, aborting, and what the audit log keeps of it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from auth.approvals import Operation, Party, State
from auth.person import Role
from exchange_db import approvals, audit, peers, people
from exchange_db.people import LOCAL
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.approvals.operations import Arguments, PeerBlock, Runnable, Step
from hub.approvals.rights import host_party, person_party
from hub.sections.audit import ApprovalsPart
from hub.settings import HubPart, Settings, TlsPart
from tests.support.audit_logs import AUTHORITY, CITY, HUBS
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled

_PLATFORM = "431221.platform"
_NOW = datetime(2020, 6, 15, tzinfo=UTC)


class Slow:
    """An operation of three steps that waits at each until it is let on."""

    def __init__(self) -> None:
        self.is_begun = asyncio.Event()
        self.may_go = asyncio.Event()
        self.effect = ["three steps"]
        self.done = 0

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says what it would do."""
        return [*self.effect, f"{name} {dict(arguments)}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Does its steps."""
        for number in range(3):
            await step(number, 3)
            self.done += 1
            self.is_begun.set()
            await self.may_go.wait()
        await step(3, 3)
        return f"{name} {len(arguments)}"


class Broken(Slow):
    """An operation that fails."""

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Fails."""
        await step(0, 1)
        raise RuntimeError(name, arguments)


class Desk(ProposalDesk):
    """A desk with its parts at hand."""

    slow: Slow
    li: Party
    wang: Party


def _settings(folder: Path, part: ApprovalsPart | None = None) -> Settings:
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
    (folder / "hub.key").write_bytes(HUBS[CITY].key)
    tls = TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key")
    return Settings(hub=HubPart(id=CITY, name="怀化市"), tls=tls, approvals=part or ApprovalsPart())


async def _officer(ledger: Ledger, subject: str, role: Role = Role.SECURITY_OFFICER) -> Party:
    async with ledger.write() as session:
        person, _ = await people.arrive(session, LOCAL, subject, name=subject, unit="", region=431200, now=_NOW)
        await people.set_state(session, person.person_id, "admitted")
        await people.grant(session, person.person_id, role, 431200, granted_by="host:root", now=_NOW)
    return person_party(person, ApprovalsPart())


@pytest.fixture
async def desk(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Desk:
    """A desk with a slow operation and the real one that blocks a neighbour; two officers."""
    slow = Slow()
    known: dict[Operation, Runnable] = {
        Operation.KEY_CHANGE: slow, Operation.PEER_BLOCK: PeerBlock(ledger), Operation.LINK_REPAIR: Broken(),
    }  # fmt: skip
    made = Desk(ledger, _settings(tmp_path), clock, known)
    made.slow, made.li, made.wang = slow, await _officer(ledger, "li"), await _officer(ledger, "wang")
    await enrolled(ledger, _PLATFORM)
    return made


async def _approved(desk: Desk, operation: Operation = Operation.PEER_BLOCK, name: str = _PLATFORM) -> UUID:
    shown = await desk.propose(desk.li, operation, name, {}, "证书泄露")
    number = shown.proposal.proposal_id
    assert (await desk.decide(desk.wang, number, shown.digest, is_approved=True)).state is State.APPROVED
    return number


async def _told(ledger: Ledger, number: UUID) -> list[tuple[str, str, str, str]]:
    async with ledger.read() as session:
        found = await audit.search(session, audit.Search(object=str(number)), limit=50)
    return [(line.action, line.actor, line.outcome, line.reason) for line in reversed(found)]


async def test_two_people_block_a_neighbour(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk)
    async with ledger.read() as session:
        peer = await peers.by_id(session, _PLATFORM)
    assert peer is not None
    assert peer.state == "active"
    shown = await desk.run(desk.li, number)
    assert (shown.state, shown.row.done_count, shown.row.total_count) == (State.DONE, 1, 1)
    async with ledger.read() as session:
        peer = await peers.by_id(session, _PLATFORM)
    assert peer is not None
    assert peer.state == "blocked"
    assert await _told(ledger, number) == [
        ("proposal.make", "person:local/li", "done", ""),
        ("proposal.approve", "person:local/wang", "done", ""),
        ("proposal.run", "person:local/li", "begun", ""),
        ("proposal.run", "person:local/li", "done", ""),
    ]
    async with ledger.read() as session:
        lines = [line async for line in audit.lines(session)]
    assert {shown.digest in line.content.decode() for line in lines if line.action != "peer.block"} == {True, False}
    assert [line.actor for line in lines if line.action == "peer.block"] == ["person:local/li"]
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        await desk.run(desk.li, number)


async def test_it_is_not_executed_without_an_approval(desk: Desk, ledger: Ledger) -> None:
    shown = await desk.propose(desk.li, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    number = shown.proposal.proposal_id
    with pytest.raises(Violated, match="PROPOSAL_UNAPPROVED"):
        await desk.run(desk.li, number)
    assert (await _told(ledger, number))[-1] == ("proposal.run", "person:local/li", "refused", "PROPOSAL_UNAPPROVED")
    with pytest.raises(Violated, match="SELF_APPROVAL"):
        await desk.decide(desk.li, number, shown.digest, is_approved=True)
    assert (await _told(ledger, number))[-1] == ("proposal.approve", "person:local/li", "refused", "SELF_APPROVAL")
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        await desk.decide(desk.wang, number, "0" * 64, is_approved=True)
    refused = await desk.decide(desk.wang, number, shown.digest, is_approved=False, comment="不急")
    assert refused.state is State.REFUSED
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        await desk.run(desk.li, number)
    with pytest.raises(Violated, match="PROPOSAL_UNKNOWN"):
        await desk.show(uuid4())


async def test_of_two_approvals_at_once_one_counts(desk: Desk, ledger: Ledger) -> None:
    shown = await desk.propose(desk.li, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    number, zhao = shown.proposal.proposal_id, await _officer(ledger, "zhao")
    outcomes = await asyncio.gather(
        desk.decide(desk.wang, number, shown.digest, is_approved=True),
        desk.decide(zhao, number, shown.digest, is_approved=False),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, Violated)]
    assert [one.violation.reason for one in refused] == ["PROPOSAL_CLOSED"]
    async with ledger.read() as session:
        assert await approvals.decision_of(session, number) is not None


async def test_of_two_executions_at_once_one_runs(desk: Desk) -> None:
    number = await _approved(desk, Operation.KEY_CHANGE, "hub")
    running = asyncio.create_task(desk.run(desk.li, number))
    await desk.slow.is_begun.wait()
    shown = await desk.show(number)
    assert (shown.state, shown.is_interrupted) == (State.RUNNING, False)
    assert (shown.row.done_count, shown.row.total_count) == (0, 3)
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        await desk.run(desk.wang, number)
    desk.slow.may_go.set()
    assert (await running).state is State.DONE
    assert desk.slow.done == 3


async def test_an_execution_is_stopped_between_its_steps(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk, Operation.KEY_CHANGE, "hub")
    running = asyncio.create_task(desk.run(desk.li, number))
    await desk.slow.is_begun.wait()
    await desk.abort(desk.wang, number)
    desk.slow.may_go.set()
    assert (await running).state is State.ABORTED
    assert desk.slow.done == 1
    assert (await _told(ledger, number))[-1] == ("proposal.run", "person:local/li", "failed", "ABORTED")
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        await desk.abort(desk.wang, number)


async def test_an_execution_whose_process_died_is_seen_and_given_up(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk, Operation.KEY_CHANGE, "hub")
    async with ledger.write() as session:
        await approvals.begin(session, number, State.RUNNING)
    shown = await desk.show(number)
    assert (shown.state, shown.is_interrupted) == (State.RUNNING, True)
    with pytest.raises(Violated, match="PROPOSAL_CLOSED"):
        await desk.run(desk.li, number)
    assert (await desk.abort(desk.li, number)).state is State.ABORTED


async def test_a_failure_is_kept(desk: Desk, ledger: Ledger) -> None:
    operator, second = await _officer(ledger, "sun", Role.OPERATOR), await _officer(ledger, "qian", Role.OPERATOR)
    shown = await desk.propose(operator, Operation.LINK_REPAIR, "430000.hub", {}, "")
    number = shown.proposal.proposal_id
    await desk.decide(second, number, shown.digest, is_approved=True)
    assert (await desk.run(operator, number)).state is State.FAILED
    assert (await _told(ledger, number))[-1][2:] == ("failed", "RuntimeError")


async def test_a_right_that_was_taken_away_meanwhile_counts(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk)
    async with ledger.write() as session:
        await people.revoke(session, UUID(desk.wang.person_id), Role.SECURITY_OFFICER, 431200)
    with pytest.raises(Violated, match="APPROVAL_RIGHT_LOST"):
        await desk.run(desk.li, number)
    async with ledger.write() as session:
        await people.grant(
            session, UUID(desk.wang.person_id), Role.SECURITY_OFFICER, 431200, granted_by="host:root", now=_NOW
        )
        await people.set_state(session, UUID(desk.wang.person_id), "blocked")
    with pytest.raises(Violated, match="APPROVAL_RIGHT_LOST"):
        await desk.run(desk.li, number)
    async with ledger.write() as session:
        await people.set_state(session, UUID(desk.wang.person_id), "admitted")
    assert (await desk.run(desk.li, number)).state is State.DONE


async def test_who_has_not_the_right_neither_proposes_nor_decides(desk: Desk, ledger: Ledger) -> None:
    auditor, viewer = await _officer(ledger, "zhou", Role.AUDITOR), await _officer(ledger, "wu", Role.VIEWER)
    for party in (auditor, viewer):
        with pytest.raises(Violated, match="RIGHT_MISSING"):
            await desk.propose(party, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    shown = await desk.propose(desk.li, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    for party in (auditor, viewer):
        with pytest.raises(Violated, match="RIGHT_MISSING"):
            await desk.decide(party, shown.proposal.proposal_id, shown.digest, is_approved=True)


async def test_what_is_changed_after_the_approval_is_not_executed(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk)
    async with ledger.write() as session:
        await session.driver.execute(
            "UPDATE proposals SET content = convert_to(replace(convert_from(content, 'UTF8'), %s, %s), 'UTF8')",
            (_PLATFORM, "431222.platform"),
        )
    with pytest.raises(Violated, match="PROPOSAL_CHANGED"):
        await desk.run(desk.li, number)


async def test_what_would_do_something_else_by_now_is_not_executed(desk: Desk) -> None:
    number = await _approved(desk, Operation.KEY_CHANGE, "hub")
    desk.slow.effect = ["four steps"]
    with pytest.raises(Violated, match="DRY_RUN_CHANGED"):
        await desk.run(desk.li, number)
    desk.slow.effect = ["three steps"]
    desk.slow.may_go.set()
    assert (await desk.run(desk.li, number)).state is State.DONE


async def test_a_proposal_expires(desk: Desk, clock: FakeClock) -> None:
    shown = await desk.propose(desk.li, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    approved = await _approved(desk)
    clock.advance(hours=73)
    with pytest.raises(Violated, match="PROPOSAL_EXPIRED"):
        await desk.decide(desk.wang, shown.proposal.proposal_id, shown.digest, is_approved=True)
    with pytest.raises(Violated, match="PROPOSAL_EXPIRED"):
        await desk.run(desk.li, approved)
    assert {row.state for row in await desk.listing()} == {State.EXPIRED}


async def test_operations_that_do_not_exist_are_refused_not_feigned(desk: Desk, ledger: Ledger) -> None:
    operator = await _officer(ledger, "sun", Role.OPERATOR)
    with pytest.raises(Violated, match="OPERATION_UNKNOWN"):
        await desk.propose(operator, Operation.MAPPING_CHANGE, "case.toml", {}, "")
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        await desk.propose(desk.li, Operation.PEER_BLOCK, _PLATFORM, {"until": "tomorrow"}, "")
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        await desk.propose(desk.li, Operation.PEER_BLOCK, "431299.platform", {}, "")


async def test_users_of_the_machine_are_named_by_the_settings(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    part = ApprovalsPart(host_users=("li", "wang"), same_person=(("host:wang", "host:wang2"),))
    desk = ProposalDesk(ledger, _settings(tmp_path, part), clock, {Operation.PEER_BLOCK: PeerBlock(ledger)})
    await enrolled(ledger, _PLATFORM)
    li, wang, zhao = (host_party(name, (name,), part) for name in ("li", "wang", "zhao"))
    shown = await desk.propose(wang, Operation.PEER_BLOCK, _PLATFORM, {}, "")
    number = shown.proposal.proposal_id
    for party, reason in ((zhao, "RIGHT_MISSING"), (host_party("wang2", (), part), "SELF_APPROVAL")):
        with pytest.raises(Violated, match=reason):
            await desk.decide(party, number, shown.digest, is_approved=True)
    await desk.decide(li, number, shown.digest, is_approved=True)
    assert (await desk.run(wang, number)).state is State.DONE


async def test_a_decision_cannot_be_changed_or_taken_away(desk: Desk, ledger: Ledger) -> None:
    number = await _approved(desk)
    for statement in ("UPDATE proposal_decisions SET is_approved = false", "DELETE FROM proposal_decisions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with ledger.write() as session:
                await session.driver.execute(statement)
    assert (await desk.show(number)).decision is not None
