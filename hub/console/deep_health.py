"""Deep health: every part of the hub, wherever it runs, judged by what it does. Pure but for reading."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

from exchange_db import canaries, overview, vital_signs
from exchange_db.canaries import Canary, CanaryState
from exchange_db.overview import LogState
from exchange_db.session import Ledger
from exchange_db.vital_signs import WorkerBeats
from hub.readiness import Readiness, readiness
from hub.settings import Settings

#: A record that waits longer than this means that nobody applies.
MAX_WAIT_SECONDS = 60.0
#: Some job begins every half minute; without any for so long nobody keeps the schedule.
_SCHEDULE_SECONDS = 120.0
_MEGABYTE = 1_000_000


class Check(NamedTuple):
    """One part: whether it is well, and what was seen."""

    is_well: bool
    told: str


async def deep_health(ledger: Ledger, settings: Settings) -> dict[str, Check]:
    """Looks at every part; where the database does not answer, only that is told.

    Raises:
        psycopg.Error: the database went away while it was asked.
    """
    ready = await readiness(ledger, f"{settings.hub.instance}/health")
    found = {"database": Check(ready.database, ready.trouble)}
    if not ready.database:
        return found
    async with ledger.read() as session:
        log, beats = await overview.log_state(session), await vital_signs.beats(session)
        links = await canaries.latest(session)
        await overview.require_space(session)
    free = await asyncio.to_thread(free_bytes, settings)
    return found | judged(ready, log, beats, links, free, settings.health.least_free_megabytes)


def judged(
    ready: Readiness,
    log: LogState,
    beats: WorkerBeats,
    links: dict[str, Canary],
    free: int | None,
    least_free_megabytes: int,
) -> dict[str, Check]:
    """Judges what was read; names are those of the answer."""
    late = sorted(peer_id for peer_id, canary in links.items() if canary.state is CanaryState.LATE)
    age = beats.job_age_seconds
    waited = waited_seconds(log)
    return {
        "schema": Check(ready.is_at_head, "" if ready.is_at_head else ready.trouble),
        "leases": Check(ready.takes_leases, ""),
        "log": Check(waited <= MAX_WAIT_SECONDS, f"{log.waiting_count} unapplied, the oldest {waited:.0f} s"),
        "apply": Check(not beats.idle_partitions, f"{beats.idle_partitions} of 64 partitions held by no lane"),
        "deliver": Check(not beats.undelivered_ids, ", ".join(beats.undelivered_ids)),
        "schedule": Check(age is not None and age <= _SCHEDULE_SECONDS, "" if age is None else f"{age:.0f} s ago"),
        "canaries": Check(not late, ", ".join(late)),
        "disk": Check(
            free is None or free >= least_free_megabytes * _MEGABYTE,
            "" if free is None else f"{free // _MEGABYTE} MB free",
        ),
    }


def free_bytes(settings: Settings) -> int | None:
    """Returns the free bytes of the disk evidence is kept on; ``None`` for a bucket, or a folder not made yet."""
    folder: Path = settings.evidence.folder
    if settings.evidence.s3_bucket or not folder.exists():
        return None
    return shutil.disk_usage(folder).free


def waited_seconds(log: LogState) -> float:
    """Returns how long the oldest record has waited for apply."""
    return max(0.0, (log.read_time - log.oldest_time).total_seconds()) if log.oldest_time else 0.0
