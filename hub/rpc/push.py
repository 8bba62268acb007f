"""One push stream: batches in, verdicts out in the same order, business receipts as they come.

At most ``WINDOW`` batches wait for their answer; beyond that nothing is read, so the sender is held back by HTTP/2's
own flow control. Called by ``hub.rpc.exchange_servicer``.
"""

import asyncio
from contextlib import suppress
from typing import Any

from auth.principal import Principal
from connectors.transports.grpc_peer import sealed_of
from exchange_db import inbox, links, receipts, wakeups
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intake.desk import IntakeDesk, Receipt
from hub.intake.streams import require_batch_size, require_stream_name
from hub.listener import Listener
from hub.rpc import answers
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2

WINDOW = 8
_POLL_SECONDS = 1.0


class PushCall:
    """Serves one call of Push."""

    def __init__(
        self,
        ledger: Ledger,
        desk: IntakeDesk,
        listener: Listener,
        draining: asyncio.Event,
        sender: Principal,
        context: Any,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._desk = desk
        self._listener = listener
        self._draining = draining
        self._sender = sender
        self._context = context
        self._writing = asyncio.Lock()
        self._waiting: asyncio.Queue[tuple[int, asyncio.Future[Receipt]] | None] = asyncio.Queue(WINDOW)
        self._last_sent = 0
        self._stream = ""
        self._is_read = asyncio.Event()

    async def serve(self) -> None:
        """Runs until the sender is done and everything it is owed was written.

        Raises:
            Violated: the sender breaks the protocol or is no longer welcome.
        """
        opening = await self._open()
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, self._sender.peer_id, opening.stream)
        self._stream = opening.stream
        asked = await self._desk.required_of(self._sender)
        await self._write(
            opened=exchange.PushOpened(next_sequence=stream.last_sequence + 1, signature_algorithms=asked)
        )
        self._last_sent = stream.last_sequence
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(stream.stream_id))
                draining = tasks.create_task(self._drain(reading))
                owed = [tasks.create_task(self._answer())]
                if opening.wants_receipts:
                    owed.append(tasks.create_task(self._receipts(stream.stream_id, opening.receipts_after)))
                await asyncio.wait(owed)
                draining.cancel()
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _open(self) -> exchange.PushOpening:
        request = await self._context.read()
        if not isinstance(request, exchange.PushRequest) or not request.HasField("opening"):
            raise Violated("STREAM_NOT_OPENED")
        require_stream_name(request.opening.stream, "opening.stream")
        return request.opening

    async def _read(self, stream_id: int) -> None:
        """Hands every batch in; the next one comes over the wire while this one is being checked."""
        coming = asyncio.ensure_future(self._context.read())
        try:
            while isinstance(request := await coming, exchange.PushRequest):
                coming = asyncio.ensure_future(self._context.read())
                await self._hand_in(stream_id, request.batch)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await self._waiting.put(None)

    async def _hand_in(self, stream_id: int, batch: parcel_pb2.Batch) -> None:
        require_batch_size(len(batch.parcels), "batch.parcels")
        if batch.first_sequence < 1:
            raise Violated("FIELD_MISSING", "batch.first_sequence")
        answered = await self._desk.hand_in(
            self._sender, stream_id, batch.first_sequence, list(batch.parcels), sealed=sealed_of(self._stream, batch)
        )
        await self._waiting.put((batch.first_sequence, answered))

    async def _drain(self, reading: "asyncio.Task[None]") -> None:
        """When the hub stops: takes no more, answers what was taken, and tells the sender to connect again."""
        await self._draining.wait()
        reading.cancel()
        await self._waiting.put(None)
        await self._is_read.wait()
        raise Violated("STREAM_BUSY")

    async def _answer(self) -> None:
        while (waiting := await self._waiting.get()) is not None:
            first_sequence, answered = waiting
            receipt = await answered
            if receipt.answer.is_blocked:
                async with self._ledger.watching() as connection:
                    raise Violated(await links.refusal_of(connection.driver, self._sender.destination_id))
            self._last_sent = max(self._last_sent, receipt.answer.next_sequence - 1)
            await self._write(verdict=answers.batch_verdict(first_sequence, receipt))
        self._is_read.set()

    async def _receipts(self, stream_id: int, after: int) -> None:
        async with self._ledger.dedicated() as connection:
            while not (self._is_read.is_set() and after >= self._last_sent):
                seen = self._listener.version(wakeups.SETTLED)
                settled = await receipts.settled_range(connection.driver, stream_id, after)
                if settled is not None:
                    await self._write(receipts=answers.receipt_range(settled, self._clock()))
                    after = settled.last
                    if self._is_read.is_set() or after < self._last_sent:
                        continue
                await self._listener.wait(wakeups.SETTLED, seen, _POLL_SECONDS)

    async def _write(self, **message: Any) -> None:
        async with self._writing:
            await self._context.write(exchange.PushResponse(**message))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the error that ended a group: a cancelled call counts only if nothing else went wrong."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_first(error) if isinstance(error, BaseExceptionGroup) else error)
    with suppress(StopIteration):
        return next(error for error in leaves if not isinstance(error, asyncio.CancelledError))
    return leaves[0]
