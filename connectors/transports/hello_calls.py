"""Meeting a neighbour: which contract it speaks, what it runs, and what its clock says."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from connectors.transports.grpc_peer import GrpcPeer, asked
from protos.federation.v1 import federation_service_pb2 as federation

#: Contract packages this release speaks.
CONTRACTS = (
    "sanji.attachment.v1",
    "sanji.audit.v1",
    "sanji.component.v1",
    "sanji.evaluation.v1",
    "sanji.document.v1",
    "sanji.exchange.v1",
    "sanji.federation.v1",
    "sanji.standards.v1",
    "sanji.statistics.v1",
)


class Greeting(NamedTuple):
    """What a neighbour said of itself.

    ``contracts`` are the packages both sides speak; ``skew_ms`` is how far its clock is ahead of ours, the way there
    and back taken as equally long.
    """

    hub_id: str
    contracts: tuple[str, ...]
    software: str
    skew_ms: int


async def greet(neighbour: GrpcPeer, own_id: str, contracts: Sequence[str], timeout_seconds: float) -> Greeting:
    """Introduces us and returns what the neighbour says of itself.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = federation.HelloRequest(peer_id=own_id, contracts=contracts)
    sent = time.time_ns() // 1_000
    answer = await asked(neighbour.federation.Hello(request, timeout=timeout_seconds))
    halfway = (sent + time.time_ns() // 1_000) // 2
    return Greeting(answer.hub_id, tuple(answer.contracts), answer.version, (answer.hub_time - halfway) // 1_000)
