"""Trying a link now, hop by hop, so that whoever looks sees how far it comes: each hop begins where the last ended.

A paused link can be tried too: nothing of it carries a record.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from auth.certificates import end_time_of
from auth.envelope import LINK_STREAM
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, Target, check_pin
from connectors.transports.hello_calls import CONTRACTS, Greeting, greet
from exchange_db import outbox, peers
from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.partner import Partner, PartnerError, open_partner
from exchange_db.peers import Peer
from exchange_db.records import printable
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.delivery.dialling import Dialler
from hub.intermediate.installing import tables_of
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link

#: Longest time for one hop.
_HOP_SECONDS = 10.0
#: Clocks that differ by more are told as a fault: a record may be 300 s ahead of the receiver's clock at most.
MOST_SKEW_MS = 60_000
_FAILURES = (ConnectorError, PartnerError, LinkFileInvalid, OSError, TimeoutError, ValueError)


class Outcome(StrEnum):
    """How a hop ended; ``SKIPPED`` where one before it failed, or there is no such hop."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


class Hop(NamedTuple):
    """One hop. ``name`` is a key of the catalogue, ``told`` what was found, in words or figures."""

    name: str
    outcome: Outcome
    milliseconds: int
    told: str


class LinkTester:
    """Tries links.

    Args:
        ledger: the hub's database.
        dialler: makes targets of neighbours.
        clock: the hub's clock.
        hub_id: name of this hub.
        folder: where link files of partners' databases are.
    """

    def __init__(self, ledger: Ledger, dialler: Dialler, clock: Clock, hub_id: str, folder: Path) -> None:
        self._ledger = ledger
        self._dialler = dialler
        self._clock = clock
        self._hub_id = hub_id
        self._folder = folder

    async def test(self, peer: Peer) -> list[Hop]:
        """Tries one link and returns its hops in order; what the neighbour says of itself is kept."""
        walk = _Walk()
        if peer.has_database:
            await self._database(walk, peer)
        elif peer.is_dialled:
            await self._dialled(walk, peer)
        else:
            await self._called(walk, peer)
        return walk.hops

    async def greet(self, peer: Peer, neighbour: GrpcPeer) -> Greeting:
        """Asks a neighbour what it is and keeps that.

        Raises:
            ConnectorError: it does not answer, or refuses.
        """
        said = await greet(neighbour, self._hub_id, CONTRACTS, _HOP_SECONDS)
        async with self._ledger.write() as session:
            await peers.note_hello(session, peer.destination_id, said.contracts, said.software)
        return said

    async def _dialled(self, walk: "_Walk", peer: Peer) -> None:
        target = self._dialler.target(peer._replace(is_paused=False))
        host, _, port = peer.address.rpartition(":")

        async def resolve() -> str:
            found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), int(port))
            return ", ".join(sorted({str(item[4][0]) for item in found}))

        async def connect() -> str:
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.transport.abort()
            return peer.address

        await walk.take("hop_name", resolve)
        await walk.take("hop_tcp", connect)
        await walk.take("hop_tls", lambda: self._pin(target))
        if walk.is_broken:
            walk.skip("hop_hello", "hop_clock", "hop_heartbeat", "hop_push")
            return
        try:
            async with GrpcPeer(target) as neighbour:
                await self._calls(walk, peer, neighbour)
        except _FAILURES as error:
            walk.hops.append(Hop("hop_hello", Outcome.BAD, 0, _told(error)))

    async def _pin(self, target: Target) -> str:
        end_time = end_time_of(ssl.DER_cert_to_PEM_cert(await check_pin(target, _HOP_SECONDS)).encode())
        left = (end_time - datetime.fromtimestamp(self._clock() / 1_000_000, UTC)).days
        return f"{target.thumbprint[:16]}, {left} d"

    async def _calls(self, walk: "_Walk", peer: Peer, neighbour: GrpcPeer) -> None:
        said: list[Greeting] = []

        async def hello() -> str:
            said.append(await self.greet(peer, neighbour))
            if said[0].hub_id != peer.peer_id:
                raise ValueError(f"{said[0].hub_id} ≠ {peer.peer_id}")
            return f"{said[0].software}; {', '.join(said[0].contracts)}"

        async def clock() -> str:
            if abs(said[0].skew_ms) > MOST_SKEW_MS:
                raise ValueError(f"{said[0].skew_ms} ms")
            return f"{said[0].skew_ms} ms"

        async def beat() -> str:
            await neighbour.beat(self._clock(), timeout_seconds=_HOP_SECONDS)
            return ""

        await walk.take("hop_hello", hello)
        await walk.take("hop_clock", clock)
        await walk.take("hop_heartbeat", beat)
        await walk.take("hop_push", lambda: self._push(peer, neighbour))

    async def _push(self, peer: Peer, neighbour: GrpcPeer) -> str:
        """Opens the stream and sends nothing: the neighbour says which number it expects next."""
        async with self._ledger.watching() as connection:
            progress = await outbox.progress(connection.driver, peer.destination_id)
        async with neighbour.push(LINK_STREAM) as stream:
            expected = stream.next_sequence
        if expected > progress.last_sequence + 1:
            raise ValueError(f"{expected} > {progress.last_sequence + 1}")
        return f"{expected - 1}/{progress.last_sequence}"

    async def _called(self, walk: "_Walk", peer: Peer) -> None:
        """Looks at a neighbour that only calls itself: what its last call says is all there is."""

        async def registered() -> str:
            left = (peer.certificate_end_time - datetime.fromtimestamp(self._clock() / 1_000_000, UTC)).days
            if left < 0:
                raise ValueError(f"{left} d")
            return f"{peer.thumbprint[:16]}, {left} d"

        async def heard() -> str:
            async with self._ledger.watching() as connection:
                cursor = await connection.driver.execute(
                    "SELECT to_char(greatest(contact_time, heard_time) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SSZ')"
                    " FROM links WHERE destination_id = %s",
                    (peer.destination_id,),
                )
                row = await cursor.fetchone()
            if row is None or row[0] is None:
                raise ValueError("—")
            return str(row[0])

        walk.skip("hop_name", "hop_tcp")
        await walk.take("hop_registered", registered)
        await walk.take("hop_heard", heard)

    async def _database(self, walk: "_Walk", peer: Peer) -> None:
        found: list[DatabaseLink] = []

        async def read() -> str:
            found.append(await asyncio.to_thread(find_link, self._folder, peer.peer_id))
            return found[0].engine

        await walk.take("hop_link_file", read)
        if walk.is_broken:
            walk.skip("hop_connect", "hop_columns")
            return
        link, begun = found[0], time.monotonic()
        try:
            async with asyncio.timeout(_HOP_SECONDS), open_partner(link.url, link.zone) as partner:
                walk.hops.append(Hop("hop_connect", Outcome.GOOD, _since(begun), link.engine))
                await walk.take("hop_columns", lambda: _columns(partner, link))
        except _FAILURES as error:
            walk.hops.append(Hop("hop_connect", Outcome.BAD, _since(begun), _told(error)))
            walk.skip("hop_columns")


class _Walk:
    """The hops so far; behind a bad one nothing is tried."""

    def __init__(self) -> None:
        self.hops: list[Hop] = []

    @property
    def is_broken(self) -> bool:
        return any(hop.outcome is Outcome.BAD for hop in self.hops)

    async def take(self, name: str, act: Callable[[], Awaitable[str]]) -> None:
        if self.is_broken:
            self.skip(name)
            return
        begun = time.monotonic()
        try:
            async with asyncio.timeout(_HOP_SECONDS):
                told, outcome = await act(), Outcome.GOOD
        except _FAILURES as error:
            told, outcome = _told(error), Outcome.BAD
        self.hops.append(Hop(name, outcome, _since(begun), told))

    def skip(self, *names: str) -> None:
        self.hops += [Hop(name, Outcome.SKIPPED, 0, "") for name in names]


async def _columns(partner: Partner, link: DatabaseLink) -> str:
    """Wants every table of the link to be there; returns how many there are."""
    own = [*(source.name for source in link.source), *(target.name for target in link.target)]
    names = own or [table.name for table in tables_of(link)]
    missing = [name for name in names if not await read_columns(partner, name)]
    if missing:
        raise ValueError(", ".join(missing[:10]))
    return str(len(names))


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1_000)


def _told(error: BaseException) -> str:
    return printable(str(error))[:400] or f"{_HOP_SECONDS:.0f} s"
