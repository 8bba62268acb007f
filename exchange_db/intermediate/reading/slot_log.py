"""PostgreSQL's own log, read through a slot: no trigger, every commit in order, deletes and truncation seen.

The log says which rows changed, by key; the rows are read as they stand, like everywhere. The slot is asked by SQL for
what lies behind the place that is on the hub's disk, and moved there only afterwards, so a crash brings changes again
and loses none. Whole transactions come at once, however large.
"""

import asyncio
import logging
from collections import deque

from exchange_db.intermediate.capture.parts import Standing
from exchange_db.intermediate.capture.slot import SLOT, show_slot
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import PartnerRefused
from exchange_db.intermediate.reading.pages import Page, ReadTable
from exchange_db.intermediate.reading.pgoutput import Change, LogReading
from exchange_db.intermediate.reading.rows import RowReader
from exchange_db.intermediate.reading.snapshot_log import SESSION

logger = logging.getLogger(__name__)

SOURCE = "log"
_SHORTEST_REST = 0.01


class SlotLog:
    """Reads the log of a PostgreSQL partner.

    Args:
        partner: a connection of the reader's own.
        tables: what is followed.
        position: end of the last transaction that is on disk, as text; ``None`` to begin where the slot is.
    """

    source = SOURCE

    def __init__(self, partner: PostgresqlPartner, tables: dict[str, ReadTable], position: str | None) -> None:
        self._partner = partner
        self._rows = RowReader(partner, tables)
        self._keys = {name: table.key for name, table in tables.items()}
        self._read = int(position or 0)
        #: Whether the partner's database is an older one than that which was read last.
        self.is_restored = False
        #: Ends of the pages given and not settled, oldest first, and how many changes they had.
        self._given: deque[tuple[int, int]] = deque()
        self._pause = _SHORTEST_REST

    async def open(self) -> None:
        """Prepares the session and moves the slot to what is on disk.

        Raises:
            PartnerRefused: there is no slot, or its log is lost; says what to do.
        """
        await self._partner.fetch(
            "SELECT set_config(n, v, false) FROM unnest(%s::text[], %s::text[]) s(n, v)",
            (list(SESSION), list(SESSION.values())),
        )
        if any(one.standing is not Standing.INSTALLED for one in await show_slot(self._partner)):
            raise PartnerRefused(
                f"复制槽 {SLOT} 不存在或日志已丢失：请执行 sanji intermediate install，再执行 sanji intermediate load。"
                " / The slot is missing or its log is lost: install again, then load."
            )
        end = int((await self._partner.fetch("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))[0][0])
        if end < self._read:
            logger.warning("%s: the partner's database was restored; it is read on from where it stands", SOURCE)
            self._read, self.is_restored = 0, True
        if self._read:
            await self._advance(self._read)

    async def _advance(self, lsn: int) -> None:
        await self._partner.fetch(
            "SELECT pg_replication_slot_advance(slot_name, greatest(confirmed_flush_lsn, '0/0'::pg_lsn + %s::numeric))"
            " FROM pg_replication_slots WHERE slot_name = %s",
            (lsn, SLOT),
        )

    async def page(self, limit: int) -> Page | None:
        """Returns the changes of the next transactions, about ``limit`` of them."""
        under_way = sum(count for _, count in self._given)
        messages = await self._partner.fetch(
            "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, %s, 'proto_version', '1',"
            " 'publication_names', %s, 'messages', 'true')",
            (SLOT, limit + under_way, SLOT),
        )
        changes: list[Change] = []
        last = 0
        for committed in LogReading(self._keys).transactions(bytes(row[0]) for row in messages):
            if committed.end_lsn > self._read:
                changes += committed.changes
                last = committed.end_lsn
        if not last:
            return None
        found = await self._rows.changed(changes)
        self._read = last
        self._given.append((last, len(changes)))
        self._pause = _SHORTEST_REST
        return Page(found.rows, str(last), len(changes), found.unreadable, found.passed)

    async def settle(self) -> None:
        """Moves the slot behind the oldest page, so that the server may forget that part of its log."""
        await self._advance(self._given[0][0])
        self._given.popleft()

    async def rest(self, seconds: float) -> None:
        """Waits, the longer the longer nothing came."""
        await asyncio.sleep(min(self._pause, seconds))
        self._pause = min(2 * self._pause, seconds)
