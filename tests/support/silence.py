"""Neighbours that hang, one way each: they take a connection and say nothing more from some point on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from hub.demo.staging import StagedHub
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc

#: From which point on a neighbour is silent: before TLS, after it, before the stream is opened, after its batches.
MOODS = ("tcp", "tls", "opening", "verdict")


class Callers:
    """Counts who came."""

    count = 0


@asynccontextmanager
async def silent(hub: StagedHub, mood: str) -> AsyncIterator[Callers]:
    """Listens in a hub's place, with its certificate, until the block ends."""
    callers = Callers()
    if mood in {"tcp", "tls"}:
        async with _raw(hub, callers, is_secure=mood == "tls"):
            yield callers
    else:
        async with _grpc(hub, callers, is_opened=mood == "verdict"):
            yield callers


@asynccontextmanager
async def _raw(hub: StagedHub, callers: Callers, *, is_secure: bool) -> AsyncIterator[None]:
    context = None
    if is_secure:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(hub.settings.tls.certificate, hub.settings.tls.key)
        context.set_alpn_protocols(["h2"])
    writers: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.count += 1
        writers.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", hub.port, ssl=context)
    try:
        yield
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


@asynccontextmanager
async def _grpc(hub: StagedHub, callers: Callers, *, is_opened: bool) -> AsyncIterator[None]:
    tls = hub.settings.tls
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    exchange_grpc.add_ExchangeServiceServicer_to_server(_Exchange(callers, is_opened=is_opened), server)  # type: ignore[abstract]
    federation_grpc.add_FederationServiceServicer_to_server(_Federation(), server)  # type: ignore[abstract]
    credentials = grpc.ssl_server_credentials(
        [(tls.key.read_bytes(), tls.certificate.read_bytes())], tls.authority.read_bytes(), require_client_auth=True
    )
    server.add_secure_port(hub.address, credentials)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


class _Exchange(exchange_grpc.ExchangeServiceServicer):
    def __init__(self, callers: Callers, *, is_opened: bool) -> None:
        self._callers = callers
        self._is_opened = is_opened

    async def Push(self, request_iterator: object, context: Any) -> None:  # type: ignore[override]  # noqa: N802
        """Takes everything and answers nothing."""
        self._callers.count += 1
        if self._is_opened:
            opened = exchange.PushOpened(next_sequence=1)
            await context.write(exchange.PushResponse(opened=opened))
        while await context.read():
            pass
        await asyncio.Event().wait()


class _Federation(federation_grpc.FederationServiceServicer):
    async def Heartbeat(  # noqa: N802
        self, request: federation.HeartbeatRequest, context: Any
    ) -> federation.HeartbeatResponse:
        """Lives, after all."""
        return federation.HeartbeatResponse()
