"""Acts with their entry in the audit log: who acts, and one transaction for both.

``acting_as`` says at an edge (command line, call, page) who is at work; ``recorded`` opens the transaction of an act
and closes it with the entry, so neither stands without the other; ``told`` puts an entry before and one after an act
that is made of several transactions. What is refused or fails is recorded too, in a transaction of its own. If an
entry cannot be written, the act does not happen.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from msgspec.structs import replace

from exchange_db.audit import append
from exchange_db.audit_records import AuditEntry, Outcome, Value
from exchange_db.records import Violated
from exchange_db.session import Ledger, WriteSession

logger = logging.getLogger(__name__)

#: What the hub does without being told, its jobs and workers.
ITSELF = "hub"
_ACTOR: ContextVar[str] = ContextVar("actor", default=ITSELF)


class Act:
    """An act while it is done.

    ``session`` is its transaction; ``detail`` may be added to until the end. ``refuse`` and ``end_as`` say how it ends
    when it does not simply end well; without them it is done when the block ends.
    """

    def __init__(self, entry: AuditEntry, session: WriteSession) -> None:
        self.session = session
        self.detail: dict[str, Value] = dict(entry.detail)
        self._entry = entry

    def refuse(self, reason: str) -> None:
        """Says that the act was refused; what was written so far is kept."""
        self.end_as("refused", reason)

    def end_as(self, outcome: Outcome, reason: str = "") -> None:
        """Says how the act ends."""
        self._entry = replace(self._entry, outcome=outcome, reason=reason)

    @property
    def entry(self) -> AuditEntry:
        """The entry as the act stands."""
        return replace(self._entry, detail=self.detail)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Says who does what is done inside."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def act_as(actor: str) -> None:
    """Says who acts in the rest of this task: for a call, which is a task of its own."""
    _ACTOR.set(actor)


def actor() -> str:
    """Returns who acts."""
    return _ACTOR.get()


def entry_of(action: str, name: str, *, region: int = 0, detail: dict[str, Value] | None = None) -> AuditEntry:
    """Returns the entry of an act of whoever acts."""
    return AuditEntry(actor=actor(), action=action, object=name, region=region, detail=detail or {})


@asynccontextmanager
async def recorded(
    ledger: Ledger, action: str, name: str, *, region: int = 0, detail: dict[str, Value] | None = None
) -> AsyncIterator[Act]:
    """Yields the transaction of an act; it is committed together with the act's entry.

    Args:
        ledger: the hub's database.
        action: what is done, as ``peer.block``.
        name: on what.
        region: the region it is about; 0 for none.
        detail: what else must be known later.
    """
    entry = entry_of(action, name, region=region, detail=detail)
    try:
        async with ledger.write() as session:
            act = Act(entry, session)
            yield act
            await append(session, act.entry)
    except Exception as error:
        await note(ledger, _ended(entry, error))
        raise


@asynccontextmanager
async def told(
    ledger: Ledger, action: str, name: str, *, region: int = 0, detail: dict[str, Value] | None = None
) -> AsyncIterator[dict[str, Value]]:
    """Records that an act of several transactions begins, and how it ended; yields what the second entry tells."""
    entry = entry_of(action, name, region=region, detail=detail)
    await _append(ledger, replace(entry, outcome="begun"))
    found: dict[str, Value] = dict(entry.detail)
    try:
        yield found
    except Exception as error:
        await note(ledger, replace(_ended(entry, error), detail=found))
        raise
    await _append(ledger, replace(entry, detail=found))


async def note(ledger: Ledger, entry: AuditEntry) -> None:
    """Records what did not happen; nothing depends on it any more, so a ledger that does not answer is only logged."""
    try:
        await _append(ledger, entry)
    except Exception:
        logger.exception("%s of %s by %s could not be recorded", entry.action, entry.object, entry.actor)


async def _append(ledger: Ledger, entry: AuditEntry) -> None:
    async with ledger.write() as session:
        await append(session, entry)


def _ended(entry: AuditEntry, error: Exception) -> AuditEntry:
    outcome: Outcome = "refused" if isinstance(error, Violated) else "failed"
    reason = error.violation.reason if isinstance(error, Violated) else type(error).__name__
    return replace(entry, outcome=outcome, reason=reason)
