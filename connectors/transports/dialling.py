"""Which transport reaches a hub: told by how the hub is to be dialled."""

from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.rest import RestPeer, RestTarget


def peer_at(target: Target | RestTarget) -> GrpcPeer | RestPeer:
    """Returns a connection, not opened yet, that can push, pull and fetch receipts."""
    return RestPeer(target) if isinstance(target, RestTarget) else GrpcPeer(target)
