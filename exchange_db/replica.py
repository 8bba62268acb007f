"""A ledger whose questions go to a streaming replica while it answers, and to the server itself while it does not.

For readers who can bear a picture that is a moment old: the console's pages. Whatever decides or writes uses the ledger
itself. Called by ``hub.console``.
"""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import sqlalchemy.exc

from exchange_db.session import Ledger, ReadSession

logger = logging.getLogger(__name__)

#: Seconds during which a replica that did not answer is not asked again.
PAUSE_SECONDS = 10.0
_POOL = 4
_NO_ANSWER = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError)


class ReplicaLedger(Ledger):
    """Reads from a replica, writes to the server.

    Args:
        primary: the ledger itself; closed by whoever opened it.
        url: ``postgresql://…`` of the replica.
    """

    def __init__(self, primary: Ledger, url: str) -> None:
        super().__init__(primary.url)
        self._primary = primary
        self._replica = Ledger(url, pool_size=_POOL)
        self._asked_again_at = 0.0

    async def close(self) -> None:
        """Closes the connections to the replica, and those of its own to the server."""
        await self._replica.close()
        await super().close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """Yields a session that reads one consistent picture, of the replica if it answers."""
        async with AsyncExitStack() as stack:
            session = await self._of_replica(stack)
            if session is None:
                session = await stack.enter_async_context(self._primary.read())
            yield session

    async def _of_replica(self, stack: AsyncExitStack) -> ReadSession | None:
        if time.monotonic() < self._asked_again_at:
            return None
        try:
            async with AsyncExitStack() as trying:
                session = await trying.enter_async_context(self._replica.read())
                # A pooled connection may have been lost meanwhile; the first statement tells.
                await session.driver.execute("SELECT")
                stack.push_async_exit(trying.pop_all())
        except _NO_ANSWER as error:
            logger.warning("the replica does not answer, asking the server itself: %s", str(error).partition("\n")[0])
            self._asked_again_at = time.monotonic() + PAUSE_SECONDS
            return None
        return session
