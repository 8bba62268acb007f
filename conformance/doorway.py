"""The port a platform under test dials: opened with the hub's own certificate, or for a while in disguise."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import grpc

from auth.certificates import Certified
from conformance.stand_in import StandIn

_OPTIONS = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),
    ("grpc.compression_enabled_algorithms_bitset", 1),
)
#: How long somebody who came in is listened to.
_LISTENING_SECONDS = 5.0


class Keys(NamedTuple):
    """Files of the hub that is stood in for: authority, certificate, and its key, PEM."""

    authority: Path
    certificate: Path
    key: Path


class Visits:
    """Who came while in disguise: how many tried, and how many sent anything after the handshake."""

    def __init__(self) -> None:
        self.attempts = 0
        self.spoken = 0


class PortTaken(Exception):
    """The address cannot be listened on."""


class Doorway:
    """Listens; use as ``async with Doorway(stand_in, keys, address) as doorway``.

    Args:
        stand_in: what answers.
        keys: the hub's files.
        address: ``host:port``; port 0 takes a free one, which is kept.

    Raises:
        PortTaken: somebody listens there already.
    """

    def __init__(self, stand_in: StandIn, keys: Keys, address: str) -> None:
        self._stand_in = stand_in
        self._keys = keys
        self._host, _, port = address.rpartition(":")
        self.port = int(port)
        self._server: grpc.aio.Server | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._shut()

    @property
    def is_open(self) -> bool:
        """Whether it serves under its own certificate."""
        return self._server is not None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self._host}:{self.port}"

    async def _open(self) -> None:
        server = grpc.aio.server(options=_OPTIONS)
        self._stand_in.enter(server)
        pair = (self._keys.key.read_bytes(), self._keys.certificate.read_bytes())
        credentials = grpc.ssl_server_credentials([pair], self._keys.authority.read_bytes(), require_client_auth=True)
        try:
            self.port = server.add_secure_port(self.address, credentials)
        except RuntimeError as error:
            raise PortTaken(self.address) from error
        await server.start()
        self._server = server

    async def _shut(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    @asynccontextmanager
    async def disguised(self, shown: Certified) -> AsyncIterator[Visits]:
        """Listens with another certificate instead; nothing is answered after the handshake."""
        visits = Visits()
        await self._shut()
        try:
            server = await asyncio.start_server(_Porter(_context(shown), visits).meet, self._host, self.port)
            async with server:
                yield visits
        finally:
            await self._open()


class _Porter:
    """Shakes hands with whoever comes and listens whether they speak."""

    def __init__(self, context: ssl.SSLContext, visits: Visits) -> None:
        self._context = context
        self._visits = visits

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Meets one."""
        self._visits.attempts += 1
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_LISTENING_SECONDS):
                await writer.start_tls(self._context)
                if await reader.read(1):
                    self._visits.spoken += 1
        writer.transport.abort()


def _context(shown: Certified) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "shown.pem"), Path(folder, "shown.key")
        certificate.write_bytes(shown.certificate)
        key.write_bytes(shown.key)
        context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    return context
