"""What goes out: entries laid down by apply, numbered by the one dispatcher of a destination, kept for ever.

Entries are read by a cursor per partition, the same way apply reads the log: inside a partition they are committed
in the order of their position, so nothing is skipped. Numbers are given without gap, under compare-and-set.
"""

from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.bulk import CopyTarget, copy_rows
from exchange_db.errors import LeaseLost
from exchange_db.keys import PARTITION_COUNT
from exchange_db.session import HotSession

_OUTBOX = CopyTarget.of("outbox", ("destination_id", "partition", "position", "inbox_id"))
_OUTBOX_ROW = Struct(">h ii ih iq iq")
_PARCELS = CopyTarget.of("parcels", ("destination_id", "sequence", "partition", "inbox_id"))
_PARCEL_ROW = Struct(">h ii iq ih iq")
_ORDINALS = 16


class OutboxEntry(NamedTuple):
    """An inbox row that goes to a destination, because of the row ``cause_id``."""

    destination_id: int
    partition: int
    cause_id: int
    ordinal: int
    inbox_id: int


class Numbered(NamedTuple):
    """A parcel with its number on the link and the bytes to send."""

    sequence: int
    payload: bytes


class Progress(NamedTuple):
    """How far a link has come."""

    last_sequence: int
    acked_sequence: int
    receipted_sequence: int


async def add(session: HotSession, entries: list[OutboxEntry]) -> None:
    """Lays entries down; inside a partition ``(cause_id, ordinal)`` must rise from one transaction to the next."""
    pack = _OUTBOX_ROW.pack
    rows = [
        pack(4, 4, destination, 2, partition, 8, cause_id * _ORDINALS + ordinal, 8, inbox_id)
        for destination, partition, cause_id, ordinal, inbox_id in sorted(entries)
    ]
    await copy_rows(session.driver, _OUTBOX, rows)


async def progress(driver: AsyncConnection[Any], destination_id: int) -> Progress:
    """Returns how far the link to a destination has come."""
    cursor = await driver.execute(
        "SELECT last_sequence, acked_sequence, receipted_sequence FROM links WHERE destination_id = %s",
        (destination_id,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — every peer has a link row
    return Progress(*row)


async def number_due(session: HotSession, destination_id: int, limit: int) -> list[Numbered]:
    """Gives numbers to the entries that have none and returns them with their bytes. The caller commits.

    Raises:
        LeaseLost: another dispatcher numbered in the meantime.
    """
    driver = session.driver
    found = await driver.execute(
        "SELECT last_sequence, cursors FROM links WHERE destination_id = %s", (destination_id,), binary=True
    )
    row = await found.fetchone()
    if row is None:
        raise LeaseLost(f"link {destination_id} is gone")
    last_sequence, cursors = row
    due = await driver.execute(
        "SELECT o.partition, o.position, o.inbox_id, i.payload"
        " FROM unnest(%s::smallint[], %s::bigint[]) c(partition, position)"
        " CROSS JOIN LATERAL (SELECT * FROM outbox o WHERE o.destination_id = %s AND o.partition = c.partition"
        " AND o.position > c.position ORDER BY o.position LIMIT %s) o"
        " JOIN inbox i ON i.partition = o.partition AND i.inbox_id = o.inbox_id",
        (list(range(PARTITION_COUNT)), cursors, destination_id, max(1, limit // 8)),
        binary=True,
    )
    entries = sorted(await due.fetchall(), key=itemgetter(1))[:limit]
    if not entries:
        return []
    pack = _PARCEL_ROW.pack
    rows = []
    numbered = []
    for sequence, (partition, position, inbox_id, payload) in enumerate(entries, last_sequence + 1):
        rows.append(pack(4, 4, destination_id, 8, sequence, 2, partition, 8, inbox_id))
        cursors[partition] = position
        numbered.append(Numbered(sequence, payload))
    moved = await driver.execute(
        "UPDATE links SET last_sequence = %s, cursors = %s WHERE destination_id = %s AND last_sequence = %s",
        (last_sequence + len(entries), cursors, destination_id, last_sequence),
    )
    if moved.rowcount != 1:
        raise LeaseLost(f"link {destination_id} was numbered by another dispatcher")
    await copy_rows(driver, _PARCELS, rows)
    return numbered


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
