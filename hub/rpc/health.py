"""The gRPC health service: liveness, readiness, and each service by name.

``""``, ``liveness`` and the services serve as long as the process does and is not draining; ``readiness`` is asked
anew on every check.
"""

from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from exchange_db.session import Ledger
from hub.readiness import readiness

LIVENESS, READINESS = "liveness", "readiness"


class HubHealth(HealthServicer):
    """Serves health.

    Args:
        ledger: the hub's database.
        holder: name of this process.
    """

    def __init__(self, ledger: Ledger, holder: str) -> None:
        super().__init__()
        self._ledger = ledger
        self._holder = holder

    async def Check(  # noqa: N802 — of the contract
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """Answers one check; for ``readiness`` what the database says now."""
        answer = await super().Check(request, context)
        if request.service == READINESS and answer.status == health_pb2.HealthCheckResponse.SERVING:
            is_ready = (await readiness(self._ledger, self._holder)).is_ready
            serving = health_pb2.HealthCheckResponse.SERVING if is_ready else health_pb2.HealthCheckResponse.NOT_SERVING
            return health_pb2.HealthCheckResponse(status=serving)
        return answer
