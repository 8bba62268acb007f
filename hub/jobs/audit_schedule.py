"""The jobs that have neighbours sign checkpoints of the audit log, and that miss the checkpoints of theirs."""

from exchange_db import wakeups
from hub.audit.checkpoints import CheckpointDesk
from hub.audit.silence import SilenceWatch
from hub.jobs.schedule import Job


class CountersigningFailed(Exception):
    """A neighbour has not signed; the next round tries again."""


class NeighboursSilent(Exception):
    """Neighbours that showed their audit logs do so no more; the job stays failed until they do."""


def audit_jobs(desk: CheckpointDesk, watch: SilenceWatch, checkpoint_seconds: float) -> tuple[Job, ...]:
    """Returns the jobs.

    Args:
        desk: makes checkpoints and shows them.
        watch: misses those of neighbours.
        checkpoint_seconds: time between runs; many new entries begin one before its time.
    """

    async def countersign() -> str:
        done = await desk.run()
        if done.troubles:
            raise CountersigningFailed("; ".join(f"{peer_id}: {told}" for peer_id, told in done.troubles.items()))
        return f"{done.size} 条 / entries, 已副签 / signed by: {', '.join(done.signed_ids) or '—'}"

    async def miss() -> str:
        if silent := await watch.run():
            raise NeighboursSilent(", ".join(silent))
        return "都在报送检查点 / all show their checkpoints"

    return (
        Job("countersign-audit", checkpoint_seconds, countersign, wakeups.AUDITED),
        Job("miss-checkpoints", checkpoint_seconds, miss),
    )
