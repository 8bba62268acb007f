"""The gRPC server of a hub: mutual TLS 1.3, limits, health and reflection."""

from pathlib import Path
from typing import NamedTuple

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from hub.rpc.attachment_servicer import AttachmentServicer
from hub.rpc.calls import CallGuard
from hub.rpc.component_servicer import ComponentServicer
from hub.rpc.exchange_servicer import ExchangeServicer
from hub.rpc.federation_servicer import FederationServicer
from hub.rpc.ownership_servicer import OwnershipServicer
from hub.rpc.reconcile_servicer import ReconcileServicer
from hub.rpc.standards_servicer import StandardsServicer
from hub.rpc.statistics_servicer import StatisticsServicer
from protos.attachment.v1 import attachment_service_pb2, attachment_service_pb2_grpc
from protos.component.v1 import (
    component_service_pb2,
    component_service_pb2_grpc,
    ownership_service_pb2,
    ownership_service_pb2_grpc,
)
from protos.exchange.v1 import exchange_service_pb2, exchange_service_pb2_grpc
from protos.federation.v1 import (
    federation_service_pb2,
    federation_service_pb2_grpc,
    reconcile_service_pb2,
    reconcile_service_pb2_grpc,
)
from protos.standards.v1 import standards_service_pb2, standards_service_pb2_grpc
from protos.statistics.v1 import statistics_service_pb2, statistics_service_pb2_grpc

MAX_MESSAGE_BYTES = 4 * 1024 * 1024

#: A client that is slow to shake hands, or silent, is cut off; compression is not offered, so nothing can be a bomb.
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),
    ("grpc.compression_enabled_algorithms_bitset", 1),
)
_SERVICES = (
    exchange_service_pb2.DESCRIPTOR.services_by_name["ExchangeService"].full_name,
    federation_service_pb2.DESCRIPTOR.services_by_name["FederationService"].full_name,
    standards_service_pb2.DESCRIPTOR.services_by_name["StandardsService"].full_name,
    statistics_service_pb2.DESCRIPTOR.services_by_name["StatisticsService"].full_name,
    attachment_service_pb2.DESCRIPTOR.services_by_name["AttachmentService"].full_name,
    component_service_pb2.DESCRIPTOR.services_by_name["ComponentService"].full_name,
    ownership_service_pb2.DESCRIPTOR.services_by_name["OwnershipService"].full_name,
    reconcile_service_pb2.DESCRIPTOR.services_by_name["ReconcileService"].full_name,
)


class Servicers(NamedTuple):
    """What is served."""

    exchange: ExchangeServicer
    federation: FederationServicer
    standards: StandardsServicer
    statistics: StatisticsServicer
    attachments: AttachmentServicer
    components: ComponentServicer
    ownership: OwnershipServicer
    reconcile: ReconcileServicer


class PortTaken(Exception):
    """The address cannot be listened on. Is another hub running there?"""


class RpcServer:
    """The server.

    Args:
        guard: authenticates every call.
        servicers: what is served.
        address: ``host:port``; port 0 takes a free one.
        authority, certificate, key: PEM files.
        has_reflection: offer reflection to registered certificates.
    """

    def __init__(
        self,
        guard: CallGuard,
        servicers: Servicers,
        *,
        address: str,
        authority: Path,
        certificate: Path,
        key: Path,
        has_reflection: bool,
    ) -> None:
        self._draining = servicers.exchange.draining
        self._server = grpc.aio.server(interceptors=(guard,), options=_OPTIONS)
        exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server(servicers.exchange, self._server)
        federation_service_pb2_grpc.add_FederationServiceServicer_to_server(servicers.federation, self._server)
        standards_service_pb2_grpc.add_StandardsServiceServicer_to_server(servicers.standards, self._server)
        statistics_service_pb2_grpc.add_StatisticsServiceServicer_to_server(servicers.statistics, self._server)
        attachment_service_pb2_grpc.add_AttachmentServiceServicer_to_server(servicers.attachments, self._server)
        component_service_pb2_grpc.add_ComponentServiceServicer_to_server(servicers.components, self._server)
        ownership_service_pb2_grpc.add_OwnershipServiceServicer_to_server(servicers.ownership, self._server)
        reconcile_service_pb2_grpc.add_ReconcileServiceServicer_to_server(servicers.reconcile, self._server)
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if has_reflection:
            reflection.enable_server_reflection((*_SERVICES, reflection.SERVICE_NAME), self._server)
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), certificate.read_bytes())], authority.read_bytes(), require_client_auth=True
        )
        try:
            self.port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise PortTaken(address) from error

    async def start(self) -> None:
        """Begins to serve."""
        await self._server.start()
        for name in ("", *_SERVICES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_seconds: float) -> None:
        """Takes no new calls and lets those under way finish for a while."""
        self._draining.set()
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)
