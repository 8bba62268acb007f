"""What a hub does with its audit log when it starts: settling its hash, checking it, and noting the start itself.

The entry of a start tells the software, the roles, the certificate in force and a digest of the settings, so that an
exchanged key and a changed setting show in the log although they are made in files. Called by ``hub.bootstrap``.
"""

import hashlib
import logging
from collections.abc import Sequence
from importlib.metadata import version

from auth.certificates import thumbprint
from exchange_db import audit, migrate
from exchange_db.audit_records import AuditEntry, hub_actor
from exchange_db.session import Ledger
from hub.audit.checkpoints import CheckpointDesk, LogUnfit
from hub.settings import Settings

logger = logging.getLogger(__name__)


async def open_log(ledger: Ledger, settings: Settings, desk: CheckpointDesk, roles: Sequence[str]) -> None:
    """Checks the log and appends the entry of this start.

    Raises:
        LogUnfit: the log does not fit its last checkpoint, and ``audit.starts_unfit`` is off.
    """
    actor = hub_actor(settings.hub.id)
    async with ledger.write() as session:
        if not await audit.choose_algorithm(session, settings.audit.algorithm):
            logger.warning("audit.algorithm is not in force: the log was begun with another hash")
    try:
        await desk.check()
    except LogUnfit as error:
        if not settings.audit.starts_unfit:
            raise
        logger.error("%s", error)  # noqa: TRY400 — no stack is of use here
        unfit = AuditEntry(
            actor=actor, action="audit.check", outcome="failed", reason="LOG_UNFIT", detail={"trouble": str(error)}
        )
        async with ledger.write() as session:
            await audit.append(session, unfit)
    started = AuditEntry(
        actor=actor,
        action="hub.start",
        object=settings.hub.id,
        detail={
            "version": version("sanji"),
            "schema": migrate.head(),
            "instance": settings.hub.instance,
            "roles": list(roles),
            "certificate": _thumbprint(settings),
            "settings": hashlib.sha256(settings.model_dump_json().encode()).hexdigest(),
        },
    )
    async with ledger.write() as session:
        await audit.append(session, started)


def _thumbprint(settings: Settings) -> str:
    try:
        return thumbprint(settings.tls.certificate.read_bytes())
    except (OSError, ValueError):
        return ""
