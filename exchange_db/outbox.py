"""What goes out: entries laid down by apply, numbered by the one dispatcher of a destination, kept for ever.

Entries are read by a cursor per partition, the same way apply reads the log: inside a partition they are committed
in the order of their position, so nothing is skipped. Numbers are given without gap, under compare-and-set.
"""

from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.bulk import CopyTarget, as_array, copy_rows
from exchange_db.errors import LeaseLost
from exchange_db.session import HotSession

_OUTBOX = CopyTarget.of("outbox", ("destination_id", "partition", "position", "inbox_id"))
_OUTBOX_ROW = Struct(">h ii ih iq iq")
_ORDINALS = 16


class Numbered(NamedTuple):
    """A parcel with its number on the link and the bytes to send."""

    sequence: int
    payload: bytes


class Progress(NamedTuple):
    """How far a link has come."""

    last_sequence: int
    acked_sequence: int
    receipted_sequence: int


def pack_entry(destination_id: int, partition: int, cause_id: int, ordinal: int, inbox_id: int) -> bytes:
    """Packs one row of ``outbox`` for binary COPY: an inbox row that goes out because of the row ``cause_id``.

    Packed rows sort by their key.
    """
    return _OUTBOX_ROW.pack(4, 4, destination_id, 2, partition, 8, cause_id * _ORDINALS + ordinal, 8, inbox_id)


async def add(session: HotSession, entries: list[bytes]) -> None:
    """Lays packed entries down; inside a partition (cause_id, ordinal) must rise from one transaction to the next."""
    await copy_rows(session.driver, _OUTBOX, sorted(entries))


async def progress(driver: AsyncConnection[Any], destination_id: int) -> Progress:
    """Returns how far the link to a destination has come."""
    cursor = await driver.execute(
        "SELECT last_sequence, acked_sequence, receipted_sequence FROM links WHERE destination_id = %s",
        (destination_id,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — every peer has a link row
    return Progress(*row)


class Due(NamedTuple):
    """Entries of a destination that have no number yet, in order, each (partition, position, inbox_id, payload).

    ``last_sequence`` is the last number given when they were found.
    """

    destination_id: int
    last_sequence: int
    entries: list[tuple[int, int, int, bytes]]


NOTHING_DUE = Due(0, 0, [])


async def due(driver: AsyncConnection[Any], destination_id: int, limit: int) -> Due:
    """Returns what waits for its number; changes nothing.

    Raises:
        LeaseLost: there is no such link any more.
    """
    cursor = await driver.execute(
        # Bytes are fetched only for what is given a number now: behind a backlog that is one in eight.
        "SELECT l.last_sequence, d.* FROM links l LEFT JOIN LATERAL ("
        " SELECT o.partition, o.position, o.inbox_id, i.payload FROM ("
        " SELECT o.* FROM unnest(l.cursors) WITH ORDINALITY c(position, ordinal)"
        " CROSS JOIN LATERAL (SELECT * FROM outbox o WHERE o.destination_id = l.destination_id"
        " AND o.partition = c.ordinal - 1 AND o.position > c.position ORDER BY o.position LIMIT %s) o"
        " ORDER BY o.position LIMIT %s) o"
        " JOIN inbox i ON i.partition = o.partition AND i.inbox_id = o.inbox_id) d ON true WHERE l.destination_id = %s",
        (max(1, limit // 8), limit, destination_id),
        binary=True,
    )
    rows = await cursor.fetchall()
    if not rows:
        raise LeaseLost(f"link {destination_id} is gone")
    entries = sorted((row[1:] for row in rows if row[1] is not None), key=itemgetter(1))
    return Due(destination_id, rows[0][0], entries)


async def number(driver: AsyncConnection[Any], due: Due) -> list[Numbered]:
    """Gives numbers to what is due and returns it with its bytes; one statement, all or nothing.

    Raises:
        LeaseLost: another dispatcher numbered since it was found.
    """
    reached = {partition: position for partition, position, _, _ in due.entries}
    given = await driver.execute(
        "WITH moved AS (UPDATE links l SET last_sequence = l.last_sequence + %(count)s, cursors = ("
        "SELECT array_agg(coalesce(r.position, c.position) ORDER BY c.ordinal)"
        " FROM unnest(l.cursors) WITH ORDINALITY c(position, ordinal)"
        " LEFT JOIN unnest(%(partitions)s::int[], %(positions)s::bigint[]) r(partition, position)"
        " ON r.partition = c.ordinal - 1)"
        " WHERE l.destination_id = %(destination)s AND l.last_sequence = %(last)s RETURNING l.destination_id)"
        " INSERT INTO parcels (destination_id, sequence, partition, inbox_id)"
        " SELECT m.destination_id, %(last)s + e.ordinal, e.partition, e.inbox_id FROM moved m"
        " CROSS JOIN unnest(%(homes)s::smallint[], %(inbox_ids)s::bigint[])"
        " WITH ORDINALITY e(partition, inbox_id, ordinal)",
        {
            "count": len(due.entries),
            "partitions": as_array(reached),
            "positions": as_array(reached.values()),
            "destination": due.destination_id,
            "last": due.last_sequence,
            "homes": as_array(partition for partition, _, _, _ in due.entries),
            "inbox_ids": as_array(inbox_id for _, _, inbox_id, _ in due.entries),
        },
    )
    if given.rowcount != len(due.entries):
        raise LeaseLost(f"link {due.destination_id} was numbered by another dispatcher")
    return [
        Numbered(sequence, payload) for sequence, (_, _, _, payload) in enumerate(due.entries, due.last_sequence + 1)
    ]


async def fetch(driver: AsyncConnection[Any], destination_id: int, after: int, limit: int) -> list[Numbered]:
    """Returns numbered parcels behind ``after`` with their bytes, in order."""
    cursor = await driver.execute(
        "SELECT p.sequence, i.payload FROM (SELECT * FROM parcels WHERE destination_id = %s AND sequence > %s"
        " ORDER BY sequence LIMIT %s) p JOIN inbox i ON i.partition = p.partition AND i.inbox_id = p.inbox_id"
        " ORDER BY p.sequence",
        (destination_id, after, limit),
        binary=True,
    )
    return [Numbered(*row) for row in await cursor.fetchall()]


def fitting(parcels: list[Numbered], max_bytes: int) -> list[Numbered]:
    """Returns as many of the first parcels as fit into a message; always at least one."""
    size = 0
    for index, parcel in enumerate(parcels):
        size += len(parcel.payload) + 8
        if size > max_bytes and index:
            return parcels[:index]
    return parcels
