"""The figures of each day of a link, and what comparing it showed: 覆盖率, 时效, 序号完整性 and differences.

A day's figures can be counted anew at any time; they are kept so that a year can be shown and proved. Called by
``hub.reconciliation``, the command line and monitoring.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from exchange_db.marking import Session, Way
from exchange_db.marks import hours_of
from exchange_db.session import ReadSession

_MARKS = (
    "SELECT * FROM link_marks m WHERE m.destination_id = %(destination_id)s AND m.is_sent = %(is_sent)s"
    " AND m.created_time >= to_timestamp(%(first)s::bigint * 3600)"
    " AND m.created_time < to_timestamp(%(end)s::bigint * 3600)"
)


class DayFigures(NamedTuple):
    """One day of a link in one direction, as this hub counts it.

    ``own_count`` is what was due to the neighbour, or what came from it; ``receipted_count`` how much of it is on the
    receiver's disk, ``refused_count`` what the receiver refused, ``gap_count`` numbers that are missing among those
    of the day. The 95th percentiles, in milliseconds, are ``None`` when nothing arrived: ``age`` from the moment the
    record was written to the receiver's disk, ``transit`` from the sender's disk.
    """

    own_count: int
    receipted_count: int
    refused_count: int
    gap_count: int
    age_p95_ms: int | None
    transit_p95_ms: int | None


class LinkDay(NamedTuple):
    """A day of a link as it is kept. ``other_count`` is the neighbour's count, ``None`` before it was compared.

    ``compared_by`` names who compared: empty for this hub, else the neighbour.
    """

    peer_id: str
    is_sent: bool
    day: int
    own_count: int
    receipted_count: int
    refused_count: int
    gap_count: int
    age_p95_ms: int | None
    transit_p95_ms: int | None
    other_count: int | None
    difference_count: int
    compared_time: datetime | None
    compared_by: str

    @property
    def coverage(self) -> float | None:
        """Share of what was due that is on the receiver's disk; ``None`` where nothing was due, or it is not known."""
        due, arrived = self.own_count, self.receipted_count
        if not self.is_sent:
            if self.other_count is None:
                return None
            due, arrived = self.other_count, min(self.own_count, self.other_count)
        return arrived / due if due else None


_NAMES = ", ".join(f"d.{name}" for name in LinkDay._fields[1:])


class LinkDifference(NamedTuple):
    """A record that was not the same on both sides; ``place`` is table and key of a row of a partner's database."""

    peer_id: str
    is_sent: bool
    day: int
    message_key: bytes
    kind: int
    cause: str
    found_time: datetime
    resent_time: datetime | None
    settled_time: datetime | None
    place: str = ""


async def count_sent(session: Session, way: Way, day: int) -> DayFigures:
    """Counts a day of what goes to a neighbour. A receipt is the neighbour's answer that a record is on its disk."""
    cursor = await session.driver.execute(
        f"WITH m AS ({_MARKS}), n AS (SELECT m.created_time, p.sequence, i.received_time, d.accepted_time,"  # noqa: S608 — constants
        " m.inbox_id IN (SELECT q.inbox_id FROM quarantine q WHERE q.stage = 'delivery'"
        " AND q.destination_id = %(destination_id)s AND q.resolution <> 'replayed' AND q.inbox_id IS NOT NULL)"
        " AS is_refused FROM m LEFT JOIN LATERAL (SELECT min(p.sequence) AS sequence FROM parcels p"
        " WHERE p.partition = m.partition AND p.inbox_id = m.inbox_id AND p.destination_id = m.destination_id) p"
        " ON true LEFT JOIN LATERAL (SELECT d.accepted_time FROM deliveries d WHERE d.destination_id = m.destination_id"
        " AND d.last_sequence >= p.sequence AND d.first_sequence <= p.sequence ORDER BY d.last_sequence LIMIT 1) d"
        " ON true LEFT JOIN inbox i ON i.partition = m.partition AND i.inbox_id = m.inbox_id),"
        " s AS (SELECT min(sequence) AS low, max(sequence) AS high FROM n)"
        " SELECT count(*), count(*) FILTER (WHERE accepted_time IS NOT NULL AND NOT is_refused),"
        " count(*) FILTER (WHERE is_refused),"
        " (SELECT coalesce(s.high - s.low + 1 - (SELECT count(*) FROM parcels p"
        " WHERE p.destination_id = %(destination_id)s AND p.sequence BETWEEN s.low AND s.high), 0) FROM s),"
        " (percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM accepted_time - created_time)::float8)"
        " * 1000)::bigint,"
        " (percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM accepted_time - received_time)::float8)"
        " * 1000)::bigint FROM n",
        _values(way, day),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate always gives a row
    return DayFigures(*row)


async def count_received(session: Session, way: Way, day: int) -> DayFigures:
    """Counts a day of what came from a neighbour. What is on disk here has its receipt.

    A number is there when its record is in the log, was refused at intake, or repeated one that was.
    """
    cursor = await session.driver.execute(
        f"WITH m AS ({_MARKS} AND m.state = 0), n AS (SELECT m.created_time, k.stream_id, k.sequence, i.received_time"  # noqa: S608 — constants
        " FROM m LEFT JOIN inbox i ON i.partition = m.partition AND i.inbox_id = m.inbox_id"
        " LEFT JOIN inbox_keys k ON k.message_key = m.message_key),"
        " s AS (SELECT n.stream_id, min(n.sequence) AS low, max(n.sequence) AS high FROM n JOIN streams t"
        " USING (stream_id) JOIN peers p ON p.peer_id = t.sender_id AND p.destination_id = %(destination_id)s"
        " GROUP BY n.stream_id), g AS (SELECT s.high - s.low + 1"
        " - (SELECT count(*) FROM inbox_keys k WHERE k.stream_id = s.stream_id AND k.sequence BETWEEN s.low AND s.high)"
        " - (SELECT count(*) FROM quarantine q WHERE q.stage = 'intake' AND q.stream_id = s.stream_id"
        " AND q.sequence BETWEEN s.low AND s.high)"
        " - (SELECT count(*) FROM receipt_exceptions e WHERE e.stream_id = s.stream_id"
        " AND e.sequence BETWEEN s.low AND s.high AND NOT EXISTS (SELECT FROM inbox_keys k"
        " WHERE k.stream_id = e.stream_id AND k.sequence = e.sequence)) AS gaps FROM s)"
        " SELECT count(*), count(*), 0, coalesce((SELECT sum(gaps) FROM g), 0)::bigint,"
        " (percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM received_time - created_time)::float8)"
        " * 1000)::bigint, NULL::bigint FROM n",
        _values(way, day),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate always gives a row
    return DayFigures(*row)


async def keep_figures(session: Session, way: Way, day: int, figures: DayFigures, now: int) -> None:
    """Keeps the figures of a day; what comparing it showed stays."""
    names = ", ".join(DayFigures._fields)
    await session.driver.execute(
        f"INSERT INTO link_days (destination_id, is_sent, day, {names}, counted_time)"  # noqa: S608 — constants
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '1970-01-01Z'::timestamptz + %s * interval '1 microsecond')"
        " ON CONFLICT (destination_id, is_sent, day) DO UPDATE SET counted_time = excluded.counted_time, "
        + ", ".join(f"{name} = excluded.{name}" for name in DayFigures._fields),
        (*way, day, *figures, now),
    )


async def counted_days(session: Session, way: Way, first_day: int, since: int) -> set[int]:
    """Returns the days from ``first_day`` on whose figures were counted after a moment (microseconds since 1970)."""
    cursor = await session.driver.execute(
        "SELECT day FROM link_days WHERE destination_id = %s AND is_sent = %s AND day >= %s"
        " AND counted_time > '1970-01-01Z'::timestamptz + %s * interval '1 microsecond'",
        (*way, first_day, since),
    )
    return {row[0] for row in await cursor.fetchall()}


async def note_compared(
    session: Session, way: Way, day: int, other_count: int, difference_count: int, now: int, compared_by: str = ""
) -> None:
    """Notes what comparing a day showed; a day whose figures were not counted yet is passed over."""
    await session.driver.execute(
        "UPDATE link_days SET other_count = %s, difference_count = %s, compared_by = %s,"
        " compared_time = '1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"
        " WHERE destination_id = %s AND is_sent = %s AND day = %s",
        (other_count, difference_count, compared_by, now, *way, day),
    )


async def note_differences(
    session: Session, way: Way, day: int, found: Sequence[tuple[bytes, int, str, str]], resent: set[bytes], now: int
) -> None:
    """Keeps the differences of a day, each (message_key, kind, cause, place); those found no longer are settled.

    Args:
        session: the transaction.
        way: the link and its direction.
        day: the day, as 20200615.
        found: what differed.
        resent: keys of those among them that were sent again and are the same on both sides since.
        now: the hub's clock, microseconds since 1970.
    """
    time = "'1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"
    await session.driver.execute(
        f"UPDATE link_differences SET settled_time = {time} WHERE destination_id = %s AND is_sent = %s AND day = %s"  # noqa: S608 — constant
        " AND settled_time IS NULL AND message_key <> ALL(%s::uuid[])",
        (now, *way, day, [key.hex() for key, *_ in found]),
    )
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO link_differences (destination_id, is_sent, day, message_key, kind, cause, place, found_time,"  # noqa: S608 — constant
            f" resent_time, settled_time) SELECT %s, %s, %s, %s::uuid, %s, %s, %s, n.time, r.time, r.time"
            f" FROM (SELECT {time} AS time) n LEFT JOIN (SELECT {time} AS time) r ON %s"
            " ON CONFLICT (destination_id, is_sent, day, message_key) DO UPDATE SET cause = excluded.cause,"
            " settled_time = excluded.settled_time,"
            " resent_time = coalesce(excluded.resent_time, link_differences.resent_time)",
            [(*way, day, key.hex(), kind, cause, place, now, now, key in resent) for key, kind, cause, place in found],
        )


async def own_count(session: Session, way: Way, day: int) -> int:
    """Returns how many records this hub counts on a day."""
    cursor = await session.driver.execute(
        "SELECT own_count FROM link_days WHERE destination_id = %s AND is_sent = %s AND day = %s", (*way, day)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def settle_before(session: Session, way: Way, day: int, message_keys: Sequence[bytes], now: int) -> None:
    """Settles differences of earlier days that are not among those found now, where a link is compared as a whole."""
    await session.driver.execute(
        "UPDATE link_differences SET settled_time = '1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"
        " WHERE destination_id = %s AND is_sent = %s AND day < %s AND settled_time IS NULL"
        " AND message_key <> ALL(%s::uuid[])",
        (now, *way, day, [key.hex() for key in message_keys]),
    )


async def listing(session: ReadSession, peer_id: str = "", first_day: int = 0, last_day: int = 0) -> list[LinkDay]:
    """Returns the kept days, by neighbour, newest day first; ``0`` and an empty name stand for no bound."""
    cursor = await session.driver.execute(
        f"SELECT p.peer_id, {_NAMES} FROM link_days d JOIN peers p USING (destination_id)"  # noqa: S608 — constants
        " WHERE %(peer)s IN ('', p.peer_id) AND d.day >= %(first)s AND (%(last)s = 0 OR d.day <= %(last)s)"
        " ORDER BY p.peer_id, d.day DESC, d.is_sent DESC",
        {"peer": peer_id, "first": first_day, "last": last_day},
    )
    return [LinkDay(*row) for row in await cursor.fetchall()]


async def latest(session: ReadSession) -> list[LinkDay]:
    """Returns the newest kept day of each link and direction, for monitoring."""
    cursor = await session.driver.execute(
        f"SELECT DISTINCT ON (p.peer_id, d.is_sent) p.peer_id, {_NAMES} FROM link_days d"  # noqa: S608 — constants
        " JOIN peers p USING (destination_id) ORDER BY p.peer_id, d.is_sent, d.day DESC"
    )
    return [LinkDay(*row) for row in await cursor.fetchall()]


async def differences(
    session: ReadSession, peer_id: str = "", *, day: int = 0, is_open: bool = False, limit: int = 1_000
) -> list[LinkDifference]:
    """Returns records that differed, newest first; ``is_open`` leaves out those that are settled."""
    cursor = await session.driver.execute(
        "SELECT p.peer_id, d.is_sent, d.day, uuid_send(d.message_key), d.kind, d.cause, d.found_time, d.resent_time,"
        " d.settled_time, d.place FROM link_differences d JOIN peers p USING (destination_id)"
        " WHERE %(peer)s IN ('', p.peer_id) AND %(day)s IN (0, d.day) AND NOT (%(open)s AND d.settled_time IS NOT NULL)"
        " ORDER BY d.found_time DESC, d.message_key LIMIT %(limit)s",
        {"peer": peer_id, "day": day, "open": is_open, "limit": limit},
    )
    return [LinkDifference(*row) for row in await cursor.fetchall()]


def _values(way: Way, day: int) -> dict[str, object]:
    span = hours_of(day)
    return {**way._asdict(), "first": span[0], "end": span[-1] + 1}
