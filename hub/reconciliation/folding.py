"""Marking what came over links and what is owed over them, behind the hot path, in small transactions."""

from connectors.wire import mark_of
from exchange_db import marking
from exchange_db.marking import Marked, Unmarked, Way
from exchange_db.session import Ledger

#: Rows of one partition marked in one transaction.
_ROWS = 100


class MarkFold:
    """Marks the log and the outbox.

    Args:
        ledger: the hub's database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self) -> int:
        """Goes on to the end of both; returns how many records were marked."""
        count = 0
        while True:
            async with self._ledger.write() as session:
                await marking.begin(session)
                received = await marking.unmarked_received(session, _ROWS)
                sent = await marking.unmarked_sent(session, _ROWS)
                marked = [*_marked(received, is_sent=False), *_marked(sent, is_sent=True)]
                count += await marking.add(session, marked)
                reached = {(0, row.partition): row.position for row in received}
                reached |= {(row.destination_id, row.partition): row.position for row in sent}
                await marking.move_cursors(session, reached)
            if not received and not sent:
                return count


def _marked(rows: list[Unmarked], *, is_sent: bool) -> list[Marked]:
    """Marks rows that belong to a link; what cannot be read was damaged before and has no mark."""
    found = []
    for row in rows:
        mark = mark_of(row.payload) if row.destination_id and row.payload else None
        if mark is not None:
            found.append(Marked(Way(row.destination_id, is_sent), mark, row.partition, row.inbox_id))
    return found
