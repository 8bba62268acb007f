"""The key log on MariaDB, MySQL and SQLite: what lies in it is not read yet, and is deleted once it is on disk here.

These engines cannot say which transactions a snapshot saw, so there is no position: a change that commits late simply
appears, whatever its number. A change is deleted only after the hub's commit; a crash in between brings it again, and
the hub knows the row by its content. No lock is held meanwhile, and none is waited for: the log is read in a snapshot,
the reader's lease keeps others away.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from itertools import pairwise

from exchange_db.intermediate.capture import CHANGE_LOG
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.pages import Key, Page, ReadTable
from exchange_db.intermediate.reading.rows import RowReader
from exchange_db.intermediate.reading.snapshot_log import SOURCE

_SHORTEST_REST = 0.01


class ClaimedLog:
    """Reads the key log of a partner.

    Args:
        partner: a connection of the reader's own.
        tables: what is followed.
    """

    source = SOURCE
    #: What is not read yet lies in the log, whichever state of the database this is.
    is_restored = False

    def __init__(self, partner: Partner, tables: dict[str, ReadTable]) -> None:
        self._partner = partner
        self._rows = RowReader(partner, tables)
        self._given: deque[list[int]] = deque()
        self._pause = _SHORTEST_REST

    async def page(self, limit: int) -> Page | None:
        """Returns the oldest changes that were not given yet."""
        under_way = {log_id for page in self._given for log_id in page}
        async with self._partner.snapshot():
            lying = await self._partner.fetch(
                f"SELECT log_id, table_name, row_key FROM {CHANGE_LOG} ORDER BY log_id LIMIT %s",  # noqa: S608
                (limit + len(under_way),),
            )
            changes = [row for row in lying if row[0] not in under_way][:limit]
            if not changes:
                return None
            found = await self._rows.changed([(name, _key_of(key)) for _, name, key in changes])
        self._given.append([row[0] for row in changes])
        self._pause = _SHORTEST_REST
        return Page(found.rows, None, len(changes), found.unreadable, found.passed)

    async def settle(self) -> None:
        """Deletes the changes of the oldest page."""
        async with self._partner.transaction():
            for first, last in _ranges(self._given[0]):
                await self._partner.execute(
                    f"DELETE FROM {CHANGE_LOG} WHERE log_id BETWEEN %s AND %s",  # noqa: S608 — constant
                    (first, last),
                )
        self._given.popleft()

    async def rest(self, seconds: float) -> None:
        """Waits, the longer the longer nothing came, since nobody announces changes here."""
        await asyncio.sleep(min(self._pause, seconds))
        self._pause = min(2 * self._pause, seconds)


def _key_of(text: str) -> Key:
    return tuple(str(part) for part in json.loads(text))


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Returns runs of numbers without a gap, which another transaction may yet fill."""
    ordered = sorted(numbers)
    starts = [ordered[0], *(after for before, after in pairwise(ordered) if after != before + 1)]
    ends = [*(before for before, after in pairwise(ordered) if after != before + 1), ordered[-1]]
    return list(zip(starts, ends, strict=True))
