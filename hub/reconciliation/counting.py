"""Keeping the figures of the days of a link: coverage by receipts, freshness, completeness of numbers."""

from exchange_db import link_days, peers
from exchange_db.marking import Way
from exchange_db.marks import day_before, day_of
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.reconciliation.side import LedgerSide

#: A day that was counted so long ago is counted again, microseconds.
_COUNTED_AGAIN = 20 * 3_600_000_000


class LinkCounter:
    """Counts days.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def active_peers(self) -> list[Peer]:
        """Returns the neighbours that are welcome."""
        async with self._ledger.read() as session:
            return [peer for peer in await peers.all_peers(session) if peer.state == "active"]

    async def due_days(self, way: Way, day_count: int) -> list[int]:
        """Returns the newest days before today, ``day_count`` of them, that were not counted lately."""
        now = self._clock()
        today = day_of(now)
        newest = [day_before(today, back) for back in range(day_count, 0, -1)]
        async with self._ledger.read() as session:
            counted = await link_days.counted_days(session, way, newest[0], now - _COUNTED_AGAIN)
        return [day for day in newest if day not in counted]

    async def kept_days(self, way: Way) -> set[int]:
        """Returns the days whose figures are kept."""
        async with self._ledger.read() as session:
            return await link_days.counted_days(session, way, 0, 0)

    async def count(self, way: Way, days: list[int]) -> None:
        """Counts days and keeps their figures."""
        count = link_days.count_sent if way.is_sent else link_days.count_received
        for day in days:
            async with self._ledger.write() as session:
                figures = await count(session, way, day)
                await link_days.keep_figures(session, way, day, figures, self._clock())

    async def count_newest(self, day_count: int) -> int:
        """Looks again at the newest days of every link, and counts them; returns how many days were counted.

        For links whose other end dials: it compares, and finds here what is so.
        """
        count = 0
        for peer in await self.active_peers():
            for is_sent in (True, False):
                way = Way(peer.destination_id, is_sent)
                days = await self.due_days(way, day_count)
                await LedgerSide(self._ledger, way).recount(days)
                await self.count(way, days)
                count += len(days)
        return count
