"""A table whose partner marks new rows in a status column, the classic contract of 前置机.

A page claims rows and reads them in one short transaction of the partner's: ``new`` becomes ``taken`` only where it
still is ``new``, so a row that the partner marks again meanwhile is seen again. Rows found ``taken`` at the start were
claimed by a reader that broke off; they are read once more, and the hub knows those it has by their content. ``done``
and ``failed`` are set by the write-back when the receipt is there.
"""

import asyncio
from typing import NamedTuple

from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.pages import ChangedRow, Key, Page, ReadTable, as_text

_SHORTEST_REST = 0.05
#: Rows claimed by one statement.
_PIECE = 500


class StatusColumn(NamedTuple):
    """The column, and what stands in it before and after a row is taken."""

    name: str
    new: str
    taken: str


class StatusReader:
    """Reads one table by its status column.

    Args:
        partner: a connection of the reader's own.
        table: the table.
        status: its column.
    """

    #: What is not read yet says so itself, whichever state of the database this is.
    is_restored = False

    def __init__(self, partner: Partner, table: ReadTable, status: StatusColumn) -> None:
        self.source = f"table/{table.name}"
        self._partner = partner
        self._table = table
        self._status = status
        #: Key of the last row that was found taken at the start; ``None`` when all of them were read.
        self._found_taken: Key | None = ()
        self._pause = _SHORTEST_REST

    async def page(self, limit: int) -> Page | None:
        """Claims rows and returns them."""
        limit = min(limit, _PIECE)
        rows = await self._taken_before(limit) if self._found_taken is not None else []
        is_new = not rows
        if is_new:
            self._found_taken = None
            async with self._partner.transaction():
                rows = await self._read(self._status.new, (), limit, is_claim=True)
                if rows:
                    await self._claim([row.key for row in rows])
        if not rows:
            return None
        self._pause = _SHORTEST_REST
        return Page(rows, None, len(rows), {}, frozenset(), is_asked=is_new)

    async def _taken_before(self, limit: int) -> list[ChangedRow]:
        assert self._found_taken is not None  # noqa: S101 — the caller looked
        rows = await self._read(self._status.taken, self._found_taken, limit, is_claim=False)
        if rows:
            self._found_taken = rows[-1].key
        return rows

    async def _read(self, value: str, after: Key, limit: int, *, is_claim: bool) -> list[ChangedRow]:
        dialect, table = self._partner.dialect, self._table
        quoted = dialect.quoted
        names = [quoted(column) for column in table.key]
        selected = [*(as_text(dialect, column) for column in table.key), *table.expressions]
        behind = f" AND {behind_key(names)}" if after else ""
        lock = " FOR UPDATE SKIP LOCKED" if is_claim and dialect.name != "sqlite" else ""
        found = await self._partner.fetch(
            f"SELECT {', '.join(selected)} FROM {quoted(table.name)} WHERE {quoted(self._status.name)} = %s"  # noqa: S608
            f"{behind} ORDER BY {', '.join(names)} LIMIT %s{lock}",
            (value, *key_values(after), limit),
        )
        count = len(table.key)
        return [ChangedRow(table.name, row[:count], row[count:]) for row in found]

    async def _claim(self, keys: list[Key]) -> None:
        quoted = self._partner.dialect.quoted
        column = quoted(self._status.name)
        equal = " AND ".join(f"{quoted(name)} = %s" for name in self._table.key)
        await self._partner.execute_many(
            f"UPDATE {quoted(self._table.name)} SET {column} = %s WHERE {equal} AND {column} = %s",  # noqa: S608
            [(self._status.taken, *key, self._status.new) for key in keys],
        )

    async def settle(self) -> None:
        """Does nothing: what is taken stays taken until its receipt."""

    async def rest(self, seconds: float) -> None:
        """Waits, the longer the longer nothing came."""
        await asyncio.sleep(min(self._pause, seconds))
        self._pause = min(2 * self._pause, seconds)


def behind_key(names: list[str]) -> str:
    """Returns the condition for rows behind a key, with the values ``key_values`` gives."""
    parts = []
    for number, name in enumerate(names):
        equal = [f"{before} = %s" for before in names[:number]]
        parts.append(" AND ".join([*equal, f"{name} > %s"]))
    return f"({' OR '.join(f'({part})' for part in parts)})"


def key_values(key: Key) -> list[str]:
    """Returns the values for ``behind_key``."""
    return [value for number, _ in enumerate(key) for value in key[: number + 1]]
