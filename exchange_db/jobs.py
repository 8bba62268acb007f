"""The log of scheduled jobs. Called by ``hub.jobs`` (begin, finish) and by the console (recent, latest)."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.session import ReadSession

#: Runs of one job that are kept.
KEPT_RUNS = 500
_TIME = "'1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"


class JobRun(NamedTuple):
    """One run; ``ended_time`` is ``None`` while it goes on, ``trouble`` empty when all went well."""

    run_id: int
    job: str
    started_time: datetime
    ended_time: datetime | None
    result: str
    trouble: str


_COLUMNS = ", ".join(JobRun._fields)


async def begin(driver: AsyncConnection[Any], job: str, now: int) -> int:
    """Notes that a run begins; returns its number.

    Runs of the same job that never ended belong to a process that was killed and are closed as such; the oldest ones
    beyond ``KEPT_RUNS`` go.

    Args:
        driver: an idle connection.
        job: name of the job.
        now: the hub's clock, microseconds since 1970.
    """
    await driver.execute(
        f"UPDATE job_runs SET ended_time = {_TIME}, trouble = '进程中断 / the process ended'"  # noqa: S608 — constant
        " WHERE job = %s AND ended_time IS NULL",
        (now, job),
    )
    await driver.execute(
        "DELETE FROM job_runs WHERE run_id IN (SELECT run_id FROM job_runs WHERE job = %s"
        " ORDER BY started_time DESC, run_id DESC OFFSET %s)",
        (job, KEPT_RUNS - 1),
    )
    cursor = await driver.execute(
        f"INSERT INTO job_runs (job, started_time) VALUES (%s, {_TIME}) RETURNING run_id",  # noqa: S608 — constant
        (job, now),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING always gives the row
    return int(row[0])


async def finish(driver: AsyncConnection[Any], run_id: int, now: int, result: str, trouble: str) -> None:
    """Notes how a run ended."""
    await driver.execute(
        f"UPDATE job_runs SET ended_time = {_TIME}, result = %s, trouble = %s WHERE run_id = %s",  # noqa: S608
        (now, result[:400], trouble[:1_000], run_id),
    )


async def recent(session: ReadSession, limit: int) -> list[JobRun]:
    """Returns the last runs of all jobs, newest first."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM job_runs ORDER BY started_time DESC, run_id DESC LIMIT %s",  # noqa: S608 — constants
        (limit,),
    )
    return [JobRun(*row) for row in await cursor.fetchall()]


async def latest(session: ReadSession) -> list[JobRun]:
    """Returns the last run of each job, by name."""
    cursor = await session.driver.execute(
        f"SELECT DISTINCT ON (job) {_COLUMNS} FROM job_runs ORDER BY job, started_time DESC, run_id DESC"  # noqa: S608
    )
    return [JobRun(*row) for row in await cursor.fetchall()]
