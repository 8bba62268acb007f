"""AuditService: takes the principal, hands on, answers. Only hubs witness each other, each its own log."""

from typing import Any

from connectors.transports.audit_calls import read, written
from exchange_db.records import Violated
from hub.audit.witnessing import Witness
from hub.rpc.calls import principal_of
from protos.audit.v1 import audit_service_pb2 as audit
from protos.audit.v1 import audit_service_pb2_grpc as audit_grpc

#: A proof between two sizes below 2 ** 63 has no more.
_MOST_HASHES = 128


class AuditServicer(audit_grpc.AuditServiceServicer):
    """Serves the contract of witnessing."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def Countersign(self, request: audit.CountersignRequest, context: Any) -> audit.CountersignResponse:
        """Signs a neighbour's checkpoint."""
        if len(request.proof) > _MOST_HASHES:
            raise Violated("ARGUMENT_INVALID", "proof", len(request.proof))
        shown = read(request.checkpoint)
        held_size, signed = await self._witness.sign(
            principal_of(context), shown, request.proven_size, list(request.proof)
        )
        return audit.CountersignResponse(
            held_size=held_size, countersignature=written(signed) if signed is not None else None
        )
