"""Raw connections that are kept open for what is done many times a second.

SQLAlchemy's pool costs several times what a short statement does: a greenlet for lending, another for taking back, a
reset each. Called by ``exchange_db.session`` only.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection as DriverConnection
from psycopg.pq import TransactionStatus

#: Connections lent at the same time beyond those that are kept; whoever comes then waits.
_MORE = 8


class DriverPool:
    """Connections on which every statement stands alone.

    Args:
        address: in the form libpq reads.
        kept: connections that stay open; 0 opens one for every use.
        driving: further arguments of a connection.
    """

    def __init__(self, address: str, kept: int, driving: dict[str, Any]) -> None:
        self._address = address
        self._kept = kept
        self._driving = driving
        self._idle: list[DriverConnection[tuple[Any, ...]]] = []
        self._room = asyncio.Semaphore(kept + _MORE)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator["DriverConnection[tuple[Any, ...]]"]:
        """Lends a connection; one that was lost, or is left in a transaction, is not kept."""
        async with self._room:
            driver = self._idle.pop() if self._idle else await self._opened()
            try:
                yield driver
            finally:
                await self._take_back(driver)

    async def close(self) -> None:
        """Closes what is open and not lent."""
        idle, self._idle = self._idle, []
        for driver in idle:
            await driver.close()

    async def _opened(self) -> "DriverConnection[tuple[Any, ...]]":
        return await psycopg.AsyncConnection.connect(self._address, autocommit=True, **self._driving)

    async def _take_back(self, driver: "DriverConnection[tuple[Any, ...]]") -> None:
        if driver.info.transaction_status == TransactionStatus.IDLE and len(self._idle) < self._kept:
            self._idle.append(driver)
            return
        if driver.broken:
            # The server went away under it, and under those that wait here as well.
            await self.close()
        await driver.close()
