"""Receipts to a partner: what became of each row it wrote, in ``x_receipt`` or in the status column it asked for.

First a row is told as taken, then what came of it. A partner whose database went back to a backup is told again from
where its mark stands.
"""

import asyncio
import json

from exchange_db import inbox, pickup_receipts, pickups, receipts, wakeups
from exchange_db.intermediate.partner import Row
from exchange_db.intermediate.writing.given import put_receipts
from exchange_db.pickup_receipts import REFUSED, RowReceipt
from exchange_db.session import Dedicated
from hub.intermediate.link_files import Capture, DatabaseLink, SourceTable
from hub.intermediate.marks import Standing
from hub.listener import Listener

#: Most numbers answered in one transaction.
_MOST_NUMBERS = 2_000
_POLL_SECONDS = 1.0
#: What is settled at one time is told together, and behind the rows that others wait for.
_GATHERING_SECONDS = 0.01
_PATH_LENGTH, _MESSAGE_LENGTH, _KEY_LENGTH = 200, 1_000, 400


class ReceiptTeller:
    """Tells one partner what became of its rows, until cancelled.

    Args:
        connection: to the ledger, for this alone.
        listener: wake-ups of this process.
        link: the partner's link file.
        standing: the session there.
        has_table: whether there is an ``x_receipt``.
    """

    def __init__(
        self,
        connection: Dedicated,
        listener: Listener,
        link: DatabaseLink,
        standing: Standing,
        *,
        has_table: bool,
    ) -> None:
        self._connection = connection
        self._listener = listener
        self._link = link
        self._standing = standing
        self._has_table = has_table
        self._statuses = {
            table.name: table for table in link.source if (table.capture or link.capture) is Capture.STATUS
        }
        self._taken_sequence = 0

    async def run(self) -> None:
        """Looks for what is settled and what was taken, again and again."""
        stream = await inbox.open_stream(self._connection, self._link.peer, pickups.STREAM)
        while True:
            seen = self._listener.version(wakeups.SETTLED)
            if not (await self._tell_settled(stream.stream_id) or await self._tell_taken(stream.stream_id)):
                await self._listener.wait(wakeups.SETTLED, seen, _POLL_SECONDS)
                await asyncio.sleep(_GATHERING_SECONDS)

    async def _tell_settled(self, stream_id: int) -> bool:
        after = self._standing.marks.receipt_sequence
        found = await receipts.settled_range(self._connection.driver, stream_id, after, _MOST_NUMBERS)
        if found is None:
            return False
        rows = await pickup_receipts.settled(self._connection.driver, stream_id, after, found.last)
        async with self._standing.advancing(receipt_sequence=found.last):
            if self._has_table and rows:
                await put_receipts(self._standing.session, [_as_row(row) for row in rows], is_settled=True)
            for row in rows:
                if row.table_name in self._statuses:
                    await self._set_status(self._statuses[row.table_name], row)
        return True

    async def _tell_taken(self, stream_id: int) -> bool:
        after = max(self._taken_sequence, self._standing.marks.receipt_sequence)
        rows = await pickup_receipts.taken(self._connection.driver, stream_id, after, _MOST_NUMBERS)
        if not rows:
            return False
        if self._has_table:
            async with self._standing.session.transaction():
                await put_receipts(self._standing.session, [_as_row(row) for row in rows], is_settled=False)
        self._taken_sequence = rows[-1].sequence
        return True

    async def _set_status(self, table: SourceTable, row: RowReceipt) -> None:
        """Moves a status on from taken; a row the partner has meanwhile set to new again is left to the pick-up."""
        partner = self._standing.session.partner
        quoted = partner.dialect.quoted
        which = " AND ".join(f"{quoted(name)} = %s" for name in table.key)
        state = table.failed if row.state == REFUSED else table.done
        await partner.execute(
            f"UPDATE {quoted(table.name)} SET {quoted(table.column)} = %s"  # noqa: S608 — quoted
            f" WHERE {which} AND {quoted(table.column)} = %s",
            (state, *json.loads(row.row_key), table.taken),
        )


def _as_row(receipt: RowReceipt) -> Row:
    return (
        receipt.sequence,
        receipt.table_name,
        receipt.row_key[:_KEY_LENGTH],
        receipt.revision,
        receipt.state,
        receipt.reason or None,
        receipt.field_path[:_PATH_LENGTH] or None,
        receipt.message[:_MESSAGE_LENGTH] or None,
        receipt.taken_time,
        receipt.settled_time,
    )
