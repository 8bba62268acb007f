"""Watching links for the availability ledger: silences of those who call us, breaks of this hub, and what waits.

Where this hub calls, whoever calls notes failures and successes as they come. Where it is called, only silence tells;
it begins with the last word heard, so noticing it late does not move it. A link that broke is asked by a canary at
once: it comes back when records pass again, and proves it.
"""

import asyncio
import logging
from contextlib import suppress

import psycopg

from exchange_db import canaries, leases, link_lags, outages, wakeups
from exchange_db.outages import Direction
from exchange_db.session import Ledger
from hub.sections.links import LinksPart

logger = logging.getLogger(__name__)

LEASE = "watch-links"
#: Breaks of this hub shorter than this are no outage: a restart, or a look that came late.
_SHORTEST_BREAK_SECONDS = 60.0


class LinkWatch:
    """Looks again and again until cancelled; of several processes one looks.

    Args:
        ledger: the hub's database.
        part: how often, and how long a neighbour may be silent.
        holder: name of this process for leases.
        asks_canaries: whether this hub sends canaries.
    """

    def __init__(self, ledger: Ledger, part: LinksPart, holder: str, *, asks_canaries: bool = False) -> None:
        self._ledger = ledger
        self._part = part
        self._holder = holder
        self._asks_canaries = asks_canaries

    async def run(self) -> None:
        """Looks, and tries again after every failure of the database; gives its lease back when it ends."""
        try:
            while True:
                try:
                    await self.look()
                except (psycopg.OperationalError, OSError) as error:
                    logger.warning("link watch: database does not answer: %s", error)
                await asyncio.sleep(self._part.watch_seconds)
        finally:
            with suppress(psycopg.OperationalError, OSError):
                async with self._ledger.watching() as connection:
                    await leases.release(connection.driver, [LEASE], self._holder)

    async def look(self) -> bool:
        """Looks once; tells whether this process was the one to do so."""
        async with self._ledger.watching() as connection:
            driver = connection.driver
            if not await leases.claim(driver, [LEASE], self._holder, 3 * self._part.watch_seconds):
                return False
            since = await outages.sign(driver, max(_SHORTEST_BREAK_SECONDS, 6 * self._part.watch_seconds))
            directions = (Direction.IN, Direction.OUT)
            if silent := await outages.note_silence(driver, self._part.silent_seconds, since, directions):
                logger.warning("%s 个方向的邻居已失联 / directions of links have fallen silent", silent)
            if self._asks_canaries and await canaries.is_missing_on_broken(driver):
                await wakeups.wake(driver, wakeups.BROKEN)
            await link_lags.count_next(driver)
        return True
