"""Handing evidence up from a hub that cannot be dialled: it asks the hubs above what they want of it, and sends that.

The rules decide as if they had fetched it: theirs what they ask for, ours what they get.
"""

import logging
from collections.abc import AsyncIterator, Callable

from auth.principal import Principal
from connectors.errors import CallRefused, ConnectorError
from connectors.transports.attachment_calls import Source, upload, wanted_by
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db import peers
from exchange_db.attachments import Stored
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.evidence.giving import EvidenceReader

logger = logging.getLogger(__name__)


class EvidenceSending:
    """Sends what is wanted above.

    Args:
        ledger: the hub's database.
        reader: decides who gets what, and reads it.
        target_of: how a neighbour is dialled.
    """

    def __init__(self, ledger: Ledger, reader: EvidenceReader, target_of: Callable[[Peer], Target]) -> None:
        self._ledger = ledger
        self._reader = reader
        self._target_of = target_of

    async def run(self) -> int:
        """Does one round; returns how many attachments were sent.

        What a hub above wants and does not get from us, it goes on wanting; that is for people to settle.
        """
        async with self._ledger.read() as session:
            known = await peers.all_peers(session)
        count = 0
        for peer in known:
            if peer.relation != "parent" or not peer.is_dialled or peer.state != "active":
                continue
            try:
                async with GrpcPeer(self._target_of(peer)) as above:
                    count += await self._send_all(above, peer)
            except ConnectorError as error:
                logger.info("attachments for %s: %s", peer.peer_id, error)
        return count

    async def _send_all(self, above: GrpcPeer, peer: Peer) -> int:
        viewer = Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint)
        count = 0
        async for offer in wanted_by(above):
            try:
                stored = await self._reader.find(viewer, offer.digest)
                await upload(above, offer, self._source(stored))
            except (Violated, CallRefused) as error:
                logger.info("attachment %s not sent to %s: %s", offer.digest, peer.peer_id, error)
            else:
                count += 1
        return count

    def _source(self, stored: Stored) -> Source:
        async def pieces(offset: int) -> AsyncIterator[bytes]:
            async for piece in self._reader.pieces(stored, offset):
                yield piece.data

        return pieces
