"""The plan and the log of scheduled jobs.

Called by ``hub.jobs`` (plan, begin, finish, take_orders) and by the console (plans, latest, history, order).
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.session import ReadSession, WriteSession

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


class JobPlan(NamedTuple):
    """A job as a process told of it: so many seconds lie between two runs.

    ``wanted_time`` is set while somebody waits for a run before its time.
    """

    job: str
    seconds: float
    holder: str
    planned_time: datetime
    wanted_time: datetime | None


_COLUMNS = ", ".join(JobRun._fields)
_PLAN = ", ".join(JobPlan._fields)


async def plan(driver: AsyncConnection[Any], holder: str, jobs: dict[str, float], now: int) -> None:
    """Notes which jobs a process runs and how often (seconds); what it ran before and runs no more goes.

    Args:
        driver: an idle connection.
        holder: name of the process.
        jobs: seconds between two runs, by name.
        now: the hub's clock, microseconds since 1970.
    """
    await driver.execute(
        f"INSERT INTO job_plans (job, seconds, holder, planned_time) SELECT job, seconds, %s, {_TIME}"  # noqa: S608
        " FROM unnest(%s::text[], %s::float8[]) j(job, seconds) ON CONFLICT (job) DO UPDATE"
        " SET seconds = excluded.seconds, holder = excluded.holder, planned_time = excluded.planned_time",
        (holder, now, list(jobs), list(jobs.values())),
    )
    await driver.execute("DELETE FROM job_plans WHERE holder = %s AND job <> ALL(%s)", (holder, list(jobs)))


async def plans(session: ReadSession) -> list[JobPlan]:
    """Returns the jobs of the hub's processes, by name."""
    cursor = await session.driver.execute(f"SELECT {_PLAN} FROM job_plans ORDER BY job")  # noqa: S608 — constants
    return [JobPlan(*row) for row in await cursor.fetchall()]


async def order(session: WriteSession, job: str, now: int) -> bool:
    """Asks for a run before its time; tells whether any process runs such a job. Wake ``ORDERED`` afterwards."""
    cursor = await session.driver.execute(
        f"UPDATE job_plans SET wanted_time = {_TIME} WHERE job = %s",  # noqa: S608 — constant
        (now, job),
    )
    return bool(cursor.rowcount)


async def take_orders(driver: AsyncConnection[Any], jobs: list[str]) -> list[str]:
    """Takes the orders for some jobs and returns their names; of several processes one gets each."""
    cursor = await driver.execute(
        "UPDATE job_plans SET wanted_time = NULL WHERE job = ANY(%s) AND wanted_time IS NOT NULL RETURNING job",
        (jobs,),
    )
    return [row[0] for row in await cursor.fetchall()]


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


async def history(session: ReadSession, job: str, *, limit: int, before: int = 0) -> list[JobRun]:
    """Returns the runs of a job, newest first; ``before`` is the number to go on below."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM job_runs WHERE job = %s AND run_id < %s"  # noqa: S608 — constants
        " ORDER BY started_time DESC, run_id DESC LIMIT %s",
        (job, before or 2**62, limit),
    )
    return [JobRun(*row) for row in await cursor.fetchall()]


async def latest(session: ReadSession) -> list[JobRun]:
    """Returns the last run of each job, by name."""
    cursor = await session.driver.execute(
        f"SELECT DISTINCT ON (job) {_COLUMNS} FROM job_runs ORDER BY job, started_time DESC, run_id DESC"  # noqa: S608
    )
    return [JobRun(*row) for row in await cursor.fetchall()]
