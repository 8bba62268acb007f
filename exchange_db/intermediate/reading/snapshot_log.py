"""The key log on PostgreSQL, read by snapshot windows.

A window is what is visible in one snapshot and was not in the one before: a transaction that commits late falls into a
later window, and nobody waits for it. Inside a window changes come by (transaction, number); the position is the
snapshot that is done, the one that is being drained, the place in it, and how many pages were read. Rows are read in
the same snapshot as the page of the log.

The position lies in the partner's database too, behind the ledger's: it goes back with the rows when a backup is
restored or a server's last moments are lost. Numbers of transactions are then given a second time, and a reader that
believed the ledger alone would pass over them.

Source: PgQ's ticks, without its ticker: here the reader takes the snapshot itself.
"""

import json
import logging
from typing import Any

from exchange_db.intermediate.capture import CHANGE_LOG, CHANNEL, READER
from exchange_db.intermediate.capture.postgresql import sleep_lock
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import PartnerError, PartnerRefused
from exchange_db.intermediate.reading.packed import PackedPage, PackedRows, pack_page
from exchange_db.intermediate.reading.packing import NotPacked, RowPacker
from exchange_db.intermediate.reading.pages import Key, Page, ReadTable
from exchange_db.intermediate.reading.rows import RowReader
from exchange_db.intermediate.schema import ATTACHMENT

logger = logging.getLogger(__name__)

SOURCE = "key_log"
#: A snapshot in which no transaction is visible.
_NOTHING = "1:1:"
#: Before version 13 a transaction's number was a bigint and the functions had other names.
_OLD_NAMES = {
    "pg_current_snapshot": "txid_current_snapshot",
    "pg_visible_in_snapshot": "txid_visible_in_snapshot",
    "pg_snapshot": "txid_snapshot",
    "xid8": "bigint",
}
#: Changes behind a place, up to one, and those of a window. The place alone says where the index is entered: beside a
#: bound of the transaction the server would enter it there, and pass over all pages that were read of the window.
_BEHIND = "(l.tx, l.log_id) > ({}::xid8, {})"
_UP_TO = "(l.tx, l.log_id) <= ({}::xid8, {})"
_IN_WINDOW = (
    "l.tx < %s::xid8 AND pg_visible_in_snapshot(l.tx, %s::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(l.tx, %s::pg_snapshot)"
)
#: A number before the first of a transaction.
_BEFORE_ALL = -1
#: Without these the planner may hash a whole table for a page of keys (290 ms a page were measured); and no statement
#: may keep the partner waiting.
SESSION = {
    "default_transaction_isolation": "repeatable read",
    # With bitmaps the whole window is read and sorted for every page of it.
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
    "lock_timeout": "10s",
    "sanji.exchange": "on",
    "statement_timeout": "60s",
}
#: Changes behind the position that are left lying, unless the reader rests, and how many are taken away at once.
_KEPT, _PIECE = 500_000, 10_000
#: Most bytes of one table in a packed page (of each piece its share), the fewest changes such a page is tried with, and
#: the most in one that is read row by row instead.
_MOST_BYTES, _FEWEST, _ONE_BY_ONE = 16 << 20, 250, 2_000
#: Changes whose rows the partner's server packs while those before are on their way.
_CUT = 250
_SHORTEST_REST = 0.005
#: Sessions hold such a lock, not transactions; all of it is given back, whether it was held or not.
_FALL_ASLEEP = f"SELECT pg_try_advisory_lock({sleep_lock(CHANGE_LOG)})"
_WAKE = "SELECT pg_advisory_unlock_all()"
#: An empty log larger than this is truncated: what was deleted from it is then gone from the disk as well.
_TRUNCATED_BYTES = 8 << 20


class SnapshotLog:
    """Reads the key log of a PostgreSQL partner.

    Args:
        partner: a connection of the reader's own.
        tables: what is followed.
        reader_id: name under which the reader says that it sleeps.
        position: what the last page that is on disk ended with; ``None`` to begin with what lies in the log.
    """

    source = SOURCE

    def __init__(
        self, partner: PostgresqlPartner, tables: dict[str, ReadTable], reader_id: str, position: str | None
    ) -> None:
        self._partner = partner
        self._tables = tables
        self._rows = RowReader(partner, tables)
        self._packer = RowPacker(partner)
        self._reader_id = reader_id
        #: Whether the partner's database is an older one than that which was read last.
        self.is_restored = False
        self._take_up(position)
        #: Of pages given and not settled, oldest first: the done snapshot, its changes, the position behind it.
        self._given: list[tuple[str, int, str]] = []
        self._left = 0
        self._is_old = False
        self._pause = _SHORTEST_REST

    async def open(self) -> None:
        """Prepares the session.

        Raises:
            PartnerRefused: there is no key log.
        """
        partner = self._partner
        await _set_up(partner)
        self._is_old = (await partner.fetch("SELECT current_setting('server_version_num')::int"))[0][0] < 130_000
        await self._compare()
        await partner.execute(f"LISTEN {CHANNEL}")

    async def share(self, second: PostgresqlPartner | None) -> None:
        """Lets another connection do half of the packing, or takes it away again.

        It may see rows as they stand later than the page of the log: what changed them then is in a later window.
        """
        if second is not None:
            await _set_up(second)
        self._packer.second = second

    def _take_up(self, position: str | None) -> None:
        self._done, self._draining, self._place, self._pages = _read(position)
        self._settled = self._done

    async def _compare(self) -> None:
        """Goes back to the partner's position when it is behind; what is read again unchanged leaves nothing."""
        query = f"SELECT position FROM {READER} WHERE reader_id = %s"  # noqa: S608 — constant
        found = await self._partner.fetch(query, (self._reader_id,))
        position = found[0][0] if found else None
        behind = self._pages - _read(position)[3]
        if behind > 0:
            self._take_up(position)
        # One page may be on the hub's disk of which the partner was not told.
        self.is_restored = behind > 1
        if _end_of(await self._snapshot()) < _end_of(self._done):
            # Transactions are counted anew in a database that was restored into another server.
            self._take_up(None)
            self.is_restored = True
        if self.is_restored:
            logger.warning("%s: the partner's database was restored; it is read on from where it stands", SOURCE)

    async def _snapshot(self) -> str:
        snapshot: str = (await self._partner.fetch(self._sql("SELECT pg_current_snapshot()::text")))[0][0]
        return snapshot

    def _sql(self, statement: str) -> str:
        if self._is_old:
            for name, old in _OLD_NAMES.items():
                statement = statement.replace(name, old)
        return statement

    async def page(self, limit: int) -> Page | None:
        """Returns the next changes of the window, or of a new one when this is at its end."""
        async with self._partner.transaction():
            window = await self._window()
            if window is None:
                return None
            changes = await self._changes(*window, limit)
            found = await self._rows.changed([(name, tuple(key)) for _, _, name, key in changes])
        end = (changes[-1][0], changes[-1][1]) if len(changes) == limit else None
        position = self._go_on(window[0], end, len(changes))
        if position is None:
            return None
        return Page(found.rows, position, len(changes), found.unreadable, found.passed)

    async def packed(self, limit: int) -> PackedPage | None:
        """Returns the same as bytes, several times as fast; fewer changes where rows are large."""
        while True:
            try:
                return await self._packed(limit)
            except (NotPacked, PartnerRefused) as reason:
                is_for_size = isinstance(reason, NotPacked) and reason.is_for_size
                if is_for_size and limit >= 2 * _FEWEST:
                    limit //= 2
                    continue
                logger.info("%s: a page is read row by row: %s", SOURCE, reason)
                limit = min(limit, _FEWEST if is_for_size else _ONE_BY_ONE)
                page = await self.page(limit)
                return page and pack_page(page, self._tables, is_full=page.change_count == limit)

    async def _packed(self, limit: int) -> PackedPage | None:
        async with self._partner.transaction():
            window = await self._window()
            if window is None:
                return None
            cuts = await self._cuts(*window, limit)
            end = cuts[-1] if len(cuts) == limit // _CUT else None
            where, values = self._where(*window, end)
            counts = await self._partner.fetch(
                f"SELECT l.table_name, count(*) FROM {CHANGE_LOG} l WHERE {where} GROUP BY l.table_name",  # noqa: S608
                values,
            )
            if any(name == ATTACHMENT.name for name, _ in counts):
                # Evidence wants its section beside it.
                raise NotPacked(ATTACHMENT.name)
            parts = []
            for name, _ in counts:
                if (table := self._tables.get(name)) is not None:
                    parts += await self._pack(table, *window, cuts, end)
        count = sum(one[1] for one in counts)
        position = self._go_on(window[0], end, count)
        if position is None:
            return None
        passed = frozenset(one[0] for one in counts) - self._tables.keys()
        return PackedPage(parts, position, count, end is not None, {}, passed)

    async def _pack(
        self,
        table: ReadTable,
        draining: str,
        place: tuple[str, int],
        cuts: list[tuple[str, int]],
        end: tuple[str, int] | None,
    ) -> list[PackedRows]:
        """Returns the rows of one table that changed between a place and an end, or that of the window."""
        ends = cuts if end is not None else [*cuts, (str(_end_of(draining)), 0)]
        starts = [place, *ends[:-1]]
        pieces = "unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[]) c(after_tx, after_id, last_tx, last_id)"
        between = f"{_BEHIND.format('c.after_tx', 'c.after_id')} AND {_UP_TO.format('c.last_tx', 'c.last_id')}"
        keys = (
            f"SELECT l.row_key FROM {CHANGE_LOG} l WHERE {between} AND {_IN_WINDOW}"  # noqa: S608 — constants
            " AND l.table_name = %s ORDER BY l.tx, l.log_id"
        )
        values = (*self._bounds(draining), table.name)
        bounds = [[one[column] for one in side] for side in (starts, ends) for column in (0, 1)]
        return await self._packer.pack(table, pieces, self._sql(keys), bounds, values, _MOST_BYTES)

    async def _window(self) -> tuple[str, tuple[str, int]] | None:
        """Returns the snapshot that is drained and the place in it; ``None`` when nothing happened since the last."""
        if self._draining is not None:
            return self._draining, self._place
        draining = await self._snapshot()
        return None if draining == self._done else (draining, (_begin_of(self._done), _BEFORE_ALL))

    def _go_on(self, draining: str, end: tuple[str, int] | None, count: int) -> str | None:
        """Moves behind a page: to its end, or to that of the window; returns the position, if there was anything."""
        if end is None:
            self._done, self._draining, self._place = draining, None, ("0", 0)
        else:
            self._draining, self._place = draining, end
        if not count:
            return None
        self._pages += 1
        self._pause = _SHORTEST_REST
        position = json.dumps([self._done, self._draining, *self._place, self._pages])
        self._given.append((self._done, count, position))
        return position

    def _where(
        self, draining: str, place: tuple[str, int], end: tuple[str, int] | None = None
    ) -> tuple[str, tuple[Any, ...]]:
        """Returns the condition for changes of a window behind a place, and its values."""
        where, values = f"{_BEHIND.format('%s', '%s')} AND {_IN_WINDOW}", (*place, *self._bounds(draining))
        if end is None:
            return self._sql(where), values
        return self._sql(f"{where} AND {_UP_TO.format('%s', '%s')}"), (*values, *end)

    def _bounds(self, draining: str) -> tuple[str, str, str]:
        """Returns the values of ``_IN_WINDOW``."""
        return str(_end_of(draining)), draining, self._done

    async def _changes(self, draining: str, place: tuple[str, int], limit: int) -> list[tuple[str, int, str, Key]]:
        where, values = self._where(draining, place)
        # The text of a transaction's number must not be named like it: ORDER BY would sort by the text.
        return await self._partner.fetch(
            "SELECT l.tx::text AS tx_text, l.log_id, l.table_name, l.row_key"  # noqa: S608 — constants
            f" FROM {CHANGE_LOG} l WHERE {where} ORDER BY l.tx, l.log_id LIMIT %s",
            (*values, limit),
        )

    async def _cuts(self, draining: str, place: tuple[str, int], limit: int) -> list[tuple[str, int]]:
        """Returns the place of every ``_CUT``-th of so many changes."""
        where, values = self._where(draining, place)
        return await self._partner.fetch(
            "SELECT c.tx::text AS tx_text, c.log_id FROM (SELECT l.tx, l.log_id, row_number() OVER (ORDER BY l.tx,"  # noqa: S608
            f" l.log_id) AS number FROM {CHANGE_LOG} l WHERE {where} ORDER BY l.tx, l.log_id LIMIT %s) c"
            " WHERE c.number %% %s = 0 ORDER BY c.tx, c.log_id",
            (*values, limit, _CUT),
        )

    async def settle(self) -> None:
        """Notes that a page is on disk; takes what is done out of the log when much of it lies there."""
        settled, count, position = self._given[0]
        # Not flushed: what is lost of it is read again, and what comes behind it is lost too.
        await self._partner.execute(
            f"INSERT INTO {READER} (reader_id, position)"  # noqa: S608 — constant
            " SELECT %s, %s FROM set_config('synchronous_commit', 'off', true)"
            " ON CONFLICT (reader_id) DO UPDATE SET position = excluded.position",
            (self._reader_id, position),
        )
        self._settled = settled
        del self._given[0]
        self._left += count
        if self._left >= _KEPT:
            await self._clear()

    async def _clear(self) -> None:
        """Deletes what is done, piece by piece, and gives the space back when nothing is left.

        By place: a row of the log is never updated, so it stays where it was found.
        """
        self._left = 0
        statement = self._sql(
            f"DELETE FROM {CHANGE_LOG} WHERE ctid = ANY(ARRAY("  # noqa: S608 — constants
            f"SELECT ctid FROM {CHANGE_LOG} WHERE tx < %s::xid8 AND pg_visible_in_snapshot(tx, %s::pg_snapshot)"
            f" ORDER BY tx, log_id LIMIT {_PIECE}))"
        )
        while await self._partner.execute(statement, (str(_end_of(self._settled)), self._settled)) == _PIECE:
            continue
        size = (await self._partner.fetch(f"SELECT pg_relation_size('{CHANGE_LOG}')"))[0][0]
        if size > _TRUNCATED_BYTES:
            await self._truncate()

    async def _truncate(self) -> None:
        """Truncates an empty log; leaves it when a writer is in it or its owner does not let us."""
        try:
            async with self._partner.transaction():
                await self._partner.execute("SET LOCAL lock_timeout = '50ms'")
                # Taken before the snapshot: whoever wrote into the log has committed, and is seen.
                await self._partner.execute(f"LOCK TABLE {CHANGE_LOG} IN ACCESS EXCLUSIVE MODE")
                if not await self._partner.fetch(f"SELECT 1 FROM {CHANGE_LOG} LIMIT 1"):  # noqa: S608 — constant
                    await self._partner.execute(f"TRUNCATE {CHANGE_LOG}")
        except PartnerError as error:
            logger.info("the key log keeps its size: %s", error)

    async def rest(self, seconds: float) -> None:
        """Says that it sleeps, looks once more, and waits for a notification.

        Who wrote just before that was said and commits just after the look tells nobody: so the first rests after a
        change are short, and grow.
        """
        if self._left and not self._given:
            await self._clear()
        # Where another session holds it, a process that is being relieved, writers tell us as well.
        await self._partner.fetch(_FALL_ASLEEP)
        try:
            if not await self._has_news():
                await self._partner.wait_for_notice(min(self._pause, seconds))
        finally:
            await self._partner.fetch(_WAKE)
        self._pause = min(2 * self._pause, seconds)

    async def _has_news(self) -> bool:
        return bool(await self._changes(await self._snapshot(), (_begin_of(self._done), _BEFORE_ALL), 1))


async def _set_up(partner: PostgresqlPartner) -> None:
    await partner.fetch(
        "SELECT set_config(n, v, false) FROM unnest(%s::text[], %s::text[]) s(n, v)",
        (list(SESSION), list(SESSION.values())),
    )


def _read(position: str | None) -> tuple[str, str | None, tuple[str, int], int]:
    if position is None:
        return _NOTHING, None, ("0", 0), 0
    values: list[Any] = json.loads(position)
    return values[0], values[1], (values[2], values[3]), values[4]


def _begin_of(snapshot: str) -> str:
    """Returns the first transaction that may not be visible in a snapshot."""
    return snapshot.split(":", maxsplit=1)[0]


def _end_of(snapshot: str) -> int:
    """Returns the first transaction that is not visible in a snapshot and had not begun."""
    return int(snapshot.split(":")[1])
