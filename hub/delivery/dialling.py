"""How a neighbour is dialled: its registry entry and this hub's own certificate. Whose link is paused is not."""

from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import Unreachable
from connectors.transports.grpc_peer import Target
from exchange_db.peers import Peer
from exchange_db.seal_records import Sealing
from hub.clock import Clock


class Dialler:
    """Makes targets from registry entries; the three files are this hub's own.

    ``clock`` is the hub's, microseconds since 1970; ``sealing`` signs batches in its name, ``None`` where nothing is
    delivered.
    """

    def __init__(
        self, authority: Path, certificate: Path, key: Path, clock: Clock, sealing: Sealing | None = None
    ) -> None:
        self._authority = authority
        self._certificate = certificate
        self._key = key
        self._clock = clock
        self._sealing = sealing

    def target(self, peer: Peer) -> Target:
        """Returns the target that reaches a neighbour.

        Raises:
            Unreachable: the link is paused.
        """
        if peer.is_paused:
            raise Unreachable(f"{peer.peer_id}：链路已暂停 / the link is paused; sanji link resume {peer.peer_id}")
        files = (self._authority, self._certificate, self._key)
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        counts = peer.earlier_end_time is not None and peer.earlier_end_time > now
        second = (counts and peer.earlier_thumbprint) or ""
        return Target(peer.peer_id, peer.address, peer.thumbprint, *files, self._sealing, second)
