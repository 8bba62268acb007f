"""What waits on a link, numbered and turned into rows while the batch before it is being written."""

import asyncio
import logging
from typing import NamedTuple

from auth.permissions import speaks_for
from auth.principal import Principal
from connectors.wire import read_parcel
from exchange_db import outbox, wakeups
from exchange_db.intermediate.writing.given import Sheet
from exchange_db.intermediate.writing.targets import Item, Target
from exchange_db.outbox import Numbered
from exchange_db.records import FigureSheet, Refused, Violated
from exchange_db.session import Dedicated
from hub.clock import Clock
from hub.intermediate.writeback_rows import Rows, sheet_of
from hub.listener import Listener

logger = logging.getLogger(__name__)

#: Most parcels in a batch: more gain little and hold the partner's locks longer.
MOST_PARCELS = 4_000
#: Most bytes in a batch: sheets of counts may be large.
_MOST_BYTES = 16_000_000
#: Parcels decoded before other tasks get a turn.
_SLICE = 50
_POLL_SECONDS = 1.0


class Batch(NamedTuple):
    """The rows of the parcels up to ``last_sequence``; ``refused`` are parcels that cannot become rows."""

    last_sequence: int
    items: dict[Target, list[Item]]
    sheets: list[Sheet]
    refused: list[Refused]

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.items.values())) + sum(len(sheet.rows) for sheet in self.sheets)


class ParcelSource:
    """Gives out what is due to one partner, batch by batch.

    Args:
        connection: to the ledger, for this alone.
        listener: wake-ups of this process.
        partner: the neighbour.
        hub_region: region of this hub.
        rows: how records become rows.
        clock: the hub's clock.
        most_parcels: most parcels in a batch; may be changed.
    """

    def __init__(
        self,
        connection: Dedicated,
        listener: Listener,
        partner: Principal,
        hub_region: int,
        rows: Rows,
        clock: Clock,
        most_parcels: int = MOST_PARCELS,
    ) -> None:
        self._connection = connection
        self._listener = listener
        self._partner = partner
        self._hub_region = hub_region
        self._rows = rows
        self._clock = clock
        self.most_parcels = most_parcels
        #: Last number known to be given: behind it there is nothing to fetch.
        self._numbered = 0

    async def run(self, position: int, ready: "asyncio.Queue[Batch]") -> None:
        """Puts batches behind a number in line: one is turned into rows while the next is being numbered."""
        found: asyncio.Queue[list[Numbered]] = asyncio.Queue(maxsize=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fetch(position, found))
            while True:
                await ready.put(await self.batch(await found.get()))

    async def _fetch(self, position: int, found: "asyncio.Queue[list[Numbered]]") -> None:
        while True:
            parcels = outbox.fitting(await self._parcels(position), _MOST_BYTES)
            position = parcels[-1].sequence
            await found.put(parcels)

    async def batch(self, parcels: list[Numbered]) -> Batch:
        """Turns parcels into rows."""
        now = self._clock()
        batch = Batch(parcels[-1].sequence, {target: [] for target in self._rows.targets}, [], [])
        for start in range(0, len(parcels), _SLICE):
            for parcel in parcels[start : start + _SLICE]:
                try:
                    self._turn(parcel, batch, now)
                except Violated as error:
                    batch.refused.append(Refused(parcel.sequence, error.violation))
                except Exception:  # one parcel that breaks the code must not hold the others
                    number = f"{self._partner.peer_id}/{parcel.sequence}"
                    logger.exception("write-back %s", number)
                    batch.refused.append(Refused(parcel.sequence, Violated("INTERNAL", value=number).violation))
            await asyncio.sleep(0)
        return batch

    async def _parcels(self, position: int) -> list[Numbered]:
        driver, destination_id = self._connection.driver, self._partner.destination_id
        while True:
            seen = self._listener.version(wakeups.OUTBOX)
            if position >= self._numbered:
                due = await outbox.due(driver, destination_id, self.most_parcels)
                self._numbered = due.last_sequence
                if due.entries and position == due.last_sequence:
                    numbered = await outbox.number(driver, due)
                    self._numbered = numbered[-1].sequence
                    return numbered
            if position < self._numbered:
                return await outbox.fetch(driver, destination_id, position, self.most_parcels)
            await self._listener.wait(wakeups.OUTBOX, seen, _POLL_SECONDS)

    def _turn(self, parcel: Numbered, batch: Batch, now: int) -> None:
        read = read_parcel(parcel.payload)
        if speaks_for(self._partner, read.origin_id, self._hub_region):
            return
        if isinstance(read.record, FigureSheet):
            if self._rows.has_sheets:
                batch.sheets.append(sheet_of(read.record, parcel.sequence, now))
            return
        for target, row in self._rows.of(read.record, now):
            batch.items[target].append(Item(parcel.sequence, row))
