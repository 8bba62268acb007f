"""Telling people in time that a certificate or a signing key ends: once at 30, 14, 7 and 1 days, and when it has.

What was told stands in the audit log, so that it is told once whichever process looks. Called by a job.
"""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auth.certificates import end_time_of
from exchange_db import audit
from exchange_db.audit import Search
from exchange_db.audit_records import AuditEntry, hub_actor
from exchange_db.expiry import Ending, endings
from exchange_db.session import Ledger
from hub.clock import Clock

logger = logging.getLogger(__name__)

#: Days before the end at which people are told, and when it has come.
STAGES = (0, 1, 7, 14, 30)
ACTION = "credential.expiring"


def stage_of(end_time: datetime, now: datetime) -> int | None:
    """Returns the stage something is at: the fewest days of ``STAGES`` that are not less than what is left."""
    left = end_time - now
    return next((days for days in STAGES if left <= timedelta(days=days)), None)


class ExpiryWatch:
    """Looks for what ends soon and tells it.

    Args:
        ledger: the hub's database.
        hub_id: name of this hub.
        certificate: its own certificate, PEM.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, hub_id: str, certificate: Path, clock: Clock) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._certificate = certificate
        self._clock = clock

    async def run(self) -> int:
        """Tells what was not told yet; returns how much that was.

        Raises:
            OSError, ValueError: the hub's own certificate cannot be read.
        """
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        own = Ending(self._hub_id, "certificate", "own", end_time_of(self._certificate.read_bytes()))
        told = 0
        async with self._ledger.write() as session:
            found = [own, *await endings(session, now + timedelta(days=STAGES[-1], seconds=1))]
            for ending in found:
                stage = stage_of(ending.end_time, now)
                if stage is None:
                    continue
                end = f"{ending.end_time.astimezone(UTC):%Y-%m-%d}"
                name = f"{ending.owner_id} {ending.kind} {ending.name} {end} {stage}d"
                if await audit.search(session, Search(action=ACTION, object=name), limit=1):
                    continue
                detail = {"owner": ending.owner_id, "kind": ending.kind, "name": ending.name, "ends": end}
                entry = AuditEntry(actor=hub_actor(self._hub_id), action=ACTION, object=name, detail=detail)
                await audit.append(session, entry)
                logger.warning(
                    "%s 的%s（%s）于 %s 到期，请及时更换 / of %s ends then",
                    ending.owner_id, _KINDS[ending.kind], ending.name, end, ending.owner_id,
                )  # fmt: skip
                told += 1
        return told


_KINDS = {"certificate": "证书 certificate", "signing_key": "签名密钥 signing key"}
