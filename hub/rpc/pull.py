"""Giving a neighbour what is due to it, from a cursor, for as long as the call is open."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from auth.envelope import LINK_STREAM
from auth.principal import Principal
from exchange_db import links, outbox, wakeups
from exchange_db.records import Violated
from exchange_db.seal_records import Sealing
from exchange_db.session import Ledger
from hub.delivery.numbering import confirm_up_to, numbered_after
from hub.listener import Listener
from hub.telemetry.steps import RecordSteps
from hub.veil import Veil
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2

_MAX_BATCH_BYTES = 3_500_000
_POLL_SECONDS = 1.0


async def parcels_due(
    ledger: Ledger,
    listener: Listener,
    draining: asyncio.Event,
    puller: Principal,
    request: exchange.PullRequest,
    sealing: Sealing,
    veil: Veil,
    *,
    steps: RecordSteps | None = None,
) -> AsyncIterator[exchange.PullResponse]:
    """Yields batches behind ``request.after_sequence``; numbers what has no number yet.

    Raises:
        Violated: CURSOR_AHEAD, ARGUMENT_INVALID, PEER_BLOCKED or LINK_PAUSED as soon as that is so,
            STREAM_BUSY when the hub stops.
    """
    if not 0 <= request.batch_size <= 2_000:
        raise Violated("ARGUMENT_INVALID", "batch_size", request.batch_size)
    size = request.batch_size or 500
    destination_id = puller.destination_id
    async with ledger.dedicated() as connection:
        driver = connection.driver
        await confirm_up_to(connection, destination_id, request.after_sequence, "after_sequence")
        after = request.after_sequence
        while not draining.is_set():
            seen = listener.version(wakeups.OUTBOX)
            numbered = await numbered_after(connection, destination_id, after, size, _MAX_BATCH_BYTES)
            if not numbered and request.stop_when_empty:
                return
            if not numbered:
                await listener.wait(wakeups.OUTBOX, seen, _POLL_SECONDS)
            if not await links.is_welcome(driver, destination_id, puller.thumbprint):
                raise Violated(await links.refusal_of(driver, destination_id))
            if numbered:
                shown = [veil.shown(puller.peer_id, parcel.payload) for parcel in numbered]
                batch = parcel_pb2.Batch(first_sequence=after + 1, parcels=shown)
                _seal(batch, sealing, puller.peer_id, request.signature_algorithms)
                after += len(numbered)
                waiting = (await outbox.progress(driver, destination_id)).last_sequence - after
                begin = time.time_ns() if steps is not None else 0
                yield exchange.PullResponse(batch=batch, waiting_count=waiting)
                if steps is not None:
                    steps.delivered(puller.peer_id, [parcel.payload for parcel in numbered], begin)
    raise Violated("STREAM_BUSY")


def _seal(batch: parcel_pb2.Batch, sealing: Sealing, receiver: str, asked: Sequence[str]) -> None:
    for seal in sealing(receiver, LINK_STREAM, batch.first_sequence, list(batch.parcels), asked):
        batch.signatures.add(statement=seal.statement, signature=seal.signature)
