"""The delivery office: one dispatcher or fetcher a neighbour, following the registry as it changes."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
import sqlalchemy.exc

from exchange_db import peers, wakeups
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.listener import Listener

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0

#: Makes the endless work for one neighbour; ``None`` when there is none.
Work = Callable[[Peer], Coroutine[Any, Any, None] | None]


class DeliveryOffice:
    """Starts and stops the work for each neighbour.

    Args:
        ledger: the hub's database.
        listener: wake-ups of this process.
        works: what is done for an active neighbour whose link is not paused, by name.
    """

    def __init__(self, ledger: Ledger, listener: Listener, works: dict[str, Work]) -> None:
        self._ledger = ledger
        self._listener = listener
        self._works = works
        self._tasks: dict[tuple[str, Peer], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follows the registry until cancelled."""
        try:
            while True:
                seen = self._listener.version(wakeups.PEERS)
                try:
                    async with self._ledger.read() as session:
                        known = await peers.all_peers(session)
                except (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError) as error:
                    logger.warning("delivery: database does not answer: %s", error)
                else:
                    await self._follow({peer for peer in known if peer.state == "active" and not peer.is_paused})
                await self._listener.wait(wakeups.PEERS, seen, _LOOK_SECONDS)
        finally:
            await self._follow(set())

    async def _follow(self, active: set[Peer]) -> None:
        for key, task in list(self._tasks.items()):
            if key[1] not in active or task.done():
                task.cancel()
                result = (await asyncio.gather(task, return_exceptions=True))[0]
                if isinstance(result, Exception):
                    logger.error("%s %s broke and is started again", key[0], key[1].peer_id, exc_info=result)
                del self._tasks[key]
        for name, work in self._works.items():
            for peer in active:
                if (name, peer) not in self._tasks and (coroutine := work(peer)) is not None:
                    self._tasks[name, peer] = asyncio.create_task(coroutine, name=f"{name} {peer.peer_id}")
