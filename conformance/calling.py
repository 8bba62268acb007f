"""Calling a hub as one of its neighbours, and reading what it answers; the answers come as words, not as messages.

Nothing is tried again here: a check wants to see what came. Called by the checks of hubs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

import grpc
from google.rpc import error_details_pb2, status_pb2

from connectors.transports.grpc_peer import GrpcPeer, PushStream, Target, unasked_signatures
from exchange_db.records import printable
from exchange_db.seal_records import ONE_STREAM
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2, receipt_pb2

_DETAILS_KEY = "grpc-status-details-bin"


class Fate(NamedTuple):
    """What became of one parcel: the technical answer, then the business one where it was waited for."""

    sequence: int
    outcome: str
    reason: str = ""
    field_path: str = ""
    message: str = ""
    message_zh: str = ""
    state: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.outcome, self.state, self.reason, self.field_path))) or "—"

    @property
    def told(self) -> tuple[str, str]:
        """Reason and field."""
        return self.reason, self.field_path

    @property
    def is_without_effect(self) -> bool:
        """Whether it was refused or put into quarantine."""
        return self.outcome == "REFUSED" or self.state == "QUARANTINED"


class Refusal(NamedTuple):
    """How a call was ended by the other side."""

    code: str
    reason: str
    field_path: str
    text: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.code, self.reason, self.field_path)))


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Reads the rich status of an error."""
    reason = field_path = ""
    for key, value in error.trailing_metadata() or ():
        if key != _DETAILS_KEY:
            continue
        for detail in status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode()).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad) and bad.field_violations:
                field_path = bad.field_violations[0].field
    return Refusal(error.code().name, reason, field_path, printable(error.details() or "")[:200])


async def refused(call: Awaitable[Any]) -> Refusal | None:
    """Awaits a call and returns how it was refused; ``None`` when it was not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    return None


def outcome_name(outcome: int) -> str:
    """Returns the word of an outcome: DURABLE, DUPLICATE, REFUSED, OUT_OF_ORDER, or its number."""
    try:
        return receipt_pb2.Outcome.Name(receipt_pb2.Outcome.ValueType(outcome)).removeprefix("OUTCOME_")
    except ValueError:
        return str(outcome)


def state_name(state: int) -> str:
    """Returns the word of a business state, or its number."""
    try:
        name = receipt_pb2.BusinessState.Name(receipt_pb2.BusinessState.ValueType(state))
    except ValueError:
        return str(state)
    return name.removeprefix("BUSINESS_STATE_")


def fates_of(verdict: exchange.BatchVerdict) -> list[Fate]:
    """Returns the technical answers of a batch, one a parcel as the other side numbers them."""
    told = {item.sequence: item for item in verdict.verdicts}
    fates = []
    for sequence, outcome in enumerate(verdict.outcomes, verdict.first_sequence):
        item = told.get(sequence, receipt_pb2.Verdict())
        fates.append(Fate(sequence, outcome_name(outcome), item.reason, item.field_path, item.message, item.message_zh))
    return fates


class OpenStream:
    """A push stream under a check: batches out, verdicts and receipts in, each kept as it came."""

    def __init__(self, stream: PushStream, patience_seconds: float) -> None:
        self._stream = stream
        self._answers = stream.answers()
        self._patience_seconds = patience_seconds
        self.next_sequence = stream.next_sequence
        self.receipts: list[exchange.ReceiptRange] = []

    async def send(self, first_sequence: int, payloads: Sequence[bytes]) -> None:
        """Sends one batch."""
        await self._stream.send(first_sequence, list(payloads))

    async def finish(self) -> None:
        """Says that no more follows."""
        await self._stream.finish()

    async def verdict(self) -> exchange.BatchVerdict:
        """Returns the next verdict; receipts that come before are kept.

        Raises:
            EOFError: the stream ended before.
        """
        while (answer := await self._next()) is not None:
            if answer.verdict is not None:
                verdict: exchange.BatchVerdict = answer.verdict
                return verdict
        raise EOFError("the stream ended without a verdict")

    async def settled(self, last_sequence: int) -> list[exchange.ReceiptRange]:
        """Returns all receipts once they reach a number, or when the stream ends."""
        while not self.receipts or self.receipts[-1].last_sequence < last_sequence:
            if await self._next() is None:
                break
        return self.receipts

    async def rest(self) -> list[exchange.BatchVerdict]:
        """Returns the verdicts until the stream ends."""
        found = []
        while (answer := await self._next()) is not None:
            if answer.verdict is not None:
                found.append(answer.verdict)
        return found

    async def _next(self) -> Any:
        async with asyncio.timeout(self._patience_seconds):
            answer = await anext(self._answers, None)
        if answer is not None and answer.receipts is not None:
            self.receipts.append(answer.receipts)
        return answer


class HubLine:
    """A line to a hub; use as ``async with HubLine(target, patience_seconds) as hub``.

    Args:
        target: whom to dial, and who we are.
        patience_seconds: longest wait for one answer.
    """

    def __init__(self, target: Target, patience_seconds: float) -> None:
        self.target = target
        self.patience_seconds = patience_seconds
        self._peer = GrpcPeer(target)

    async def __aenter__(self) -> Self:
        await self._peer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._peer.__aexit__()

    @property
    def peer(self) -> GrpcPeer:
        """The connection itself."""
        return self._peer

    async def one(self, payload: bytes, *, waits: bool = True, request_id: str = "") -> Fate:
        """Hands one parcel in by ``PushOne`` and waits for its business receipt.

        Raises:
            grpc.aio.AioRpcError: the call was refused.
        """
        parcel = parcel_pb2.Parcel.FromString(payload)
        wait = int(min(self.patience_seconds, 30.0) * 1_000) if waits else 0
        request = exchange.PushOneRequest(
            request_id=request_id or parcel.message_id,
            parcel=parcel,
            wait_milliseconds=wait,
            signatures=unasked_signatures(self.target, ONE_STREAM, [payload]),
        )
        answer = await self._peer.exchange.PushOne(request, timeout=self.patience_seconds + 10.0)
        verdict, receipt = answer.verdict, answer.receipt
        state = "" if verdict.outcome == receipt_pb2.OUTCOME_REFUSED else state_name(receipt.state)
        told = verdict if verdict.reason else receipt
        return Fate(
            verdict.sequence, outcome_name(verdict.outcome), told.reason, told.field_path, told.message,
            told.message_zh, state,
        )  # fmt: skip

    @asynccontextmanager
    async def stream(
        self, name: str, *, receipts_after: int = 0, wants_receipts: bool = False
    ) -> AsyncIterator[OpenStream]:
        """Opens a push stream."""
        async with self._peer.push(name, receipts_after=receipts_after, wants_receipts=wants_receipts) as stream:
            yield OpenStream(stream, self.patience_seconds)

    async def batch(self, name: str, payloads: Sequence[bytes], first_sequence: int = 0) -> list[Fate]:
        """Hands a batch in on a stream, at its end unless a number is given; returns the technical answers."""
        async with self.stream(name) as stream:
            await stream.send(first_sequence or stream.next_sequence, payloads)
            return fates_of(await stream.verdict())

    async def case(self, issuer_id: str, case_no: str) -> exchange.GetCaseResponse:
        """Asks for a case.

        Raises:
            grpc.aio.AioRpcError: the call was refused.
        """
        key = case_pb2.CaseKey(issuer_id=issuer_id, case_no=case_no)
        request = exchange.GetCaseRequest(key=key)
        answer: exchange.GetCaseResponse = await self._peer.exchange.GetCase(request, timeout=self.patience_seconds)
        return answer
