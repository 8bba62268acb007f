"""Saying hello: each side tells the other which records and ways it knows."""

from connectors.transports.grpc_peer import GrpcPeer, asked
from protos.federation.v1 import federation_service_pb2 as federation

#: The word of those who take canaries and answer them.
CANARY = "record:canary"
_ANSWER_SECONDS = 5.0


async def introduce(peer: GrpcPeer, own_id: str) -> frozenset[str]:
    """Tells a hub that we know canaries, and returns what it knows.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = federation.HelloRequest(peer_id=own_id, capabilities=[CANARY])
    return frozenset((await asked(peer.federation.Hello(request, timeout=_ANSWER_SECONDS))).capabilities)
