"""Telling the hubs below that there is something new. It only spares them time: they also ask by themselves.

Called by the job ``announce-standards``.
"""

import asyncio
from typing import NamedTuple

from connectors.errors import ConnectorError
from connectors.transports import standards_calls
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db import peers, standard_links, standards
from exchange_db.peers import Peer
from exchange_db.records import printable
from exchange_db.regions import line_of
from exchange_db.session import Ledger
from exchange_db.standard_links import ReaderState
from hub.clock import Clock
from hub.standards.pulling import Dial


class Announced(NamedTuple):
    """How many hubs below were told, and how many could not be reached."""

    told_count: int
    unreached_count: int


class StandardsHerald:
    """Announces for one hub.

    Args:
        ledger: the hub's database.
        dial: makes targets of neighbours.
        clock: the hub's clock.
        timeout_seconds: longest wait for an answer; hubs are told at the same time, so one that hangs delays nobody.
    """

    def __init__(self, ledger: Ledger, dial: Dial, clock: Clock, timeout_seconds: float) -> None:
        self._ledger = ledger
        self._dial = dial
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def run(self) -> Announced:
        """Tells every hub below that can be dialled and has neither confirmed nor heard of the newest release."""
        async with self._ledger.read() as session:
            readers = await standard_links.reader_states(session)
            due: list[tuple[Peer, int]] = []
            for peer in await peers.all_peers(session):
                if peer.relation != "child" or peer.kind != "hub" or peer.state != "active" or not peer.is_dialled:
                    continue
                newest = await standards.newest_number(session, line_of(peer.region))
                state = readers.get(peer.peer_id, ReaderState(peer.peer_id))
                if newest > max(state.confirmed_number, state.announced_number):
                    due.append((peer, newest))
        told = await asyncio.gather(*(self._tell(peer, newest) for peer, newest in due))
        return Announced(told.count(True), told.count(False))

    async def _tell(self, peer: Peer, newest_number: int) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds), GrpcPeer(self._dial(peer)) as neighbour:
                await standards_calls.announce(neighbour, newest_number, timeout_seconds=self._timeout_seconds)
        except (ConnectorError, TimeoutError, OSError) as error:
            trouble = printable(str(error)) or "no answer in time"
            async with self._ledger.write() as session:
                await standard_links.note_announce_trouble(session, peer.peer_id, trouble, self._clock())
            return False
        async with self._ledger.write() as session:
            await standard_links.note_announced(session, peer.peer_id, newest_number, self._clock())
        return True
