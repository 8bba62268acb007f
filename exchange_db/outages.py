"""The availability ledger: when a link or the hub itself did not work, to the second, and what of that was planned.

Whoever delivers or fetches notes where a direction breaks and where it works again (``exchange_db.links``); who is
called by a neighbour notes its silence (``hub.links.watching``). A pause by hand is an outage too, unless a
maintenance window covers it. Source of the budget: N01 and N02 of the domain register (S001: “服务器总故障时长 <48小时”
a year, “计划性停机除外”).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.session import HotSession, ReadSession

#: Seconds a link or the hub may be away in a year, what was planned left out (N02).
YEARLY_BUDGET_SECONDS = 48 * 3_600
#: Destination that stands for this hub itself, and for all links in a maintenance window.
WHOLE_HUB = 0
#: Causes that are ended by whoever made them, not by the next sign of life.
PAUSED = "LINK_PAUSED"
SILENT = "LINK_SILENT"
HUB_DOWN = "HUB_DOWN"
#: How many outages are shown at most.
MOST_SHOWN = 500


class Direction(StrEnum):
    """Which way a link is looked at, from this hub; ``HUB`` is the hub itself."""

    OUT = "out"
    IN = "in"
    HUB = "hub"


class Outage(NamedTuple):
    """A time in which something did not work; ``end_time`` is ``None`` while it does not."""

    destination_id: int
    direction: str
    start_time: datetime
    end_time: datetime | None
    cause: str
    trouble: str


class Window(NamedTuple):
    """Maintenance that was planned; destination 0 is the whole hub."""

    destination_id: int
    start_time: datetime
    end_time: datetime
    reason: str
    planned_by: str
    planned_time: datetime


class Account(NamedTuple):
    """How long something was there in a span, in seconds.

    ``down_seconds`` are outages outside of what was planned, ``planned_seconds`` the maintenance in the span.
    """

    span_seconds: float
    down_seconds: float
    planned_seconds: float

    @property
    def share(self) -> float:
        """Availability from 0 to 1: of the time that was not planned away. 1 where all of it was."""
        due = self.span_seconds - self.planned_seconds
        return 1.0 - self.down_seconds / due if due > 0 else 1.0


_NAMES = ", ".join(f"o.{name}" for name in Outage._fields)
#: Opens an outage where none is open. It is spliced into statements that note a failure.
BEGIN = (
    "INSERT INTO outages (destination_id, direction, start_time, cause, trouble)"
    " SELECT %(id)s, %(direction)s, now() - make_interval(secs => %(waited)s), %(cause)s, %(told)s"
    " WHERE NOT EXISTS (SELECT FROM outages o WHERE o.destination_id = %(id)s AND o.direction = %(direction)s"
    " AND o.end_time IS NULL) ON CONFLICT DO NOTHING"
)
#: Ends what is open in a direction, but no pause: that ends when somebody resumes the link.
END = (
    "UPDATE outages o SET end_time = greatest(now(), o.start_time) WHERE o.destination_id = %(id)s"
    " AND o.direction = %(direction)s AND o.end_time IS NULL AND o.cause <> 'LINK_PAUSED'"
)
_ACCOUNTS = (
    "SELECT s.id, extract(epoch FROM s.hi - s.lo)::float8,"
    " (SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float8 FROM unnest(d.down - m.planned) r),"
    " (SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float8 FROM unnest(m.planned) r)"
    " FROM (SELECT g.id, greatest(%(since)s::timestamptz, least(coalesce(p.joined_time, %(since)s),"
    " %(until)s::timestamptz)) AS lo,"
    " greatest(least(%(until)s::timestamptz, now()), %(since)s::timestamptz, least("
    "coalesce(p.joined_time, %(since)s), %(until)s::timestamptz)) AS hi"
    " FROM unnest(%(ids)s::int[]) g(id) LEFT JOIN peers p ON p.destination_id = g.id) s"
    " CROSS JOIN LATERAL (SELECT coalesce(range_agg(tstzrange(o.start_time, coalesce(o.end_time, s.hi))"
    " * tstzrange(s.lo, s.hi)), '{}') AS down FROM outages o WHERE o.destination_id IN (0, s.id)"
    " AND o.start_time < s.hi AND coalesce(o.end_time, s.hi) > s.lo) d"
    " CROSS JOIN LATERAL (SELECT coalesce(range_agg(tstzrange(w.start_time, w.end_time) * tstzrange(s.lo, s.hi)), '{}')"
    " AS planned FROM maintenance_windows w WHERE w.destination_id IN (0, s.id) AND w.start_time < s.hi"
    " AND w.end_time > s.lo) m"
)


async def begin(
    driver: AsyncConnection[Any],
    destination_id: int,
    direction: Direction,
    cause: str,
    trouble: str = "",
    *,
    waited_seconds: float = 0.0,
) -> None:
    """Notes that a direction of a link does not work, unless that is known already.

    Args:
        driver: an idle connection, or one in a transaction.
        destination_id: which link.
        direction: which way.
        cause: a reason.
        trouble: what happened, in words.
        waited_seconds: how long an answer was waited for before this was noticed: it began then.
    """
    await driver.execute(BEGIN, _values(destination_id, direction, cause, trouble, waited_seconds))


async def begin_at(
    driver: AsyncConnection[Any], destination_id: int, direction: Direction, cause: str, start_time: datetime
) -> None:
    """Notes the same for a moment that has passed."""
    await driver.execute(
        "INSERT INTO outages (destination_id, direction, start_time, cause) SELECT %s, %s, %s, %s WHERE NOT EXISTS"
        " (SELECT FROM outages o WHERE o.destination_id = %s AND o.direction = %s AND o.end_time IS NULL)"
        " ON CONFLICT DO NOTHING",
        (destination_id, direction, start_time, cause, destination_id, direction),
    )


async def end(driver: AsyncConnection[Any], destination_id: int, direction: Direction) -> None:
    """Notes that a direction of a link works again; a pause goes on."""
    await driver.execute(END, _values(destination_id, direction))


async def end_silence(driver: AsyncConnection[Any], destination_id: int, direction: Direction) -> None:
    """Ends a silence; what a neighbour does not answer itself is ended by its answer."""
    await driver.execute(f"{END} AND o.cause = 'LINK_SILENT'", _values(destination_id, direction))


async def end_cause(driver: AsyncConnection[Any], destination_id: int, cause: str) -> None:
    """Ends what is open of one cause, in both directions."""
    await driver.execute(
        "UPDATE outages o SET end_time = greatest(now(), o.start_time) WHERE o.destination_id = %s AND o.cause = %s"
        " AND o.end_time IS NULL",
        (destination_id, cause),
    )


async def note_past(driver: AsyncConnection[Any], outage: Outage) -> None:
    """Notes an outage that is over."""
    await driver.execute(
        "INSERT INTO outages (destination_id, direction, start_time, end_time, cause, trouble)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        outage,
    )


async def listing(
    session: HotSession | ReadSession, destination_id: int, since: datetime, limit: int = MOST_SHOWN
) -> list[Outage]:
    """Returns the outages of a link, and those of the hub itself, that were not over before a moment, newest first."""
    cursor = await session.driver.execute(
        f"SELECT {_NAMES} FROM outages o WHERE o.destination_id IN (%s, 0)"  # noqa: S608 — constants
        " AND (o.end_time IS NULL OR o.end_time > %s) ORDER BY o.start_time DESC LIMIT %s",
        (destination_id, since, limit),
    )
    return [Outage(*row) for row in await cursor.fetchall()]


async def windows(
    session: HotSession | ReadSession, destination_id: int, since: datetime, limit: int = MOST_SHOWN
) -> list[Window]:
    """Returns maintenance of a link, and of the whole hub, that is not over before a moment, newest first."""
    cursor = await session.driver.execute(
        f"SELECT {', '.join(Window._fields)} FROM maintenance_windows"  # noqa: S608 — constants
        " WHERE destination_id IN (%s, 0) AND end_time > %s ORDER BY start_time DESC LIMIT %s",
        (destination_id, since, limit),
    )
    return [Window(*row) for row in await cursor.fetchall()]


async def plan(driver: AsyncConnection[Any], window: Window) -> None:
    """Keeps a maintenance window; one that begins at the same moment is replaced."""
    await driver.execute(
        "INSERT INTO maintenance_windows (destination_id, start_time, end_time, reason, planned_by, planned_time)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (destination_id, start_time) DO UPDATE SET"
        " end_time = excluded.end_time, reason = excluded.reason, planned_by = excluded.planned_by,"
        " planned_time = excluded.planned_time",
        window,
    )


async def call_off(driver: AsyncConnection[Any], destination_id: int, now: datetime) -> int:
    """Ends the maintenance of a link that goes on and forgets what has not begun; returns how many windows those were.

    What was planned and has passed stays as it is.
    """
    ended = await driver.execute(
        "UPDATE maintenance_windows SET end_time = %s WHERE destination_id = %s AND start_time < %s AND end_time > %s",
        (now, destination_id, now, now),
    )
    gone = await driver.execute(
        "DELETE FROM maintenance_windows WHERE destination_id = %s AND start_time >= %s", (destination_id, now)
    )
    return ended.rowcount + gone.rowcount


async def accounts(
    session: HotSession | ReadSession, destination_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, Account]:
    """Returns the account of links for a span; the hub's own outages count for each.

    A link's account begins when it was joined and never reaches into the future. ``WHOLE_HUB`` asks for the hub alone.
    """
    cursor = await session.driver.execute(_ACCOUNTS, {"ids": list(destination_ids), "since": since, "until": until})
    return {row[0]: Account(*row[1:]) for row in await cursor.fetchall()}


async def availability(session: HotSession | ReadSession, peer_id: str, since: datetime, until: datetime) -> float:
    """Returns the share of a span, from 0 to 1, in which the link to a neighbour worked; planned time is left out.

    1 for a neighbour that is not known.
    """
    cursor = await session.driver.execute("SELECT destination_id FROM peers WHERE peer_id = %s", (peer_id,))
    row = await cursor.fetchone()
    if row is None:
        return 1.0
    return (await accounts(session, [row[0]], since, until))[row[0]].share


async def sign(driver: AsyncConnection[Any], longest_seconds: float) -> datetime:
    """Notes that the hub is at work; a longer break than ``longest_seconds`` since the last sign is an outage of it.

    The break begins with the last thing the ledger shows the hub to have done with a neighbour. Returns since when
    the hub has been at work.
    """
    cursor = await driver.execute(
        "WITH old AS (SELECT seen_time FROM hub_signs WHERE seen_time < now() - make_interval(secs => %(longest)s)"
        "), gap AS (INSERT INTO outages (destination_id, direction, start_time, end_time, cause)"
        " SELECT 0, 'hub', greatest(old.seen_time, (SELECT max(greatest(l.contact_time, l.heard_time)) FROM links l"
        " WHERE greatest(l.contact_time, l.heard_time) < now() - make_interval(secs => %(longest)s))), now(),"
        " 'HUB_DOWN' FROM old ON CONFLICT DO NOTHING)"
        " INSERT INTO hub_signs (sign_id, seen_time, since_time) VALUES (1, now(), now())"
        " ON CONFLICT (sign_id) DO UPDATE SET seen_time = now(), since_time = CASE WHEN hub_signs.seen_time"
        " < now() - make_interval(secs => %(longest)s) THEN now() ELSE hub_signs.since_time END RETURNING since_time",
        {"longest": longest_seconds},
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING always gives the row
    since: datetime = row[0]
    return since


async def note_silence(
    driver: AsyncConnection[Any], silent_seconds: float, at_work_since: datetime, directions: Sequence[Direction]
) -> int:
    """Notes hubs that used to call and have not for too long; returns how many directions that were.

    A silence begins with the last thing heard. While this hub was away itself nobody could be heard, so it counts
    from when it came back.

    Args:
        driver: an idle connection.
        silent_seconds: how long a hub may be silent.
        at_work_since: since when this hub has been listening.
        directions: ``IN`` for hubs above and below; a hub that cannot be dialled is away in both directions.
    """
    cursor = await driver.execute(
        "INSERT INTO outages (destination_id, direction, start_time, cause)"
        " SELECT l.destination_id, v.direction, greatest(l.heard_time, %(since)s), 'LINK_SILENT'"
        " FROM links l JOIN peers p USING (destination_id) CROSS JOIN unnest(%(directions)s::text[]) v(direction)"
        " WHERE p.kind = 'hub' AND p.state = 'active' AND NOT p.is_paused"
        " AND greatest(l.heard_time, %(since)s) < now() - make_interval(secs => %(silent)s)"
        " AND l.heard_time IS NOT NULL AND (v.direction = 'in' OR p.address = '')"
        " AND NOT starts_with(p.address, 'files:')"
        " AND NOT EXISTS (SELECT FROM outages o WHERE o.destination_id = l.destination_id"
        " AND o.direction = v.direction AND o.end_time IS NULL) ON CONFLICT DO NOTHING",
        {"since": at_work_since, "silent": silent_seconds, "directions": list(directions)},
    )
    return cursor.rowcount


def _values(
    destination_id: int, direction: Direction, cause: str = "", trouble: str = "", waited_seconds: float = 0.0
) -> dict[str, object]:
    return {
        "id": destination_id,
        "direction": direction.value,
        "cause": cause,
        "told": trouble[:400],
        "waited": waited_seconds,
    }
