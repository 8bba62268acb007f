"""Wake-ups of one process: one connection listens for them and one passes them on to other processes.

Between ``version`` and ``wait`` nothing is missed: a wake-up that came in between ends the wait at once. While the
connection is down, waits simply run into their time-out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from exchange_db import wakeups
from exchange_db.session import Dedicated, Ledger

logger = logging.getLogger(__name__)

_CHANNELS = (wakeups.INBOX, wakeups.OUTBOX, wakeups.SETTLED, wakeups.PEERS)


class Listener:
    """Counts wake-ups per channel."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._versions = dict.fromkeys(_CHANNELS, 0)
        self._woken = {channel: asyncio.Event() for channel in _CHANNELS}
        self._untold: set[str] = set()
        self._has_untold = asyncio.Event()

    def version(self, channel: str) -> int:
        """Returns the number of wake-ups so far; take it before looking for work."""
        return self._versions[channel]

    async def wait(self, channel: str, seen: int, timeout_seconds: float) -> None:
        """Returns when there was a wake-up since ``seen``, or after the time-out."""
        if self._versions[channel] != seen:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._woken[channel].wait()
        except TimeoutError:
            return

    def wake(self, channel: str) -> None:
        """Wakes everybody in this process who waits on the channel."""
        self._versions[channel] += 1
        woken, self._woken[channel] = self._woken[channel], asyncio.Event()
        woken.set()

    def tell(self, *channels: str) -> None:
        """Wakes this process at once, and through the database whoever else sleeps. Call it after the commit."""
        for channel in channels:
            self.wake(channel)
        self._untold.update(channels)
        self._has_untold.set()

    async def run(self) -> None:
        """Listens and tells until cancelled; connects again when the database was away."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._listen))
            tasks.create_task(self._again(self._tell))

    async def _again(self, work: Callable[[Dedicated], Awaitable[None]]) -> None:
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    await work(connection)
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("listener: database does not answer: %s", error)
                await asyncio.sleep(0.5)

    async def _listen(self, connection: Dedicated) -> None:
        await wakeups.prepare(connection.driver)
        for channel in _CHANNELS:
            await connection.driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self.wake(channel)
        async for notice in connection.driver.notifies():
            self.wake(notice.channel)

    async def _tell(self, connection: Dedicated) -> None:
        """Passes on what was told meanwhile, many at once, so that no writer waits for it."""
        while True:
            await self._has_untold.wait()
            self._has_untold.clear()
            channels = sorted(self._untold)
            self._untold.clear()
            try:
                await wakeups.wake(connection.driver, *channels)
            except BaseException:
                self._untold.update(channels)
                self._has_untold.set()
                raise
