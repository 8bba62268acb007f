"""Rows of a partner's table that are not as they were when both sides last held the same: are they the same again?

A row the hub wrote is compared with what was written. One the partner wrote is read and translated as the pick-up does
it: what leaves nothing is known already.
"""

from typing import NamedTuple

from psycopg import AsyncConnection

from exchange_db import partner_rows, pickups
from exchange_db.intermediate.partner import Partner, Row
from exchange_db.intermediate.reading.digests import KeyedDigest
from exchange_db.intermediate.reading.pages import ChangedRow, ReadTable
from exchange_db.intermediate.reading.rows import RowReader
from exchange_db.intermediate.writing.targets import Target
from exchange_db.partner_rows import Known, Seen
from hub.intermediate.delivered import content_of
from hub.intermediate.sources import Followed
from hub.intermediate.translation import Translation, key_text

_ROWS = 5_000


class ComparedTable(NamedTuple):
    """A table of a partner that is read, written, or both; ``read`` is how its rows are read to be compared."""

    name: str
    key: tuple[str, ...]
    followed: Followed | None
    target: Target | None
    read: ReadTable | None = None


class Judged(NamedTuple):
    """Rows that are the same on both sides, rows of the hub's that are not, and rows of the partner's that are not.

    ``revisions`` are those the latter would be read with, by key.
    """

    same: list[Seen]
    changed: list[tuple[KeyedDigest, Known]]
    unread: list[KeyedDigest]
    revisions: dict[str, int]


class RowJudge:
    """Judges rows of one table.

    Args:
        driver: to the ledger.
        partner: a connection of the caller's own.
        peer_id: the partner.
        table: the table.
    """

    def __init__(self, driver: AsyncConnection[Row], partner: Partner, peer_id: str, table: ComparedTable) -> None:
        self._driver = driver
        self._engine = partner.dialect.name
        self._peer_id = peer_id
        self._table = table
        self._reader = RowReader(partner, {table.name: table.read} if table.read else {})

    async def judge(self, rows: list[KeyedDigest]) -> Judged:
        """Judges rows as they stand now."""
        judged = Judged([], [], [], {})
        for start in range(0, len(rows), _ROWS):
            await self._judge({key_text(row.key): row for row in rows[start : start + _ROWS]}, judged)
        return judged

    async def _judge(self, rows: dict[str, KeyedDigest], into: Judged) -> None:
        expected = await partner_rows.by_keys(self._driver, self._peer_id, self._table.name, list(rows))
        read = await self._read(list(rows.values()))
        theirs = []
        for text, row in rows.items():
            known = expected.get(text)
            if known is not None:
                if self._is_as_written(known, row, read.get(text)):
                    into.same.append(Seen(text, is_sent=True, bucket=row.bucket, digest=row.digest))
                else:
                    into.changed.append((row, known))
            elif text in read:
                theirs.append(read[text])
            elif self._table.followed is None:
                # A row of the partner's own in a table that is not read.
                into.same.append(Seen(text, is_sent=False, bucket=row.bucket, digest=row.digest))
        unread = await self._unread(theirs)
        for changed in theirs:
            text = key_text(changed.key)
            if text in unread:
                into.unread.append(rows[text])
                into.revisions[text] = unread[text]
            else:
                into.same.append(Seen(text, is_sent=False, bucket=rows[text].bucket, digest=rows[text].digest))

    async def _read(self, rows: list[KeyedDigest]) -> dict[str, ChangedRow]:
        """Returns rows of a table as they stand; what is gone meanwhile is left out."""
        if self._table.read is None:
            return {}
        found = await self._reader.changed([(self._table.name, row.key) for row in rows])
        return {
            key_text(row.key): row
            for row in found.rows
            if row.table == self._table.name and row.values is not None
        }  # fmt: skip

    def _is_as_written(self, known: Known, row: KeyedDigest, read: ChangedRow | None) -> bool:
        if known.content_hash is None or self._table.target is None:
            # As what the partner keeps of it is not known before it was seen there once.
            return known.digest is None or known.digest == row.digest
        if read is None or read.values is None:
            return False
        return content_of(self._table.target.columns, read.values, self._engine) == known.content_hash

    async def _unread(self, rows: list[ChangedRow]) -> dict[str, int]:
        """Returns the keys of rows the pick-up would make something of, each with its revision."""
        if not rows or self._table.followed is None:
            return {}
        name = self._table.name
        found = await pickups.states_of(self._driver, self._peer_id, name, [key_text(row.key) for row in rows])
        states = {(name, text): state for text, state in found.items()}
        translated = Translation(self._peer_id, {name: self._table.followed}, states).translate(rows)
        return {row.row_key: row.revision for row in translated.rows if row.table_name == name}
