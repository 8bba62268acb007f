"""A table that says when a row changed, and nothing more: read again and again from a little before the last change.

What committed later than the overlap behind its own time, what has no time, and what was deleted is not seen here; the
reconciliation finds it. Rows that are read again unchanged are known by their content.
"""

import asyncio
import json
from datetime import datetime, timedelta

from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.pages import ChangedRow, Key, Page, ReadTable, as_text
from exchange_db.intermediate.reading.status_column import behind_key, key_values

#: How times are written where they are texts; as ISO 8601 otherwise.
_COMPACT = {14: "%Y%m%d%H%M%S", 8: "%Y%m%d"}


class TimeReader:
    """Reads one table by its column of change times.

    Args:
        partner: a connection of the reader's own.
        table: the table.
        column: its column of change times, of a type for times or a text that sorts like one.
        overlap_seconds: how much later than its time a row may be committed and still be seen.
        position: what the last page that is on disk ended with; ``None`` for the beginning.
    """

    #: Nothing in the database tells; rows with times before the position are not read again.
    is_restored = False

    def __init__(
        self, partner: Partner, table: ReadTable, column: str, overlap_seconds: int, position: str | None
    ) -> None:
        self.source = f"table/{table.name}"
        self._partner = partner
        self._table = table
        self._column = column
        self._overlap = timedelta(seconds=overlap_seconds)
        #: The latest time of the last sweep, and time and key of the last row of this one.
        self._latest, self._place = _read(position)
        self._is_swept = False

    async def page(self, limit: int) -> Page | None:
        """Returns the next rows of this sweep; ``None`` once between two sweeps."""
        if self._is_swept:
            self._is_swept = False
            return None
        rows = await self._rows(limit)
        if rows:
            self._place = (rows[-1][0], rows[-1][1])
        if len(rows) < limit:
            self._latest, self._place = (self._place or (self._latest,))[0], None
            self._is_swept = True
        if not rows:
            self._is_swept = False
            return None
        changed = [ChangedRow(self._table.name, key, values) for _, key, values in rows]
        return Page(changed, position_at(self._latest, self._place), len(rows), {}, frozenset())

    async def _rows(self, limit: int) -> list[tuple[str, Key, tuple[object, ...]]]:
        dialect, table = self._partner.dialect, self._table
        column = dialect.quoted(self._column)
        names = [column, *map(dialect.quoted, table.key)]
        where, values = f"{column} IS NOT NULL", list[object]()
        if self._place is not None:
            place = (self._place[0], *self._place[1])
            where, values = behind_key(names), [*key_values(place)]
        elif self._latest:
            where, values = f"{column} >= %s", [_earlier(self._latest, self._overlap)]
        selected = [
            as_text(dialect, self._column), *(as_text(dialect, one) for one in table.key), *table.expressions
        ]  # fmt: skip
        found = await self._partner.fetch(
            f"SELECT {', '.join(selected)} FROM {dialect.quoted(table.name)} WHERE {where}"  # noqa: S608
            f" ORDER BY {', '.join(names)} LIMIT %s",
            (*values, limit),
        )
        count = 1 + len(table.key)
        return [(row[0], row[1:count], row[count:]) for row in found]

    async def settle(self) -> None:
        """Does nothing: the partner is not told."""

    async def rest(self, seconds: float) -> None:
        """Waits until the next sweep."""
        await asyncio.sleep(seconds)


def position_at(latest: str, place: tuple[str, Key] | None = None) -> str:
    """Returns the position from which rows changed at a time and later are read."""
    return json.dumps([latest, place], ensure_ascii=False)


def _read(position: str | None) -> tuple[str, tuple[str, Key] | None]:
    if position is None:
        return "", None
    latest, place = json.loads(position)
    return latest, (place[0], tuple(place[1])) if place else None


def _earlier(text: str, overlap: timedelta) -> str:
    """Returns the time a little before another, written the same way; the same time where it cannot be read."""
    try:
        if (form := _COMPACT.get(len(text))) and text.isdigit():
            return (datetime.strptime(text, form) - overlap).strftime(form)  # noqa: DTZ007 — of the partner's zone
        return (datetime.fromisoformat(text) - overlap).isoformat(" ")
    except ValueError:
        return text
