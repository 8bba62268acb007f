"""Proposing, deciding, executing, watching and aborting sensitive operations.

Every step is an entry of the audit log with the digest of the very bytes it is about, refusals included. The state of
a proposal moves under its row's lock; whoever executes holds a lock of its connection besides, so an execution whose
process has died is seen. Called by ``sanji proposals`` and by the console.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from auth.approvals import (
    DECISION,
    PROPOSAL,
    Decision,
    May,
    Operation,
    Party,
    Proposal,
    State,
    digest_of,
    read_decision,
    read_proposal,
    require_decidable,
    require_proposer,
    require_runnable,
    require_same_effect,
    signed,
    state_at,
)
from auth.signatures import Signed
from exchange_db import approvals
from exchange_db.approvals import DecisionRow, ProposalRow
from exchange_db.audit_records import SignedBytes, Value
from exchange_db.records import Violated
from exchange_db.session import Ledger, ReadSession, WriteSession
from hub.approvals.operations import Aborted, Runnable, Step
from hub.approvals.rights import rights_of
from hub.clock import Clock
from hub.personal.desk import LEAST_REASON
from hub.recording import acting_as, recorded
from hub.settings import Settings

logger = logging.getLogger(__name__)

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('proposal ' || %s, 0))"


class Shown(NamedTuple):
    """A proposal as it stands; ``digest`` is what a decision must name. ``is_interrupted``: its process has died."""

    proposal: Proposal
    digest: str
    state: State
    decision: Decision | None
    row: ProposalRow
    is_interrupted: bool


class ProposalDesk:
    """Does all this for one hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
        operations: what can be executed.
    """

    def __init__(
        self, ledger: Ledger, settings: Settings, clock: Clock, operations: Mapping[Operation, Runnable]
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._operations = operations

    async def propose(
        self, party: Party, operation: Operation, name: str, arguments: dict[str, Value], purpose: str
    ) -> Shown:
        """Makes a proposal with its dry run.

        Raises:
            Violated: RIGHT_MISSING, OPERATION_UNKNOWN, or why it could not be done.
        """
        hub, now, proposal_id = self._settings.hub, self._clock(), uuid4()
        about: dict[str, Value] = {"operation": operation, "object": name}
        with acting_as(party.actor):
            async with recorded(
                self._ledger, "proposal.make", str(proposal_id), region=hub.region, detail=about
            ) as act:
                require_proposer(party, operation, hub.region, await self._rights(act.session, party))
                if operation is Operation.UNMASK and len(purpose.strip()) < LEAST_REASON:
                    raise Violated("UNMASK_REASON_MISSING", "purpose")
                lines = await self._runnable(operation).dry_run(name, arguments)
                proposal = Proposal(
                    proposal_id=proposal_id, hub_id=hub.id, operation=operation, object=name, arguments=arguments,
                    region=hub.region, purpose=purpose, proposer=party, dry_run=tuple(lines), made_time=now,
                    expires_time=now + int(self._settings.approvals.valid_hours * 3_600_000_000),
                )  # fmt: skip
                kept = self._signed(PROPOSAL, proposal)
                act.detail["digest"] = digest_of(kept.content)
                await approvals.add(
                    act.session,
                    ProposalRow(
                        proposal_id, operation, name, party.actor, *kept, _moment(now), _moment(proposal.expires_time),
                        State.OPEN, 0, 0, False, "", None, None,  # noqa: FBT003
                    ),
                )  # fmt: skip
        return await self.show(proposal_id)

    async def show(self, proposal_id: UUID) -> Shown:
        """Returns a proposal with what was decided, verified.

        Raises:
            Violated: PROPOSAL_UNKNOWN or PROPOSAL_CHANGED.
        """
        async with self._ledger.read() as session:
            return await self._shown(session, proposal_id)

    async def listing(
        self, limit: int = 50, *, before: datetime | None = None, proposer: str = ""
    ) -> list[ProposalRow]:
        """Returns proposals, newest first, made before a moment or by one person; their states as they are now."""
        async with self._ledger.read() as session:
            rows = await approvals.listing(session, limit=limit, before=before, proposer=proposer)
        now = _moment(self._clock())
        waiting = {State.OPEN.value, State.APPROVED.value}
        return [
            row._replace(state=State.EXPIRED) if row.state in waiting and row.expires_time <= now else row
            for row in rows
        ]

    async def decide(
        self, party: Party, proposal_id: UUID, shown_digest: str, *, is_approved: bool, comment: str = ""
    ) -> Shown:
        """Approves or refuses exactly the bytes that were shown.

        Raises:
            Violated: see ``auth.approvals.require_decidable``.
        """
        acting = self._acting(party, "proposal.approve" if is_approved else "proposal.refuse", proposal_id)
        async with acting as (session, detail):
            found = await self._shown(session, proposal_id, is_locked=True)
            detail["digest"] = found.digest
            now = self._clock()
            may = await self._rights(session, party)
            stored = State(found.row.state)
            require_decidable(found.proposal, stored, found.digest, shown_digest, party, may, now)
            decision = Decision(
                proposal_id=proposal_id, proposal_digest=found.digest, decider=party, is_approved=is_approved,
                comment=comment, decided_time=now,
            )  # fmt: skip
            kept = self._signed(DECISION, decision)
            row = DecisionRow(proposal_id, party.actor, is_approved, *kept, _moment(now))
            await approvals.decide(session, row, State.APPROVED if is_approved else State.REFUSED)
        return await self.show(proposal_id)

    async def run(self, party: Party, proposal_id: UUID) -> Shown:
        """Executes an approved proposal, once.

        Raises:
            Violated: see ``auth.approvals.require_runnable``; DRY_RUN_CHANGED; OPERATION_UNKNOWN.
        """
        async with self._ledger.dedicated() as holding:
            cursor = await holding.driver.execute(_LOCK, (str(proposal_id),))
            if await cursor.fetchone() != (True,):
                raise Violated("PROPOSAL_CLOSED", "proposal_id", State.RUNNING)
            proposal = await self._begin(party, proposal_id)
            with acting_as(party.actor):
                await self._execute(proposal)
        return await self.show(proposal_id)

    async def abort(self, party: Party, proposal_id: UUID) -> Shown:
        """Gives a proposal up, or asks its execution to stop at the next step.

        Raises:
            Violated: RIGHT_MISSING, or PROPOSAL_CLOSED when it has ended.
        """
        async with self._acting(party, "proposal.abort", proposal_id) as (session, detail):
            found = await self._shown(session, proposal_id, is_locked=True)
            detail["state"] = found.state
            require_proposer(party, found.proposal.operation, found.proposal.region, await self._rights(session, party))
            if found.state in (State.OPEN, State.APPROVED) or found.is_interrupted:
                await approvals.end(session, proposal_id, State.ABORTED, "")
            elif found.state is State.RUNNING:
                await approvals.want_abort(session, proposal_id)
            else:
                raise Violated("PROPOSAL_CLOSED", "proposal_id", found.state)
        return await self.show(proposal_id)

    async def _begin(self, party: Party, proposal_id: UUID) -> Proposal:
        """Moves an approved proposal to running, in one transaction with its entry."""
        effect = await self._effect(proposal_id)
        with acting_as(party.actor):
            async with recorded(self._ledger, "proposal.run", str(proposal_id)) as act:
                found = await self._shown(act.session, proposal_id, is_locked=True)
                act.detail |= {"digest": found.digest, "operation": found.proposal.operation}
                parties = [party, found.proposal.proposer, *([found.decision.decider] if found.decision else [])]
                may = await self._rights(act.session, *parties)
                require_proposer(party, found.proposal.operation, found.proposal.region, may)
                stored = State(found.row.state)
                require_runnable(found.proposal, stored, found.digest, found.decision, may, self._clock())
                require_same_effect(found.proposal, effect)
                await approvals.begin(act.session, proposal_id, State.RUNNING)
                act.end_as("begun")
        return found.proposal

    async def _effect(self, proposal_id: UUID) -> list[str]:
        proposal = (await self.show(proposal_id)).proposal
        return await self._runnable(proposal.operation).dry_run(proposal.object, proposal.arguments)

    async def _execute(self, proposal: Proposal) -> None:
        """Runs it and notes how it ended, whatever happens."""
        number = proposal.proposal_id
        try:
            run = self._runnable(proposal.operation).run
            state, result = State.DONE, await run(proposal.object, proposal.arguments, self._step(number))
        except Aborted:
            state, result = State.ABORTED, ""
        except Violated as refused:
            state, result = State.FAILED, refused.violation.reason
        except Exception as error:
            logger.exception("proposal %s failed", number)
            state, result = State.FAILED, type(error).__name__
        about: dict[str, Value] = {"operation": proposal.operation, "state": state, "result": result}
        async with recorded(self._ledger, "proposal.run", str(number), detail=about) as act:
            await approvals.end(act.session, number, state, result)
            if state is not State.DONE:
                act.end_as("failed", result or state.upper())

    def _step(self, proposal_id: UUID) -> Step:
        async def step(done_count: int, total_count: int) -> None:
            async with self._ledger.write() as session:
                is_unwanted = await approvals.note_progress(session, proposal_id, done_count, total_count)
            if is_unwanted and done_count < total_count:
                raise Aborted

        return step

    async def _shown(self, session: ReadSession, proposal_id: UUID, *, is_locked: bool = False) -> Shown:
        row = await approvals.find(session, proposal_id, is_locked=is_locked)
        if row is None:
            raise Violated("PROPOSAL_UNKNOWN", "proposal_id", proposal_id)
        authorities = self._settings.tls.authority.read_bytes()
        proposal = read_proposal(Signed(*row.signed), authorities)
        decided = await approvals.decision_of(session, proposal_id)
        decision = read_decision(Signed(*decided.signed), proposal, authorities) if decided else None
        state = state_at(State(row.state), proposal.expires_time, self._clock())
        is_interrupted = state is State.RUNNING and not await approvals.is_held(session, proposal_id)
        return Shown(proposal, digest_of(row.content), state, decision, row, is_interrupted)

    async def _rights(self, session: ReadSession, *parties: Party) -> May:
        return await rights_of(session, self._settings.hub.region, self._settings.approvals, *parties)

    def _runnable(self, operation: Operation) -> Runnable:
        found = self._operations.get(operation)
        if found is None:
            raise Violated("OPERATION_UNKNOWN", "operation", operation)
        return found

    def _signed(self, purpose: str, statement: Proposal | Decision) -> SignedBytes:
        tls = self._settings.tls
        return SignedBytes(*signed(purpose, statement, tls.certificate.read_bytes(), tls.key.read_bytes()))

    @asynccontextmanager
    async def _acting(
        self, party: Party, action: str, proposal_id: UUID
    ) -> AsyncIterator[tuple[WriteSession, dict[str, Value]]]:
        with acting_as(party.actor):
            async with recorded(self._ledger, action, str(proposal_id)) as act:
                yield act.session, act.detail


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
