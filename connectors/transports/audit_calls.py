"""Asking a neighbour to countersign a checkpoint of this hub's audit log: plain values in and out.

Called by ``hub.audit``. Nothing is verified here; what comes is from anywhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.audit_records import SignedBytes
from protos.audit.v1 import audit_service_pb2 as audit


class Countersigned(NamedTuple):
    """A neighbour's answer: what it holds of the log, and its signature unless the proof began elsewhere."""

    held_size: int
    signed: SignedBytes | None


async def countersign(
    neighbour: GrpcPeer, checkpoint: SignedBytes, proven_size: int, proof: Sequence[bytes], *, timeout_seconds: float
) -> Countersigned:
    """Shows a checkpoint and asks for a signature on it.

    Raises:
        ConnectorError: see ``asked``; a log that was cut or written anew is ``CallRefused`` with
            CHECKPOINT_INCONSISTENT.
    """
    request = audit.CountersignRequest(checkpoint=written(checkpoint), proven_size=proven_size, proof=proof)
    answer = await asked(neighbour.audit.Countersign(request, timeout=timeout_seconds))
    signed = read(answer.countersignature) if answer.HasField("countersignature") else None
    return Countersigned(answer.held_size, signed)


def written(signed: SignedBytes) -> audit.SignedStatement:
    """Returns a signed statement as the contract carries it."""
    return audit.SignedStatement(content=signed.content, signature=signed.signature, certificates=signed.certificates)


def read(message: audit.SignedStatement) -> SignedBytes:
    """Returns what a message carries."""
    return SignedBytes(message.content, message.signature, message.certificates)
