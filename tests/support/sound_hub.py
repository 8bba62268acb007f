"""A hub in memory that keeps the contract: what deliberately broken ones are made from, one fault each.

It uses the checks and the life cycle of the real one and nothing else of it: no database, no processes. What a broken
one does otherwise is a method of its own here.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from auth.batch_keys import VerifyingKey
from auth.certificates import id_of, thumbprint
from auth.envelope import Batch, require_sealed
from connectors.transports.grpc_peer import sealed_of
from connectors.wire import read_parcel
from exchange_db.cases import CaseRow, CaseState, Section
from exchange_db.facts import facts_of
from exchange_db.inbox import Refusal
from exchange_db.keys import case_key
from exchange_db.records import Case, CodeKind, Violated, Violation
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import Folded, fold
from hub.clock import system_clock
from hub.intake.streams import require_batch_size, require_stream_name
from hub.intake.validation import Gate
from hub.rpc.status import status_of
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import parcel_pb2, receipt_pb2
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc
from tests.support.builders import STANDARD, a_principal

HUB, HUB_REGION = "431200.hub", 431200
_FINE = Violation("", "", "", "")


class Taken(NamedTuple):
    """A parcel that was taken, and what became of it."""

    payload: bytes
    outcome: receipt_pb2.Outcome.ValueType
    violation: Violation
    state: receipt_pb2.BusinessState.ValueType = receipt_pb2.BUSINESS_STATE_APPLIED


class Fault(NamedTuple):
    """What is wrong with a class."""

    reason: str
    value: str


def known_class(
    standard_ref: str, kind: CodeKind, code: str, region: int, moment: int, *, is_entering: bool
) -> Fault | None:
    """Knows one standard, and its classes but for 9999."""
    if standard_ref != STANDARD:
        return Fault("STANDARD_UNKNOWN", standard_ref)
    return Fault("CODE_UNKNOWN", code) if code == "9999" else None


class SoundHub(exchange_grpc.ExchangeServiceServicer, federation_grpc.FederationServiceServicer):
    """Serves the exchange contract out of memory.

    Args:
        folder: authority, the hub's certificate and key.
        registered: thumbprint of each neighbour's certificate.
        keys: keys neighbours sign with, by name; with any, all batches must be signed by ES256.
    """

    asks_for_certificates = True
    max_bytes = 4 * 1024 * 1024

    def __init__(self, folder: Path, registered: set[str], keys: dict[str, VerifyingKey] | None = None) -> None:
        self.folder = folder
        self.registered = registered
        self.keys = keys or {}
        self.streams: dict[tuple[str, str], list[Taken]] = defaultdict(list)
        self.messages: dict[tuple[str, str], Taken] = {}
        self.rows: dict[bytes, CaseRow] = {}
        self.cases: dict[bytes, case_pb2.Case] = {}
        self.payloads: dict[bytes, list[bytes]] = defaultdict(list)
        self.due: dict[str, list[bytes]] = defaultdict(list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serves; yields the address."""
        options = [("grpc.max_receive_message_length", self.max_bytes), ("grpc.so_reuseport", 0)]
        options.append(("grpc.compression_enabled_algorithms_bitset", 1))
        server = grpc.aio.server(options=options)
        exchange_grpc.add_ExchangeServiceServicer_to_server(self, server)
        federation_grpc.add_FederationServiceServicer_to_server(self, server)
        pair = ((self.folder / "hub.key").read_bytes(), (self.folder / "hub.pem").read_bytes())
        authority = (self.folder / "authority.pem").read_bytes() if self.asks_for_certificates else None
        credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=self.asks_for_certificates)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)

    # What is served.

    async def Hello(self, request: federation.HelloRequest, context: Any) -> federation.HelloResponse:
        """Introduces the hub."""
        await self.caller(context)
        return federation.HelloResponse(
            hub_id=HUB, contracts=request.contracts, hub_time=system_clock(),
            max_message_bytes=4 * 1024 * 1024, max_batch_parcels=2_000,
        )  # fmt: skip

    async def Push(self, request_iterator: Any, context: Any) -> None:  # type: ignore[override]
        """Takes batches of one stream."""
        try:
            await self._push(await self.caller(context), context)
        except Violated as violated:
            await self.refuse(context, violated)

    async def _push(self, sender: str, context: Any) -> None:
        request = await context.read()
        if not isinstance(request, exchange.PushRequest) or not request.HasField("opening"):
            raise Violated("STREAM_NOT_OPENED")
        opening = request.opening
        require_stream_name(opening.stream, "opening.stream")
        taken = self.streams[sender, opening.stream]
        asked = ["ES256"] if self.keys else []
        opened = exchange.PushOpened(next_sequence=len(taken) + 1, signature_algorithms=asked)
        await context.write(exchange.PushResponse(opened=opened))
        told = opening.receipts_after
        while True:
            if opening.wants_receipts and told < len(taken):
                await context.write(exchange.PushResponse(receipts=self.receipts(taken, told)))
                told = len(taken)
            request = await context.read()
            if not isinstance(request, exchange.PushRequest):
                return
            batch = request.batch
            require_batch_size(len(batch.parcels), "batch.parcels")
            if batch.first_sequence < 1:
                raise Violated("FIELD_MISSING", "batch.first_sequence")
            self.require_signed(sender, opening.stream, batch)
            await context.write(exchange.PushResponse(verdict=self.take_batch(sender, taken, batch)))

    async def PushOne(self, request: exchange.PushOneRequest, context: Any) -> exchange.PushOneResponse:
        """Takes one parcel."""
        try:
            sender = await self.caller(context)
            _require_request(request)
        except Violated as violated:
            await self.refuse(context, violated)
        found = self.take(sender, request.parcel.SerializeToString(deterministic=True))
        self.streams[sender, "one"].append(found)
        sequence = len(self.streams[sender, "one"])
        return exchange.PushOneResponse(verdict=self.verdict(sequence, found), receipt=self.receipt(0, found))

    async def Pull(self, request: exchange.PullRequest, context: Any) -> AsyncIterator[exchange.PullResponse]:
        """Gives what is due."""
        due = self.due[await self.caller(context)]
        if request.after_sequence > len(due):
            await self.refuse(context, Violated("CURSOR_AHEAD", "after_sequence", request.after_sequence))
        payloads = [self.given(payload) for payload in due[request.after_sequence :]]
        if payloads:
            batch = parcel_pb2.Batch(first_sequence=request.after_sequence + 1, parcels=payloads)
            yield exchange.PullResponse(batch=batch)
        if not request.stop_when_empty:
            await asyncio.Event().wait()

    async def GetCase(self, request: exchange.GetCaseRequest, context: Any) -> exchange.GetCaseResponse:
        """Gives one case."""
        await self.caller(context)
        case_id = case_key(request.key.issuer_id, request.key.case_no)
        if case_id not in self.rows:
            await self.refuse(context, Violated("CASE_NOT_FOUND", "key"))
        state = CaseState(self.rows[case_id].state).name.lower()
        return exchange.GetCaseResponse(case=self.cases[case_id], state=state)

    async def ListCases(self, request: exchange.ListCasesRequest, context: Any) -> exchange.ListCasesResponse:
        """Gives the cases reported in a time."""
        await self.caller(context)
        return exchange.ListCasesResponse(
            cases=[
                exchange.CaseSummary(key=self.cases[case_id].key)
                for case_id, row in self.rows.items()
                if request.reported_from_time <= row.reported_time < request.reported_before_time
            ]
        )

    async def TraceCase(self, request: exchange.TraceCaseRequest, context: Any) -> exchange.TraceCaseResponse:
        """Knows no tiers."""
        return exchange.TraceCaseResponse()

    async def Heartbeat(self, request: federation.HeartbeatRequest, context: Any) -> federation.HeartbeatResponse:
        """Takes a sign of life."""
        return federation.HeartbeatResponse(hub_time=system_clock())

    async def ListPeers(self, request: federation.ListPeersRequest, context: Any) -> federation.ListPeersResponse:
        """Shows nobody."""
        return federation.ListPeersResponse()

    async def Join(self, request: federation.JoinRequest, context: Any) -> federation.JoinResponse:
        """Lets nobody join."""
        return federation.JoinResponse()

    # What broken ones do otherwise.

    async def caller(self, context: Any) -> str:
        """Returns who calls."""
        certificate = next(iter(context.auth_context().get("x509_pem_cert", ())), b"")
        if not certificate or not self.is_registered(certificate):
            await self.refuse(context, Violated("CERTIFICATE_UNKNOWN"))
        return id_of(certificate)

    def is_registered(self, certificate: bytes) -> bool:
        """Whether a certificate is one that is welcome."""
        return thumbprint(certificate) in self.registered

    async def refuse(self, context: Any, violated: Violated) -> None:
        """Ends a call."""
        await context.abort_with_status(rpc_status.to_status(status_of(violated.violation)))

    def require_signed(self, sender: str, stream: str, batch: parcel_pb2.Batch) -> None:
        """Checks the signatures of a batch, where there are keys."""
        if self.keys:
            known = Batch(sender, HUB, stream, batch.first_sequence, list(batch.parcels))
            require_sealed(known, sealed_of(stream, batch).seals, ["ES256"], self.keys, system_clock())

    def check(self, sender: str, payload: bytes) -> Violation | None:
        """Checks a record against the contract; tells what is wrong."""
        found = Gate(a_principal(sender), HUB_REGION, known_class).check(payload, system_clock())
        return found.violation if isinstance(found, Refusal) else None

    def fold(self, before: CaseRow | None, case_id: bytes, case: Case, origin_id: str) -> Folded:
        """Folds a record into a case."""
        return fold(before, case_id, facts_of(case, origin_id), 1, LifeRules())

    def take_batch(self, sender: str, taken: list[Taken], batch: parcel_pb2.Batch) -> exchange.BatchVerdict:
        """Takes a batch and answers it."""
        expected = len(taken) + 1
        answers = [Taken(b"", receipt_pb2.OUTCOME_OUT_OF_ORDER, _FINE)] * len(batch.parcels)
        if batch.first_sequence <= expected:
            answers = self.take_all(sender, taken, batch.first_sequence, batch.parcels)
        return exchange.BatchVerdict(
            first_sequence=batch.first_sequence,
            outcomes=[answer.outcome for answer in answers],
            verdicts=[
                self.verdict(sequence, answer)
                for sequence, answer in enumerate(answers, batch.first_sequence)
                if answer.outcome != receipt_pb2.OUTCOME_DURABLE
            ],
            next_sequence=len(taken) + 1,
            accepted_time=system_clock(),
        )

    def take_all(self, sender: str, taken: list[Taken], first: int, payloads: Sequence[bytes]) -> list[Taken]:
        """Takes the parcels of a batch in order."""
        answers = []
        for sequence, payload in enumerate(payloads, first):
            if sequence <= len(taken):
                answers.append(self.repeated(taken[sequence - 1], payload))
                continue
            taken.append(self.take(sender, payload))
            answers.append(taken[-1])
        return answers

    def repeated(self, before: Taken, payload: bytes) -> Taken:
        """Answers a number that was used."""
        if before.payload != payload:
            return Taken(payload, receipt_pb2.OUTCOME_REFUSED, Violated("SEQUENCE_REUSED", "first_sequence").violation)
        if before.outcome == receipt_pb2.OUTCOME_REFUSED:
            return before
        return before._replace(outcome=receipt_pb2.OUTCOME_DUPLICATE)

    def take(self, sender: str, payload: bytes) -> Taken:
        """Takes one parcel."""
        violation = self.check(sender, payload)
        if violation is not None:
            return Taken(payload, receipt_pb2.OUTCOME_REFUSED, violation)
        parcel = read_parcel(payload)
        message = (parcel.origin_id, parcel.message_id.hex())
        if message in self.messages:
            return self.known(self.messages[message], payload)
        state, violation = self.apply(payload, parcel.record, parcel.origin_id)
        self.messages[message] = Taken(payload, receipt_pb2.OUTCOME_DURABLE, violation, state)
        return self.messages[message]

    def known(self, before: Taken, payload: bytes) -> Taken:
        """Answers a message whose id was used."""
        if before.payload != payload:
            return Taken(payload, receipt_pb2.OUTCOME_REFUSED, Violated("MESSAGE_ID_REUSED", "message_id").violation)
        return before._replace(outcome=receipt_pb2.OUTCOME_DUPLICATE)

    def apply(self, payload: bytes, case: Any, origin_id: str) -> tuple[receipt_pb2.BusinessState.ValueType, Violation]:
        """Applies one record."""
        case_id = case_key(case.issuer_id, case.case_no)
        try:
            folded = self.fold(self.rows.get(case_id), case_id, case, origin_id)
        except Violated as violated:
            return receipt_pb2.BUSINESS_STATE_QUARANTINED, violated.violation
        self.rows[case_id] = folded.row
        sent = parcel_pb2.Parcel.FromString(payload).case
        kept = self.cases.setdefault(case_id, case_pb2.Case(key=sent.key))
        for name in (Section(step.section).name.lower() for step in folded.sections):
            getattr(kept, name).CopyFrom(getattr(sent, name))
        self.keep_actions(kept, sent)
        self.payloads[case_id].append(payload)
        if folded.row.handler_id not in ("", origin_id):
            self.due[folded.row.handler_id] += self.payloads[case_id]
        is_stale = not folded.sections and not folded.actions
        return receipt_pb2.BUSINESS_STATE_STALE if is_stale else receipt_pb2.BUSINESS_STATE_APPLIED, _FINE

    def keep_actions(self, kept: case_pb2.Case, sent: case_pb2.Case) -> None:
        """Adds the actions that are new."""
        known = {action.action_id for action in kept.actions}
        kept.actions.extend(action for action in sent.actions if action.action_id not in known)

    def given(self, payload: bytes) -> bytes:
        """Returns the bytes given out for bytes that came in."""
        return payload

    def verdict(self, sequence: int, taken: Taken) -> receipt_pb2.Verdict:
        """Answers one parcel."""
        violation = taken.violation if taken.outcome == receipt_pb2.OUTCOME_REFUSED else _FINE
        return receipt_pb2.Verdict(sequence=sequence, outcome=taken.outcome, **self.told(violation))

    def receipt(self, sequence: int, taken: Taken) -> receipt_pb2.Receipt:
        """Says what became of one parcel."""
        return receipt_pb2.Receipt(
            sequence=sequence,
            state=taken.state,
            settled_time=system_clock(),
            **self.told(taken.violation),
        )

    def told(self, violation: Violation) -> dict[str, str]:
        """Returns the texts of a refusal."""
        names = ("reason", "field_path", "message", "message_zh")
        return {name: getattr(violation, name) for name in names}

    def receipts(self, taken: list[Taken], after: int) -> exchange.ReceiptRange:
        """Settles what is behind a number."""
        return exchange.ReceiptRange(
            first_sequence=after + 1,
            last_sequence=len(taken),
            settled_time=system_clock(),
            exceptions=[
                self.receipt(sequence, item)
                for sequence, item in enumerate(taken[after:], after + 1)
                if item.outcome != receipt_pb2.OUTCOME_REFUSED and item.state != receipt_pb2.BUSINESS_STATE_APPLIED
            ],
        )


def _require_request(request: exchange.PushOneRequest) -> None:
    if request.request_id != request.parcel.message_id:
        raise Violated("REQUEST_ID_INVALID", "request_id", request.request_id)
    if not 0 <= request.wait_milliseconds <= 30_000:
        raise Violated("ARGUMENT_INVALID", "wait_milliseconds", request.wait_milliseconds)


def is_message(payload: bytes) -> bool:
    """Whether bytes can be read as a parcel at all."""
    try:
        parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return False
    return True
