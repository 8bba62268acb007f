"""What a ledger knows of having been restored: its incarnations, and how far each link has caught up.

A restored ledger is older than what its neighbours hold. Per link two things follow: numbers it gave are forgotten
here, so it goes on behind the last one the neighbour has (``number_on``), and records may be missing, which the
neighbour gives back (``hub.backup.catching_up``) or comparing finds. Called by ``hub.backup`` and by delivery.
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db import links
from exchange_db.session import HotSession, ReadSession, WriteSession

#: No link has come so far: a neighbour that says so is mistaken, and its numbers are not followed.
MOST_AHEAD = 1_000_000_000


class Incarnation(NamedTuple):
    """One time this ledger was restored.

    ``is_asked``: neighbours that can be dialled have given back what they hold. ``closed_time``: every link was
    compared without a difference.
    """

    incarnation: int
    backup_id: str
    backup_time: datetime
    position: int
    restored_time: datetime
    is_asked: bool
    closed_time: datetime | None


class RestoredLink(NamedTuple):
    """How far a link of a restored ledger is. ``left_count`` is ``None`` until it was compared."""

    destination_id: int
    peer_id: str
    is_numbered: bool
    returned_count: int
    refused_count: int
    left_count: int | None
    clean_time: datetime | None
    trouble: str


async def begin(session: WriteSession, backup_id: str, backup_time: datetime, position: int, now: datetime) -> int:
    """Marks a ledger as restored just now; returns its incarnation, 1 for the first.

    Leases, runs of jobs and unfinished backups of the processes that were there before are over.
    """
    cursor = await session.driver.execute(
        "INSERT INTO incarnations (incarnation, backup_id, backup_time, position, restored_time)"
        " SELECT coalesce(max(incarnation), 0) + 1, %s, %s, %s, %s FROM incarnations RETURNING incarnation",
        (backup_id, backup_time, position, now),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING always gives the row
    await session.driver.execute(
        "INSERT INTO restored_links (destination_id, incarnation) SELECT destination_id, %s FROM peers"
        " WHERE state = 'active'",
        (row[0],),
    )
    await session.driver.execute("DELETE FROM leases")
    await session.driver.execute(
        "UPDATE backups SET state = 'kept', ended_time = %s, position = %s WHERE backup_id = %s AND state = 'running'",
        (backup_time, position, backup_id),
    )
    # Pauses were measured from failures of a time that is gone.
    await session.driver.execute("UPDATE links SET retry_time = NULL, failure_count = 0, trouble = ''")
    return int(row[0])


async def open_incarnation(session: ReadSession | HotSession) -> Incarnation | None:
    """Returns the newest incarnation, if it is not closed yet."""
    cursor = await session.driver.execute(
        "SELECT incarnation, backup_id, backup_time, position, restored_time, is_asked, closed_time FROM incarnations"
        " WHERE closed_time IS NULL ORDER BY incarnation DESC LIMIT 1"
    )
    row = await cursor.fetchone()
    return Incarnation(*row) if row else None


async def restored_links(session: ReadSession | HotSession, incarnation: int) -> list[RestoredLink]:
    """Returns the links of an incarnation, parents first."""
    cursor = await session.driver.execute(
        "SELECT r.destination_id, p.peer_id, r.is_numbered, r.returned_count, r.refused_count, r.left_count,"
        " r.clean_time, r.trouble FROM restored_links r JOIN peers p USING (destination_id) WHERE r.incarnation = %s"
        " ORDER BY p.relation DESC, p.peer_id",
        (incarnation,),
    )
    return [RestoredLink(*row) for row in await cursor.fetchall()]


async def number_on(driver: AsyncConnection[Any], destination_id: int, sequence: int) -> bool:
    """Lets a link of a restored ledger go on behind a number its neighbour has; tells whether it does.

    Only once a link and restore: from then on a neighbour that is ahead is a fault, as everywhere else.
    """
    cursor = await driver.execute(
        "WITH first AS (UPDATE restored_links r SET is_numbered = true FROM incarnations i"
        " WHERE r.incarnation = i.incarnation AND i.closed_time IS NULL AND NOT r.is_numbered"
        " AND r.destination_id = %(id)s AND %(to)s <= (SELECT last_sequence + %(most)s FROM links"
        " WHERE destination_id = %(id)s) RETURNING r.destination_id)"
        " UPDATE links l SET last_sequence = greatest(l.last_sequence, %(to)s) FROM first"
        " WHERE l.destination_id = first.destination_id RETURNING l.destination_id",
        {"id": destination_id, "to": sequence, "most": MOST_AHEAD},
    )
    if await cursor.fetchone() is None:
        return False
    await links.confirm(driver, destination_id, sequence)
    await links.settle(driver, destination_id, sequence)
    return True


async def put_back(
    session: WriteSession, destination_id: int, numbered: list[tuple[int, bytes]], masked: list[tuple[bytes, bytes]]
) -> None:
    """Puts numbers a link had given back to their records, and keeps what masked records were.

    Args:
        session: the transaction.
        destination_id: the link.
        numbered: (number, message key) of records that are in the log again.
        masked: (message key, SHA-256 of the original) of those that came back masked.
    """
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO parcels (destination_id, sequence, partition, inbox_id)"
            " SELECT %s, %s, partition, inbox_id FROM inbox_keys WHERE message_key = %s::uuid ON CONFLICT DO NOTHING",
            [(destination_id, sequence, key.hex()) for sequence, key in numbered],
        )
        await cursor.executemany(
            "INSERT INTO masked_returns (message_key, original_sha256) VALUES (%s::uuid, %s) ON CONFLICT DO NOTHING",
            [(key.hex(), digest) for key, digest in masked],
        )


async def known_keys(session: WriteSession, message_keys: list[bytes]) -> set[bytes]:
    """Returns those of some messages that are in the log."""
    cursor = await session.driver.execute(
        "SELECT uuid_send(message_key) FROM inbox_keys WHERE message_key = ANY(%s::uuid[])",
        ([key.hex() for key in message_keys],),
        binary=True,
    )
    return {row[0] for row in await cursor.fetchall()}


async def note_returned(
    session: WriteSession, incarnation: int, destination_id: int, returned_count: int, refused_count: int, trouble: str
) -> None:
    """Notes what a neighbour gave back so far, or why it did not."""
    await session.driver.execute(
        "UPDATE restored_links SET returned_count = returned_count + %s, refused_count = refused_count + %s,"
        " trouble = %s WHERE destination_id = %s AND incarnation = %s",
        (returned_count, refused_count, trouble[:400], destination_id, incarnation),
    )


async def note_asked(session: WriteSession, incarnation: int) -> None:
    """Notes that everybody was asked: the hub may serve."""
    await session.driver.execute("UPDATE incarnations SET is_asked = true WHERE incarnation = %s", (incarnation,))


async def note_compared(
    session: WriteSession, incarnation: int, destination_id: int, left_count: int, trouble: str, now: datetime
) -> None:
    """Notes how many records of a link differ still."""
    await session.driver.execute(
        "UPDATE restored_links SET left_count = %(left)s, trouble = %(trouble)s,"
        " clean_time = CASE WHEN %(left)s = 0 AND %(trouble)s = '' THEN coalesce(clean_time, %(now)s) END"
        " WHERE destination_id = %(id)s AND incarnation = %(incarnation)s",
        {
            "left": left_count, "trouble": trouble[:400], "now": now, "id": destination_id, "incarnation": incarnation,
        },
    )  # fmt: skip


async def close(session: WriteSession, incarnation: int, now: datetime) -> None:
    """Ends an incarnation: the ledger holds what its neighbours hold."""
    await session.driver.execute(
        "UPDATE incarnations SET closed_time = %s WHERE incarnation <= %s AND closed_time IS NULL", (now, incarnation)
    )


async def returned_to(
    session: ReadSession, sender_id: str, stream: str, after: int, limit: int
) -> tuple[int, list[tuple[int, bytes]]]:
    """Returns how far a neighbour's stream has come here, and what came in it behind a number, in order.

    Each record with its number and the bytes it came with, whether it was taken or refused. A number whose record was
    known already has none.
    """
    cursor = await session.driver.execute(
        "SELECT stream_id, last_sequence FROM streams WHERE sender_id = %s AND name = %s", (sender_id, stream)
    )
    row = await cursor.fetchone()
    if row is None:
        return 0, []
    stream_id, last_sequence = row
    cursor = await session.driver.execute(
        "(SELECT k.sequence, i.payload FROM inbox_keys k JOIN inbox i USING (partition, inbox_id)"
        " WHERE k.stream_id = %(stream)s AND k.sequence > %(after)s ORDER BY k.sequence LIMIT %(limit)s)"
        " UNION ALL (SELECT sequence, payload FROM quarantine WHERE stage = 'intake' AND stream_id = %(stream)s"
        " AND sequence > %(after)s ORDER BY sequence LIMIT %(limit)s) ORDER BY 1 LIMIT %(limit)s",
        {"stream": stream_id, "after": after, "limit": limit},
        binary=True,
    )
    return last_sequence, list(await cursor.fetchall())
