"""Asking the neighbours this hub dials which contract they speak and what they run."""

from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db import links, peers
from exchange_db.session import Ledger
from hub.delivery.dialling import Dialler
from hub.links.testing import LinkTester


class Greeter:
    """Asks all of them in turn.

    Args:
        ledger: the hub's database.
        dialler: makes targets of neighbours.
        tester: asks one and keeps what it says.
    """

    def __init__(self, ledger: Ledger, dialler: Dialler, tester: LinkTester) -> None:
        self._ledger = ledger
        self._dialler = dialler
        self._tester = tester

    async def run(self) -> int:
        """Asks whoever can be dialled, is not paused and not waited for; returns how many answered."""
        async with self._ledger.read() as session:
            known, waiting = await peers.all_peers(session), await links.held_off(session.driver)
        count = 0
        for peer in known:
            if not peer.is_dialled or peer.state != "active" or peer.is_paused or peer.destination_id in waiting:
                continue
            try:
                async with GrpcPeer(self._dialler.target(peer)) as neighbour:
                    await self._tester.greet(peer, neighbour)
            except (ConnectorError, OSError):
                # Delivery notes that it does not answer.
                continue
            count += 1
        return count
