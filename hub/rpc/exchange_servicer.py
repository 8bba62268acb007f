"""ExchangeService: takes the principal, hands on, answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg

from connectors.transports.grpc_peer import sealed_of
from exchange_db import inbox, links, receipts, wakeups
from exchange_db.keys import message_key
from exchange_db.receipts import PENDING, Settlement
from exchange_db.records import Violated
from exchange_db.seal_records import ONE_STREAM, Sealing
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intake.desk import IntakeDesk
from hub.listener import Listener
from hub.rpc import answers
from hub.rpc.calls import principal_of
from hub.rpc.case_reading import CaseReader
from hub.rpc.pull import parcels_due
from hub.rpc.push import PushCall
from hub.telemetry.steps import current_steps
from hub.veil import Veil
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import receipt_pb2

_MAX_WAIT_MS = 30_000
_POLL_SECONDS = 1.0
#: A stream that ends within this time after a sign of life ended when the neighbour did.
_SIGN_SECONDS = 30.0


class ExchangeServicer(exchange_grpc.ExchangeServiceServicer):
    """Serves the exchange contract."""

    def __init__(
        self,
        ledger: Ledger,
        desk: IntakeDesk,
        listener: Listener,
        reader: CaseReader,
        clock: Clock,
        sealing: Sealing,
        veil: Veil,
    ) -> None:
        self._sealing = sealing
        self._veil = veil
        #: Set when the hub stops: open streams come to their end.
        self.draining = asyncio.Event()
        self._ledger = ledger
        self._clock = clock
        self._desk = desk
        self._listener = listener
        self._reader = reader
        self._streams: dict[str, int] = {}
        self._steps = current_steps()

    async def Push(self, request_iterator: object, context: Any) -> None:  # type: ignore[override]
        """Takes batches of one stream."""
        sender = principal_of(context)
        call = PushCall(self._ledger, self._desk, self._listener, self.draining, sender, context, self._clock)
        try:
            await call.serve()
        finally:
            if not self.draining.is_set():
                await asyncio.shield(self._note_left(sender.destination_id))

    async def _note_left(self, destination_id: int) -> None:
        """Notes that a neighbour was there until its stream ended."""
        with suppress(psycopg.OperationalError, OSError):
            async with self._ledger.watching() as connection:
                await links.note_left(connection.driver, destination_id, _SIGN_SECONDS)

    async def PushOne(self, request: exchange.PushOneRequest, context: Any) -> exchange.PushOneResponse:
        """Takes one parcel and may wait for its business receipt."""
        sender = principal_of(context)
        _require_request_id(request)
        if not 0 <= request.wait_milliseconds <= _MAX_WAIT_MS:
            raise Violated("ARGUMENT_INVALID", "wait_milliseconds", request.wait_milliseconds)
        stream_id = await self._stream_of(sender.peer_id)
        payload = request.parcel.SerializeToString(deterministic=True)
        receipt = await self._desk.take(sender, stream_id, 0, [payload], sealed_of(ONE_STREAM, request))
        if receipt.answer.is_blocked:
            raise Violated("PEER_BLOCKED")
        verdict = answers.one_verdict(receipt)
        if verdict.outcome == receipt_pb2.OUTCOME_REFUSED:
            return exchange.PushOneResponse(verdict=verdict)
        key = message_key(request.parcel.origin_id, UUID(request.request_id).bytes)
        settled = await self._settled(key, request.wait_milliseconds / 1_000)
        return exchange.PushOneResponse(verdict=verdict, receipt=answers.settlement(settled))

    async def _stream_of(self, peer_id: str) -> int:
        """Returns the number of a sender's stream of unary calls; it never changes, so it is asked once."""
        if peer_id not in self._streams:
            async with self._ledger.watching() as connection:
                self._streams[peer_id] = (await inbox.open_stream(connection, peer_id, ONE_STREAM)).stream_id
        return self._streams[peer_id]

    async def _settled(self, key: bytes, wait_seconds: float) -> Settlement | None:
        until = time.monotonic() + wait_seconds
        async with self._ledger.watching() as connection:
            while True:
                seen = self._listener.version(wakeups.SETTLED)
                found = await receipts.of_message(connection.driver, key)
                left = until - time.monotonic()
                if found is None or found.state != PENDING or left <= 0 or self.draining.is_set():
                    return found
                await self._listener.wait(wakeups.SETTLED, seen, min(left, _POLL_SECONDS))

    async def Pull(self, request: exchange.PullRequest, context: Any) -> AsyncIterator[exchange.PullResponse]:
        """Gives what is due to the caller."""
        puller = principal_of(context)
        async for response in parcels_due(
            self._ledger, self._listener, self.draining, puller, request, self._sealing, self._veil, steps=self._steps
        ):
            yield response

    async def GetCase(self, request: exchange.GetCaseRequest, context: Any) -> exchange.GetCaseResponse:
        """Gives one case."""
        return await self._reader.get(principal_of(context), request)

    async def ListCases(self, request: exchange.ListCasesRequest, context: Any) -> exchange.ListCasesResponse:
        """Gives a page of cases."""
        return await self._reader.listing(principal_of(context), request)

    async def TraceCase(self, request: exchange.TraceCaseRequest, context: Any) -> exchange.TraceCaseResponse:
        """Tells where each tier stands with a case."""
        return await self._reader.trace(principal_of(context), request)


def _require_request_id(request: exchange.PushOneRequest) -> None:
    try:
        is_equal = UUID(request.request_id) == UUID(request.parcel.message_id)
    except ValueError:
        is_equal = False
    if not is_equal:
        raise Violated("REQUEST_ID_INVALID", "request_id", request.request_id)
