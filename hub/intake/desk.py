"""The intake desk: every transport hands its batches in here and is answered after the commit.

Batches that wait are written together, about ``MAX_RECORDS`` in one transaction, while the next ones are being
checked. One desk a process, with two writers; all writers of all processes take turns on the lock of ``inbox_head``.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import NamedTuple

import psycopg

from auth.principal import Principal
from exchange_db import inbox, seals, wakeups
from exchange_db.errors import ExchangeDbError
from exchange_db.inbox import Answer, Arrival, Entry, Refusal
from exchange_db.pickups import Pickup
from exchange_db.seal_records import Sealed
from exchange_db.session import Dedicated, HotSession, Ledger
from hub.clock import Clock
from hub.intake.seals import SealJudge
from hub.intake.validation import ClassCheck, Gate
from hub.listener import Listener
from hub.telemetry.steps import current_steps

logger = logging.getLogger(__name__)

#: With so many records a transaction takes no further batch.
MAX_RECORDS = 1_000
#: Writers that take turns: one asks for the lock of the log while the other commits.
_WRITERS = 2
#: Parcels checked before other tasks of the process get a turn.
_SLICE = 25
#: Neighbours whose gates are kept.
_MAX_GATES = 1_000


class Receipt(NamedTuple):
    """The desk's answer to one batch and when it was on disk (microseconds since 1970)."""

    answer: Answer
    accepted_time: int


class IntakeDesk:
    """Takes batches in.

    Args:
        ledger: the hub's database.
        listener: wake-ups of this process.
        hub_region: region of this hub.
        clock: the hub's clock.
        check_class: looks classes up; ``None`` takes them unseen.
        judge: says whether a batch is signed as its link demands; ``None`` where no neighbour hands in.
    """

    def __init__(
        self,
        ledger: Ledger,
        listener: Listener,
        hub_region: int,
        clock: Clock,
        check_class: ClassCheck | None = None,
        judge: SealJudge | None = None,
    ) -> None:
        self._judge = judge
        self._steps = current_steps()
        self._check_class = check_class
        self._ledger = ledger
        self._listener = listener
        self._hub_region = hub_region
        self._clock = clock
        self._gates: dict[Principal, Gate] = {}
        self._waiting: asyncio.Queue[tuple[Arrival, asyncio.Future[Receipt]]] = asyncio.Queue(maxsize=64)
        #: Held from taking batches out of the line until their place in the log is certain.
        self._turn = asyncio.Lock()
        #: Set when the newest write that was begun has ended.
        self._newest = asyncio.Event()
        self._newest.set()

    async def hand_in(
        self,
        sender: Principal,
        stream_id: int,
        first_sequence: int,
        payloads: Sequence[bytes | Refusal],
        pickup: Pickup | None = None,
        sealed: Sealed | None = None,
    ) -> "asyncio.Future[Receipt]":
        """Checks one batch of a stream and puts it in line; the future is done when it is on disk.

        What a transport could not make a parcel of comes as the refusal it is, and is kept like every other one. What
        rows picked up from a partner's database leave besides is on disk together with their records.

        Batches of one stream must be handed in one after the other. The future raises ``ExchangeDbError`` when the
        database does not answer; nothing was taken then.

        Raises:
            Violated: the batch is not signed as the link demands; nothing of it was taken.
        """
        kept = await self._judge.judge(sender, first_sequence, payloads, sealed) if self._judge is not None else ()
        now = self._clock()
        begin = time.time_ns() if self._steps is not None else 0
        check = self._gate(sender).check
        items = []
        for start in range(0, len(payloads), _SLICE):
            items += [
                payload if isinstance(payload, Refusal) else check(payload, now)
                for payload in payloads[start : start + _SLICE]
            ]
            await asyncio.sleep(0)
        arrival = Arrival(stream_id, sender.peer_id, sender.thumbprint, first_sequence, items, pickup, tuple(kept))
        answered: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        if self._steps is not None:
            answered.add_done_callback(partial(self._taken, sender.peer_id, payloads, begin))
        await self._waiting.put((arrival, answered))
        return answered

    def _taken(
        self, link: str, payloads: Sequence[bytes | Refusal], begin: int, answered: "asyncio.Future[Receipt]"
    ) -> None:
        """Tells of a batch that was answered; one that was not is told by its error."""
        if self._steps is not None and not answered.cancelled() and answered.exception() is None:
            self._steps.taken(link, payloads, begin, answered.result().answer.outcomes)

    async def required_of(self, sender: Principal) -> tuple[str, ...]:
        """Returns how a neighbour must sign its batches; nothing where unsigned ones are taken."""
        return await self._judge.required_of(sender) if self._judge is not None else ()

    def check(self, sender: Principal, payload: bytes) -> Entry | Refusal:
        """Checks one parcel of a neighbour as ``hand_in`` does, and takes nothing."""
        return self._gate(sender).check(payload, self._clock())

    def _gate(self, sender: Principal) -> Gate:
        gate = self._gates.get(sender)
        if gate is None:
            if len(self._gates) >= _MAX_GATES:
                self._gates.clear()
            gate = self._gates[sender] = Gate(sender, self._hub_region, self._check_class)
        return gate

    async def take(
        self,
        sender: Principal,
        stream_id: int,
        first_sequence: int,
        payloads: Sequence[bytes | Refusal],
        sealed: Sealed | None = None,
    ) -> Receipt:
        """Hands one batch in and waits until it is on disk."""
        return await (await self.hand_in(sender, stream_id, first_sequence, payloads, sealed=sealed))

    async def run(self) -> None:
        """Writes what is handed in, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WRITERS):
                tasks.create_task(self._write())

    async def _write(self) -> None:
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    while True:
                        await self._write_next(connection)
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("intake: database does not answer: %s", error)
                await asyncio.sleep(0.5)

    async def _write_next(self, connection: Dedicated) -> None:
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._turn)
            group = [await self._waiting.get()]
            count = len(group[0][0].items)
            while count < MAX_RECORDS and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
                count += len(group[-1][0].items)
            before, self._newest = self._newest, asyncio.Event()
            is_done = self._newest
            try:
                receipts = await self._append(connection, [arrival for arrival, _ in group], turn, before)
            except BaseException as error:
                failure = ExchangeDbError(str(error))
                for _, answered in group:
                    if not answered.done():
                        answered.set_exception(failure)
                        with suppress(ExchangeDbError):
                            answered.exception()
                raise
            finally:
                is_done.set()
        for (_, answered), receipt in zip(group, receipts, strict=True):
            if not answered.done():
                answered.set_result(receipt)
        self._listener.tell(wakeups.INBOX)

    async def _append(
        self, connection: Dedicated, arrivals: list[Arrival], turn: AsyncExitStack, before: asyncio.Event
    ) -> list[Receipt]:
        """Appends the arrivals of a turn; gives the turn to the other writer once this one has the lock of the log.

        The write before this one may have to begin anew, and then comes after this one: what was out of order for
        that reason is appended once more.
        """
        now = self._clock()
        try:
            async with connection.transaction() as session:
                locked = await inbox.lock(session, arrivals)
                await turn.aclose()
                answers = await inbox.append(session, arrivals, now, locked=locked)
                await _keep_seals(session, arrivals, answers)
        except psycopg.errors.UniqueViolation:
            async with connection.transaction() as session:
                answers = await inbox.append(session, arrivals, now, is_careful=True)
                await _keep_seals(session, arrivals, answers)
        receipts = [Receipt(answer, self._clock()) for answer in answers]
        late = [index for index, answer in enumerate(answers) if answer.outcomes.startswith("O")]
        if late:
            await before.wait()
            again = [arrivals[index] for index in late]
            async with connection.transaction() as session:
                answers = await inbox.append(session, again, now, is_careful=True)
                await _keep_seals(session, again, answers)
            for index, answer in zip(late, answers, strict=True):
                receipts[index] = Receipt(answer, self._clock())
        return receipts


async def _keep_seals(session: HotSession, arrivals: list[Arrival], answers: list[Answer]) -> None:
    """Keeps the seals of what was taken, in the same transaction, under the numbers it has here."""
    for arrival, answer in zip(arrivals, answers, strict=True):
        if arrival.seals and not answer.is_blocked and not answer.outcomes.startswith("O"):
            begin = arrival.first_sequence or answer.next_sequence - len(arrival.items)
            await seals.keep(session, arrival.stream_id, [kept.placed_at(begin) for kept in arrival.seals])
