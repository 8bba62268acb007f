"""Write-back: what is due to a partner becomes rows of its database, and what it wrote is answered there.

It stands in the place of a dispatcher: the same lease ``deliver/<peer>``, the same numbers, the same back-off. Rows
and the number they reach are one transaction at the partner, and only then the ledger is told; whatever breaks in
between, the partner's mark says where to go on. A mark behind the ledger's means that the partner restored a backup:
everything behind it is written again. A mark beyond every number ever given means that this ledger is the older one:
the link stops, as any other.

A row the partner refuses is held in quarantine before the others are committed; they go on.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import psycopg
import sqlalchemy.exc

from auth.principal import Principal
from connectors.causes import cause_of
from connectors.errors import CallRefused, ConnectorError
from exchange_db import leases, links, outbox, pickup_receipts, restores, wakeups
from exchange_db.errors import LeaseLost
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import (
    Partner,
    PartnerError,
    PartnerRefused,
    PartnerUnreachable,
    Row,
    open_partner,
)
from exchange_db.intermediate.writing.given import prepare_given, put_codes, put_sheet, remove_old
from exchange_db.intermediate.writing.session import WritingSession, has_table
from exchange_db.intermediate.writing.targets import Bad, Target
from exchange_db.peers import Peer
from exchange_db.records import Refused, Violated, Violation
from exchange_db.session import Dedicated, Ledger
from hub.clock import Clock
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, Manner
from hub.intermediate.marks import LedgerMarks, MarkKeeper, MarkMoved, PartnerMarks, Standing
from hub.intermediate.target_pauses import TableRefused, TargetPauses
from hub.intermediate.writeback_parcels import MOST_PARCELS, Batch, ParcelSource
from hub.intermediate.writeback_receipts import ReceiptTeller
from hub.intermediate.writeback_rows import rows_for
from hub.listener import Listener
from hub.settings import DeliverPart, HubPart

logger = logging.getLogger(__name__)

LEASE_SECONDS = 5.0
_POLL_SECONDS = 1.0
_CLEANING_SECONDS = 6 * 3_600.0
_DAY = 86_400_000_000
#: Batches that are ready while one is being written.
_AHEAD = 1
_FAILURES = (ConnectorError, PartnerError, MarkMoved, LinkFileInvalid, TimeoutError)


class Means(NamedTuple):
    """What a write-back works with.

    ``link_of`` reads the link file of a partner; ``codes`` gives the codes in force, as ``put_codes`` takes them;
    ``pause_of`` says how long to wait after so many failures.
    """

    ledger: Ledger
    listener: Listener
    clock: Clock
    settings: DeliverPart
    hub: HubPart
    holder: str
    link_of: Callable[[str], DatabaseLink]
    codes: Callable[[], list[Row]]
    pause_of: Callable[[int], float]


class WriteBack:
    """Writes to one partner until cancelled."""

    def __init__(self, means: Means, peer: Peer) -> None:
        self._means = means
        self._peer = peer
        self._partner = Principal(
            peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint
        )
        self._lease = f"deliver/{peer.peer_id}"
        self._is_down = False
        self._cleaned_at = float("-inf")
        #: Parcels in a batch: fewer when the partner did not write them in time.
        self._most = MOST_PARCELS

    async def run(self) -> None:
        """Connects, writes, and tries again after every failure."""
        ledger = self._means.ledger
        while True:
            try:
                async with ledger.dedicated() as connection:
                    try:
                        while True:
                            await self._attempt(connection)
                    finally:
                        await asyncio.shield(self._release())
            except (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError) as error:
                logger.warning("write-back %s: database does not answer: %s", self._peer.peer_id, error)
                await asyncio.sleep(0.5)

    async def _release(self) -> None:
        with suppress(psycopg.OperationalError, OSError):
            async with self._means.ledger.dedicated() as connection:
                await leases.release(connection.driver, [self._lease], self._means.holder)

    async def _attempt(self, connection: Dedicated) -> None:
        driver, listener = connection.driver, self._means.listener
        if not await leases.claim(driver, [self._lease], self._means.holder, LEASE_SECONDS):
            await asyncio.sleep(_POLL_SECONDS)
            return
        state = await links.backoff(driver, self._peer.destination_id)
        if state.seconds_left > 0:
            seen = listener.version(wakeups.OUTBOX)
            await listener.wait(wakeups.OUTBOX, seen, min(state.seconds_left, _POLL_SECONDS))
            return
        try:
            link = await asyncio.to_thread(self._means.link_of, self._peer.peer_id)
            async with open_partner(link.url, link.zone) as partner:
                await self._serve(connection, link, partner)
        except LeaseLost:
            logger.info("write-back %s: taken over by another process", self._peer.peer_id)
        except _FAILURES as error:
            if not self._is_down:
                logger.warning("write-back %s: %s", self._peer.peer_id, error)
            self._is_down = True
            if isinstance(error, TimeoutError):
                self._most = max(1, self._most // 4)
            pause = self._means.pause_of(state.failure_count)
            cause = cause_of(error)
            told = str(error) or "no answer in time"
            await links.note_failure(driver, self._peer.destination_id, told, pause, cause=cause)

    async def _serve(self, connection: Dedicated, link: DatabaseLink, partner: Partner) -> None:
        means = self._means
        rows = rows_for(link)
        async with asyncio.timeout(means.settings.answer_timeout_seconds):
            session = await WritingSession.open(partner, link.zone)
            has_receipts = link.manner is Manner.OURS or await has_table(partner, "x_receipt")
            refusals = await _prepare(session, rows.targets, link)
            given = [table for table in (schema.FIGURE, schema.CODE_LIST) if link.exchanges(table)]
            await prepare_given(session, given, has_receipts=has_receipts)
            keeper = await self._keeper(link, partner)
            standing = Standing(session, keeper, await keeper.read(), means.clock)
        acked = await self._compare(connection, standing)
        delivered = standing.marks.delivered_sequence
        if self._is_down:
            logger.info("write-back %s: reachable again", self._peer.peer_id)
        self._is_down = False
        try:
            # The tasks end before the connections they use are closed.
            async with (
                means.ledger.dedicated() as telling,
                means.ledger.dedicated() as pausing,
                asyncio.TaskGroup() as tasks,
            ):
                pauses = TargetPauses(pausing, link)
                await pauses.take_up(rows.targets, delivered)
                for target, refusal in refusals.items():
                    await pauses.pause(target, refusal, delivered)
                teller = ReceiptTeller(telling, means.listener, link, standing, has_table=has_receipts)
                most = min(self._most, link.most_rows_per_second or MOST_PARCELS)
                source = ParcelSource(
                    connection, means.listener, self._partner, means.hub.region, rows, means.clock, most
                )  # fmt: skip
                ready: asyncio.Queue[Batch] = asyncio.Queue(maxsize=_AHEAD)
                tasks.create_task(source.run(delivered, ready))
                tasks.create_task(self._write(standing, ready, acked, link.most_rows_per_second, pauses))
                tasks.create_task(teller.run())
                tasks.create_task(self._keep_lease())
                await self._tend(standing, link, pauses, source)
        except BaseExceptionGroup as group:
            raise _told(group) from None

    async def _keeper(self, link: DatabaseLink, partner: Partner) -> MarkKeeper:
        if link.manner is Manner.THEIRS and not await has_table(partner, "x_link"):
            return LedgerMarks(self._means.ledger, link.peer)
        marks = PartnerMarks(partner, link.peer)
        await marks.enter(self._means.hub.id, self._means.clock())
        return marks

    async def _compare(self, connection: Dedicated, standing: Standing) -> int:
        """Compares the partner's mark with the ledger and returns the number up to which it was confirmed before.

        Raises:
            CallRefused: the partner has numbers that were never given here.
        """
        driver, destination_id = connection.driver, self._peer.destination_id
        progress = await outbox.progress(driver, destination_id)
        position = standing.marks.delivered_sequence
        if position > progress.last_sequence and await restores.number_on(driver, destination_id, position):
            progress = await outbox.progress(driver, destination_id)
        if position > progress.last_sequence:
            raise CallRefused(
                f"{self._peer.peer_id} 已收到第 {position} 号，而本库只编到第 {progress.last_sequence} 号："
                f"本库可能由旧备份恢复 / its database has number {position}, but only {progress.last_sequence}"
                " were ever given here: this ledger was restored from an older backup",
                "SEQUENCE_REUSED",
                [],
            )
        if position < progress.acked_sequence:
            told = (
                f"{self._peer.peer_id} 的数据库退回到第 {position} 号（本库已确认到第 {progress.acked_sequence} 号），"
                f"其后各号正在重发 / its database went back to number {position} from {progress.acked_sequence}:"
                " everything behind it is sent again"
            )
            logger.warning("write-back %s", told)
            await links.note_failure(driver, destination_id, told, 0.0, cause="LINK_WENT_BACK")
        else:
            await links.confirm(driver, destination_id, position)
            await links.settle(driver, destination_id, position)
        return progress.acked_sequence

    async def _write(
        self,
        standing: Standing,
        ready: "asyncio.Queue[Batch]",
        acked: int,
        most_rows_per_second: int,
        pauses: TargetPauses,
    ) -> None:
        destination_id = self._peer.destination_id
        async with self._means.ledger.dedicated() as connection:
            while True:
                batch = await ready.get()
                begun = time.monotonic()
                async with asyncio.timeout(self._means.settings.answer_timeout_seconds):
                    await self._write_batch(connection, standing, batch, pauses)
                # The trouble that a partner went back stays until it is where it was.
                if batch.last_sequence >= acked:
                    await links.confirm(connection.driver, destination_id, batch.last_sequence)
                    await links.settle(connection.driver, destination_id, batch.last_sequence)
                self._most = min(MOST_PARCELS, self._most * 2)
                if most_rows_per_second:
                    spare = batch.row_count / most_rows_per_second - (time.monotonic() - begun)
                    await asyncio.sleep(max(0.0, spare))

    async def _write_batch(self, connection: Dedicated, standing: Standing, batch: Batch, pauses: TargetPauses) -> None:
        while True:
            try:
                async with standing.advancing(delivered_sequence=batch.last_sequence):
                    bad = await _put(standing.session, batch, pauses)
                    # Held before the partner commits: behind its mark nobody looks again.
                    await self._hold(connection, batch.refused, bad)
            except TableRefused as refusal:
                await pauses.pause(refusal.target, str(refusal), standing.marks.delivered_sequence)
            else:
                return

    async def _hold(self, connection: Dedicated, refused: list[Refused], bad: list[Bad]) -> None:
        refused = refused + [Refused(one.item.sequence, _violation(one)) for one in bad]
        if refused:
            async with connection.transaction() as session:
                await links.hold_refused(session, self._peer.destination_id, self._peer.peer_id, refused)

    async def _keep_lease(self) -> None:
        async with self._means.ledger.dedicated() as connection:
            while True:
                if not await leases.claim(connection.driver, [self._lease], self._means.holder, LEASE_SECONDS):
                    raise LeaseLost(self._lease)
                await asyncio.sleep(_POLL_SECONDS)

    async def _tend(self, standing: Standing, link: DatabaseLink, pauses: TargetPauses, source: ParcelSource) -> None:
        """Leaves signs of life, looks at paused tables, hands on codes in force, and takes away what is old."""
        means, given = self._means, None
        is_ours = link.manner is Manner.OURS
        # Whoever is above gives codes to those below.
        has_codes = link.exchanges(schema.CODE_LIST) and self._peer.relation == "child"
        shared = [table for table in schema.SHARED if link.exchanges(table)]
        async with means.ledger.dedicated() as connection:
            while True:
                async with asyncio.timeout(means.settings.answer_timeout_seconds):
                    await standing.beat()
                bad = await pauses.resume(standing, source, self._peer.destination_id)
                await self._hold(connection, [], bad)
                progress = await outbox.progress(connection.driver, self._peer.destination_id)
                if pauses.told:
                    await links.note_trouble(connection.driver, self._peer.destination_id, pauses.told)
                elif standing.marks.delivered_sequence >= progress.acked_sequence:
                    await links.note_success(connection.driver, self._peer.destination_id)
                if has_codes and given != (codes := means.codes()):
                    await put_codes(standing.session, codes, means.clock())
                    given = codes
                now = time.monotonic()
                if link.keep_days and now > self._cleaned_at + _CLEANING_SECONDS:
                    self._cleaned_at = now
                    before, told = means.clock() - link.keep_days * _DAY, standing.marks.receipt_sequence
                    if is_ours:
                        await remove_old(standing.session, before, shared)
                    await pickup_receipts.forget_told(connection.driver, link.peer, told, before)
                await asyncio.sleep(means.settings.heartbeat_seconds)


async def _prepare(session: WritingSession, targets: tuple[Target, ...], link: DatabaseLink) -> dict[Target, str]:
    """Looks at the tables that are written; returns what is said of those of the partner's own that are not as told.

    Raises:
        PartnerRefused: one of ours is not as it must be.
    """
    refusals: dict[Target, str] = {}
    for target in targets:
        try:
            await session.prepare(target)
        except PartnerRefused as refusal:
            if link.manner is Manner.OURS:
                raise
            refusals[target] = str(refusal)
    return refusals


async def _put(session: WritingSession, batch: Batch, pauses: TargetPauses) -> list[Bad]:
    """Writes the rows of a batch whose tables are not paused; returns those that were refused.

    Raises:
        TableRefused: a table of the partner's own does not take any.
    """
    bad: list[Bad] = []
    for target, items in batch.items.items():
        if items and not pauses.is_paused(target):
            try:
                bad += await session.put(target, items)
            except PartnerRefused as refusal:
                if pauses.can_pause(target):
                    raise TableRefused(target, str(refusal)) from refusal
                raise
    for sheet in batch.sheets:
        bad += await put_sheet(session, sheet)
    return bad


def _violation(bad: Bad) -> Violation:
    reason = "COLUMN_UNFIT" if bad.column else "PARTNER_ROW_REFUSED"
    return Violated(reason, f"{bad.table}.{bad.column}".rstrip("."), bad.told).violation


def _told(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the error that tells most: anything before a broken connection before a cancellation."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_told(error) if isinstance(error, BaseExceptionGroup) else error)
    leaves.sort(key=lambda error: isinstance(error, PartnerUnreachable) + 2 * isinstance(error, asyncio.CancelledError))
    return leaves[0]
