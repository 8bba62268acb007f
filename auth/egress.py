"""Calling a platform: only at the addresses registered for it, with an end to everything.

Addresses on the government extranet are private ones, so "no private addresses" cannot be the rule. The rule is a list
for each platform, checked on the address that is really dialled, after every look-up: a name that points elsewhere
later, a redirect, an address in an odd spelling all end there. Answers are bounded in time, size and depth.

Called by ``auth.oidc_client``, ``auth.cas_client``, ``auth.tickets`` and ``hub.alerts``.
Source: OWASP ASVS 5.0 V15 (server-side request forgery).
"""

import asyncio
import errno
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from auth.assertion import UpstreamFailed
from exchange_db.sign_on_records import ProfileInvalid, read_address, require_web

MOST_SECONDS = 3.0
MOST_BYTES = 256 * 1024
MOST_DEPTH = 16
_AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class AddressRefused(OSError):
    """A name led to an address that is not registered for the platform."""


class Answer(NamedTuple):
    """What a platform answered."""

    status: int
    body: bytes

    def read_object(self) -> dict[str, Any]:
        """Returns the JSON object of the body.

        Raises:
            UpstreamFailed: it is none, is too deep, or has a name twice.
        """
        try:
            read = json.loads(self.body.decode(), object_pairs_hook=_without_doubles)
        except (ValueError, RecursionError) as error:
            raise UpstreamFailed("upstream_failed", f"no JSON: {type(error).__name__}") from None
        if not isinstance(read, dict) or _depth_exceeds(read, MOST_DEPTH):
            raise UpstreamFailed("upstream_failed", "no JSON object, or one too deep")
        return read


class Egress:
    """Calls one platform. ``close`` it in the end.

    Args:
        addresses: what may be dialled, as a profile has it.
        authority: PEM file of the authority of its servers; empty for the machine's own list.
        most_seconds: longest a call may take.
    """

    def __init__(self, addresses: tuple[str, ...], authority: str = "", *, most_seconds: float = MOST_SECONDS) -> None:
        self._allowed = [read_address(text) for text in addresses]
        self._authority = authority
        self._timeout = ClientTimeout(total=most_seconds)
        self._session: ClientSession | None = None

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        data: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Makes one call and returns the answer, whatever its status; a redirect is an answer like any other.

        Raises:
            UpstreamFailed: not registered, not reached, too slow, or too much.
        """
        try:
            require_web("url", url)
        except ProfileInvalid as error:
            raise UpstreamFailed("upstream_failed", str(error)) from None
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            async with self._opened().request(
                method, url, data=data if body is None else body, headers=sent, allow_redirects=False
            ) as response:
                # Packed bodies are not asked for, so that there is no such thing as one that swells.
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise UpstreamFailed("upstream_failed", "packed answer")
                return Answer(response.status, await _read(response))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            raise UpstreamFailed("upstream_failed", f"{type(error).__name__}: {error}"[:300]) from None

    async def dial(self, host: str, port: int) -> socket.socket:
        """Opens a connection to a registered address, for what is not the web; the caller closes it.

        Raises:
            UpstreamFailed: not registered, or not reached.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            opened = self._socket(found[0])
            opened.setblocking(False)  # noqa: FBT003 — the call of the standard library
            try:
                async with asyncio.timeout(self._timeout.total):
                    await loop.sock_connect(opened, found[0][4])
            except BaseException:
                opened.close()
                raise
        except (OSError, TimeoutError) as error:
            raise UpstreamFailed("upstream_failed", f"{type(error).__name__}: {error}"[:300]) from None
        return opened

    async def close(self) -> None:
        """Closes what is open."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> ClientSession:
        if self._session is None:
            try:
                tls = ssl.create_default_context(cafile=self._authority or None)
            except OSError as error:
                raise UpstreamFailed("upstream_failed", f"authority {self._authority}: {error}") from None
            connector = TCPConnector(ssl=tls, socket_factory=self._socket, limit=16, ttl_dns_cache=10)
            self._session = ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=DummyCookieJar(), auto_decompress=False
            )
        return self._session

    def _socket(self, info: _AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not self._is_allowed(str(address[0]), int(address[1])):
            raise AddressRefused(errno.EACCES, f"{address[0]}:{address[1]} is not registered for this platform")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _is_allowed(self, host: str, port: int) -> bool:
        dialled = ipaddress.ip_address(host.partition("%")[0])
        return any(port == wanted and dialled in network for network, wanted in self._allowed)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(16_384):
        body += piece
        if len(body) > MOST_BYTES:
            response.close()
            raise UpstreamFailed("upstream_failed", f"more than {MOST_BYTES} bytes")
    return bytes(body)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name twice")
    return read


def _depth_exceeds(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(inner, dict | list) for inner in level)
