"""The work of alerts: looking and sending, each by one process at a time, until the hub stops.

A failure of either ends one round and never the hub: who tells of faults must outlive them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
import sqlalchemy.exc

from exchange_db import leases
from exchange_db.session import Ledger
from hub.alerts.channels import Way
from hub.alerts.sending import NoticeSender
from hub.alerts.watch import AlertWatch
from hub.sections.alerts import AlertsPart

logger = logging.getLogger(__name__)

#: Names of the leases; a process that dies is followed by another one when they have run out.
WATCHING, SENDING = "alerts/watch", "alerts/send"
_LEASE_SECONDS = 30.0
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError)


class AlertOffice:
    """Looks and sends.

    Args:
        ledger: the hub's database.
        part: how often.
        watch: looks.
        sender: sends.
        ways: ways out, closed in the end.
        holder: name of this process, the same after a restart.
    """

    def __init__(
        self, ledger: Ledger, part: AlertsPart, watch: AlertWatch, sender: NoticeSender, ways: list[Way], holder: str
    ) -> None:
        self._ledger = ledger
        self._part = part
        self._watch = watch
        self._sender = sender
        self._ways = ways
        self._holder = holder

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            await asyncio.gather(
                self._repeat(WATCHING, self._part.watch_seconds, self._watch.run),
                self._repeat(SENDING, self._part.send_seconds, self._sender.run),
            )
        finally:
            for way in self._ways:
                await way.close()
            with suppress(*_NO_DATABASE):
                async with self._ledger.watching() as connection:
                    await leases.release(connection.driver, [WATCHING, SENDING], self._holder)

    async def _repeat(self, lease: str, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                async with self._ledger.watching() as connection:
                    is_ours = await leases.claim(connection.driver, [lease], self._holder, _LEASE_SECONDS + seconds)
                if is_ours:
                    await act()
            except _NO_DATABASE as error:
                logger.warning("%s: database does not answer: %s", lease, error)
            except Exception:
                logger.exception("%s failed", lease)
            await asyncio.sleep(seconds)
