"""Pages kept unread while much waits at a partner: on disk here first, made into records afterwards.

The reader drains the partner at the speed of copying; from the commit that keeps a page on, its rows do not need the
partner any more. A worker of its own makes records of the pages, oldest first, and hands them in the way rows go that
are read alone. It waits while pages are coming in one behind the other, because both want the same processor; when as
much is kept as may be, the reader waits for it instead. While anything is kept, whatever is read goes behind it.
"""

import asyncio
import logging
import struct

import msgspec

from exchange_db import pickup_pages, pickups
from exchange_db.intermediate.reading.packed import PackedPage, PackedRows, unpack
from exchange_db.intermediate.reading.pages import ChangedRow, Key, Page
from exchange_db.pickup_pages import Kept, Waiting
from exchange_db.pickups import PauseReason
from exchange_db.session import Dedicated, Ledger
from hub.intermediate import loading
from hub.intermediate.intaking import Intaking
from hub.intermediate.link_files import DatabaseLink
from hub.intermediate.loading import Load
from hub.intermediate.pausing import pause_for_flood
from hub.intermediate.sources import Source, kept_sources_of

logger = logging.getLogger(__name__)

#: Changes of several small pages that become records together.
_ROWS = 5_000
_MEGABYTE = 1 << 20


class PageShelf:
    """The kept pages of one source of one partner.

    Args:
        ledger: the hub's database.
        connection: to it, shared with others.
        peer_id: the partner.
        source: name of the source.
        most_bytes: no more is kept when there is so much.
    """

    def __init__(self, ledger: Ledger, connection: Dedicated, peer_id: str, source: str, most_bytes: int) -> None:
        self._ledger = ledger
        self._driver = connection.driver
        self._peer_id = peer_id
        self._source = source
        self._most_bytes = most_bytes
        self._kept = Waiting(0, 0, 0, 0)
        self._is_more_coming = False
        self._changed = asyncio.Condition()

    async def look(self) -> None:
        """Looks what is kept."""
        async with self._changed:
            self._kept = await pickup_pages.waiting(self._driver, self._peer_id, self._source)
            self._changed.notify_all()

    @property
    def is_empty(self) -> bool:
        """Whether rows may be taken at once."""
        return not self._kept.page_count

    @property
    def _is_full(self) -> bool:
        return self._kept.byte_count >= self._most_bytes

    async def expect(self, *, more: bool) -> None:
        """Says whether the reader has more pages to bring."""
        async with self._changed:
            self._is_more_coming = more
            self._changed.notify_all()

    async def keep(self, page: PackedPage, before: str | None) -> None:
        """Puts a page on disk with the position behind it, once there is room.

        Raises:
            LeaseLost: the source was not read as far as ``before``; somebody else reads it.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_full)
        async with self._ledger.write() as session:
            assert page.position is not None  # noqa: S101 — sources without a position are not packed
            await pickups.move_position(session, self._peer_id, self._source, before, page.position)
            if page.parts:
                await pickup_pages.keep(session, self._peer_id, self._source, page.parts)
        if page.parts:
            # Counted, not looked up: who looks meanwhile counts it twice, and looks again when nothing is found.
            row_count, byte_count = (sum(counts) for counts in zip(*map(_sizes, page.parts), strict=True))
            async with self._changed:
                kept = self._kept
                self._kept = Waiting(
                    kept.row_count + row_count, kept.byte_count + byte_count, kept.page_count + 1, kept.oldest_time
                )
                self._changed.notify_all()

    async def oldest(self) -> Kept:
        """Returns what was kept first, when it is due."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: not self.is_empty and (self._is_full or not self._is_more_coming))
            kept = await pickup_pages.oldest(self._driver, self._peer_id, self._source, _ROWS)
            if kept is not None:
                return kept
            await self.look()


async def shelves_of(ledger: Ledger, connection: Dedicated, link: DatabaseLink) -> list[tuple[Source, PageShelf]]:
    """Returns the sources of a partner whose pages may be kept, each with what is kept of it.

    Raises:
        LinkFileInvalid: a mapping cannot be used.
    """
    shelves = []
    for source in kept_sources_of(link):
        shelf = PageShelf(ledger, connection, link.peer, source.name, link.most_kept_mb * _MEGABYTE)
        await shelf.look()
        shelves.append((source, shelf))
    return shelves


def _sizes(part: PackedRows) -> tuple[int, int]:
    return part.row_count, len(part.content)


class KeptPages:
    """Makes records of the kept pages of one source.

    Args:
        connection: to the ledger; shared with others.
        intaking: the way into the log.
        link: the partner's link file.
        source: what was read.
        shelf: its pages.
    """

    def __init__(
        self, connection: Dedicated, intaking: Intaking, link: DatabaseLink, source: Source, shelf: PageShelf
    ) -> None:
        self._driver = connection.driver
        self._intaking = intaking
        self._link = link
        self._source = source
        self._shelf = shelf

    async def run(self) -> None:
        """Works until cancelled.

        Raises:
            PageRefused, ExchangeDbError: the records were not taken; the page is still there.
        """
        while True:
            kept = await self._shelf.oldest()
            rows = await self._rows(kept)
            page = Page(rows, None, len(rows), {}, frozenset())
            flooding = await self._intaking.take(
                self._source, page, self._link.most_refused_per_hour, page_no=kept.last_no
            )
            await self._shelf.look()
            for table in flooding:
                await pause_for_flood(self._driver, self._link, self._source, table)

    async def _rows(self, kept: Kept) -> list[ChangedRow]:
        """Returns the rows of pages, each once, without those nobody wants any more."""
        pauses = await pickups.pauses_of(self._driver, self._link.peer)
        rows: dict[tuple[str, Key], ChangedRow] = {}
        for part in kept.parts:
            followed = self._source.followed.get(part.table)
            if followed is None:
                logger.info("pickup %s: %s is not followed any more", self._link.peer, part.table)
                continue
            pause = pauses.get(part.table)
            if pause is not None and pause.reason is PauseReason.FLOOD:
                # They come again when somebody has looked at it and loads the table.
                continue
            unpacked = await self._unpacked(part)
            if (part.key, part.columns) != (followed.table.key, followed.table.columns):
                # Kept before its mapping asked for other columns.
                await self._read_again(part)
                unpacked = [row for row in unpacked if row.values is None and part.key == followed.table.key]
            # Of a row that changed in several pages the last is the newest.
            rows.update(((row.table, row.key), row) for row in unpacked)
        return list(rows.values())

    async def _unpacked(self, part: PackedRows) -> list[ChangedRow]:
        try:
            return await asyncio.to_thread(unpack, part)
        except (ValueError, LookupError, struct.error, msgspec.DecodeError) as error:
            # A column got another type between two looks at the columns: nothing is guessed, and nobody is held.
            logger.error("pickup %s: %s cannot be unpacked: %s", self._link.peer, part.table, error)  # noqa: TRY400
            await self._read_again(part)
            return []

    async def _read_again(self, part: PackedRows) -> None:
        """Has a table read anew in place of rows that are of no use as they were kept."""
        logger.warning("pickup %s: %s is read again", self._link.peer, part.table)
        await loading.order(self._driver, self._link.peer, Load(part.table))
