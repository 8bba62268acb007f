"""A tunnel of TLS 1.3 with the national suites, SM2 certificates on both sides: experimental.

gRPC's own library cannot speak them, so the tunnel stands in front of it: one end takes plain connections on this
machine and dials, the other takes the tunnel's and hands on to the hub. What goes through is not looked at; between
hubs it is gRPC with its own certificates, so who a neighbour is stays what the registry pins, and the tunnel adds a
layer. Needs the extra ``sm-tls`` (pyOpenSSL over an OpenSSL that has SM2 in TLS). Called by ``sanji tunnel``.

Source: RFC 8998 (TLS_SM4_GCM_SM3, curveSM2). The key exchange is curveSM2 where OpenSSL's own configuration offers it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from OpenSSL import SSL

logger = logging.getLogger(__name__)

SUITE = b"TLS_SM4_GCM_SM3"
#: Connections one end carries at once, and how long a handshake or a dial may take.
MAX_CONNECTIONS, HANDSHAKE_SECONDS = 64, 5.0
_PIECE = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TunnelRefused(Exception):
    """The tunnel cannot be used; its text says why and what to do."""


class TunnelEnd(NamedTuple):
    """What one end shows and whom it believes.

    The files are PEM: the SM2 certificate of this end, its key, and the authorities of the other one. ``pins`` are the
    SHA-256 of the certificates that may be at the other end, in hex; empty for every one of those authorities.
    """

    certificate: Path
    key: Path
    authority: Path
    pins: frozenset[str] = frozenset()


def open_context(end: TunnelEnd) -> "SSL.Context":
    """Returns the TLS settings of an end.

    Raises:
        TunnelRefused: the extra is not installed, or a file cannot be used.
    """
    try:
        from OpenSSL import SSL  # noqa: PLC0415 — an extra
    except ImportError:
        raise TunnelRefused(
            "未安装 pyOpenSSL，请安装 sanji[sm-tls]。 / pyOpenSSL is not there; install sanji[sm-tls]."
        ) from None
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    try:
        context.set_tls13_ciphersuites(SUITE)
        context.use_privatekey_file(str(end.key))
        context.use_certificate_chain_file(str(end.certificate))
        context.check_privatekey()
        context.load_verify_locations(str(end.authority))
    except SSL.Error as error:
        raise TunnelRefused(f"证书、私钥或套件不可用：{error} / Certificate, key or suite cannot be used.") from None
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *told: bool(told[-1]))
    return context


class Tunnel:
    """One end of a tunnel.

    Args:
        end: what it shows and whom it believes.
        to: where it hands on to, as (host, port).
        is_dialling: whether it takes plain connections and dials, or the other way round.
    """

    def __init__(self, end: TunnelEnd, to: tuple[str, int], *, is_dialling: bool) -> None:
        self._context = open_context(end)
        self._pins = end.pins
        self._to = to
        self._is_dialling = is_dialling
        self._room = asyncio.Semaphore(MAX_CONNECTIONS)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Takes connections; closing the server ends that.

        Raises:
            OSError: the address cannot be listened on.
        """
        return await asyncio.start_server(self._serve, host, port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._room.locked():
            writer.transport.abort()
            return
        async with self._room:
            here: Streams = (reader, writer)
            there: Streams | None = None
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    if self._is_dialling:
                        there = await asyncio.open_connection(*self._to)
                        secured = await self._shake(there)
                    else:
                        secured = await self._shake(here)
                        there = await asyncio.open_connection(*self._to)
                outside, inside = (there, here) if self._is_dialling else (here, there)
                await secured.carry(outside, inside)
            except (OSError, TimeoutError, TunnelRefused) as error:
                logger.warning("SM tunnel to %s:%d: %s", *self._to, str(error) or "no answer in time")
            finally:
                for _, end in (here, *([there] if there else [])):
                    end.transport.abort()

    async def _shake(self, streams: Streams) -> "_Secured":
        from OpenSSL import SSL  # noqa: PLC0415 — an extra

        connection = SSL.Connection(self._context, None)
        if self._is_dialling:
            connection.set_connect_state()
        else:
            connection.set_accept_state()
        secured = _Secured(connection)
        await secured.shake(streams)
        found = secured.thumbprint()
        if self._pins and found not in self._pins:
            raise TunnelRefused(f"certificate {found} is not one of those that may be there")
        return secured


class _Secured:
    """A TLS connection over memory: bytes of the network go in and out beside it."""

    def __init__(self, connection: "SSL.Connection") -> None:
        from OpenSSL import SSL  # noqa: PLC0415 — an extra

        self._ssl = SSL
        self._connection = connection

    async def shake(self, streams: Streams) -> None:
        reader, writer = streams
        while True:
            try:
                self._connection.do_handshake()
            except self._ssl.WantReadError:
                await self._flush(writer)
                content = await reader.read(_PIECE)
                if not content:
                    raise TunnelRefused("the other end closed during the handshake") from None
                self._connection.bio_write(content)
            except self._ssl.Error as error:
                with suppress(OSError):
                    await self._flush(writer)
                raise TunnelRefused(f"handshake: {error}") from None
            else:
                await self._flush(writer)
                return

    def thumbprint(self) -> str:
        """Returns the SHA-256 of the other end's certificate, in hex."""
        from OpenSSL import crypto  # noqa: PLC0415 — an extra

        certificate = self._connection.get_peer_certificate()
        assert certificate is not None  # noqa: S101 — the handshake fails without one
        return hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)).hexdigest()

    async def carry(self, outside: Streams, inside: Streams) -> None:
        """Hands bytes on in both directions until one side ends."""
        works: list[Callable[[Streams, Streams], Awaitable[None]]] = [self._inward, self._outward]
        tasks = [asyncio.ensure_future(work(outside, inside)) for work in works]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    async def _inward(self, outside: Streams, inside: Streams) -> None:
        while True:
            try:
                while True:
                    inside[1].write(self._connection.recv(_PIECE))
            except self._ssl.WantReadError:
                await inside[1].drain()
            except (self._ssl.ZeroReturnError, self._ssl.SysCallError):
                return
            except self._ssl.Error as error:
                raise TunnelRefused(f"from the other end: {error}") from None
            await self._flush(outside[1])
            content = await outside[0].read(_PIECE)
            if not content:
                return
            self._connection.bio_write(content)

    async def _outward(self, outside: Streams, inside: Streams) -> None:
        while content := await inside[0].read(_PIECE):
            self._connection.sendall(content)
            await self._flush(outside[1])
        with suppress(self._ssl.Error):
            self._connection.shutdown()
        await self._flush(outside[1])

    async def _flush(self, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                writer.write(self._connection.bio_read(_PIECE))
            except self._ssl.WantReadError:
                break
        await writer.drain()
