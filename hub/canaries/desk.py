"""The canary desk: what this hub asks its neighbours over their links, and how it answers theirs.

A question and an answer are records of the hub's own stream, so they go through intake, log, apply and outbox like
everything else; the desk only writes them. Called by the jobs of ``hub.jobs.canary_schedule`` and ``sanji canary``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from connectors.canary_wire import message_id_of_canary
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.introducing import CANARY, introduce
from connectors.wire import write_parcel
from exchange_db import canaries, peers
from exchange_db.canary_records import CanaryRecord
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock

Submit = Callable[[list[bytes]], Awaitable[None]]

logger = logging.getLogger(__name__)

#: Questions begun in one run: with 3,000 links and a run a minute each has its turn every six minutes, and the log
#: grows by ten rows a second at most.
MOST_QUESTIONS = 500
#: Neighbours asked in one run what they know, and how many at once.
_MOST_MET, _MET_AT_ONCE = 200, 10
_ANSWER_SECONDS = 5.0
_BATCH = 500


class CanaryDesk:
    """Sends and answers canaries.

    Args:
        ledger: the hub's database.
        hub_id: name of this hub.
        submit: takes parcels of this hub into the log.
        target: how a neighbour is dialled.
        clock: the hub's clock.
    """

    def __init__(
        self, ledger: Ledger, hub_id: str, submit: Submit, target: Callable[[Peer], Target], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._submit = submit
        self._target = target
        self._clock = clock

    async def meet(self) -> int:
        """Says hello to neighbours that have not said lately what they know; returns how many answered."""
        async with self._ledger.read() as session:
            unmet = set(await canaries.unmet(session, _MOST_MET))
            dialled = [peer for peer in await peers.all_peers(session) if peer.peer_id in unmet and peer.is_dialled]
        room = asyncio.Semaphore(_MET_AT_ONCE)
        return sum(await asyncio.gather(*(self._meet(peer, room) for peer in dialled)))

    async def _meet(self, peer: Peer, room: asyncio.Semaphore) -> bool:
        async with room:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS), GrpcPeer(self._target(peer)) as neighbour:
                    told = await introduce(neighbour, self._hub_id)
            except (ConnectorError, TimeoutError, OSError) as error:
                logger.info("canary: %s does not say what it knows: %s", peer.peer_id, error)
                return False
        async with self._ledger.write() as session:
            await canaries.note_able(session, peer.peer_id, is_able=CANARY in told)
        return True

    async def send(self, peer_id: str = "", *, is_broken_only: bool = False) -> list[str]:
        """Asks every neighbour that knows canaries and has none under way, or fewer; returns whom.

        Args:
            peer_id: only this one.
            is_broken_only: only neighbours whose link is down.
        """
        now = self._clock()
        async with self._ledger.write() as session:
            asked = await canaries.begin(session, now, MOST_QUESTIONS, peer_id, is_broken_only=is_broken_only)
        await self._write([CanaryRecord(self._hub_id, name, now) for name in asked])
        return asked

    async def answer(self) -> int:
        """Answers the questions that came; returns how many. What was answered twice is one record."""
        async with self._ledger.read() as session:
            waiting = await canaries.unanswered(session)
        now = self._clock()
        await self._write([CanaryRecord(name, self._hub_id, asked_time, now) for name, asked_time in waiting])
        if waiting:
            async with self._ledger.write() as session:
                await canaries.note_answered(session, waiting)
        return len(waiting)

    async def _write(self, records: list[CanaryRecord]) -> None:
        for start in range(0, len(records), _BATCH):
            await self._submit(
                [
                    write_parcel(message_id_of_canary(one), self._hub_id, one.answered_time or one.sent_time, one)
                    for one in records[start : start + _BATCH]
                ]
            )
