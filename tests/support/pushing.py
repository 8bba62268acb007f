"""A platform that pushes and keeps every answer, so that a test can hold the hub to what it acknowledged."""

import asyncio
import uuid
from contextlib import suppress

from connectors import verdicts
from connectors.errors import ConnectorError, Unreachable
from connectors.transports.grpc_peer import GrpcPeer, PushStream, Target
from connectors.wire import write_parcel
from exchange_db.keys import message_key
from exchange_db.records import Case
from hub.clock import system_clock
from protos.exchange.v1 import exchange_service_pb2 as exchange

_NAMESPACE = uuid.UUID("3f0f3c56-8b0f-4c59-8a7e-0c1f6a2b2020")


def message_id_of(origin_id: str, case: Case) -> uuid.UUID:
    """Returns the message id of a case's parcel: the same sections, the same id."""
    sections = (case.report, case.assignment, case.handling, case.verdict)
    revisions = [section.revision if section else 0 for section in sections]
    return uuid.uuid5(_NAMESPACE, f"{origin_id} {case.issuer_id} {case.case_no} {revisions}")


def parcel_of(origin_id: str, case: Case, created_time: int = 0) -> bytes:
    """Returns the parcel of a case in the name of a platform."""
    return write_parcel(message_id_of(origin_id, case), origin_id, created_time or system_clock(), case)


def key_of(origin_id: str, case: Case) -> str:
    """Returns the key under which every hub remembers the message, as text."""
    return str(uuid.UUID(bytes=message_key(origin_id, message_id_of(origin_id, case).bytes)))


class Pusher:
    """Pushes what is written, in order, through every break of the connection.

    ``answered`` is the last number the hub has acknowledged; ``taken_back`` lists the times it said less afterwards.

    Args:
        target: the hub.
        stream: name of the stream.
        batch: parcels in a message.
        window: batches that wait for their answer.
    """

    def __init__(self, target: Target, stream: str = "platform", *, batch: int = 100, window: int = 4) -> None:
        self.target = target
        self.stream = stream
        self.payloads: list[bytes] = []
        self.answered = 0
        self.taken_back: list[tuple[int, int]] = []
        self.refusals: list[tuple[int, str]] = []
        self.breaks: list[str] = []
        self._batch = batch
        self._window = window
        self._has_more = asyncio.Event()

    def write(self, payloads: list[bytes]) -> None:
        """Adds parcels to the end of the stream."""
        self.payloads += payloads
        self._has_more.set()

    async def run(self) -> None:
        """Pushes until cancelled."""
        while True:
            try:
                async with GrpcPeer(self.target) as hub, hub.push(self.stream) as stream:
                    self._acknowledge(stream.next_sequence)
                    async with asyncio.TaskGroup() as tasks:
                        room = asyncio.Semaphore(self._window)
                        sending = tasks.create_task(self._send(stream, room))
                        await self._listen(stream, room)
                        sending.cancel()
            except (ConnectorError, ExceptionGroup) as error:
                self.breaks.append(str(error))
            await asyncio.sleep(0.1)

    async def _send(self, stream: PushStream, room: asyncio.Semaphore) -> None:
        position = stream.next_sequence - 1
        with suppress(asyncio.InvalidStateError):
            while True:
                self._has_more.clear()
                payloads = self.payloads[position : position + self._batch]
                if not payloads:
                    await self._has_more.wait()
                    continue
                await room.acquire()
                await stream.send(position + 1, payloads)
                position += len(payloads)

    async def _listen(self, stream: PushStream, room: asyncio.Semaphore) -> None:
        async for answer in stream.answers():
            if answer.verdict is None:
                continue
            if not verdicts.is_taken_whole(answer.verdict):
                raise Unreachable("out of order")
            self.refusals += [(item.sequence, item.violation.reason) for item in verdicts.refused(answer.verdict)]
            self._acknowledge(answer.verdict.next_sequence)
            room.release()

    def _acknowledge(self, next_sequence: int) -> None:
        if next_sequence - 1 < self.answered:
            self.taken_back.append((self.answered, next_sequence - 1))
        self.answered = max(self.answered, next_sequence - 1)


async def push_all(target: Target, stream: str, payloads: list[bytes], *, batch: int = 500) -> list[int]:
    """Pushes all payloads on a stream's end and returns the outcome of each.

    Raises:
        ConnectorError: the call ended before everything was answered.
    """
    outcomes: list[int] = []
    async with GrpcPeer(target) as hub, hub.push(stream) as stream_:
        first = stream_.next_sequence
        for start in range(0, len(payloads), batch):
            await stream_.send(first + start, payloads[start : start + batch])
        await stream_.finish()
        async for answer in stream_.answers():
            if answer.verdict is not None:
                outcomes += answer.verdict.outcomes
    return outcomes


async def first_verdict(stream: PushStream) -> exchange.BatchVerdict:
    """Returns the next verdict of a stream."""
    async for answer in stream.answers():
        if answer.verdict is not None:
            return answer.verdict
    raise AssertionError("the stream ended without a verdict")


async def first_pulled(hub: GrpcPeer, after_sequence: int) -> exchange.PullResponse:
    """Returns the first batch that a pull behind a number brings."""
    async for response in hub.pull(after_sequence):
        return response
    raise AssertionError("the pull ended without a batch")
