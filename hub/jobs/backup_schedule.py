"""The jobs that back a hub up, prove its backups, delete what is over, and watch a restored ledger catch up."""

from exchange_db import backups
from exchange_db.session import Ledger
from hub.backup.catching_up import CatchUp, require_caught_up
from hub.backup.desk import BackupDesk
from hub.backup.expiring import Expiry
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.reconciliation.comparing import LinkReconciler
from hub.settings import Settings

__all__ = ["backup_jobs", "require_caught_up"]

#: How often a job looks whether its time has come: after a restart it does not begin anew.
_LOOK_SECONDS = 600.0


def backup_jobs(ledger: Ledger, settings: Settings, clock: Clock, reconciler: LinkReconciler) -> tuple[Job, ...]:
    """Returns the jobs; backups only where a folder and a key are set."""
    desk, part = BackupDesk(ledger, settings, clock), settings.backup
    expiry = Expiry(ledger, settings.retention, clock)
    catching = CatchUp(ledger, settings.hub, clock, reconciler.dial)

    async def back_up() -> str:
        if not await _is_due(ledger, clock, part.hours):
            return ""
        manifest = await desk.make()
        removed = await desk.prune()
        return f"{manifest.backup_id}, 清除 / removed {len(removed)}"

    async def archive_wal() -> str:
        archived = await desk.archive_wal()
        return f"{archived.segment_count} 段 / segments, {archived.newest}"

    async def verify() -> str:
        if not await _is_due(ledger, clock, part.verify_hours, is_verified=True):
            return ""
        return (await desk.verify()).in_words

    async def expire() -> str:
        deleted = await expiry.run()
        return ", ".join(f"{name} {count}" for name, count in deleted.items())

    async def catch_up() -> str:
        return await catching.compare(reconciler)

    jobs = [
        Job("expire-records", settings.retention.expire_hours * 3_600, expire),
        Job("catch-up-links", settings.reconcile.mark_seconds, catch_up),
    ]
    looks = {
        "back-up": (part.hours * 3_600, back_up, part.folder),
        "verify-backup": (part.verify_hours * 3_600, verify, part.folder and part.recovery_key),
        "archive-wal": (part.wal_seconds, archive_wal, part.wal_folder),
    }
    for name, (seconds, act, place) in looks.items():
        if part.public_key is not None and place is not None:
            jobs.append(Job(name, min(_LOOK_SECONDS, seconds), act))
    return tuple(jobs)


async def _is_due(ledger: Ledger, clock: Clock, hours: float, *, is_verified: bool = False) -> bool:
    """Tells whether a backup, or a trial restore of the newest one, is as old as it may get."""
    async with ledger.read() as session:
        newest = await backups.last_kept(session)
    if newest is None:
        return not is_verified
    last = newest.verified_time if is_verified else newest.started_time
    return last is None or clock() / 1_000_000 - last.timestamp() >= hours * 3_600
