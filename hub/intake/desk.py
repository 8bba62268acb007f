"""The intake desk: every transport hands its batches in here and is answered after the commit.

Batches that wait are written together, up to ``MAX_RECORDS`` in one transaction, while the next ones are being
checked. One desk a process; several processes take turns on the lock of ``inbox_head``.
"""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple

import psycopg

from auth.principal import Principal
from exchange_db import inbox, wakeups
from exchange_db.errors import ExchangeDbError
from exchange_db.inbox import Answer, Arrival
from exchange_db.session import Dedicated, Ledger
from hub.clock import Clock
from hub.intake.validation import Gate
from hub.listener import Listener

logger = logging.getLogger(__name__)

#: With so many records a transaction takes no further batch.
MAX_RECORDS = 1_000
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
    """

    def __init__(self, ledger: Ledger, listener: Listener, hub_region: int, clock: Clock) -> None:
        self._ledger = ledger
        self._listener = listener
        self._hub_region = hub_region
        self._clock = clock
        self._gates: dict[Principal, Gate] = {}
        self._waiting: asyncio.Queue[tuple[Arrival, asyncio.Future[Receipt]]] = asyncio.Queue(maxsize=64)

    async def hand_in(
        self, sender: Principal, stream_id: int, first_sequence: int, payloads: list[bytes]
    ) -> "asyncio.Future[Receipt]":
        """Checks one batch of a stream and puts it in line; the future is done when it is on disk.

        Batches of one stream must be handed in one after the other. The future raises ``ExchangeDbError`` when the
        database does not answer; nothing was taken then.
        """
        now = self._clock()
        check = self._gate(sender).check
        items = []
        for start in range(0, len(payloads), _SLICE):
            items += [check(payload, now) for payload in payloads[start : start + _SLICE]]
            await asyncio.sleep(0)
        arrival = Arrival(stream_id, sender.peer_id, sender.thumbprint, first_sequence, items)
        answered: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        await self._waiting.put((arrival, answered))
        return answered

    def _gate(self, sender: Principal) -> Gate:
        gate = self._gates.get(sender)
        if gate is None:
            if len(self._gates) >= _MAX_GATES:
                self._gates.clear()
            gate = self._gates[sender] = Gate(sender, self._hub_region)
        return gate

    async def take(self, sender: Principal, stream_id: int, first_sequence: int, payloads: list[bytes]) -> Receipt:
        """Hands one batch in and waits until it is on disk."""
        return await (await self.hand_in(sender, stream_id, first_sequence, payloads))

    async def run(self) -> None:
        """Writes what is handed in, until cancelled."""
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    while True:
                        await self._write_next(connection)
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("intake: database does not answer: %s", error)
                await asyncio.sleep(0.5)

    async def _write_next(self, connection: Dedicated) -> None:
        group = [await self._waiting.get()]
        count = len(group[0][0].items)
        while count < MAX_RECORDS and not self._waiting.empty():
            group.append(self._waiting.get_nowait())
            count += len(group[-1][0].items)
        try:
            receipts = await self._append(connection, [arrival for arrival, _ in group])
        except BaseException as error:
            failure = ExchangeDbError(str(error))
            for _, answered in group:
                if not answered.done():
                    answered.set_exception(failure)
                    with suppress(ExchangeDbError):
                        answered.exception()
            raise
        for (_, answered), receipt in zip(group, receipts, strict=True):
            if not answered.done():
                answered.set_result(receipt)
        await self._listener.tell(connection.driver, wakeups.INBOX)

    async def _append(self, connection: Dedicated, arrivals: list[Arrival]) -> list[Receipt]:
        now = self._clock()
        try:
            async with connection.transaction() as session:
                answers = await inbox.append(session, arrivals, now)
        except psycopg.errors.UniqueViolation:
            async with connection.transaction() as session:
                answers = await inbox.append(session, arrivals, now, is_careful=True)
        accepted_time = self._clock()
        return [Receipt(answer, accepted_time) for answer in answers]
