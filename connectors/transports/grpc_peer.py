"""gRPC to a neighbouring hub: mutual TLS 1.3, the pinned certificate, pushing and pulling streams, unary calls.

Shared by the hub's delivery and by platforms' clients. Nothing is retried here but the opening of a connection; what
was answered and what was not is the caller's book-keeping.
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Drained, Unreachable
from connectors.transports.channel import CHANNEL_OPTIONS
from exchange_db.records import Violated, printable
from exchange_db.seal_records import ANY_ALGORITHM, LINK_STREAM, ONE_STREAM, Judging, Seal, Sealed, Sealing
from protos.attachment.v1 import attachment_service_pb2_grpc as attachment_grpc
from protos.audit.v1 import audit_service_pb2_grpc as audit_grpc
from protos.component.v1 import component_service_pb2_grpc as component_grpc
from protos.component.v1 import ownership_service_pb2_grpc as ownership_grpc
from protos.document.v1 import document_service_pb2_grpc as document_grpc
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import parcel_pb2
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc
from protos.federation.v1 import reconcile_service_pb2 as reconcile
from protos.federation.v1 import reconcile_service_pb2_grpc as reconcile_grpc
from protos.standards.v1 import standards_service_pb2_grpc as standards_grpc
from protos.statistics.v1 import statistics_service_pb2_grpc as statistics_grpc

#: Payload bytes put into one batch; leaves room for framing below the limit.
MAX_BATCH_BYTES = 3_500_000

#: How gRPC words it that a message is over the limit.
_TOO_LARGE = "larger than max"
#: Reason of a process that is being stopped.
_DRAINING = "STREAM_BUSY"
#: Trailing metadata in which a rich status travels.
_DETAILS_KEY = "grpc-status-details-bin"
_REFUSED_CREDENTIALS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_TRY_AGAIN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)

T = TypeVar("T")
#: Messages that bring records, with signatures over them.
Fetched = parcel_pb2.Batch | reconcile.FetchRecordsResponse
#: Messages that carry signatures over a batch.
Signed = parcel_pb2.Batch | exchange.PushOneRequest | reconcile.ResendRecordsRequest | reconcile.FetchRecordsResponse


class Target(NamedTuple):
    """Who is dialled and who we are.

    ``peer_id`` must stand in the neighbour's certificate; ``thumbprint`` (SHA-256 of it, hex) must match unless it is
    empty, as it is only while joining. While a neighbour changes its certificate ``second_thumbprint`` may match
    instead. The three files are PEM. ``sealing`` signs batches in our name, where we have a key for that; ``judging``
    judges what is pulled, where nobody else does.
    """

    peer_id: str
    address: str
    thumbprint: str
    authority: Path
    certificate: Path
    key: Path
    sealing: Sealing | None = None
    second_thumbprint: str = ""
    judging: Judging | None = None

    def is_pinned(self, certificate: bytes) -> bool:
        """Tells whether a certificate, in DER form, is one that is expected there."""
        shown = hashlib.sha256(certificate).hexdigest()
        return not self.thumbprint or shown in {self.thumbprint, self.second_thumbprint}


class Answer(NamedTuple):
    """A message that came back on a push stream: a batch verdict or settled receipts."""

    verdict: exchange.BatchVerdict | None
    receipts: exchange.ReceiptRange | None


async def check_pin(target: Target, timeout_seconds: float = 5.0) -> bytes:
    """Shakes hands once and compares the neighbour's certificate with the pinned one; returns it in DER form.

    Raises:
        Unreachable: nobody answers there.
        CredentialsRefused: the certificate is not of the federation's authority, not in that name, or another one.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(target.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(target.certificate, target.key)
    context.set_alpn_protocols(["h2"])
    host, _, port = target.address.rpartition(":")
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), ssl=context, server_hostname=target.peer_id
            )
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        # It hung up in the middle of the handshake, as a process does that is being stopped.
        raise Unreachable(f"{target.address}: {error}") from error
    except ssl.SSLError as error:
        raise CredentialsRefused(f"{target.address} is not {target.peer_id}: {error}", "CERTIFICATE_UNKNOWN") from error
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(f"{target.address}: {str(error) or 'no answer'}") from error
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    # Not closed politely: the other side would let us wait for its farewell.
    writer.transport.abort()
    if not target.is_pinned(certificate):
        raise CredentialsRefused(
            f"{target.address} shows another certificate of {target.peer_id} than the one registered",
            "CERTIFICATE_UNKNOWN",
        )
    return bytes(certificate)


class GrpcPeer:
    """A connection to one neighbour; use as ``async with GrpcPeer(target) as peer``."""

    #: Payload bytes put into one batch.
    max_batch_bytes = MAX_BATCH_BYTES

    def __init__(self, target: Target) -> None:
        self.target = target
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(2),
            wait=wait_random_exponential(max=0.5),
            reraise=True,
        ):
            with attempt:
                await check_pin(self.target)
        credentials = grpc.ssl_channel_credentials(
            self.target.authority.read_bytes(), self.target.key.read_bytes(), self.target.certificate.read_bytes()
        )
        self._channel = grpc.aio.secure_channel(
            self.target.address,
            credentials,
            options=(*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", self.target.peer_id)),
        )
        self.exchange = exchange_grpc.ExchangeServiceStub(self._channel)
        self.federation = federation_grpc.FederationServiceStub(self._channel)
        self.reconcile = reconcile_grpc.ReconcileServiceStub(self._channel)
        self.components = component_grpc.ComponentServiceStub(self._channel)
        self.ownership = ownership_grpc.OwnershipServiceStub(self._channel)
        self.standards = standards_grpc.StandardsServiceStub(self._channel)
        self.attachments = attachment_grpc.AttachmentServiceStub(self._channel)
        self.audit = audit_grpc.AuditServiceStub(self._channel)
        self.documents = document_grpc.DocumentServiceStub(self._channel)
        self.statistics = statistics_grpc.StatisticsServiceStub(self._channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._channel is not None:
            await self._channel.close(grace=None)

    @asynccontextmanager
    async def push(
        self, stream: str, *, receipts_after: int = 0, wants_receipts: bool = False
    ) -> "AsyncIterator[PushStream]":
        """Opens a stream; yields it once the hub has said which number it expects next."""
        call = self.exchange.Push()
        pushing = PushStream(call, self.target.peer_id, self.target.sealing)
        try:
            await pushing.open(stream, receipts_after, wants_receipts=wants_receipts)
            yield pushing
        except grpc.aio.AioRpcError as error:
            raise translated(error) from error
        except asyncio.InvalidStateError as error:
            raise Unreachable(f"{self.target.address}: stream ended") from error
        finally:
            call.cancel()

    async def pull(
        self,
        after_sequence: int,
        *,
        batch_size: int = 500,
        stop_when_empty: bool = False,
        signature_algorithms: tuple[str, ...] = (),
    ) -> AsyncIterator[exchange.PullResponse]:
        """Yields what is due to us behind ``after_sequence``; asking confirms everything up to it.

        Raises:
            CredentialsRefused: a batch is not signed as ``Target.judging`` demands; it is not given out.
        """
        judging = self.target.judging
        call = self.exchange.Pull(
            exchange.PullRequest(
                after_sequence=after_sequence,
                batch_size=batch_size,
                stop_when_empty=stop_when_empty,
                signature_algorithms=judging.algorithms if judging is not None else signature_algorithms,
            )
        )
        try:
            async for response in call:
                require_judged(judging, LINK_STREAM, response.batch.first_sequence, response.batch)
                yield response
        except grpc.aio.AioRpcError as error:
            raise translated(error) from error
        finally:
            call.cancel()

    async def beat(
        self, sender_time: int, *, waiting_count: int = 0, confirmed_sequence: int = 0, timeout_seconds: float = 10.0
    ) -> None:
        """Gives a sign of life, and confirms what was pulled."""
        request = federation.HeartbeatRequest(
            sender_time=sender_time, waiting_count=waiting_count, confirmed_sequence=confirmed_sequence
        )
        await asked(self.federation.Heartbeat(request, timeout=timeout_seconds))

    async def push_one(self, parcel: parcel_pb2.Parcel, *, wait_milliseconds: int = 0) -> exchange.PushOneResponse:
        """Hands one parcel in, signed where there is a key, and may wait for its business receipt.

        Raises:
            ConnectorError: see ``asked``.
        """
        payload = parcel.SerializeToString(deterministic=True)
        request = exchange.PushOneRequest(
            request_id=parcel.message_id,
            parcel=parcel,
            wait_milliseconds=wait_milliseconds,
            signatures=unasked_signatures(self.target, ONE_STREAM, [payload]),
        )
        return await asked(self.exchange.PushOne(request, timeout=30.0 + wait_milliseconds / 1_000))

    async def confirm(self, sequence: int) -> None:
        """Says that everything up to a number is on our disk."""
        await self.beat(time.time_ns() // 1_000, confirmed_sequence=sequence)

    async def join(
        self, code: str, name: str, address: str, peer_id: str, signing_cards: Sequence[bytes] = ()
    ) -> federation.JoinResponse:
        """Redeems an invitation in our name; the cards are those of our signing keys."""
        request = federation.JoinRequest(
            code=code, peer_id=peer_id, name=name, address=address, signing_cards=signing_cards
        )
        return await asked(self.federation.Join(request, timeout=10.0))


class PushStream:
    """An open push stream. ``next_sequence`` is what the hub expects next."""

    def __init__(
        self,
        call: "grpc.aio.StreamStreamCall[exchange.PushRequest, exchange.PushResponse]",
        receiver: str = "",
        sealing: Sealing | None = None,
    ) -> None:
        self._call = call
        self._receiver = receiver
        self._sealing = sealing
        self._stream = ""
        self._asked: tuple[str, ...] = ()
        self.next_sequence = 0

    async def open(self, stream: str, receipts_after: int, *, wants_receipts: bool) -> None:
        """Names the stream; called once by ``GrpcPeer.push``."""
        opening = exchange.PushOpening(stream=stream, receipts_after=receipts_after, wants_receipts=wants_receipts)
        await self._call.write(exchange.PushRequest(opening=opening))
        answer = await self._read()
        if answer is None or not answer.HasField("opened"):
            raise Unreachable("the stream ended before it was opened")
        self.next_sequence = answer.opened.next_sequence
        self._stream = stream
        self._asked = tuple(answer.opened.signature_algorithms)

    async def send(self, first_sequence: int, payloads: list[bytes]) -> None:
        """Sends one batch, signed where there is a key; its verdict comes from ``answers``, in order."""
        batch = parcel_pb2.Batch(first_sequence=first_sequence, parcels=payloads)
        if self._sealing is not None:
            for seal in self._sealing(self._receiver, self._stream, first_sequence, payloads, self._asked):
                batch.signatures.add(statement=seal.statement, signature=seal.signature)
        await self._call.write(exchange.PushRequest(batch=batch))

    async def finish(self) -> None:
        """Says that no more batches follow; answers still come."""
        await self._call.done_writing()

    async def answers(self) -> AsyncIterator[Answer]:
        """Yields verdicts and receipts until the hub ends the stream."""
        while (answer := await self._read()) is not None:
            yield Answer(
                answer.verdict if answer.HasField("verdict") else None,
                answer.receipts if answer.HasField("receipts") else None,
            )

    async def _read(self) -> exchange.PushResponse | None:
        response = await self._call.read()
        return response if isinstance(response, exchange.PushResponse) else None


def sealed_of(stream: str, batch: Signed) -> Sealed:
    """Returns what came beside a batch of a stream."""
    return Sealed(stream, [Seal(item.statement, item.signature) for item in batch.signatures])


def require_judged(judging: Judging | None, stream: str, first_sequence: int, batch: Fetched) -> None:
    """Raises CredentialsRefused unless a batch that was fetched is signed as is demanded."""
    if judging is None or not batch.parcels:
        return
    try:
        judging.require(stream, first_sequence, list(batch.parcels), sealed_of(stream, batch).seals)
    except Violated as violated:
        raise CredentialsRefused(str(violated), violated.violation.reason) from violated


def unasked_signatures(target: Target, stream: str, payloads: Sequence[bytes]) -> list[parcel_pb2.BatchSignature]:
    """Returns the signatures over records whose numbers the receiver gives, by every key there is."""
    return signatures_by(target.sealing, target.peer_id, stream, payloads)


def signatures_by(
    sealing: Sealing | None, receiver: str, stream: str, payloads: Sequence[bytes]
) -> list[parcel_pb2.BatchSignature]:
    """Returns what ``sealing`` signs of records whose numbers the receiver gives, as the contract carries it."""
    seals = sealing(receiver, stream, 0, payloads, ANY_ALGORITHM) if sealing is not None else []
    return [parcel_pb2.BatchSignature(statement=seal.statement, signature=seal.signature) for seal in seals]


async def asked(call: Awaitable[T]) -> T:
    """Awaits a unary call of a stub and translates its errors.

    Raises:
        Unreachable, CredentialsRefused, CallRefused: see there.
    """
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise translated(error) from error


def translated(error: grpc.aio.AioRpcError) -> ConnectorError:
    """Turns a gRPC status into the error that says what to do."""
    reason, violations = "", []
    for key, value in error.trailing_metadata() or ():
        if key != _DETAILS_KEY:
            continue
        for detail in status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode()).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad):
                violations = [(item.field, item.description) for item in bad.field_violations]
    code, text = error.code(), printable(error.details() or "")
    if code in _REFUSED_CREDENTIALS:
        return CredentialsRefused(text, reason or "CREDENTIALS_REFUSED")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in text:
        # gRPC's own answer, without details; sending the same again would be refused for ever.
        return CallRefused(text, "BATCH_TOO_LARGE", [])
    if reason == _DRAINING:
        return Drained(f"{code.name}: {text}")
    if code in _TRY_AGAIN and not violations:
        return Unreachable(f"{code.name}: {text}")
    return CallRefused(text, reason or code.name, violations)
