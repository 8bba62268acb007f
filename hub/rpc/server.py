"""The gRPC server of a hub: mutual TLS 1.3, limits, health and reflection."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from connectors.transports.channel import MAX_MESSAGE_BYTES
from hub.doors import RPC_DOORS, require_declared
from hub.rpc.attachment_servicer import AttachmentServicer
from hub.rpc.audit_servicer import AuditServicer
from hub.rpc.calls import CallGuard
from hub.rpc.component_servicer import ComponentServicer
from hub.rpc.document_servicer import DocumentServicer
from hub.rpc.evaluation_servicer import EvaluationServicer
from hub.rpc.exchange_servicer import ExchangeServicer
from hub.rpc.federation_servicer import FederationServicer
from hub.rpc.health import LIVENESS, READINESS, HubHealth
from hub.rpc.ownership_servicer import OwnershipServicer
from hub.rpc.reconcile_servicer import ReconcileServicer
from hub.rpc.standards_servicer import StandardsServicer
from hub.rpc.statistics_servicer import StatisticsServicer
from hub.sections.listen import ListenPart
from protos.attachment.v1 import attachment_service_pb2, attachment_service_pb2_grpc
from protos.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from protos.component.v1 import (
    component_service_pb2,
    component_service_pb2_grpc,
    ownership_service_pb2,
    ownership_service_pb2_grpc,
)
from protos.document.v1 import document_service_pb2, document_service_pb2_grpc
from protos.evaluation.v1 import evaluation_service_pb2, evaluation_service_pb2_grpc
from protos.exchange.v1 import exchange_service_pb2, exchange_service_pb2_grpc
from protos.federation.v1 import (
    federation_service_pb2,
    federation_service_pb2_grpc,
    reconcile_service_pb2,
    reconcile_service_pb2_grpc,
)
from protos.standards.v1 import standards_service_pb2, standards_service_pb2_grpc
from protos.statistics.v1 import statistics_service_pb2, statistics_service_pb2_grpc

#: A client that is slow to shake hands, or silent, is cut off; compression is not offered, so nothing can be a bomb.
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_idle_ms", 600_000),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.compression_enabled_algorithms_bitset", 1),
)
_REFLECTION = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"
_SERVICES = (
    exchange_service_pb2.DESCRIPTOR.services_by_name["ExchangeService"].full_name,
    federation_service_pb2.DESCRIPTOR.services_by_name["FederationService"].full_name,
    standards_service_pb2.DESCRIPTOR.services_by_name["StandardsService"].full_name,
    statistics_service_pb2.DESCRIPTOR.services_by_name["StatisticsService"].full_name,
    attachment_service_pb2.DESCRIPTOR.services_by_name["AttachmentService"].full_name,
    component_service_pb2.DESCRIPTOR.services_by_name["ComponentService"].full_name,
    ownership_service_pb2.DESCRIPTOR.services_by_name["OwnershipService"].full_name,
    reconcile_service_pb2.DESCRIPTOR.services_by_name["ReconcileService"].full_name,
    audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"].full_name,
    document_service_pb2.DESCRIPTOR.services_by_name["DocumentService"].full_name,
    evaluation_service_pb2.DESCRIPTOR.services_by_name["EvaluationService"].full_name,
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
    audit: AuditServicer
    documents: DocumentServicer
    evaluation: EvaluationServicer


class DeclaredServer:
    """What services are entered at: passes on those whose every method has its door, and no others.

    Args:
        server: the server that will serve them.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Passes handlers on; their methods are named by the call below, which the generated code makes as well."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Checks the methods of a service.

        Raises:
            DoorUndeclared: one has no door.
        """
        require_declared((f"/{service}/{method}" for method in handlers), RPC_DOORS)
        self._server.add_registered_method_handlers(service, handlers)


class PortTaken(Exception):
    """The address cannot be listened on. Is another hub running there?"""


class RpcServer:
    """The server.

    Args:
        guard: authenticates every call.
        servicers: what is served.
        listen: where it listens, and how it stops; port 0 takes a free one.
        authority, certificate, key: PEM files.
    """

    def __init__(
        self,
        guard: CallGuard,
        servicers: Servicers,
        *,
        listen: ListenPart,
        authority: Path,
        certificate: Path,
        key: Path,
    ) -> None:
        self._draining = servicers.exchange.draining
        self._notice_seconds, address = listen.notice_seconds, f"{listen.host}:{listen.port}"
        options = (*_OPTIONS, ("grpc.so_reuseport", int(listen.shares_port)))
        self._server = grpc.aio.server(interceptors=(guard,), options=options)
        entry: Any = DeclaredServer(self._server)
        exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server(servicers.exchange, entry)
        federation_service_pb2_grpc.add_FederationServiceServicer_to_server(servicers.federation, entry)
        standards_service_pb2_grpc.add_StandardsServiceServicer_to_server(servicers.standards, entry)
        statistics_service_pb2_grpc.add_StatisticsServiceServicer_to_server(servicers.statistics, entry)
        attachment_service_pb2_grpc.add_AttachmentServiceServicer_to_server(servicers.attachments, entry)
        component_service_pb2_grpc.add_ComponentServiceServicer_to_server(servicers.components, entry)
        ownership_service_pb2_grpc.add_OwnershipServiceServicer_to_server(servicers.ownership, entry)
        reconcile_service_pb2_grpc.add_ReconcileServiceServicer_to_server(servicers.reconcile, entry)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(servicers.audit, entry)
        document_service_pb2_grpc.add_DocumentServiceServicer_to_server(servicers.documents, entry)
        evaluation_service_pb2_grpc.add_EvaluationServiceServicer_to_server(servicers.evaluation, entry)
        self._health = HubHealth(guard.ledger, address)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, entry)
        if listen.has_reflection:
            # It looks at the kind of server it is entered at, so its one method is checked here.
            require_declared([_REFLECTION], RPC_DOORS)
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
        for name in ("", LIVENESS, READINESS, *_SERVICES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_seconds: float) -> None:
        """Says so, takes no new calls, and lets those under way finish for a while."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._notice_seconds)
        stopping = asyncio.create_task(self._server.stop(grace_seconds))
        # Nobody listens here any more when open streams are told to dial again.
        await asyncio.sleep(0)
        self._draining.set()
        await stopping
