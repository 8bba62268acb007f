"""Wake-ups of one process: one connection listens for them and one passes them on to other processes.

Between ``version`` and ``wait`` nothing is missed: a wake-up that came in between ends the wait at once. While the
connection is down, waits simply run into their time-out.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import psycopg

from exchange_db import wakeups
from exchange_db.session import Dedicated, Ledger

logger = logging.getLogger(__name__)

#: How often to look whether other processes listen, and how long to wait between two notifications.
_LOOK_SECONDS, _PAUSE_SECONDS = 1.0, 0.002


class Listener:
    """Counts wake-ups per channel."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._versions = dict.fromkeys(wakeups.CHANNELS, 0)
        self._woken = {channel: asyncio.Event() for channel in wakeups.CHANNELS}
        self._untold: set[str] = set()
        self._has_untold = asyncio.Event()
        #: Server processes of the connection that listens and of the one that tells.
        self._process_id = self._teller_id = 0

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
        """Wakes this process at once, and others through the database. Call it after the commit."""
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
        self._process_id = connection.driver.info.backend_pid
        await wakeups.listen(connection.driver)
        for channel in wakeups.CHANNELS:
            self.wake(channel)
        async for notice in connection.driver.notifies():
            # What this process told others it knows itself.
            if notice.pid != self._teller_id:
                self.wake(notice.channel)

    async def _tell(self, connection: Dedicated) -> None:
        """Passes on what was told meanwhile, many at once, so that no writer waits for it.

        Whoever begins to listen is noticed within ``_LOOK_SECONDS``; until then it finds work by looking.
        """
        self._teller_id = connection.driver.info.backend_pid
        is_heard, look_at = False, 0.0
        while True:
            await self._has_untold.wait()
            self._has_untold.clear()
            channels = sorted(self._untold)
            self._untold.clear()
            try:
                now = time.monotonic()
                if now >= look_at:
                    is_heard = await wakeups.is_heard(connection.driver, self._process_id)
                    look_at = now + _LOOK_SECONDS
                if is_heard:
                    await wakeups.wake(connection.driver, *channels)
                    await asyncio.sleep(_PAUSE_SECONDS)
            except BaseException:
                self._untold.update(channels)
                self._has_untold.set()
                raise
