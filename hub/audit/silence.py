"""An alarm when a neighbour that showed its audit log does so no more: whoever hides a log stops showing it.

A hub shows its log when it grew, and now and then when it did not (``hub.audit.checkpoints``), so silence means
something. Called by ``hub.jobs``.
"""

import logging
from datetime import UTC, datetime, timedelta

from exchange_db import audit, audit_checkpoints, peers
from exchange_db.audit_records import AuditEntry, hub_actor
from exchange_db.session import Ledger
from hub.audit.checkpoints import microseconds
from hub.clock import Clock

logger = logging.getLogger(__name__)


class SilenceWatch:
    """Watches the neighbours whose logs this hub witnesses.

    Args:
        ledger: the hub's database.
        hub_id: name of the hub.
        clock: the hub's clock.
        silent_minutes: how long a neighbour may show nothing.
    """

    def __init__(self, ledger: Ledger, hub_id: str, clock: Clock, silent_minutes: float) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._clock = clock
        self._most = timedelta(minutes=silent_minutes)

    async def run(self) -> list[str]:
        """Returns who is silent; each silence is told once in the program's log and in the audit log."""
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.write() as session:
            active = {peer.peer_id for peer in await peers.all_peers(session) if peer.state == "active"}
            shown = await audit_checkpoints.shown_times(session)
            silent = {peer_id: last for peer_id, last in shown.items() if peer_id in active and now - last > self._most}
            for peer_id, last in silent.items():
                wanted = audit.Search(action="audit.silent", object=peer_id, begin_time=microseconds(last))
                if await audit.search(session, wanted, limit=1):
                    continue
                logger.error("%s has shown no checkpoint of its audit log since %s", peer_id, last.isoformat())
                await audit.append(
                    session,
                    AuditEntry(
                        actor=hub_actor(self._hub_id), action="audit.silent", object=peer_id, outcome="failed",
                        reason="CHECKPOINT_MISSING", detail={"shown_time": last.isoformat(timespec="seconds")},
                    ),
                )  # fmt: skip
        return sorted(silent)
