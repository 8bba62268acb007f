"""Counting what of a link has no number yet: of all links in turn by a job, of one link when somebody looks at it.

A hub with 3,000 links has 192,000 places to look at, so nobody who asks for a page does that: ``count_next`` takes
some hundred links a run, those counted longest ago first, and keeps what it found.
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.session import HotSession, ReadSession

#: Where counting stops for the kept figure, of each of the 64 partitions of a link.
KEPT_ROWS = 200
#: And where it stops when one link is looked at.
SHOWN_ROWS = 20_000
#: Links counted in a run: about 30,000 places, some tens of milliseconds.
LINKS_A_RUN = 500
#: Answered batches of a link that are looked at for its rate.
_BATCHES = 200


class Lag(NamedTuple):
    """What of a link has no number yet, and when the oldest of it was taken in."""

    due_count: int
    oldest_time: datetime | None


_COUNT = (
    "SELECT l.destination_id, coalesce(n.due_count, 0) AS due_count, n.oldest_time"
    " FROM ({links}) l LEFT JOIN LATERAL (SELECT sum(w.waiting)::bigint AS due_count,"
    " min(i.received_time) AS oldest_time FROM unnest(l.cursors) WITH ORDINALITY c(position, number)"
    " CROSS JOIN LATERAL (SELECT count(*) AS waiting, (array_agg(o.inbox_id))[1] AS inbox_id"
    " FROM (SELECT o.inbox_id FROM outbox o WHERE o.destination_id = l.destination_id"
    " AND o.partition = (c.number - 1)::smallint AND o.position > c.position ORDER BY o.position LIMIT %(most)s) o) w"
    " LEFT JOIN inbox i ON i.partition = (c.number - 1)::smallint AND i.inbox_id = w.inbox_id WHERE w.waiting > 0) n"
    " ON true"
)
_NEXT = (
    "SELECT l.destination_id, l.cursors FROM links l LEFT JOIN link_lags g USING (destination_id)"
    " ORDER BY g.counted_time NULLS FIRST LIMIT %(links)s"
)
_ONE = "SELECT l.destination_id, l.cursors FROM links l WHERE l.destination_id = %(id)s"
_KEEP = (
    f"INSERT INTO link_lags (destination_id, due_count, oldest_time, counted_time) SELECT k.*, now()"  # noqa: S608 — constants
    f" FROM ({_COUNT.format(links=_NEXT)}) k ON CONFLICT (destination_id) DO UPDATE SET"
    " due_count = excluded.due_count, oldest_time = excluded.oldest_time, counted_time = excluded.counted_time"
)


async def count_next(driver: AsyncConnection[Any], limit: int = LINKS_A_RUN) -> int:
    """Counts the links that were counted longest ago and keeps what was found; returns how many links those were."""
    cursor = await driver.execute(_KEEP, {"links": limit, "most": KEPT_ROWS})
    return cursor.rowcount


async def lag_of(session: HotSession | ReadSession, destination_id: int) -> Lag:
    """Counts one link now."""
    cursor = await session.driver.execute(_COUNT.format(links=_ONE), {"id": destination_id, "most": SHOWN_ROWS})
    row = await cursor.fetchone()
    return Lag(row[1], row[2]) if row else Lag(0, None)


async def rate_of(session: HotSession | ReadSession, destination_id: int, since: datetime) -> float:
    """Returns how many records a minute the neighbour confirmed since a moment, of its newest answered batches."""
    cursor = await session.driver.execute(
        "SELECT coalesce(sum(d.last_sequence - d.first_sequence + 1), 0)::float8,"
        " extract(epoch FROM now() - least(min(d.accepted_time), now() - interval '1 minute'))::float8 / 60"
        " FROM (SELECT * FROM deliveries WHERE destination_id = %s ORDER BY last_sequence DESC LIMIT %s) d"
        " WHERE d.accepted_time > %s",
        (destination_id, _BATCHES, since),
    )
    row = await cursor.fetchone()
    return float(row[0] / row[1]) if row and row[0] else 0.0
