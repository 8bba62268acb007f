"""Bringing links up to date from a point on, where somebody asked for it; a point is forgotten once it is done."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from exchange_db import peers
from exchange_db.intermediate.partner import PartnerError
from exchange_db.marks import day_before, day_of
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intermediate.link_files import LinkFileInvalid, find_link
from hub.intermediate.resending import NotRegistered, resend
from hub.reconciliation.comparing import LinkReconciler

#: Days that are compared one by one; a point further back has all days compared.
_MOST_DAYS = 31

Wake = Callable[[], Awaitable[None]]


class ResyncFailed(Exception):
    """Some links could not be brought up to date; the next run tries again."""


class LinkResync:
    """Does what was asked for with ``LinkDesk.resync``.

    Args:
        ledger: the hub's database.
        reconciler: compares and repairs links.
        clock: the hub's clock.
        folder: where link files of partners' databases are.
    """

    def __init__(self, ledger: Ledger, reconciler: LinkReconciler, clock: Clock, folder: Path) -> None:
        self._ledger = ledger
        self._reconciler = reconciler
        self._clock = clock
        self._folder = folder

    async def run(self) -> int:
        """Does all that waits; returns how many links were brought up to date.

        Raises:
            ResyncFailed: with what stood in the way of each that was not.
        """
        async with self._ledger.read() as session:
            cursor = await session.driver.execute(
                "SELECT p.peer_id, l.resync_from FROM links l JOIN peers p USING (destination_id)"
                " WHERE l.resync_from IS NOT NULL AND p.state = 'active' AND NOT p.is_paused ORDER BY p.peer_id"
            )
            asked = await cursor.fetchall()
            known = {peer.peer_id: peer for peer in await peers.all_peers(session)} if asked else {}
        troubles = []
        for peer_id, first in asked:
            peer = known[peer_id]
            if trouble := await (self._write_again(peer, first) if peer.has_database else self._compare(peer, first)):
                troubles.append(f"{peer_id}: {trouble}")
                continue
            async with self._ledger.watching() as connection:
                # Whoever asked for another point meanwhile is served by the next run.
                await connection.driver.execute(
                    "UPDATE links SET resync_from = NULL WHERE destination_id = %s AND resync_from = %s",
                    (peer.destination_id, first),
                )
        if troubles:
            raise ResyncFailed("; ".join(troubles))
        return len(asked)

    async def _write_again(self, peer: Peer, first: int) -> str:
        try:
            await resend(self._ledger, find_link(self._folder, peer.peer_id), first)
        except (LinkFileInvalid, PartnerError, NotRegistered) as error:
            return str(error) or type(error).__name__
        return ""

    async def _compare(self, peer: Peer, first: int) -> str:
        """Compares and repairs the days from one on; today is compared too."""
        today = day_of(self._clock())
        days = [today]
        while days[-1] > first and len(days) < _MOST_DAYS:
            days.append(day_before(days[-1]))
        if days[-1] > first:
            days = [0, today]
        for day in days:
            for compared in await self._reconciler.run(peer.peer_id, day, is_repairing=True):
                if compared.trouble:
                    return compared.trouble
        return ""
