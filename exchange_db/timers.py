"""Cases that time does something to: deadlines and milestones, suspensions that end or last long, likely duplicates.

Read by jobs of the hub to which a case's authority is linked; every question looks at what was reported of late, by
the index on ``region, reported_time``, so that it costs the same in the tenth year. Times are microseconds since 1970.
"""

from typing import Any, NamedTuple
from uuid import UUID

from exchange_db.cases import CaseState
from exchange_db.records import Milestone
from exchange_db.regions import Subtree
from exchange_db.session import HotSession, ReadSession

#: Cases reported longer ago are left alone by these jobs.
HORIZON_DAYS = 400
#: Most cases of one question; the rest comes with the next run.
MOST = 2_000

_UNDER_WAY = (CaseState.FILED, CaseState.DISPATCHING, CaseState.DISPOSING, CaseState.DISPUTED)
_RECENT = (CaseState.REPORTED, CaseState.VERIFYING, *_UNDER_WAY)
_GONE = (CaseState.VOID, CaseState.MERGED, CaseState.NOT_ACCEPTED)
_OURS = (
    "c.region BETWEEN %(first)s AND %(last)s AND (left(c.authority_id, 7) = %(prefix)s"
    " OR c.authority_id IN (SELECT peer_id FROM peers WHERE kind = 'platform' AND relation = 'child'))"
)


class TimedCase(NamedTuple):
    """A case, and the moment that brings something about."""

    issuer_id: str
    case_no: str
    moment: int


class TimedStep(NamedTuple):
    """A case, the names of the steps of its limit that end at one moment, and that moment."""

    issuer_id: str
    case_no: str
    names: str
    moment: int


class MilestoneRow(NamedTuple):
    """A step of a limit, as one revision of an assignment tells it."""

    home_region: int
    case_id: bytes
    revision: int
    position: int
    milestone: Milestone


class Pair(NamedTuple):
    """Two cases of one class, reported near each other in time and roughly in place; the first one came first."""

    first_issuer_id: str
    first_case_no: str
    first_time: int
    first_x: float
    first_y: float
    issuer_id: str
    case_no: str
    reported_time: int
    x: float
    y: float
    crs: int


class Reach(NamedTuple):
    """Whose cases a hub looks after: the regions below it, and the first seven letters of its own platforms."""

    regions: Subtree
    prefix: str


async def last_success(session: ReadSession, job: str) -> int:
    """Returns when the last good run of a job began; 0 if there was none."""
    cursor = await session.driver.execute(
        "SELECT (extract(epoch FROM max(started_time)) * 1000000)::bigint FROM job_runs"
        " WHERE job = %s AND ended_time IS NOT NULL AND trouble = ''",
        (job,),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row and row[0] else 0


async def deadlines(session: ReadSession, reach: Reach, after: int, until: int, now: int) -> list[TimedCase]:
    """Returns cases under way whose deadline lies in (after, until]."""
    states = ", ".join(str(int(state)) for state in _UNDER_WAY)
    return await _timed(session, reach, f"c.state IN ({states})", "deadline_time", (after, until, now))


async def add_milestones(session: HotSession, rows: list[MilestoneRow]) -> None:
    """Keeps the steps of assignments that took effect; few limits have several."""
    if not rows:
        return
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO case_milestones VALUES (%(home)s, %(case)s, %(revision)s, %(position)s, %(name)s,"  # noqa: S608
            f" {_moment('deadline')}, CASE WHEN %(reached)s::bigint > 0 THEN {_moment('reached')} END)"
            " ON CONFLICT DO NOTHING",
            [
                {
                    "home": row.home_region, "case": UUID(bytes=row.case_id), "revision": row.revision,
                    "position": row.position, "name": row.milestone.name,
                    "deadline": row.milestone.deadline_time, "reached": row.milestone.reached_time,
                }
                for row in rows
            ],
        )  # fmt: skip


async def milestones(session: ReadSession, reach: Reach, after: int, until: int, now: int) -> list[TimedStep]:
    """Returns steps that end in (after, until] and are not reached, of cases under way.

    The last step of a limit is the case's deadline, which ``deadlines`` tells.
    """
    cursor = await session.driver.execute(
        "SELECT c.issuer_id, c.case_no, string_agg(m.name, '、' ORDER BY m.position),"  # noqa: S608
        " (extract(epoch FROM m.deadline_time) * 1000000)::bigint FROM case_milestones m"
        " JOIN cases c ON c.home_region = m.home_region AND c.case_id = m.case_id"
        " AND c.assignment_revision = m.revision"
        f" WHERE {_OURS} AND c.reported_time > {_moment('horizon')}"
        f" AND c.state IN ({', '.join(str(int(state)) for state in _UNDER_WAY)}) AND m.reached_time IS NULL"
        f" AND m.deadline_time > {_moment('after')} AND m.deadline_time <= {_moment('until')}"
        " AND m.deadline_time < c.deadline_time"
        f" GROUP BY c.issuer_id, c.case_no, m.deadline_time ORDER BY m.deadline_time LIMIT {MOST}",
        _values(reach, now) | {"after": after, "until": until},
    )
    return [TimedStep(*row) for row in await cursor.fetchall()]


async def ended_suspensions(session: ReadSession, reach: Reach, now: int) -> list[TimedCase]:
    """Returns suspended cases whose agreed time is over."""
    condition = f"c.state = {CaseState.SUSPENDED:d}"
    return await _timed(session, reach, condition, "suspended_until_time", (0, now, now))


async def long_suspensions(session: ReadSession, reach: Reach, after: int, until: int, now: int) -> list[TimedCase]:
    """Returns suspended cases whose suspension began in (after, until]."""
    condition = f"c.state = {CaseState.SUSPENDED:d}"
    return await _timed(session, reach, condition, "suspended_time", (after, until, now))


async def _timed(
    session: ReadSession, reach: Reach, condition: str, column: str, bounds: tuple[int, int, int]
) -> list[TimedCase]:
    after, until, now = bounds
    cursor = await session.driver.execute(
        f"SELECT c.issuer_id, c.case_no, (extract(epoch FROM c.{column}) * 1000000)::bigint FROM cases c"  # noqa: S608
        f" WHERE {_OURS} AND c.reported_time > {_moment('horizon')} AND {condition}"
        f" AND c.{column} > {_moment('after')} AND c.{column} <= {_moment('until')}"
        f" ORDER BY c.{column} LIMIT {MOST}",
        _values(reach, now) | {"after": after, "until": until},
    )
    return [TimedCase(*row) for row in await cursor.fetchall()]


async def likely_duplicates(session: ReadSession, reach: Reach, now: int, hours: int, degrees: float) -> list[Pair]:
    """Returns pairs that may be the same problem, unless somebody was told of it already.

    Args:
        session: a read session.
        reach: whose cases.
        now: the hub's clock.
        hours: most hours between the two reports; the later one is not older than that plus an hour.
        degrees: half the side of the box that is searched; distances are measured by the caller.
    """
    cursor = await session.driver.execute(
        "SELECT a.issuer_id, a.case_no, (extract(epoch FROM a.reported_time) * 1000000)::bigint, a.x, a.y,"  # noqa: S608
        " c.issuer_id, c.case_no, (extract(epoch FROM c.reported_time) * 1000000)::bigint, c.x, c.y, c.crs"
        " FROM cases c JOIN cases a ON a.region = c.region AND a.class_key = c.class_key AND a.crs = c.crs"
        " AND a.reported_time <= c.reported_time AND a.reported_time >= c.reported_time - %(hours)s * interval '1 hour'"
        " AND (a.reported_time, a.case_id) < (c.reported_time, c.case_id)"
        " AND abs(a.x - c.x) <= %(degrees)s AND abs(a.y - c.y) <= %(degrees)s"
        f" AND a.state NOT IN ({', '.join(str(int(state)) for state in _GONE)})"
        f" WHERE {_OURS} AND c.crs > 0 AND c.state IN ({', '.join(str(int(state)) for state in _RECENT)})"
        f" AND c.reported_time > {_moment('recent')}"
        " AND NOT EXISTS (SELECT 1 FROM case_actions k WHERE k.home_region = c.home_region AND k.case_id = c.case_id"
        " AND k.kind = 'duplicate_found')"
        f" ORDER BY c.reported_time, a.reported_time LIMIT {MOST}",
        _values(reach, now) | {"hours": hours, "degrees": degrees, "recent": now - (hours + 1) * 3_600_000_000},
    )
    return [Pair(*row) for row in await cursor.fetchall()]


def _moment(name: str) -> str:
    return f"'1970-01-01Z'::timestamptz + %({name})s * interval '1 microsecond'"


def _values(reach: Reach, now: int) -> dict[str, Any]:
    return {
        "first": reach.regions.first,
        "last": reach.regions.last,
        "prefix": reach.prefix,
        "horizon": now - HORIZON_DAYS * 86_400_000_000,
    }
