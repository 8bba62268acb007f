"""The dispatcher of one destination.

It holds the lease ``deliver/<peer>``, keeps one push stream open to the neighbour, and works in three beats that
never share a transaction: give numbers to what is due (commit), send with no transaction open, record each answer
(commit). Up to ``window`` batches are under way. Whatever breaks, the next connection begins where the neighbour says
it stands: the number it expects next is the truth, so a lost answer costs a repeat at most, and a repeat is harmless.

Failures are of three kinds. *Unreachable*: the failure is counted, a pause with jitter is written to the link (it
survives a restart) and ended early by any sign of life from the neighbour. *Credentials refused*: the same, but told
to people in words. *A parcel refused*: that parcel goes to quarantine with the neighbour's reason, the others go on.
A destination that hangs is given up after ``answer_timeout_seconds``. Every destination has its own task, connection
and pause, so a dead one costs the others nothing.
"""

import asyncio
import logging
import random
import time
from collections import deque
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg

from auth.envelope import LINK_STREAM
from connectors import verdicts
from connectors.causes import cause_of, waited_for
from connectors.errors import SHORTEST_STREAM_SECONDS, CallRefused, ConnectorError, Drained, Unreachable
from connectors.transports.grpc_peer import MAX_BATCH_BYTES, Answer, GrpcPeer, PushStream
from exchange_db import leases, links, outbox, restores, wakeups
from exchange_db.errors import LeaseLost
from exchange_db.peers import Peer
from exchange_db.session import Dedicated, Ledger
from hub.clock import Clock
from hub.delivery.backoff import pause_seconds
from hub.delivery.dialling import Dialler
from hub.listener import Listener
from hub.log_context import concern
from hub.settings import DeliverPart
from hub.telemetry.steps import current_steps
from hub.veil import Veil

logger = logging.getLogger(__name__)

#: Name of the stream a hub pushes in.
STREAM = LINK_STREAM
LEASE_SECONDS = 5.0
_POLL_SECONDS = 1.0
#: Parcels whose texts are looked at before others of the process get a turn.
_SLICE = 50


class _Sent(NamedTuple):
    """A batch under way, sent at a moment of this process; its records and the time of day where steps are told."""

    moment: float
    payloads: list[bytes]
    begin: int


class Dispatcher:
    """Delivers to one neighbour until cancelled."""

    def __init__(
        self,
        ledger: Ledger,
        listener: Listener,
        dialler: Dialler,
        clock: Clock,
        settings: DeliverPart,
        holder: str,
        peer: Peer,
        *,
        veil: Veil,
    ) -> None:
        self._veil = veil
        self._ledger = ledger
        self._listener = listener
        self._dialler = dialler
        self._clock = clock
        self._settings = settings
        self._holder = holder
        self._peer = peer
        self._lease = f"deliver/{peer.peer_id}"
        self._under_way: deque[_Sent] = deque()
        self._steps = current_steps()
        self._room = asyncio.Semaphore(settings.window)
        self._is_down = False
        self._opened_time = time.monotonic()
        #: Last number given on the link, as far as this dispatcher knows: behind it there is nothing to fetch.
        self._numbered = 0
        #: Wake-up after which everything that was due has been found: before the next one there is nothing to look for.
        self._exhausted = -1

    async def run(self) -> None:
        """Connects, delivers, and tries again after every failure."""
        concern(link=self._peer.peer_id)
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    try:
                        while True:
                            await self._attempt(connection)
                    finally:
                        await asyncio.shield(self._release())
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("deliver %s: database does not answer: %s", self._peer.peer_id, error)
                await asyncio.sleep(0.5)

    async def _release(self) -> None:
        """Gives the lease back, on another connection: this one may be in the middle of a statement."""
        with suppress(psycopg.OperationalError, OSError):
            async with self._ledger.dedicated() as connection:
                await leases.release(connection.driver, [self._lease], self._holder)

    async def _attempt(self, connection: Dedicated) -> None:
        driver = connection.driver
        if not await leases.claim(driver, [self._lease], self._holder, LEASE_SECONDS):
            await asyncio.sleep(_POLL_SECONDS)
            return
        state = await links.backoff(driver, self._peer.destination_id)
        if state.seconds_left > 0:
            seen = self._listener.version(wakeups.OUTBOX)
            await self._listener.wait(wakeups.OUTBOX, seen, min(state.seconds_left, _POLL_SECONDS))
            return
        begun = time.monotonic()
        try:
            async with GrpcPeer(self._dialler.target(self._peer)) as neighbour:
                await self._deliver(connection, neighbour)
        except Drained as error:
            if time.monotonic() - self._opened_time < SHORTEST_STREAM_SECONDS:
                await self._note_failure(driver, state.failure_count, error, begun)
        except LeaseLost:
            logger.info("deliver %s: taken over by another process", self._peer.peer_id)
        except (ConnectorError, TimeoutError) as error:
            await self._note_failure(driver, state.failure_count, error, begun)

    async def _note_failure(self, driver: Any, failure_count: int, error: Exception, begun: float) -> None:
        pause = pause_seconds(
            failure_count,
            first_seconds=self._settings.backoff_first_seconds,
            cap_seconds=self._settings.backoff_cap_seconds,
            chance=random.random(),  # noqa: S311 — jitter, not a secret
        )
        if not self._is_down:
            logger.warning("deliver %s: %s", self._peer.peer_id, error)
        self._is_down = True
        await links.note_failure(
            driver,
            self._peer.destination_id,
            str(error) or "no answer in time",
            pause,
            cause=cause_of(error),
            waited_seconds=waited_for(error, time.monotonic() - begun, self._settings.answer_timeout_seconds),
        )

    async def _deliver(self, connection: Dedicated, neighbour: GrpcPeer) -> None:
        progress = await outbox.progress(connection.driver, self._peer.destination_id)
        pushing = neighbour.push(STREAM, receipts_after=progress.receipted_sequence, wants_receipts=True)
        async with asyncio.timeout(self._settings.answer_timeout_seconds) as opening:
            async with pushing as stream:
                opening.reschedule(None)
                self._opened_time = time.monotonic()
                position = stream.next_sequence - 1
                if position > progress.last_sequence and await restores.number_on(
                    connection.driver, self._peer.destination_id, position
                ):
                    progress = await outbox.progress(connection.driver, self._peer.destination_id)
                if position > progress.last_sequence:
                    raise CallRefused(
                        f"{self._peer.peer_id} expects number {position + 1}, but only {progress.last_sequence} were"
                        " ever given here: this ledger was restored from an older backup 本库可能由旧备份恢复",
                        "SEQUENCE_REUSED",
                        [],
                    )
                await links.confirm(connection.driver, self._peer.destination_id, position)
                if self._is_down:
                    logger.info("deliver %s: reachable again", self._peer.peer_id)
                self._is_down = False
                self._under_way.clear()
                self._numbered = progress.last_sequence
                self._exhausted = -1
                self._room = asyncio.Semaphore(self._settings.window)
                try:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._send(connection, stream, position))
                        tasks.create_task(self._record(stream))
                        tasks.create_task(self._watch(neighbour))
                except BaseExceptionGroup as group:
                    raise _told(group) from None

    async def _send(self, connection: Dedicated, stream: PushStream, position: int) -> None:
        while True:
            await self._room.acquire()
            batch = await self._next(connection, position)
            told = [parcel.payload for parcel in batch] if self._steps is not None else []
            self._under_way.append(_Sent(time.monotonic(), told, time.time_ns() if told else 0))
            await stream.send(position + 1, await self._shown(batch))
            position = batch[-1].sequence

    async def _shown(self, batch: list[outbox.Numbered]) -> list[bytes]:
        """Returns the parcels as the neighbour is to have them."""
        peer_id, shown = self._peer.peer_id, [parcel.payload for parcel in batch]
        if not self._veil.is_over(peer_id):
            return shown
        for start in range(0, len(shown), _SLICE):
            end = start + _SLICE
            shown[start:end] = [self._veil.shown(peer_id, payload) for payload in shown[start:end]]
            await asyncio.sleep(0)
        return shown

    async def _next(self, connection: Dedicated, position: int) -> list[outbox.Numbered]:
        """Waits for parcels behind a number and returns them, numbered."""
        destination_id, size = self._peer.destination_id, self._settings.batch_size
        while True:
            if position >= self._numbered and self._exhausted == self._listener.version(wakeups.OUTBOX):
                await self._listener.wait(wakeups.OUTBOX, self._exhausted, _POLL_SECONDS)
            seen = self._listener.version(wakeups.OUTBOX)
            found: list[outbox.Numbered] = []
            if position < self._numbered:
                found = await outbox.fetch(connection.driver, destination_id, position, size)
            due = outbox.NOTHING_DUE
            if not found:
                due = await outbox.due(connection.driver, destination_id, size)
                if len(due.entries) < size // 8:
                    self._exhausted = seen
            if due.entries:
                found = await outbox.number(connection.driver, due)
            if found:
                self._numbered = max(self._numbered, found[-1].sequence)
                return outbox.fitting(found, MAX_BATCH_BYTES)
            # Another process of this hub may have numbered some meanwhile.
            self._numbered = max(self._numbered, due.last_sequence)

    async def _record(self, stream: PushStream) -> None:
        async with self._ledger.dedicated() as connection:
            # Nobody relies on an answer being on disk here: one that is lost is given again by the neighbour.
            await connection.driver.execute("SET synchronous_commit = off")
            async for answer in stream.answers():
                await self._note(connection, answer)
        raise Unreachable("the neighbour ended the stream")

    async def _note(self, connection: Dedicated, answer: Answer) -> None:
        destination_id = self._peer.destination_id
        if answer.verdict is not None:
            refused = verdicts.refused(answer.verdict)
            taken = verdicts.last_taken(answer.verdict)
            if refused:
                async with connection.transaction() as session:
                    # But a refusal is answered once only: the neighbour goes on behind it.
                    await session.driver.execute("SET LOCAL synchronous_commit = on")
                    await links.hold_refused(session, destination_id, self._peer.peer_id, refused)
                    await links.confirm(session.driver, destination_id, taken)
            else:
                await links.confirm(connection.driver, destination_id, taken)
            if not verdicts.is_taken_whole(answer.verdict):
                raise Unreachable(f"the neighbour expects number {answer.verdict.next_sequence}")
            sent = self._under_way.popleft()
            self._room.release()
            if self._steps is not None:
                self._steps.delivered(self._peer.peer_id, sent.payloads, sent.begin)
        elif answer.receipts is not None:
            held = verdicts.quarantined(answer.receipts)
            if held:
                async with connection.transaction() as session:
                    await links.hold_refused(session, destination_id, self._peer.peer_id, held)
            # Held first: receipts that are not noted are given again, and each refusal is held once.
            await links.settle(connection.driver, destination_id, answer.receipts.last_sequence)

    async def _watch(self, neighbour: GrpcPeer) -> None:
        """Keeps the lease, sends signs of life, and gives up on a neighbour that hangs."""
        beat_at = 0.0
        async with self._ledger.dedicated() as connection:
            while True:
                if not await leases.claim(connection.driver, [self._lease], self._holder, LEASE_SECONDS):
                    raise LeaseLost(self._lease)
                now = time.monotonic()
                if self._under_way and now - self._under_way[0].moment > self._settings.answer_timeout_seconds:
                    raise Unreachable("no answer to a batch in time 批次未及时应答")
                if now >= beat_at:
                    beat_at = now + self._settings.heartbeat_seconds
                    await self._beat(connection, neighbour)
                await asyncio.sleep(_POLL_SECONDS)

    async def _beat(self, connection: Dedicated, neighbour: GrpcPeer) -> None:
        progress = await outbox.progress(connection.driver, self._peer.destination_id)
        waiting = progress.last_sequence - progress.acked_sequence
        await neighbour.beat(
            self._clock(), waiting_count=waiting, timeout_seconds=self._settings.answer_timeout_seconds
        )
        await links.note_success(connection.driver, self._peer.destination_id)


def _told(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the error that tells most: a refusal before a broken connection before a cancellation."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_told(error) if isinstance(error, BaseExceptionGroup) else error)
    with suppress(StopIteration):
        return next(
            error for error in leaves if isinstance(error, ConnectorError) and not isinstance(error, Unreachable)
        )
    with suppress(StopIteration):
        return next(error for error in leaves if not isinstance(error, asyncio.CancelledError))
    return leaves[0]
