"""The past of links: what was seen of each, folded into five minutes, hours and days as it comes in, and bounded.

A sample is laid over the three rows it belongs to, so a row is always as good as its newest sample and nothing is ever
folded later. Of each bucket the worst is kept, and how often the link was seen down; numbers that only rise are kept
as last seen, and the traffic of a bucket is the difference to the one before. Row 0 is the hub as a whole.

Called by ``hub.jobs`` (keep, forget) and the console (history, traffic).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from exchange_db.session import ReadSession, WriteSession

#: Where the sums over all links stand.
WHOLE_HUB = 0


class Grain(IntEnum):
    """How long a bucket is."""

    MINUTES = 0  # five of them
    HOUR = 1
    DAY = 2


#: How long buckets are kept: at 3,000 links 4 million rows in all.
KEPT = {Grain.MINUTES: timedelta(hours=26), Grain.HOUR: timedelta(days=15), Grain.DAY: timedelta(days=750)}


class Sampled(NamedTuple):
    """What was seen of a link at one moment; times in seconds, ``canary_ms`` ``None`` where none came back."""

    destination_id: int
    is_down: bool
    lag_records: int
    lag_seconds: int
    canary_ms: int | None
    sent_number: int
    received_number: int


class Bucket(NamedTuple):
    """A link in one span of time: how often it was looked at and was down, its worst, its numbers at the end."""

    begin_time: datetime
    sample_count: int
    down_count: int
    lag_records: int
    lag_seconds: int
    canary_ms: int | None
    sent_number: int
    received_number: int


class Traffic(NamedTuple):
    """What the hub as a whole sent and took in since a moment."""

    since: datetime
    sent_count: int
    received_count: int


_BUCKET = ", ".join(Bucket._fields)


async def keep(session: WriteSession, samples: Sequence[Sampled], begins: dict[Grain, datetime]) -> None:
    """Lays samples over the buckets that begin so, and their sums over those of the whole hub.

    Args:
        session: a writing transaction.
        samples: one of each link.
        begins: when the buckets of now begin; days begin in the hub's zone.
    """
    whole = Sampled(
        WHOLE_HUB,
        any(one.is_down for one in samples),
        sum(one.lag_records for one in samples),
        max((one.lag_seconds for one in samples), default=0),
        max((one.canary_ms for one in samples if one.canary_ms is not None), default=None),
        sum(one.sent_number for one in samples),
        sum(one.received_number for one in samples),
    )
    columns = [list(column) for column in zip(*samples, whole, strict=True)]
    await session.driver.execute(
        "INSERT INTO link_samples AS s (destination_id, grain, begin_time, sample_count, down_count, lag_records,"
        " lag_seconds, canary_ms, sent_number, received_number)"
        " SELECT destination_id, g.grain, g.begin_time, 1, is_down::int, lag_records, lag_seconds, canary_ms,"
        " sent_number, received_number FROM unnest(%s::int[], %s::bool[], %s::bigint[], %s::int[], %s::int[],"
        " %s::bigint[], %s::bigint[]) seen (destination_id, is_down, lag_records, lag_seconds, canary_ms, sent_number,"
        " received_number) CROSS JOIN unnest(%s::smallint[], %s::timestamptz[]) g (grain, begin_time)"
        " ON CONFLICT (destination_id, grain, begin_time) DO UPDATE SET sample_count = s.sample_count + 1,"
        " down_count = s.down_count + excluded.down_count,"
        " lag_records = greatest(s.lag_records, excluded.lag_records),"
        " lag_seconds = greatest(s.lag_seconds, excluded.lag_seconds),"
        " canary_ms = greatest(s.canary_ms, excluded.canary_ms),"
        " sent_number = excluded.sent_number, received_number = excluded.received_number",
        (*columns, [int(grain) for grain in begins], list(begins.values())),
    )


async def forget(session: WriteSession, now: datetime) -> int:
    """Deletes buckets that are past their time, link by link along the key; returns how many."""
    cursor = await session.driver.execute(
        "DELETE FROM link_samples s USING (SELECT destination_id FROM links UNION ALL SELECT %s) d,"
        " unnest(%s::smallint[], %s::timestamptz[]) k (grain, oldest)"
        " WHERE s.destination_id = d.destination_id AND s.grain = k.grain AND s.begin_time < k.oldest",
        (WHOLE_HUB, [int(grain) for grain in KEPT], [now - kept for kept in KEPT.values()]),
    )
    return cursor.rowcount


async def history(session: ReadSession, destination_id: int, grain: Grain, since: datetime) -> list[Bucket]:
    """Returns the buckets of a link that begin at a moment or later, and the one before them, oldest first."""
    cursor = await session.driver.execute(
        f"SELECT {_BUCKET} FROM link_samples WHERE destination_id = %(id)s AND grain = %(grain)s"  # noqa: S608 — constants
        " AND begin_time >= coalesce((SELECT max(begin_time) FROM link_samples WHERE destination_id = %(id)s"
        " AND grain = %(grain)s AND begin_time < %(since)s), %(since)s) ORDER BY begin_time",
        {"id": destination_id, "grain": int(grain), "since": since},
    )
    return [Bucket(*row) for row in await cursor.fetchall()]


async def traffic(session: ReadSession, day_begin: datetime) -> Traffic | None:
    """Returns what went through the hub since a day began, or since it was first looked at on that day.

    ``None`` when nobody has looked yet. As late as the newest sample.
    """
    days = await history(session, WHOLE_HUB, Grain.DAY, day_begin)
    if not days or days[-1].begin_time < day_begin:
        return None
    since, first = day_begin, days[0]
    if first.begin_time >= day_begin:
        # Nobody looked before today.
        earliest = (await history(session, WHOLE_HUB, Grain.MINUTES, day_begin))[:1]
        since, first = (earliest[0].begin_time, earliest[0]) if earliest else (day_begin, days[-1])
    last = days[-1]
    return Traffic(since, last.sent_number - first.sent_number, last.received_number - first.received_number)
