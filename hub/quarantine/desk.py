"""One person's dealings with records in quarantine: rehearse, replay as they are or corrected, discard.

There is one way back in, ``hub.intake.replay``; this desk looks classes up, keeps the audit log and wakes who waits.
Many records at once are the operation ``quarantine.replay_all`` (``hub.approvals``), which a second person may have to
approve. Called by the console; ``sanji quarantine`` does the same from the machine.
"""

import hashlib
from collections.abc import Collection
from typing import NamedTuple

from auth.approvals import Operation, Party
from exchange_db import quarantine, wakeups
from exchange_db.audit_records import Value
from exchange_db.quarantine import QuarantineRow
from exchange_db.records import Violated
from exchange_db.regions import Regions
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk, Shown
from hub.approvals.operations import BulkReplay
from hub.clock import Clock
from hub.intake.replay import Replayed, replay
from hub.intake.validation import ClassCheck
from hub.quarantine.rehearsal import Prospect, prospect_of
from hub.recording import actor, recorded
from hub.settings import Settings
from hub.standards.register import ClassRegister

#: Fewest letters of the reason why a record is discarded.
LEAST_REASON = 6
#: Most records replayed while somebody waits for the page.
MOST_AT_ONCE = 2_000


class Selection(NamedTuple):
    """Open records that are replayed together; what is empty is not asked."""

    reason: str = ""
    peer_id: str = ""

    @property
    def arguments(self) -> dict[str, Value]:
        """The same for the operation."""
        named = {"reason": self.reason, "peer": self.peer_id}
        return {name: value for name, value in named.items() if value}


class QuarantineDesk:
    """Deals with the quarantine of one hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._hub_id = settings.hub.id
        self._clock = clock
        part = settings.standards
        self._register = ClassRegister(settings.hub.region, part.unlisted, part.accepts)
        self._bulk = BulkReplay(ledger, settings.hub.id, clock, self._read_classes)
        self._proposals = ProposalDesk(ledger, settings, clock, {Operation.BULK_REPLAY: self._bulk})
        self.is_approval_required = Operation.BULK_REPLAY in settings.approvals.required

    async def register(self) -> ClassRegister:
        """Returns the classes in force now."""
        async with self._ledger.read() as session:
            await self._register.read(session, self._clock())
        return self._register

    async def rehearse(self, row: QuarantineRow, payload: bytes | None = None) -> Prospect:
        """Says what replaying a record would do, in its own bytes or others; nothing is written."""
        register = await self.register()
        async with self._ledger.read() as session:
            return await prospect_of(session, row, payload or row.payload, self._hub_id, register.check, self._clock())

    async def replay(
        self,
        row: QuarantineRow,
        payload: bytes | None = None,
        changed: Collection[str] = (),
        *,
        is_translated: bool = False,
    ) -> Replayed:
        """Puts a record in line again.

        Args:
            row: the record.
            payload: what is taken in its place; its own bytes stay in quarantine.
            changed: paths of the fields that were corrected, or the classes that were translated.
            is_translated: whether a class was translated, rather than fields corrected by hand.
        """
        register, now = await self.register(), self._clock()
        number, region = str(row.quarantine_id), row.region or 0
        acting = (
            recorded(self._ledger, "quarantine.replay", number, region=region)
            if payload is None
            else recorded(self._ledger, "quarantine.translate", number, region=region)
            if is_translated
            else recorded(self._ledger, "quarantine.correct", number, region=region)
        )
        async with acting as act:
            if payload is not None:
                act.detail |= {"fields": sorted(changed), "sha256": hashlib.sha256(payload).hexdigest()}
            outcome = await replay(
                act.session, row.quarantine_id, actor(), self._hub_id, now,
                check_class=register.check, translated=payload,
            )  # fmt: skip
            if outcome is not Replayed.REPLAYED:
                act.refuse(outcome.name)
        await self._wake()
        return outcome

    async def discard(self, row: QuarantineRow, reason: str) -> bool:
        """Closes a record without effect; tells whether it was open.

        Raises:
            Violated: ARGUMENT_INVALID: the reason says nothing.
        """
        if len(reason.strip()) < LEAST_REASON:
            raise Violated("ARGUMENT_INVALID", "reason", reason)
        number, detail = str(row.quarantine_id), {"reason": reason.strip()}
        async with recorded(
            self._ledger, "quarantine.discard", number, region=row.region or 0, detail={**detail}
        ) as act:
            is_open = await quarantine.resolve(act.session, row.quarantine_id, "discarded", actor())
            if not is_open:
                act.refuse(Replayed.UNKNOWN.name)
        return is_open

    async def find(self, number: int, visible: Regions | None) -> QuarantineRow | None:
        """Returns a record inside the regions somebody may act in."""
        async with self._ledger.read() as session:
            return await quarantine.find(session, number, visible)

    async def rehearse_all(self, wanted: Selection) -> list[str]:
        """Says which records would be replayed together, as a proposal would."""
        return await self._bulk.dry_run("quarantine", wanted.arguments)

    async def replay_all(self, wanted: Selection) -> str:
        """Replays a selection; returns the result for people.

        Raises:
            Violated: ARGUMENT_INVALID: they are more than ``MOST_AT_ONCE``.
        """
        async with self._ledger.read() as session:
            numbers = await quarantine.open_numbers(
                session, reason=wanted.reason, peer_id=wanted.peer_id, limit=MOST_AT_ONCE + 1
            )
        if len(numbers) > MOST_AT_ONCE:
            raise Violated("ARGUMENT_INVALID", "selection", f"> {MOST_AT_ONCE}")
        return await self._bulk.run("quarantine", wanted.arguments, _unwatched)

    async def propose_all(self, party: Party, wanted: Selection, purpose: str) -> Shown:
        """Proposes that a selection be replayed, for a second person to approve.

        Raises:
            Violated: RIGHT_MISSING.
        """
        return await self._proposals.propose(party, Operation.BULK_REPLAY, "quarantine", wanted.arguments, purpose)

    async def _read_classes(self) -> ClassCheck:
        return (await self.register()).check

    async def _wake(self) -> None:
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.INBOX, wakeups.OUTBOX)


async def _unwatched(_done: int, _whole: int) -> None:
    """Takes every step: who replays without a proposal waits for the end."""
