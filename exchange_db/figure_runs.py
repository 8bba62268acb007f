"""Runs of the work on periods: planned and real time, what they worked on, what came of it.

The runs of the jobs that do this work are in ``exchange_db.jobs``; here is one row for each period they dealt with.
Called by ``hub.statistics``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from exchange_db.session import ReadSession

#: Runs that are kept.
KEPT_RUNS = 20_000


class FigureRun(NamedTuple):
    """One run; ``ended_time`` is ``None`` while it goes on or when its process has died."""

    run_id: int
    region: int
    work: str
    kind: str
    first_day: int
    planned_time: datetime
    started_time: datetime
    ended_time: datetime | None
    inputs: dict[str, Any]
    result: dict[str, Any]
    trouble: str


class Planned(NamedTuple):
    """Work on a period: ``kind`` is empty and ``first_day`` 0 where it is about none."""

    region: int
    work: str
    kind: str
    first_day: int
    planned_time: datetime


_COLUMNS = ", ".join(FigureRun._fields)


async def begin(session: ReadSession, planned: Planned, started_time: datetime) -> int:
    """Notes that a run begins; returns its number."""
    cursor = await session.driver.execute(
        "INSERT INTO figure_runs (region, work, kind, first_day, planned_time, started_time, inputs, result, trouble)"
        " VALUES (%s, %s, %s, %s, %s, %s, '{}', '{}', '') RETURNING run_id",
        (*planned, started_time),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING always gives the row
    await session.driver.execute("DELETE FROM figure_runs WHERE run_id <= %s", (int(row[0]) - KEPT_RUNS,))
    return int(row[0])


async def finish(
    session: ReadSession,
    run_id: int,
    ended_time: datetime,
    inputs: Mapping[str, Any],
    result: Mapping[str, Any],
    trouble: str,
) -> None:
    """Notes what a run worked on and how it ended."""
    texts = [msgspec.json.encode(dict(told)).decode() for told in (inputs, result)]
    await session.driver.execute(
        "UPDATE figure_runs SET ended_time = %s, inputs = %s::jsonb, result = %s::jsonb, trouble = %s"
        " WHERE run_id = %s",
        (ended_time, *texts, trouble[:1_000], run_id),
    )


async def listing(session: ReadSession, work: str, limit: int) -> list[FigureRun]:
    """Returns the last runs, newest first; an empty ``work`` means all."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM figure_runs WHERE %(work)s = '' OR work = %(work)s"  # noqa: S608 — constants
        " ORDER BY started_time DESC, run_id DESC LIMIT %(limit)s",
        {"work": work, "limit": limit},
    )
    return [FigureRun(*row) for row in await cursor.fetchall()]


async def done(session: ReadSession, region: int, work: str, kind: str) -> set[int]:
    """Returns the first days of the periods of a kind that some work was done on without trouble."""
    cursor = await session.driver.execute(
        "SELECT DISTINCT first_day FROM figure_runs WHERE region = %s AND work = %s AND kind = %s AND trouble = ''"
        " AND ended_time IS NOT NULL",
        (region, work, kind),
    )
    return {row[0] for row in await cursor.fetchall()}


async def last_looked(session: ReadSession, region: int, work: str) -> datetime:
    """Returns up to when, by the database's clock, the last good run of some work has looked; long ago without one.

    A quarter of an hour is taken off: what commits late has begun before.
    """
    cursor = await session.driver.execute(
        "SELECT coalesce(max((result ->> 'looked')::timestamptz) - interval '15 minutes', '1970-01-01Z'::timestamptz)"
        " FROM figure_runs WHERE region = %s AND work = %s AND trouble = ''",
        (region, work),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate gives one row
    found: datetime = row[0]
    return found
