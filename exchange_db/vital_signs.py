"""Signs that every part of a hub is at work, read off what its workers do anyway: leases, runs of jobs, cursors.

No worker writes a beat for this: one that hangs renews no lease. Called by readiness, deep health and the measures.
"""

from typing import NamedTuple

from exchange_db import leases
from exchange_db.session import Dedicated, HotSession, ReadSession

Session = HotSession | ReadSession

_READY_SECONDS = 5.0


class WorkerBeats(NamedTuple):
    """What nobody does just now.

    ``idle_partitions`` of 64 are applied by no lane; ``undelivered_ids`` are neighbours that are dialled and have no
    dispatcher; ``job_age_seconds`` is the time since any job began, ``None`` if none ever did.
    """

    idle_partitions: int
    undelivered_ids: list[str]
    job_age_seconds: float | None


async def revision(session: Session) -> str:
    """Returns the revision the tables have."""
    cursor = await session.driver.execute("SELECT version_num FROM alembic_version")
    row = await cursor.fetchone()
    return row[0] if row else ""


async def claims_leases(connection: Dedicated, holder: str) -> bool:
    """Tells whether a process could take work now: a lease of its own name is taken and given back."""
    name = f"ready/{holder}"
    held = await leases.claim(connection.driver, [name], holder, _READY_SECONDS)
    await leases.release(connection.driver, [name], holder)
    return name in held


async def beats(session: Session) -> WorkerBeats:
    """Returns which work nobody holds a lease on, and when a job last began."""
    cursor = await session.driver.execute(
        "SELECT (SELECT count(*) FROM partitions p WHERE NOT EXISTS (SELECT FROM leases l"
        " WHERE l.name = 'apply/' || p.partition AND l.expires_time >= clock_timestamp())),"
        " ARRAY(SELECT p.peer_id FROM peers p WHERE p.state = 'active' AND p.address <> ''"
        " AND NOT starts_with(p.address, 'database:') AND NOT EXISTS (SELECT FROM leases l"
        " WHERE l.name = 'deliver/' || p.peer_id AND l.expires_time >= clock_timestamp()) ORDER BY 1),"
        " (SELECT extract(epoch FROM clock_timestamp() - max(l.begun))::float8 FROM ("
        " SELECT max(started_time) AS begun FROM job_runs) l)"
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — a query without FROM gives one row
    return WorkerBeats(*row)


async def unsent_seconds(session: Session) -> dict[str, float]:
    """Returns by neighbour how long the oldest record with a number on its link waits to be accepted there.

    One keyed look a link, and none where nothing waits. What has no number yet is younger.
    """
    cursor = await session.driver.execute(
        "SELECT p.peer_id, greatest(extract(epoch FROM clock_timestamp() - i.received_time), 0)::float8 FROM links l"
        " JOIN peers p USING (destination_id) JOIN parcels n ON n.destination_id = l.destination_id"
        " AND n.sequence = l.acked_sequence + 1 JOIN inbox i ON i.partition = n.partition AND i.inbox_id = n.inbox_id"
        " WHERE l.last_sequence > l.acked_sequence"
    )
    return dict(await cursor.fetchall())
