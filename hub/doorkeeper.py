"""Slow, silent and too many connections in front of aiohttp, whose server never closes any of them by itself.

A connection has ``HEAD_SECONDS`` for the head of its first request, must go on bringing a body, must take its answer,
and may be idle for ``IDLE_SECONDS``; an address may hold so many. Whoever falls short is hung up on without a word.
``hub.rest`` and ``hub.console`` listen through ``GuardedSite`` and put ``Doorkeeper.watch`` before all middlewares.
"""

import asyncio
import ssl
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HANDSHAKE_SECONDS = 5.0
HEAD_SECONDS = 5.0
BODY_SECONDS = 8.0
IDLE_SECONDS = 6.0
ANSWER_SECONDS = 30.0
#: Bytes that must come within ``BODY_SECONDS`` while a body is not complete.
LEAST_BYTES = 8 * 1024


class GuardedConnection(asyncio.Protocol):
    """One connection: passes everything on to aiohttp's protocol and hangs up when it takes too long.

    Args:
        inner: aiohttp's protocol of this connection.
        keeper: knows all connections.
    """

    def __init__(self, inner: asyncio.Protocol, keeper: "Doorkeeper") -> None:
        self._inner = inner
        self._keeper = keeper
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to wait for the head of the first request."""
        self._transport = transport
        if not self._keeper.enter(transport, self):
            self._transport.abort()
        self._inner.connection_made(transport)
        self._wait(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Passes on what came."""
        self._received += len(data)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Passes on that nothing more comes."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Begins to wait for the other side to take what it asked for."""
        self._answer_timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._transport.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Goes on."""
        if self._answer_timer is not None:
            self._answer_timer.cancel()
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        for timer in (self._timer, self._answer_timer):
            if timer is not None:
                timer.cancel()
        self._keeper.leave(self._transport)
        self._inner.connection_lost(exc)

    def head_came(self, request: web.Request) -> None:
        """Waits for the body now, if there is one. Idling after the answer is aiohttp's own to end."""
        self._rest()
        if request.body_exists and not request.content.is_eof():
            self._watch_body()
            request.content.on_eof(self._rest)

    def _watch_body(self) -> None:
        received = self._received

        def look() -> None:
            if self._received - received < LEAST_BYTES:
                self._transport.abort()
            else:
                self._watch_body()

        self._timer = asyncio.get_running_loop().call_later(BODY_SECONDS, look)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.abort)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Doorkeeper:
    """All connections of one server.

    Args:
        per_address: connections one address may hold.
    """

    def __init__(self, per_address: int) -> None:
        self._per_address = per_address
        self._open: dict[asyncio.BaseTransport, tuple[str, GuardedConnection]] = {}
        self._counts: Counter[str] = Counter()

    def enter(self, transport: asyncio.BaseTransport, connection: GuardedConnection) -> bool:
        """Notes a connection; tells whether its address may have one more."""
        name = transport.get_extra_info("peername")
        address = str(name[0]) if isinstance(name, tuple) else ""
        self._open[transport] = (address, connection)
        self._counts[address] += 1
        return self._counts[address] <= self._per_address

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Forgets a connection."""
        address, _ = self._open.pop(transport)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]

    def watch(self) -> Middleware:
        """Returns the middleware that tells a connection that the head of a request is complete."""

        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            found = self._open.get(request.transport) if request.transport is not None else None
            if found is not None:
                found[1].head_came(request)
            return await handler(request)

        return watched


class GuardedSite(web.BaseSite):
    """An address that is listened on through a doorkeeper.

    Args:
        runner: the application's runner, made with ``keepalive_timeout=IDLE_SECONDS``.
        keeper: watches the connections.
        host, port: where to listen; port 0 takes a free one.
        ssl_context: certificate, for TLS.
        shares_port: other processes of the hub may listen there as well.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        keeper: Doorkeeper,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        shares_port: bool = False,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._keeper, self._host, self._port = keeper, host, port
        self._shares_port = shares_port

    @property
    def name(self) -> str:
        """The address, as aiohttp's runner lists it."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        await super().start()
        serve = self._runner.server
        assert serve is not None  # noqa: S101 — the runner is set up, or the site could not have been made
        self._server = await asyncio.get_running_loop().create_server(
            lambda: GuardedConnection(serve(), self._keeper),
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_port=self._shares_port or None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._ssl_context else None,
        )
