"""Comparing links that are partners' databases: as a whole, and what was found is kept as the day's.

Rows carry no day both sides could agree on, so the statement of a day is of all rows as they stood when it was drawn.
"""

from collections.abc import Awaitable
from typing import Protocol

from connectors.reconciliation import BalancedTable, Cause
from exchange_db import link_days
from exchange_db.intermediate.partner import PartnerError
from exchange_db.marking import Way
from exchange_db.marks import day_of
from exchange_db.peers import Peer
from exchange_db.records import printable
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.reconciliation.compared import ComparedDay, ComparedLink
from hub.reconciliation.counting import LinkCounter

#: Rows of the partner's that count as not come, and rows of the hub's that count as not there.
_ABSENT = frozenset({Cause.UNNOTED, Cause.REFUSED, Cause.ROW_MISSING})


class Compare(Protocol):
    """Compares the database of one partner, handed in by ``hub.bootstrap``."""

    def __call__(
        self, peer: Peer, *, is_full: bool, is_repairing: bool
    ) -> Awaitable[tuple[list[BalancedTable], list[str]]]:
        """Returns what it showed, and what kept tables from being compared.

        Raises:
            PartnerError: the database does not answer, or the link file cannot be used.
        """


class DatabaseReconciler:
    """Compares partners' databases and keeps what it showed.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        compare: compares one.
    """

    def __init__(self, ledger: Ledger, clock: Clock, compare: Compare) -> None:
        self._ledger = ledger
        self._clock = clock
        self._compare = compare
        self._counter = LinkCounter(ledger, clock)

    async def compare(self, peer: Peer, *, is_full: bool, is_repairing: bool) -> ComparedLink:
        """Compares one partner's database."""
        try:
            tables, troubles = await self._compare(peer, is_full=is_full, is_repairing=is_repairing)
        except PartnerError as error:
            return ComparedLink(peer.peer_id, (), printable(str(error)))
        today = day_of(self._clock())
        days = tuple(_day(tables, today, is_sent=is_sent) for is_sent in (True, False))
        for day in days:
            await self._note(peer, day)
        return ComparedLink(peer.peer_id, days, printable("; ".join(troubles)))

    async def _note(self, peer: Peer, day: ComparedDay) -> None:
        way, now = Way(peer.destination_id, day.is_sent), self._clock()
        await self._counter.count(way, [day.day])
        left = [item for item in day.found if item.mark.message_key not in day.resent]
        absent = sum(item.cause in _ABSENT for item in left)
        async with self._ledger.write() as session:
            # The day's own figures count records; of what the partner has, these are the ones that differ.
            own = await link_days.own_count(session, way, day.day)
            other = max(0, own - absent) if day.is_sent else own + absent
            await link_days.note_compared(session, way, day.day, other, day.left_count, now)
            found = [(item.mark.message_key, item.mark.kind, item.cause, item.place) for item in day.found]
            await link_days.settle_before(session, way, day.day, [key for key, *_ in found], now)
            await link_days.note_differences(session, way, day.day, found, set(day.resent), now)


def _day(tables: list[BalancedTable], day: int, *, is_sent: bool) -> ComparedDay:
    some = [one for one in tables if one.is_sent is is_sent]
    return ComparedDay(
        is_sent,
        day,
        sum(one.own_count for one in some),
        sum(one.other_count for one in some),
        tuple(item for one in some for item in one.found),
        frozenset().union(*(one.resent for one in some)),
    )
