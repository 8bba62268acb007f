"""Marking what goes over links, behind the hot path, with cursors of its own; summing it up; looking at it again.

Append, apply and delivery do nothing for it. What the log holds of each neighbour, and what the outbox owes to each, is
marked here once, and the sums of its hour are kept in the same statement. ``recount`` compares the marks of a day with
the bytes that are in the log now. Called by ``hub.reconciliation``.
"""

from collections.abc import Callable
from typing import NamedTuple

from exchange_db.bulk import as_array
from exchange_db.marks import ZONE_HOURS, Cell, Cells, Mark, hours_of
from exchange_db.session import HotSession, ReadSession, WriteSession

Session = HotSession | WriteSession | ReadSession

#: States of a mark: its bytes are in the log, are gone from it, are others.
HELD, LOST, DAMAGED = 0, 1, 2

_TIME = "'1970-01-01Z'::timestamptz + {} * interval '1 microsecond'"
_HOUR = "floor(extract(epoch FROM created_time) / 3600)::int"
_MARKS = (
    "destination_id = %(destination_id)s AND is_sent = %(is_sent)s"
    " AND created_time >= to_timestamp(%(first)s::bigint * 3600)"
    " AND created_time < to_timestamp(%(end)s::bigint * 3600)"
)
#: Marks and sums change under this lock only, so that a recount never misses a mark that is just being made.
_LOCK = "LOCK TABLE link_cells IN SHARE ROW EXCLUSIVE MODE"


class Way(NamedTuple):
    """One direction of a link: what goes to a neighbour (``is_sent``), or what came from it."""

    destination_id: int
    is_sent: bool


class Unmarked(NamedTuple):
    """A row that is not marked yet. ``destination_id`` is the neighbour's, 0 when the record came from none.

    ``position`` is what the cursor of its partition moves to.
    """

    destination_id: int
    partition: int
    position: int
    inbox_id: int
    payload: bytes


class Marked(NamedTuple):
    """A mark and where its record lies."""

    way: Way
    mark: Mark
    partition: int
    inbox_id: int


async def begin(session: Session) -> None:
    """Takes the lock under which marks are made, until the transaction ends, and knows new neighbours."""
    await session.driver.execute(_LOCK)
    await session.driver.execute(
        "INSERT INTO link_cursors (destination_id, partition, cursor_id) SELECT d.destination_id, p.partition, 0"
        " FROM (SELECT 0 AS destination_id UNION ALL SELECT destination_id FROM peers) d CROSS JOIN partitions p"
        " WHERE NOT EXISTS (SELECT FROM link_cursors c WHERE c.destination_id = d.destination_id)"
    )


async def unmarked_received(session: Session, limit: int) -> list[Unmarked]:
    """Returns the next rows of the log, of each partition at most ``limit``."""
    cursor = await session.driver.execute(
        "SELECT coalesce(p.destination_id, 0), i.partition, i.inbox_id, i.inbox_id,"
        " CASE WHEN p.destination_id IS NULL THEN ''::bytea ELSE i.payload END"
        " FROM link_cursors c CROSS JOIN LATERAL (SELECT partition, inbox_id, stream_id, payload FROM inbox"
        " WHERE inbox.partition = c.partition AND inbox.inbox_id > c.cursor_id ORDER BY inbox.inbox_id LIMIT %s) i"
        " JOIN streams s USING (stream_id) LEFT JOIN peers p ON p.peer_id = s.sender_id WHERE c.destination_id = 0",
        (limit,),
        binary=True,
    )
    return [Unmarked(*row) for row in await cursor.fetchall()]


async def unmarked_sent(session: Session, limit: int) -> list[Unmarked]:
    """Returns the next rows of the outbox, of each destination and partition at most ``limit``."""
    cursor = await session.driver.execute(
        "SELECT c.destination_id, o.partition, o.position, o.inbox_id, coalesce(i.payload, ''::bytea)"
        " FROM link_cursors c CROSS JOIN LATERAL (SELECT partition, position, inbox_id FROM outbox o"
        " WHERE o.destination_id = c.destination_id AND o.partition = c.partition AND o.position > c.cursor_id"
        " ORDER BY o.position LIMIT %s) o"
        " LEFT JOIN inbox i ON i.partition = o.partition AND i.inbox_id = o.inbox_id WHERE c.destination_id > 0",
        (limit,),
        binary=True,
    )
    return [Unmarked(*row) for row in await cursor.fetchall()]


async def add(session: Session, marked: list[Marked]) -> int:
    """Makes marks, each once, and adds the new ones to the sums of their hours; returns how many are new."""
    if not marked:
        return 0
    cursor = await session.driver.execute(
        "WITH made AS (INSERT INTO link_marks (destination_id, is_sent, created_time, message_key, kind, partition,"  # noqa: S608 — constants
        f" inbox_id, digest) SELECT n.destination_id, n.is_sent, {_TIME.format('n.created')}, n.message_key, n.kind,"
        " n.partition, n.inbox_id, n.digest FROM unnest(%s::int[], %s::boolean[], %s::bigint[], %s::uuid[],"
        " %s::smallint[], %s::smallint[], %s::bigint[], %s::bigint[]) n(destination_id, is_sent, created, message_key,"
        " kind, partition, inbox_id, digest) ON CONFLICT DO NOTHING"
        " RETURNING destination_id, is_sent, created_time, kind, digest),"
        " summed AS (INSERT INTO link_cells AS c (destination_id, is_sent, hour, kind, mark_count, hash)"
        f" SELECT destination_id, is_sent, {_HOUR}, kind, count(*), bit_xor(digest) FROM made GROUP BY 1, 2, 3, 4"
        " ON CONFLICT (destination_id, is_sent, hour, kind) DO UPDATE"
        " SET mark_count = c.mark_count + excluded.mark_count, hash = c.hash # excluded.hash)"
        " SELECT count(*) FROM made",
        (
            as_array(item.way.destination_id for item in marked),
            [item.way.is_sent for item in marked],
            as_array(item.mark.created_time for item in marked),
            [item.mark.message_key.hex() for item in marked],
            as_array(item.mark.kind for item in marked),
            as_array(item.partition for item in marked),
            as_array(item.inbox_id for item in marked),
            as_array(item.mark.digest for item in marked),
        ),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — count(*) always gives a row
    return int(row[0])


async def move_cursors(session: Session, reached: dict[tuple[int, int], int]) -> None:
    """Notes how far each (destination, partition) was marked; destination 0 is the log."""
    await session.driver.execute(
        "UPDATE link_cursors c SET cursor_id = m.cursor_id FROM unnest(%s::int[], %s::smallint[], %s::bigint[])"
        " m(destination_id, partition, cursor_id)"
        " WHERE c.destination_id = m.destination_id AND c.partition = m.partition AND c.cursor_id < m.cursor_id",
        (as_array(place[0] for place in reached), as_array(place[1] for place in reached), as_array(reached.values())),
    )


async def recount(session: Session, way: Way, day: int, mark_of: Callable[[bytes], Mark | None]) -> int:
    """Compares the marks of a day with the log as it is, and sums the day up anew.

    Args:
        session: the transaction.
        way: the link and its direction.
        day: as 20200615.
        mark_of: returns the mark of a record; asked for those whose bytes alone are not what they were marked by.

    Returns:
        How many of the day's records are gone from the log or have other bytes than when they were marked.
    """
    await session.driver.execute(_LOCK)
    values = _day(way, day)
    changed = await session.driver.execute(
        "SELECT k.message_key::text, i.payload, k.digest FROM (SELECT message_key, partition, inbox_id, digest"  # noqa: S608 — constants
        f" FROM link_marks WHERE {_MARKS}) k JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id"
        " WHERE k.digest <> ('x' || encode(substr(sha256(i.payload), 1, 8), 'hex'))::bit(64)::bigint",
        values,
        binary=True,
    )
    # A record that was masked on its way is known by the digest it had before.
    masked = [
        key
        for key, payload, digest in await changed.fetchall()
        if (mark := mark_of(payload)) is not None and mark.digest == digest
    ]
    await session.driver.execute(
        "UPDATE link_marks m SET state = n.state FROM (SELECT k.created_time, k.message_key, CASE"  # noqa: S608 — constants
        " WHEN i.inbox_id IS NULL THEN 1 WHEN k.message_key = ANY (%(masked)s::uuid[]) THEN 0 WHEN k.digest <>"
        " ('x' || encode(substr(sha256(i.payload), 1, 8), 'hex'))::bit(64)::bigint THEN 2 ELSE 0 END AS state"
        f" FROM (SELECT * FROM link_marks WHERE {_MARKS}) k"
        " LEFT JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id)"
        " n WHERE m.destination_id = %(destination_id)s AND m.is_sent = %(is_sent)s"
        " AND m.created_time = n.created_time AND m.message_key = n.message_key AND m.state <> n.state",
        values | {"masked": masked},
    )
    await sum_up(session, way, day)
    cursor = await session.driver.execute(
        f"SELECT count(*) FROM link_marks WHERE {_MARKS}"  # noqa: S608 — constants
        " AND state > 0",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — count(*) always gives a row
    return int(row[0])


async def sum_up(session: Session, way: Way, day: int) -> None:
    """Writes the sums of a day's hours anew from its marks."""
    values = _day(way, day)
    await session.driver.execute(_LOCK)
    await session.driver.execute(
        "DELETE FROM link_cells WHERE destination_id = %(destination_id)s AND is_sent = %(is_sent)s"
        " AND hour >= %(first)s AND hour < %(end)s",
        values,
    )
    await session.driver.execute(
        "INSERT INTO link_cells (destination_id, is_sent, hour, kind, mark_count, hash)"  # noqa: S608 — constants
        f" SELECT destination_id, is_sent, {_HOUR}, kind, count(*), bit_xor(digest) FROM link_marks"
        f" WHERE {_MARKS} AND state = 0 GROUP BY 1, 2, 3, 4",
        values,
    )


async def days(session: Session, way: Way, first_day: int, last_day: int) -> Cells:
    """Returns the sums of each day from one to another, both included, by kind."""
    cursor = await session.driver.execute(
        "SELECT to_char(date '1970-01-01' + (hour + %(zone)s) / 24, 'YYYYMMDD')::int, kind, sum(mark_count)::bigint,"
        " bit_xor(hash) FROM link_cells WHERE destination_id = %(destination_id)s AND is_sent = %(is_sent)s"
        " AND hour >= %(first)s AND hour < %(end)s GROUP BY 1, 2 HAVING sum(mark_count) > 0",
        {
            "zone": ZONE_HOURS,
            **way._asdict(),
            "first": hours_of(first_day)[0],
            "end": hours_of(last_day)[-1] + 1,
        },
    )
    return _cells(await cursor.fetchall())


async def hours(session: Session, way: Way, day: int) -> Cells:
    """Returns the sums of the hours of a day, by kind."""
    cursor = await session.driver.execute(
        "SELECT hour, kind, mark_count, hash FROM link_cells WHERE destination_id = %(destination_id)s"
        " AND is_sent = %(is_sent)s AND hour >= %(first)s AND hour < %(end)s AND mark_count > 0",
        _day(way, day),
    )
    return _cells(await cursor.fetchall())


async def buckets(session: Session, way: Way, hour: int) -> Cells:
    """Returns the sums of the buckets of an hour, by kind, counted from its marks."""
    cursor = await session.driver.execute(
        "SELECT get_byte(uuid_send(message_key), 0), kind, count(*), bit_xor(digest) FROM link_marks"  # noqa: S608 — constants
        f" WHERE {_MARKS} AND state = 0 GROUP BY 1, 2",
        {**way._asdict(), "first": hour, "end": hour + 1},
    )
    return _cells(await cursor.fetchall())


async def marks(session: Session, way: Way, hour: int, bucket: int, after: Mark | None, limit: int) -> list[Mark]:
    """Returns a page of the marks of an hour whose bytes are there, by (created_time, message_key).

    Args:
        session: any session.
        way: the neighbour, and which way.
        hour: hours since 1970, UTC.
        bucket: 0 to 255, or -1 for all.
        after: last mark of the page before; ``None`` for the first.
        limit: most marks.
    """
    cursor = await session.driver.execute(
        "SELECT uuid_send(message_key), (extract(epoch FROM created_time) * 1000000)::bigint, kind, digest"  # noqa: S608 — constants
        f" FROM link_marks WHERE {_MARKS} AND state = 0"
        " AND (%(bucket)s < 0 OR get_byte(uuid_send(message_key), 0) = %(bucket)s)"
        f" AND (created_time, message_key) > ({_TIME.format('%(after)s')}, %(key)s::uuid)"
        " ORDER BY created_time, message_key LIMIT %(limit)s",
        {
            **way._asdict(),
            "first": hour,
            "end": hour + 1,
            "bucket": bucket,
            # The index may be entered at this bound, so without a page before it is the begin of the hour.
            "after": after.created_time if after else hour * 3_600_000_000 - 1,
            "key": (after.message_key if after else bytes(16)).hex(),
            "limit": limit,
        },
        binary=True,
    )
    return [Mark(*row) for row in await cursor.fetchall()]


def _day(way: Way, day: int) -> dict[str, object]:
    span = hours_of(day)
    return {**way._asdict(), "first": span[0], "end": span[-1] + 1}


def _cells(rows: list[tuple[int, int, int, int]]) -> Cells:
    return {(place, kind): Cell(count, digest) for place, kind, count, digest in rows}
