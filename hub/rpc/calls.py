"""Who is calling: the certificate of the connection, looked up in the registry on every call.

The interceptor authenticates before a servicer runs and turns every error into its status. A call made with a
certificate that was blocked, exchanged or has expired is refused even on an open connection.
"""

import hashlib
import inspect
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import grpc
import psycopg
import sqlalchemy.exc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from auth.permissions import require_neighbour
from auth.principal import Principal
from exchange_db import peers
from exchange_db.audit_records import peer_actor
from exchange_db.errors import ExchangeDbError
from exchange_db.records import Violated, Violation
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.doors import RPC_DOORS, Door, Who, carries_records
from hub.log_context import begin_request, concern
from hub.recording import act_as
from hub.rpc.status import status_of
from hub.throttle import RateLimited, Throttle

logger = logging.getLogger(__name__)

_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)


class Caller(NamedTuple):
    """The certificate of a connection and, unless it is joining, the registry entry it stands for."""

    certificate: bytes
    thumbprint: str
    principal: Principal | None


_CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """Returns who makes the call that is being served."""
    return _CALLER.get()


def principal_of(_context: object = None) -> Principal:
    """Returns the neighbour that makes the call that is being served."""
    principal = _CALLER.get().principal
    assert principal is not None  # noqa: S101 — only Join is served without one, and does not ask
    return principal


@lru_cache(maxsize=4_096)
def thumbprint_of(certificate: bytes) -> str:
    """Returns the SHA-256 of a PEM certificate's DER form, in hex."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.decode())).hexdigest()


class CallGuard(grpc.aio.ServerInterceptor):
    """Authenticates calls and answers errors.

    Args:
        ledger: the hub's database, which holds the registry.
        clock: the hub's clock.
        calls: how often a certificate may call.
        failures: how often an address may call without being believed.
    """

    def __init__(self, ledger: Ledger, clock: Clock, calls: Throttle, failures: Throttle) -> None:
        self.ledger = ledger
        self._clock = clock
        self._calls = calls
        self._failures = failures

    async def authenticate(self, certificate: bytes, *, carries_records: bool = False) -> Principal:
        """Returns the neighbour a certificate stands for.

        Args:
            certificate: as PEM.
            carries_records: whether the call is one a paused link does not carry.

        Raises:
            Violated: CERTIFICATE_UNKNOWN, CERTIFICATE_EXPIRED, PEER_WAITING, PEER_BLOCKED or LINK_PAUSED.
        """
        thumbprint = thumbprint_of(certificate)
        async with self.ledger.watching() as connection:
            peer = await peers.by_thumbprint(connection, thumbprint)
        if peer is None:
            raise Violated("CERTIFICATE_UNKNOWN")
        if peer.state != "active" or (carries_records and peer.is_paused):
            raise Violated(peer.refusal)
        end_time = peer.end_of(thumbprint)
        if end_time is None or end_time <= datetime.fromtimestamp(self._clock() / 1_000_000, UTC):
            raise Violated("CERTIFICATE_EXPIRED")
        return Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, thumbprint)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        door = RPC_DOORS[handler_call_details.method]
        if handler.request_streaming:
            kind, make = "stream_stream", grpc.stream_stream_rpc_method_handler
        elif handler.response_streaming:
            kind, make = "unary_stream", grpc.unary_stream_rpc_method_handler
        else:
            kind, make = "unary_unary", grpc.unary_unary_rpc_method_handler
        guarded = self._guarded(getattr(handler, kind), door)
        read = handler.request_deserializer if handler.request_streaming else _answerable(handler.request_deserializer)
        return make(guarded, read, handler.response_serializer)

    def _guarded(self, serve: Callable[..., Any], door: Door) -> Callable[..., Awaitable[Any]]:
        async def guarded(request: Any, context: Any) -> Any:
            number = begin_request()
            try:
                await self._admit(context, door)
                _require_message(request)
                if not inspect.isasyncgenfunction(serve):
                    return await serve(request, context)
                async for response in serve(request, context):
                    await context.write(response)
            except RateLimited as limited:
                await _refuse(context, limited.violation, limited.retry_seconds)
            except Violated as violated:
                await _refuse(context, violated.violation)
            except DecodeError:
                await _refuse(context, Violated("UNREADABLE").violation)
            except _NO_DATABASE as error:
                logger.warning("call failed, database does not answer: %s", error)
                await _refuse(context, Violated("DATABASE_UNAVAILABLE").violation)
            except (grpc.aio.AbortError, grpc.aio.UsageError, grpc.aio.InternalError):
                # The last is how writing to a caller that has gone ends; the server knows that from a real fault.
                raise
            except Exception:
                logger.exception("call failed, log number %s", number)
                await _refuse(context, Violated("INTERNAL", value=number).violation)
            return None

        return guarded

    async def _admit(self, context: Any, door: Door) -> None:
        properties = context.auth_context()
        certificate = next(iter(properties.get("x509_pem_cert", ())), b"")
        if not certificate:
            raise Violated("CERTIFICATE_UNKNOWN")
        if next(iter(properties.get("ssl_tls_version", ())), b"") != b"TLSv1.3":
            raise Violated("TLS_TOO_OLD")
        address = context.peer().rpartition(":")[0]
        principal = None
        if isinstance(door.who, Who):
            self._failures.admit(address)
        else:
            self._failures.require_room(address)
            self._calls.admit(thumbprint_of(certificate))
            try:
                principal = await self.authenticate(certificate, carries_records=carries_records(door))
            except Violated:
                self._failures.count(address)
                raise
            require_neighbour(principal, door.who)
        _CALLER.set(Caller(certificate, thumbprint_of(certificate), principal))
        if principal is not None:
            concern(link=principal.peer_id)
        act_as(peer_actor(principal.peer_id) if principal else f"certificate:{thumbprint_of(certificate)}")


def _answerable(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Lets bytes that are no message come to the handler as the error they are.

    Before a handler gRPC would answer itself, with the name of an exception and a status that says to try again.
    """

    def reading(content: bytes) -> Any:
        try:
            return read(content)
        except DecodeError as error:
            return error

    return reading


def _require_message(request: object) -> None:
    if isinstance(request, DecodeError):
        raise request


async def _refuse(context: Any, violation: Violation, retry_seconds: int = 0) -> None:
    await context.abort_with_status(rpc_status.to_status(status_of(violation, retry_seconds)))
