"""How a neighbour is dialled: its registry entry and this hub's own certificate."""

from pathlib import Path

from connectors.transports.grpc_peer import Target
from exchange_db.peers import Peer


class Dialler:
    """Makes targets from registry entries; the three files are this hub's own."""

    def __init__(self, authority: Path, certificate: Path, key: Path) -> None:
        self._authority = authority
        self._certificate = certificate
        self._key = key

    def target(self, peer: Peer) -> Target:
        """Returns the target that reaches a neighbour."""
        return Target(peer.peer_id, peer.address, peer.thumbprint, self._authority, self._certificate, self._key)
