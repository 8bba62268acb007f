"""A simulated platform at work: writes into its book, pushes from it, takes what is due and answers.

``repeat_every`` sends every n-th batch twice, as a nervous vendor's script would. The connection is made again
whenever it breaks; the hub's next number says where to go on.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from connectors.county.profile import Profile
from connectors.county.pusher import target_of
from connectors.county.simulator.book import Book
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, PushStream, Target
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Case

_STREAM = "platform"
_NAMESPACE = uuid.UUID("5a4d1f3e-3f7b-4c8e-9a54-5f2f5f0a2020")
_BATCH = 500
_WINDOW = 4
_BEAT_SECONDS = 2.0

#: Answers a case that was dispatched to the platform, or that it watches, with sections of its own.
Reaction = Callable[[Book, Case], Iterable[Case]]


class SimulatedPlatform:
    """One platform.

    Args:
        profile: how it reaches its hub.
        book: file of its book.
        clock: microseconds since 1970.
        react: what it does with a case it takes; ``None`` when it takes none.
        repeat_every: which batches are sent twice; 0 for none.
    """

    def __init__(
        self,
        profile: Profile,
        book: Path,
        clock: Callable[[], int],
        react: Reaction | None = None,
        repeat_every: int = 0,
    ) -> None:
        self.profile = profile
        self.book = Book(book)
        self._clock = clock
        self._react = react
        self._repeat_every = repeat_every
        self._has_more = asyncio.Event()
        self._batches = 0
        self.answered_sequence = 0
        self.repeated_batches = 0

    @property
    def target(self) -> Target:
        """The hub as it is dialled."""
        return target_of(self.profile)

    def write(self, cases: Iterable[Case]) -> None:
        """Writes cases into the book; they are pushed in this order."""
        self.write_raw([self._parcel(case) for case in cases])

    def write_raw(self, payloads: list[bytes]) -> None:
        """Writes ready parcels into the book, right or wrong ones."""
        self.book.write(payloads)
        self.book.commit()
        self._has_more.set()

    def _parcel(self, case: Case) -> bytes:
        revisions = [
            section.revision if section else 0
            for section in (case.report, case.assignment, case.handling, case.verdict)
        ]
        name = f"{self.profile.platform_id} {case.issuer_id} {case.case_no} {revisions}"
        return write_parcel(uuid.uuid5(_NAMESPACE, name), self.profile.platform_id, self._clock(), case)

    async def run(self) -> None:
        """Pushes and takes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._push))
            if self._react is not None:
                tasks.create_task(self._again(self._take))
                tasks.create_task(self._again(self._confirm))

    async def _again(self, work: "Callable[[GrpcPeer], asyncio.Future[None] | object]") -> None:
        while True:
            with suppress(ConnectorError):
                async with GrpcPeer(self.target) as hub:
                    await work(hub)  # type: ignore[misc]
            await asyncio.sleep(0.3)

    async def _push(self, hub: GrpcPeer) -> None:
        async with hub.push(_STREAM) as stream:
            room = asyncio.Semaphore(_WINDOW)
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(stream, room))
                async for answer in stream.answers():
                    if answer.verdict is not None:
                        self.answered_sequence = max(self.answered_sequence, answer.verdict.next_sequence - 1)
                        room.release()
                sending.cancel()

    async def _send(self, stream: PushStream, room: asyncio.Semaphore) -> None:
        position = stream.next_sequence - 1
        while True:
            self._has_more.clear()
            payloads = self.book.written_after(position, _BATCH)
            if not payloads:
                await self._has_more.wait()
                continue
            self._batches += 1
            is_repeated = self._repeat_every and self._batches % self._repeat_every == 0
            for _ in range(2 if is_repeated else 1):
                await room.acquire()
                await stream.send(position + 1, payloads)
            self.repeated_batches += bool(is_repeated)
            position += len(payloads)

    async def _take(self, hub: GrpcPeer) -> None:
        assert self._react is not None  # noqa: S101 — run() takes only with a reaction
        async for response in hub.pull(self.book.taken_sequence()):
            answers: list[Case] = []
            for payload in response.batch.parcels:
                record = read_parcel(payload).record
                if isinstance(record, Case):
                    answers.extend(self._react(self.book, record))
            self.book.write([self._parcel(case) for case in answers])
            self.book.take(response.batch.first_sequence + len(response.batch.parcels) - 1)
            self.book.commit()
            self._has_more.set()
            await asyncio.sleep(0)

    async def _confirm(self, hub: GrpcPeer) -> None:
        """Gives signs of life, and tells the hub what was taken."""
        while True:
            await hub.beat(self._clock(), confirmed_sequence=self.book.taken_sequence())
            await asyncio.sleep(_BEAT_SECONDS)
