"""A hub that stands in for the real one while a platform is under test: it takes, gives, and notes all that comes.

It keeps the contract's side of a hub in memory and judges nothing by itself but what may never happen (numbers, sizes,
names); the checks in ``conformance.platform_checks`` read its notes. Served by ``conformance.platform_running``.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

import grpc

from auth.certificates import id_of
from auth.envelope import Batch, require_sealed
from auth.key_cards import Card
from conformance.scene import now
from connectors.transports.grpc_peer import sealed_of
from exchange_db.records import Violated
from exchange_db.regions import format_region, region_of
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import parcel_pb2, receipt_pb2
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc

#: The limits of the contract: parcels in a batch, batches that wait for their answer.
MOST_PARCELS, WINDOW = 2_000, 8
_ONE = "one"
_REFUSAL = {
    "reason": "FIELD_INVALID",
    "field_path": "case.report.description",
    "message": "Refused for the conformance test.",
    "message_zh": "一致性检验：本条按计划拒收。",
}


class Plan(Enum):
    """What is done with the next batch."""

    ANSWER = auto()
    LOSE_BATCH = auto()
    LOSE_ANSWER = auto()
    OUT_OF_ORDER = auto()
    REFUSE_FIRST = auto()
    QUARANTINE_FIRST = auto()


class Opening(NamedTuple):
    """A stream that was opened: by whom, and what it asked for."""

    caller: str
    tls: str
    stream: str
    receipts_after: int
    wants_receipts: bool


class Arrival(NamedTuple):
    """A parcel as it came."""

    caller: str
    stream: str
    sequence: int
    payload: bytes


class _Cut(Exception):
    """The connection is to be cut now, as the plan says."""


class StandIn(exchange_grpc.ExchangeServiceServicer, federation_grpc.FederationServiceServicer):
    """Serves and notes.

    Args:
        hub_id: the name it answers by.
        cards: cards of the keys the platform signs with; with any, batches must be signed.
    """

    def __init__(self, hub_id: str, cards: Sequence[Card] = ()) -> None:
        self.hub_id = hub_id
        self.keys = {card.key.key_id: card.key for card in cards}
        self.required = tuple(sorted({str(key.algorithm) for key in self.keys.values()}))
        #: What may never happen and did, by subject.
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.openings: list[Opening] = []
        #: Every parcel that came, also those the plan lost; and those that were taken, by stream.
        self.arrivals: list[Arrival] = []
        self.taken: dict[str, list[bytes]] = defaultdict(list)
        self.lost: list[bytes] = []
        self.refused: list[bytes] = []
        self.plan = Plan.ANSWER
        self.free = asyncio.Event()
        self.free.set()
        self.most_unanswered = 0
        self.batch_count = self.cut_count = 0
        self.receipts_told: dict[str, int] = defaultdict(int)
        self.due: list[bytes] = []
        self.pulls: list[int] = []
        self.given = self.confirmed = 0
        self.cuts_pull = False
        self._more = asyncio.Event()

    def enter(self, server: grpc.aio.Server) -> None:
        """Enters both services at a server."""
        exchange_grpc.add_ExchangeServiceServicer_to_server(self, server)
        federation_grpc.add_FederationServiceServicer_to_server(self, server)

    def give(self, payloads: Sequence[bytes]) -> None:
        """Makes parcels due to the platform."""
        self.due += payloads
        self._wake()

    def cut_pull(self) -> None:
        """Ends the call by which something was pulled, so that the platform says where it stands by asking again."""
        self.cuts_pull = True
        self._wake()

    def _wake(self) -> None:
        more, self._more = self._more, asyncio.Event()
        more.set()

    def take_plan(self) -> Plan:
        """Returns the plan for a batch and goes back to answering."""
        plan, self.plan = self.plan, Plan.ANSWER
        return plan

    # Taking.

    async def Push(self, request_iterator: object, context: Any) -> None:  # type: ignore[override]
        """Takes batches of one stream, as planned."""
        caller, tls = _who(context)
        request = await context.read()
        if not isinstance(request, exchange.PushRequest) or not request.HasField("opening"):
            self.faults["opening"].append("批次先于打开 / a batch before the opening")
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "STREAM_NOT_OPENED")
        opening = Opening(
            caller, tls, request.opening.stream, request.opening.receipts_after, request.opening.wants_receipts
        )
        self.openings.append(opening)
        opened = exchange.PushOpened(
            next_sequence=len(self.taken[opening.stream]) + 1, signature_algorithms=self.required
        )
        await context.write(exchange.PushResponse(opened=opened))
        batches: asyncio.Queue[parcel_pb2.Batch | None] = asyncio.Queue()
        reading = asyncio.ensure_future(_read(context, batches))
        try:
            while True:
                unanswered = await self._next(batches)
                if unanswered is None:
                    return
                await self._serve(opening, unanswered, context)
        except _Cut:
            self.cut_count += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "conformance test: cut as planned")
        finally:
            reading.cancel()

    async def _next(self, batches: "asyncio.Queue[parcel_pb2.Batch | None]") -> parcel_pb2.Batch | None:
        """Waits for a batch, and while answers are withheld until the platform may go on."""
        batch = await batches.get()
        if batch is not None:
            self.batch_count += 1
        while batch is not None and not self.free.is_set():
            self.most_unanswered = max(self.most_unanswered, batches.qsize() + 1)
            try:
                async with asyncio.timeout(0.05):
                    await self.free.wait()
            except TimeoutError:
                continue
        return batch

    async def _serve(self, opening: Opening, batch: parcel_pb2.Batch, context: Any) -> None:
        plan, stream = self.take_plan(), opening.stream
        taken, first, count = self.taken[stream], batch.first_sequence, len(batch.parcels)
        self._judge(opening, batch, len(taken) + 1)
        self.arrivals += [
            Arrival(opening.caller, stream, first + index, payload) for index, payload in enumerate(batch.parcels)
        ]
        if plan is Plan.LOSE_BATCH:
            self.lost += batch.parcels
            raise _Cut
        if plan is Plan.OUT_OF_ORDER or first > len(taken) + 1:
            self.lost += batch.parcels if plan is Plan.OUT_OF_ORDER else []
            outcomes = [receipt_pb2.OUTCOME_OUT_OF_ORDER] * count
            verdict = exchange.BatchVerdict(first_sequence=first, outcomes=outcomes, next_sequence=len(taken) + 1)
            await context.write(exchange.PushResponse(verdict=verdict))
            return
        known = len(taken)
        taken += list(batch.parcels)[max(known + 1 - first, 0) :]
        if plan is Plan.LOSE_ANSWER:
            raise _Cut
        await context.write(exchange.PushResponse(verdict=self._verdict(batch, known, len(taken) + 1, plan)))
        if opening.wants_receipts:
            await context.write(exchange.PushResponse(receipts=self._receipts(opening, first, plan)))

    def _judge(self, opening: Opening, batch: parcel_pb2.Batch, expected: int) -> None:
        first, count, taken = batch.first_sequence, len(batch.parcels), self.taken[opening.stream]
        if not 1 <= count <= MOST_PARCELS:
            self.faults["sizes"].append(f"一批 {count} 条 / {count} parcels in a batch")
        if first > expected or first < 1:
            self.faults["numbers"].append(f"期望 {expected}，来的是 {first} / expected {expected}, came {first}")
        for sequence, payload in enumerate(batch.parcels, first):
            if 0 < sequence <= len(taken) and taken[sequence - 1] != payload:
                self.faults["bytes"].append(f"序号 {sequence} 的内容变了 / other bytes under number {sequence}")
        if self.required:
            known = Batch(opening.caller, self.hub_id, opening.stream, first, list(batch.parcels))
            try:
                require_sealed(known, sealed_of(opening.stream, batch).seals, self.required, self.keys, now())
            except Violated as violated:
                self.faults["signatures"].append(str(violated))

    def _verdict(self, batch: parcel_pb2.Batch, known: int, expected: int, plan: Plan) -> exchange.BatchVerdict:
        first = batch.first_sequence
        verdict = exchange.BatchVerdict(first_sequence=first, next_sequence=expected, accepted_time=now())
        for sequence, payload in enumerate(batch.parcels, first):
            outcome = receipt_pb2.OUTCOME_DURABLE if sequence > known else receipt_pb2.OUTCOME_DUPLICATE
            if (plan is Plan.REFUSE_FIRST and sequence == first) or payload in self.refused:
                outcome = receipt_pb2.OUTCOME_REFUSED
                self.refused.append(payload)
            verdict.outcomes.append(outcome)
            if outcome == receipt_pb2.OUTCOME_REFUSED:
                verdict.verdicts.add(sequence=sequence, outcome=outcome, **_REFUSAL)
            elif outcome == receipt_pb2.OUTCOME_DUPLICATE:
                verdict.verdicts.add(sequence=sequence, outcome=outcome)
        return verdict

    def _receipts(self, opening: Opening, first: int, plan: Plan) -> exchange.ReceiptRange:
        after = max(self.receipts_told[opening.stream], opening.receipts_after)
        last = len(self.taken[opening.stream])
        answer = exchange.ReceiptRange(first_sequence=min(after + 1, last), last_sequence=last, settled_time=now())
        if plan is Plan.QUARANTINE_FIRST:
            state = receipt_pb2.BUSINESS_STATE_QUARANTINED
            answer.exceptions.add(sequence=first, state=state, settled_time=now(), **_REFUSAL)
        self.receipts_told[opening.stream] = last
        return answer

    async def PushOne(self, request: exchange.PushOneRequest, context: Any) -> exchange.PushOneResponse:
        """Takes one parcel, as planned."""
        caller, tls = _who(context)
        plan, payload = self.take_plan(), request.parcel.SerializeToString(deterministic=True)
        taken = self.taken[_ONE]
        self.openings.append(Opening(caller, tls, _ONE, 0, wants_receipts=False))
        self.arrivals.append(Arrival(caller, _ONE, len(taken) + 1, payload))
        self.batch_count += 1
        await self.free.wait()
        if request.request_id != request.parcel.message_id:
            self.faults["request-id"].append(f"{request.request_id} ≠ {request.parcel.message_id}")
        if plan is Plan.LOSE_BATCH:
            self.lost.append(payload)
            self.cut_count += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "conformance test: cut as planned")
        known = len(taken) if payload not in taken else len(taken) - 1
        if payload not in taken:
            taken.append(payload)
        if plan is Plan.LOSE_ANSWER:
            self.cut_count += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "conformance test: cut as planned")
        batch = parcel_pb2.Batch(first_sequence=len(taken), parcels=[payload])
        verdict = self._verdict(batch, known, len(taken) + 1, plan)
        is_held = plan is Plan.QUARANTINE_FIRST
        state = receipt_pb2.BUSINESS_STATE_QUARANTINED if is_held else receipt_pb2.BUSINESS_STATE_APPLIED
        receipt = receipt_pb2.Receipt(state=state, settled_time=now())
        if is_held:
            receipt.reason, receipt.field_path, receipt.message, receipt.message_zh = _REFUSAL.values()
        told = verdict.verdicts[0] if verdict.verdicts else receipt_pb2.Verdict(outcome=receipt_pb2.OUTCOME_DURABLE)
        return exchange.PushOneResponse(verdict=told, receipt=receipt)

    # Giving.

    async def Pull(self, request: exchange.PullRequest, context: Any) -> AsyncIterator[exchange.PullResponse]:
        """Gives what is due, and cuts once when it is told to."""
        after = request.after_sequence
        self.pulls.append(after)
        if after > len(self.due):
            self.faults["cursor"].append(f"{after} > {len(self.due)}")
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_AHEAD")
        self.confirmed = max(self.confirmed, after)
        has_given = False
        while True:
            more = self._more
            payloads = self.due[after : after + (request.batch_size or 500)]
            if payloads:
                batch = parcel_pb2.Batch(first_sequence=after + 1, parcels=payloads)
                yield exchange.PullResponse(batch=batch, waiting_count=len(self.due) - after - len(payloads))
                after, has_given = after + len(payloads), True
                self.given = max(self.given, after)
            if has_given and self.cuts_pull:
                self.cuts_pull = False
                await context.abort(grpc.StatusCode.UNAVAILABLE, "conformance test: cut as planned")
            if not payloads and request.stop_when_empty:
                return
            if not payloads:
                await more.wait()

    async def Heartbeat(self, request: federation.HeartbeatRequest, context: Any) -> federation.HeartbeatResponse:
        """Takes a sign of life, and what it confirms."""
        _who(context)
        if request.confirmed_sequence > len(self.due):
            self.faults["cursor"].append(f"{request.confirmed_sequence} > {len(self.due)}")
        self.confirmed = max(self.confirmed, request.confirmed_sequence)
        return federation.HeartbeatResponse(hub_time=now(), waiting_count=len(self.due) - self.confirmed)

    async def Hello(self, request: federation.HelloRequest, context: Any) -> federation.HelloResponse:
        """Introduces itself."""
        _who(context)
        return federation.HelloResponse(
            hub_id=self.hub_id, region_code=self._region_code, contracts=request.contracts, version="conformance",
            hub_time=now(), max_message_bytes=4 * 1024 * 1024, max_batch_parcels=MOST_PARCELS,
        )  # fmt: skip

    async def Join(self, request: federation.JoinRequest, context: Any) -> federation.JoinResponse:
        """Lets whoever has a certificate of the authority join."""
        _who(context)
        return federation.JoinResponse(hub_id=self.hub_id, name=request.name, region_code=self._region_code)

    async def GetCase(self, request: exchange.GetCaseRequest, context: Any) -> exchange.GetCaseResponse:
        """Is not what this is for."""
        await _unserved(request, context)
        raise AssertionError

    async def ListCases(self, request: exchange.ListCasesRequest, context: Any) -> exchange.ListCasesResponse:
        """Is not what this is for."""
        await _unserved(request, context)
        raise AssertionError

    async def TraceCase(self, request: exchange.TraceCaseRequest, context: Any) -> exchange.TraceCaseResponse:
        """Is not what this is for."""
        await _unserved(request, context)
        raise AssertionError

    async def ListPeers(self, request: federation.ListPeersRequest, context: Any) -> federation.ListPeersResponse:
        """Is not what this is for."""
        await _unserved(request, context)
        raise AssertionError

    @property
    def _region_code(self) -> str:
        return format_region(region_of(self.hub_id))


async def _unserved(request: object, context: Any) -> None:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"conformance test: {type(request).__name__} is not served")


def _who(context: Any) -> tuple[str, str]:
    """Returns who calls, by its certificate, and by which TLS."""
    properties = context.auth_context()
    certificate = next(iter(properties.get("x509_pem_cert", ())), b"")
    tls = next(iter(properties.get("ssl_tls_version", ())), b"").decode()
    try:
        return id_of(certificate), tls
    except (ValueError, Violated):
        return "", tls


async def _read(context: Any, batches: "asyncio.Queue[parcel_pb2.Batch | None]") -> None:
    """Reads batches as fast as they come."""
    try:
        while isinstance(request := await context.read(), exchange.PushRequest):
            await batches.put(request.batch)
    finally:
        batches.put_nowait(None)
