"""Checkpoints of the audit log: this hub's own, what neighbours signed of them, and what this hub saw of theirs.

Nothing is ever changed. What is signed is opaque here; ``auth.audit_chain`` reads and verifies it. Called by
``hub.audit``.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.audit_records import SignedBytes
from exchange_db.session import HotSession, ReadSession, WriteSession


class Countersigned(NamedTuple):
    """How far a neighbour has countersigned this hub's log, and when it last did."""

    peer_id: str
    size: int
    received_time: datetime


class MutualState(NamedTuple):
    """Of a neighbouring hub: how far it signed this hub's log and when; how far its own was shown here, and when.

    ``shown_time`` is when it last showed a checkpoint, be it one that was shown before.
    """

    peer_id: str
    own_size: int | None
    own_time: datetime | None
    their_size: int | None
    their_time: datetime | None
    shown_time: datetime | None


class Witnessed(NamedTuple):
    """A checkpoint of a neighbour's log that was shown here; refused ones contradict one that was signed."""

    peer_id: str
    size: int
    root: bytes
    is_signed: bool
    signed: SignedBytes
    witnessed_time: datetime


async def keep(session: WriteSession, size: int, signed: SignedBytes, made_time: datetime) -> None:
    """Keeps a checkpoint of this hub's log; one of that size that is there already stays."""
    await session.driver.execute(
        "INSERT INTO audit_checkpoints (size, content, signature, certificates, made_time)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (size, *signed, made_time),
    )


async def newest(session: ReadSession) -> tuple[int, SignedBytes, datetime] | None:
    """Returns the newest checkpoint of this hub's log: its size, what was signed, and when."""
    cursor = await session.driver.execute(
        "SELECT size, content, signature, certificates, made_time FROM audit_checkpoints ORDER BY size DESC LIMIT 1"
    )
    row = await cursor.fetchone()
    return (row[0], SignedBytes(*row[1:4]), row[4]) if row else None


async def keep_countersignature(session: WriteSession, peer_id: str, size: int, signed: SignedBytes) -> None:
    """Keeps what a neighbour signed of this hub's log."""
    await session.driver.execute(
        "INSERT INTO audit_countersignatures (peer_id, size, content, signature, certificates)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (peer_id, size, *signed),
    )


async def countersigned(session: ReadSession) -> list[Countersigned]:
    """Returns the last countersignature of each neighbour."""
    cursor = await session.driver.execute(
        "SELECT DISTINCT ON (peer_id) peer_id, size, received_time FROM audit_countersignatures"
        " ORDER BY peer_id, size DESC"
    )
    return [Countersigned(*row) for row in await cursor.fetchall()]


async def waiting_since(session: ReadSession, peer_id: str) -> datetime | None:
    """Returns when the oldest checkpoint was made that a neighbour has neither signed nor followed; none if all are."""
    cursor = await session.driver.execute(
        "SELECT min(made_time) FROM audit_checkpoints WHERE size > coalesce("
        " (SELECT max(size) FROM audit_countersignatures WHERE peer_id = %s), 0)",
        (peer_id,),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def all_signed(session: HotSession | ReadSession) -> list[SignedBytes]:
    """Returns every checkpoint and countersignature of this hub's log, by size."""
    cursor = await session.driver.execute(
        "SELECT content, signature, certificates FROM ("
        " SELECT size, '' AS peer_id, content, signature, certificates FROM audit_checkpoints UNION ALL"
        " SELECT size, peer_id, content, signature, certificates FROM audit_countersignatures) s"
        " ORDER BY size, peer_id"
    )
    return [SignedBytes(*row) for row in await cursor.fetchall()]


async def signed_between(session: ReadSession | HotSession, first: int, last: int, limit: int) -> list[SignedBytes]:
    """Returns checkpoints at sizes from ``first`` to ``last``, and neighbours' signatures on them.

    At most ``limit`` of this hub and of each neighbour, the largest sizes.
    """
    cursor = await session.driver.execute(
        # Signers are found by stepping along the key, however many signatures each has given.
        "WITH RECURSIVE signers AS (SELECT min(peer_id) AS peer_id FROM audit_countersignatures UNION ALL"
        " SELECT (SELECT min(c.peer_id) FROM audit_countersignatures c WHERE c.peer_id > s.peer_id) FROM signers s"
        " WHERE s.peer_id IS NOT NULL)"
        " (SELECT content, signature, certificates FROM audit_checkpoints WHERE size BETWEEN %(first)s AND %(last)s"
        " ORDER BY size DESC LIMIT %(limit)s) UNION ALL"
        " SELECT c.content, c.signature, c.certificates FROM signers s CROSS JOIN LATERAL (SELECT content, signature,"
        " certificates FROM audit_countersignatures o WHERE o.peer_id = s.peer_id AND o.size BETWEEN %(first)s"
        " AND %(last)s ORDER BY o.size DESC LIMIT %(limit)s) c",
        {"first": first, "last": last, "limit": limit},
    )
    return [SignedBytes(*row) for row in await cursor.fetchall()]


async def mutual_states(session: ReadSession, limit: int) -> list[MutualState]:
    """Returns how far each neighbouring hub and this one have signed each other's logs, by name."""
    cursor = await session.driver.execute(
        "SELECT p.peer_id, c.size, c.received_time, w.size, w.witnessed_time, n.shown_time FROM peers p"
        " LEFT JOIN LATERAL (SELECT size, received_time FROM audit_countersignatures s WHERE s.peer_id = p.peer_id"
        " ORDER BY size DESC LIMIT 1) c ON true"
        " LEFT JOIN LATERAL (SELECT size, witnessed_time FROM audit_witnessed o WHERE o.peer_id = p.peer_id"
        " ORDER BY size DESC LIMIT 1) w ON true"
        " LEFT JOIN audit_neighbours n ON n.peer_id = p.peer_id WHERE p.kind = 'hub' ORDER BY p.peer_id LIMIT %s",
        (limit,),
    )
    return [MutualState(*row) for row in await cursor.fetchall()]


async def witness(session: WriteSession, seen: Witnessed) -> bool:
    """Keeps a checkpoint of a neighbour's log; tells whether it is a new one."""
    cursor = await session.driver.execute(
        "INSERT INTO audit_witnessed (peer_id, size, root, is_signed, content, signature, certificates,"
        " witnessed_time) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (*seen[:4], *seen.signed, seen.witnessed_time),
    )
    return bool(cursor.rowcount)


async def last_witnessed(session: ReadSession, peer_id: str) -> Witnessed | None:
    """Returns the newest checkpoint of a neighbour's log that this hub signed since it witnesses it."""
    cursor = await session.driver.execute(
        "SELECT w.peer_id, w.size, w.root, w.is_signed, w.content, w.signature, w.certificates, w.witnessed_time"
        " FROM audit_witnessed w LEFT JOIN audit_neighbours n USING (peer_id) WHERE peer_id = %s AND w.is_signed"
        " AND w.witnessed_time > coalesce(n.renewed_time, '-infinity')"
        " ORDER BY w.witnessed_time DESC, w.size DESC LIMIT 1",
        (peer_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Witnessed(row[0], row[1], row[2], row[3], SignedBytes(*row[4:7]), row[7])


async def note_shown(session: WriteSession, peer_id: str, now: datetime) -> None:
    """Notes that a neighbour showed a checkpoint, be it one that was signed before."""
    await session.driver.execute(
        "INSERT INTO audit_neighbours (peer_id, shown_time) VALUES (%s, %s)"
        " ON CONFLICT (peer_id) DO UPDATE SET shown_time = excluded.shown_time",
        (peer_id, now),
    )


async def renew(session: WriteSession, peer_id: str, now: datetime) -> None:
    """Begins anew with a neighbour's log: its next checkpoint is believed like a first one. What is kept stays."""
    await session.driver.execute(
        "INSERT INTO audit_neighbours (peer_id, renewed_time) VALUES (%s, %s)"
        " ON CONFLICT (peer_id) DO UPDATE SET renewed_time = excluded.renewed_time",
        (peer_id, now),
    )


async def shown_times(session: ReadSession) -> dict[str, datetime]:
    """Returns when each neighbour last showed a checkpoint."""
    cursor = await session.driver.execute(
        "SELECT peer_id, shown_time FROM audit_neighbours WHERE shown_time IS NOT NULL ORDER BY peer_id"
    )
    return dict(await cursor.fetchall())


async def witness_states(session: ReadSession) -> list[tuple[str, int, datetime, int]]:
    """Returns of each neighbour the size last signed, when, and how many of its checkpoints were refused."""
    cursor = await session.driver.execute(
        "SELECT peer_id, coalesce(max(size) FILTER (WHERE is_signed), 0), max(witnessed_time),"
        " count(*) FILTER (WHERE NOT is_signed) FROM audit_witnessed GROUP BY peer_id ORDER BY peer_id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def lock_witness(session: WriteSession, peer_id: str) -> None:
    """Lets one checkpoint of a neighbour be judged at a time, until the transaction ends."""
    await session.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended('audit ' || %s, 0))", (peer_id,))
