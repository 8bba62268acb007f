"""Picking up what partners write into their databases: one worker a partner, under a lease.

Each source of the partner (its key log, or a table of its own) is read page by page; a page becomes records, which
enter the log through the intake desk together with how far the source is read. Only after that commit the partner is
told. The next page is read while one is being written, and no further: that is the back-pressure. When much waits in
the key log of PostgreSQL, its pages are kept unread first (``hub.intermediate.keeping``). Whatever breaks, the next
attempt begins at what is on disk, and rows that are read again unchanged leave nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psycopg
import sqlalchemy.exc

from auth.principal import Principal
from connectors.causes import cause_of
from exchange_db import inbox, leases, links, pickups
from exchange_db.errors import ExchangeDbError, LeaseLost
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import Partner, PartnerError, PartnerRefused, open_partner
from exchange_db.intermediate.reading.packed import PackedPage
from exchange_db.intermediate.reading.pages import Page, Reader, probe
from exchange_db.intermediate.reading.snapshot_log import SnapshotLog
from exchange_db.outages import Direction
from exchange_db.peers import Peer
from exchange_db.pickups import Pause, PauseReason
from exchange_db.session import Dedicated, Ledger
from hub.intermediate import loading
from hub.intermediate.drifting import DriftWatch
from hub.intermediate.first_errors import first_error
from hub.intermediate.intaking import Intaking, PageRefused, Take
from hub.intermediate.keeping import KeptPages, PageShelf, shelves_of
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link
from hub.intermediate.loading import Load, SourceChanged
from hub.intermediate.pausing import pause, pause_for_flood
from hub.intermediate.sources import Source, sources_of
from hub.patience import rest

logger = logging.getLogger(__name__)

_LEASE_SECONDS = 15.0
_POLL_SECONDS = 1.0
#: How long a table that the partner's database refuses to give is left alone.
_PAUSE_SECONDS = 30.0
#: Changes in a page: grows while pages are full, falls back to the smallest when one is not.
_SMALLEST_PAGE, _LARGEST_PAGE = 500, 4_000
#: Changes in a page that is kept unread.
_KEPT_PAGE = 5_000
#: Of these a partner's database is at fault; what is kept of it becomes records all the same.
_PARTNER_FAILURES = (PartnerError, ConnectionError)
_FAILURES = (
    PartnerError,
    LinkFileInvalid,
    ExchangeDbError,
    PageRefused,
    psycopg.OperationalError,
    sqlalchemy.exc.OperationalError,
    OSError,
)


class PickupWorker:
    """Picks up from one partner until cancelled.

    Args:
        ledger: the hub's database.
        take: the intake desk.
        pause_of: says how long to wait after so many failures.
        folder: where the link files are.
        holder: name of this worker for leases.
        peer: the partner.
    """

    def __init__(
        self, ledger: Ledger, take: Take, pause_of: Callable[[int], float], folder: Path, holder: str, peer: Peer
    ) -> None:
        self._ledger = ledger
        self._take = take
        self._pause_of = pause_of
        self._folder = folder
        self._holder = holder
        self._peer = peer
        self._lease = f"pickup/{peer.peer_id}"
        self._failures = 0

    async def run(self) -> None:
        """Picks up, and tries again after every failure."""
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    try:
                        await self._attempt(connection)
                    finally:
                        await asyncio.shield(self._release())
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("pickup %s: database does not answer: %s", self._peer.peer_id, error)
                await asyncio.sleep(0.5)

    async def _release(self) -> None:
        with suppress(psycopg.OperationalError, OSError):
            async with self._ledger.dedicated() as connection:
                await leases.release(connection.driver, [self._lease], self._holder)

    async def _attempt(self, connection: Dedicated) -> None:
        if not await leases.claim(connection.driver, [self._lease], self._holder, _LEASE_SECONDS):
            await asyncio.sleep(_POLL_SECONDS)
            return
        try:
            link = find_link(self._folder, self._peer.peer_id)
            await self._work(connection, link)
        except SourceChanged as changed:
            logger.info("pickup %s: %s is read anew", self._peer.peer_id, changed)
        except LeaseLost:
            logger.info("pickup %s: taken over by another process", self._peer.peer_id)
        except _FAILURES as error:
            await self._note_failure(connection, error)

    async def _note_failure(self, connection: Dedicated, error: Exception) -> None:
        pause = self._pause_of(self._failures)
        if not self._failures:
            logger.warning("pickup %s: %s", self._peer.peer_id, error)
        self._failures += 1
        # No pause for the write-back: what keeps rows from being read need not keep others from being written.
        told, driver = f"接收 pickup: {error}", connection.driver
        destination_id = self._peer.destination_id
        await links.note_failure(driver, destination_id, told, 0, cause=cause_of(error), direction=Direction.IN)
        await rest(driver, destination_id, pause)

    async def _work(self, connection: Dedicated, link: DatabaseLink) -> None:
        """Reads at a partner and makes records of what is kept of it, until one breaks."""
        peer = self._peer
        sender = Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint)
        stream = await inbox.open_stream(connection, peer.peer_id, pickups.STREAM)
        intaking = Intaking(connection, self._take, sender, stream)
        shelved = await shelves_of(self._ledger, connection, link)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_lease(connection))
                for source, shelf in shelved:
                    tasks.create_task(KeptPages(connection, intaking, link, source, shelf).run())
                tasks.create_task(self._read(connection, link, intaking, shelved))
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _read(
        self, connection: Dedicated, link: DatabaseLink, intaking: Intaking, shelved: list[tuple[Source, PageShelf]]
    ) -> None:
        """Reads at a partner; tries again by itself while something is kept, so that nobody who works on it is ended.

        Raises:
            PartnerError: the partner's database failed, and nothing of it is kept.
        """
        while True:
            try:
                await self._follow(connection, link, intaking, shelved)
            except _PARTNER_FAILURES as error:
                for _, shelf in shelved:
                    await shelf.expect(more=False)
                if all(shelf.is_empty for _, shelf in shelved):
                    raise
                await self._note_failure(connection, error)

    async def _follow(
        self, connection: Dedicated, link: DatabaseLink, intaking: Intaking, shelved: list[tuple[Source, PageShelf]]
    ) -> None:
        """Reads all sources of a partner side by side until one breaks."""
        drift = DriftWatch(connection.driver, self._peer.peer_id, link)
        async with open_partner(link.url, link.zone) as partner:
            dialect = partner.dialect
            await drift.look(partner)
        kept = {source.name: (source, shelf) for source, shelf in shelved}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._note_wellness(connection))
                tasks.create_task(drift.run())
                for found in sources_of(link, dialect):
                    source, shelf = kept.get(found.name, (found, None))
                    tasks.create_task(SourceWorker(connection, intaking, link, source, drift, shelf).run())
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _keep_lease(self, connection: Dedicated) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            if not await leases.claim(connection.driver, [self._lease], self._holder, _LEASE_SECONDS):
                raise LeaseLost(self._lease)

    async def _note_wellness(self, connection: Dedicated) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            if self._failures:
                # It has been well for a while, not only connected.
                logger.info("pickup %s: well again", self._peer.peer_id)
                await links.note_success(connection.driver, self._peer.destination_id, Direction.IN)
                self._failures = 0


class SourceWorker:
    """Reads one source of one partner until something breaks.

    Args:
        connection: to the ledger; shared with other sources.
        intaking: the way into the log.
        link: the partner's link file.
        source: what is read.
        drift: knows the partner's columns.
        shelf: where pages are kept, for a source whose pages can be.
    """

    def __init__(
        self,
        connection: Dedicated,
        intaking: Intaking,
        link: DatabaseLink,
        source: Source,
        drift: DriftWatch,
        shelf: PageShelf | None,
    ) -> None:
        self._driver = connection.driver
        self._intaking = intaking
        self._peer_id = link.peer
        self._link = link
        self._source = source
        self._drift = drift
        self._shelf = shelf
        self._limit = _SMALLEST_PAGE
        #: Whether the last page had as much as was asked for, so that more may wait.
        self._was_full = False
        self._position: str | None = None
        #: Another connection to the partner, while much waits there.
        self._second = AsyncExitStack()
        self._is_sharing = False
        self._load_at = 0.0
        self._probe_at = time.monotonic() + _PAUSE_SECONDS
        #: Reading, and telling the partner, on the same connection.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Reads page after page.

        Raises:
            PartnerError, PageRefused, ExchangeDbError: see ``PickupWorker``; all of it is tried again.
        """
        await self._look_at_pauses()
        self._position = await pickups.position_of(self._driver, self._peer_id, self._source.name)
        if self._shelf is not None:
            await self._shelf.look()
        async with open_partner(self._link.url, self._link.zone) as partner, AsyncExitStack() as self._second:
            reader = await self._source.open(partner, self._position)
            if reader.is_restored:
                await self._read_all_again()
            page = await self._next(reader)
            while True:
                await self._probe(partner)
                if page is None:
                    if not await self._carry_on(partner):
                        await self._rest(reader)
                    page = await self._next(reader)
                    continue
                # The next page is read while this one is written, if there is one.
                reading = asyncio.create_task(self._next(reader)) if self._was_full else None
                try:
                    await self._write(reader, page)
                    page = await reading if reading else await self._next(reader)
                except BaseException:
                    if reading is not None:
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
                    raise

    async def _rest(self, reader: Reader) -> None:
        if isinstance(reader, SnapshotLog) and self._is_sharing:
            self._is_sharing = False
            await reader.share(None)
            await self._second.aclose()
        await reader.rest(_POLL_SECONDS)

    async def _share(self, reader: SnapshotLog) -> None:
        """Has two connections read at the partner while much waits there, where it gives us a second one."""
        if self._is_sharing:
            return
        self._is_sharing = True
        try:
            second = await self._second.enter_async_context(open_partner(self._link.url, self._link.zone))
        except PartnerError as error:
            logger.info("pickup %s: one connection reads alone: %s", self._peer_id, error)
            return
        assert isinstance(second, PostgresqlPartner)  # noqa: S101 — it is the same engine
        await reader.share(second)

    async def _read_all_again(self) -> None:
        """Has every row compared with what the hub has: in a restored database some are older than that."""
        logger.warning("pickup %s: all rows are read again", self._peer_id)
        for name in self._source.followed:
            await loading.order(self._driver, self._peer_id, Load(name))

    async def _next(self, reader: Reader) -> Page | PackedPage | None:
        """Returns the next page of a source that is not paused as a whole; ``None`` when nothing changed."""
        if self._source.spec is not None and not self._source.tables:
            await self._look_at_pauses()
            if not self._source.tables:
                return None
        try:
            async with self._turn:
                page = await self._page(reader)
        except PartnerRefused as refusal:
            if self._source.spec is None:
                raise
            await self._pause(self._source.spec.name, PauseReason.UNREADABLE, str(refusal))
            return None
        if self._shelf is not None:
            await self._shelf.expect(more=self._was_full)
        return page

    async def _page(self, reader: Reader) -> Page | PackedPage | None:
        """Reads a page: unread where more than that waits, or where something is kept that it must not overtake."""
        if self._shelf is not None and isinstance(reader, SnapshotLog) and (self._was_full or not self._shelf.is_empty):
            if self._was_full:
                await self._share(reader)
            packed = await reader.packed(_KEPT_PAGE)
            self._was_full = packed is not None and packed.is_full
            return packed
        page = await reader.page(self._limit)
        self._was_full = page is not None and page.change_count >= self._limit
        self._limit = min(2 * self._limit, _LARGEST_PAGE) if self._was_full else _SMALLEST_PAGE
        return page

    async def _write(self, reader: Reader, page: Page | PackedPage) -> None:
        for table, told in page.unreadable.items():
            await self._pause(table, PauseReason.UNREADABLE, told)
        if page.passed:
            await self._look_at_pauses()
            if page.passed & self._source.tables.keys():
                # A table is followed again since this page was read: so must the page be.
                raise SourceChanged(self._source.name)
        flooding: list[str] = []
        if isinstance(page, Page):
            flooding = await self._intaking.take(self._source, page, self._link.most_refused_per_hour)
        else:
            assert self._shelf is not None  # noqa: S101 — only then a page is packed
            await self._shelf.keep(page, self._position)
        self._position = page.position
        async with self._turn:
            await reader.settle()
        for table in flooding:
            await pause_for_flood(self._driver, self._link, self._source, table)

    async def _pause(self, table: str, reason: PauseReason, told: str) -> None:
        await pause(self._driver, self._peer_id, self._source, Pause(table, reason, told))
        if reason is PauseReason.UNREADABLE:
            self._drift.ask()

    async def _probe(self, partner: Partner) -> None:
        """Looks now and then whether tables that could not be read can be; rows that were missed are loaded then."""
        if len(self._source.tables) == len(self._source.followed) or time.monotonic() < self._probe_at:
            return
        self._probe_at = time.monotonic() + _PAUSE_SECONDS
        paused = await pickups.pauses_of(self._driver, self._peer_id)
        for name, followed in self._source.followed.items():
            if name not in paused or paused[name].reason is not PauseReason.UNREADABLE:
                continue
            try:
                async with self._turn:
                    await partner.fetch(probe(partner.dialect, followed.table))
            except PartnerRefused:
                continue
            logger.info("pickup %s: %s can be read again", self._peer_id, name)
            await pickups.end_pause(self._driver, self._peer_id, name)
            if self._source.spec is None:
                await loading.order(self._driver, self._peer_id, Load(name))
        await self._look_at_pauses()

    async def _carry_on(self, partner: Partner) -> bool:
        """Does a piece of a load, when nothing newer waits; tells whether there was one."""
        if time.monotonic() < self._load_at:
            return False
        if len(self._source.tables) < len(self._source.followed):
            await self._look_at_pauses()  # whoever orders a load ends the pause of its table
        async with self._turn:
            is_loading = await loading.carry_on(self._driver, self._peer_id, self._source, partner)
        if not is_loading:
            self._load_at = time.monotonic() + _POLL_SECONDS
        return is_loading

    async def _look_at_pauses(self) -> None:
        """Takes paused tables out of the source, and others in."""
        paused = await pickups.pauses_of(self._driver, self._peer_id)
        for name, followed in self._source.followed.items():
            if name in paused:
                self._source.tables.pop(name, None)
            else:
                self._source.tables[name] = followed.table
