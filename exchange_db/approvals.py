"""Proposals of sensitive operations in the ledger, what was decided of them, and how far their execution is.

What is signed is opaque here; ``auth.approvals`` reads and judges it. Called by ``hub.approvals``.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update

from exchange_db.audit_records import SignedBytes
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.approvals import proposal_decisions, proposals


class ProposalRow(NamedTuple):
    """A proposal as it stands. ``state`` is a word of ``auth.approvals.State``."""

    proposal_id: UUID
    operation: str
    object: str
    proposer: str
    content: bytes
    signature: bytes
    certificates: bytes
    made_time: datetime
    expires_time: datetime
    state: str
    done_count: int
    total_count: int
    is_abort_wanted: bool
    result: str
    begun_time: datetime | None
    ended_time: datetime | None

    @property
    def signed(self) -> SignedBytes:
        """What was proposed, with its signature."""
        return SignedBytes(self.content, self.signature, self.certificates)


class DecisionRow(NamedTuple):
    """What a second person decided."""

    proposal_id: UUID
    decider: str
    is_approved: bool
    content: bytes
    signature: bytes
    certificates: bytes
    decided_time: datetime

    @property
    def signed(self) -> SignedBytes:
        """The decision, with its signature."""
        return SignedBytes(self.content, self.signature, self.certificates)


_COLUMNS = [proposals.c[name] for name in ProposalRow._fields]
_DECIDED = [proposal_decisions.c[name] for name in DecisionRow._fields]


async def add(session: WriteSession, row: ProposalRow) -> None:
    """Keeps a proposal."""
    await session.execute(insert(proposals).values(row._asdict()))


async def find(session: ReadSession, proposal_id: UUID, *, is_locked: bool = False) -> ProposalRow | None:
    """Returns a proposal; ``is_locked`` keeps others from deciding or beginning it until the transaction ends."""
    statement = select(*_COLUMNS).where(proposals.c.proposal_id == proposal_id)
    row = (await session.execute(statement.with_for_update() if is_locked else statement)).first()
    return ProposalRow(*row) if row else None


async def listing(
    session: ReadSession, *, limit: int, before: datetime | None = None, proposer: str = ""
) -> list[ProposalRow]:
    """Returns proposals, newest first; ``before`` is when the last one shown was made, ``proposer`` whose alone."""
    statement = select(*_COLUMNS).order_by(proposals.c.made_time.desc()).limit(limit)
    if before is not None:
        statement = statement.where(proposals.c.made_time < before)
    if proposer:
        statement = statement.where(proposals.c.proposer == proposer)
    found = await session.execute(statement)
    return [ProposalRow(*row) for row in found]


async def decide(session: WriteSession, row: DecisionRow, state: str) -> None:
    """Keeps a decision; a second one of the same proposal is refused by its key."""
    await session.execute(insert(proposal_decisions).values(row._asdict()))
    await _set(session, row.proposal_id, state=state)


async def decision_of(session: ReadSession, proposal_id: UUID) -> DecisionRow | None:
    """Returns what was decided of a proposal."""
    statement = select(*_DECIDED).where(proposal_decisions.c.proposal_id == proposal_id)
    row = (await session.execute(statement)).first()
    return DecisionRow(*row) if row else None


async def begin(session: WriteSession, proposal_id: UUID, state: str) -> None:
    """Notes that execution begins; the caller holds the row's lock."""
    await _set(session, proposal_id, state=state, begun_time=func.now())


async def note_progress(session: WriteSession, proposal_id: UUID, done_count: int, total_count: int) -> bool:
    """Notes how far the execution is; tells whether it is to be aborted."""
    found = await session.execute(
        update(proposals)
        .where(proposals.c.proposal_id == proposal_id)
        .values(done_count=done_count, total_count=total_count)
        .returning(proposals.c.is_abort_wanted)
    )
    return bool(found.scalar_one())


async def is_held(session: ReadSession, proposal_id: UUID) -> bool:
    """Tells whether a process holds the lock of an execution."""
    cursor = await session.driver.execute(
        "SELECT EXISTS (SELECT FROM pg_locks, (SELECT hashtextextended('proposal ' || %s, 0) AS key) k"
        " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database()) AND classid::bigint = (k.key >> 32) & 4294967295"
        " AND objid::bigint = k.key & 4294967295)",
        (str(proposal_id),),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def want_abort(session: WriteSession, proposal_id: UUID) -> None:
    """Asks a running execution to stop at its next step."""
    await _set(session, proposal_id, is_abort_wanted=True)


async def end(session: WriteSession, proposal_id: UUID, state: str, result: str) -> None:
    """Notes how an execution ended."""
    await _set(session, proposal_id, state=state, result=result, ended_time=func.now())


async def _set(session: WriteSession, proposal_id: UUID, **values: object) -> None:
    await session.execute(update(proposals).where(proposals.c.proposal_id == proposal_id).values(**values))
