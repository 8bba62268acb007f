"""Single records of a link: where each side stands with one, its bytes, and putting them back.

A record that is gone from the log, or was changed in it, comes back to its old place: cases, the outbox and numbers
point at it there. It needs the bytes it was marked with, so nothing else can be put there.
Called by ``hub.reconciliation``.
"""

from exchange_db import inbox
from exchange_db.bulk import as_array
from exchange_db.inbox import Entry
from exchange_db.marking import DAMAGED, HELD, LOST, Session, Way
from exchange_db.marks import Mark, MarkRef, Standing, digest_of
from exchange_db.seal_records import RESEND_STREAM
from exchange_db.session import WriteSession

#: Stream of a neighbour in which records that are sent again are numbered.
RESEND = RESEND_STREAM
_REFS = (
    "unnest(%(keys)s::uuid[], %(times)s::bigint[]) WITH ORDINALITY r(message_key, created, place)"
    " {join} JOIN link_marks m ON m.destination_id = %(destination_id)s AND m.is_sent = %(is_sent)s"
    " AND m.message_key = r.message_key"
    " AND m.created_time = '1970-01-01Z'::timestamptz + r.created * interval '1 microsecond'"
)
_OWN_FAULTS = {LOST: Standing.LOST, DAMAGED: Standing.DAMAGED}


async def sent_standings(session: Session, way: Way, refs: list[MarkRef]) -> list[Standing]:
    """Returns where the sender stands with records of a link, in order."""
    cursor = await session.driver.execute(
        "SELECT m.state, l.acked_sequence, (SELECT max(p.sequence) FROM parcels p WHERE p.partition = m.partition"  # noqa: S608 — constants
        " AND p.inbox_id = m.inbox_id AND p.destination_id = m.destination_id), m.inbox_id IN (SELECT q.inbox_id"
        " FROM quarantine q WHERE q.stage = 'delivery' AND q.destination_id = %(destination_id)s"
        f" AND q.resolution <> 'replayed' AND q.inbox_id IS NOT NULL) FROM {_REFS.format(join='LEFT')}"
        " LEFT JOIN links l ON l.destination_id = m.destination_id ORDER BY r.place",
        _refs(way, refs),
    )
    found = []
    for state, acked_sequence, sequence, is_refused in await cursor.fetchall():
        if state is None:
            found.append(Standing.UNKNOWN)
        elif state != HELD:
            found.append(_OWN_FAULTS[state])
        elif is_refused:
            found.append(Standing.REFUSED)
        elif sequence is None:
            found.append(Standing.WAITING)
        else:
            found.append(Standing.DELIVERED if sequence <= acked_sequence else Standing.SENT)
    return found


async def received_standings(session: Session, way: Way, refs: list[MarkRef]) -> list[Standing]:
    """Returns where the receiver stands with records of a link, in order; by marks alone."""
    cursor = await session.driver.execute(
        f"SELECT m.state FROM {_REFS.format(join='LEFT')} ORDER BY r.place",  # noqa: S608 — constants
        _refs(way, refs),
    )
    states = [row[0] for row in await cursor.fetchall()]
    return [
        Standing.UNKNOWN if state is None else Standing.HELD if state == HELD else _OWN_FAULTS[state]
        for state in states
    ]


async def found_in_log(session: Session, refs: list[MarkRef]) -> list[tuple[int, int, bytes]]:
    """Returns (partition, inbox_id, bytes) of those records that are in the log, whoever handed them in."""
    cursor = await session.driver.execute(
        "SELECT i.partition, i.inbox_id, i.payload FROM inbox_keys k JOIN inbox i USING (partition, inbox_id)"
        " WHERE k.message_key = ANY(%s::uuid[])",
        ([ref.message_key.hex() for ref in refs],),
        binary=True,
    )
    return list(await cursor.fetchall())


async def payloads(session: Session, way: Way, refs: list[MarkRef], max_bytes: int) -> list[bytes]:
    """Returns the bytes of records that go over the link, as many of the first as fit; those that are whole only."""
    cursor = await session.driver.execute(
        f"SELECT i.payload, m.digest FROM {_REFS.format(join='')}"  # noqa: S608 — constants
        " JOIN inbox i ON i.partition = m.partition AND i.inbox_id = m.inbox_id WHERE m.state = 0 ORDER BY r.place",
        _refs(way, refs),
        binary=True,
    )
    found: list[bytes] = []
    size = 0
    for payload, digest in await cursor.fetchall():
        if digest_of(payload) != digest:
            continue
        size += len(payload)
        if found and size > max_bytes:
            break
        found.append(payload)
    return found


async def restore(session: WriteSession, way: Way, sender_id: str, mark: Mark, entry: Entry) -> bool:
    """Puts a record that was here before back to its place in the log.

    Args:
        session: the transaction.
        way: the link it came over.
        sender_id: the neighbour at the other end.
        mark: the record's, as it came now.
        entry: the record, checked like one that comes for the first time.

    Returns:
        Whether it was gone or damaged and has now the bytes it was marked with.
    """
    cursor = await session.driver.execute(
        "UPDATE link_marks m SET state = 0 WHERE m.destination_id = %s AND m.is_sent = %s AND m.message_key = %s::uuid"
        " AND m.created_time = '1970-01-01Z'::timestamptz + %s * interval '1 microsecond' AND m.digest = %s"
        " AND m.state > 0 RETURNING m.partition, m.inbox_id",
        (*way, entry.message_key.hex(), mark.created_time, mark.digest),
    )
    place = await cursor.fetchone()
    if place is None:
        return False
    partition, inbox_id = place
    values = (entry.kind, entry.record_key.hex(), entry.region, entry.facts, entry.payload, partition, inbox_id)
    changed = await session.driver.execute(
        "UPDATE inbox SET record_kind = %s, record_key = %s::uuid, region = %s, facts = %s, payload = %s"
        " WHERE partition = %s AND inbox_id = %s",
        values,
    )
    if not changed.rowcount:
        stream_id, sequence = await _number(session, sender_id, entry.message_key, partition, inbox_id)
        await session.driver.execute(
            "INSERT INTO inbox (record_kind, record_key, region, facts, payload, partition, inbox_id, stream_id,"
            " sequence, message_key, received_time)"
            " VALUES (%s, %s::uuid, %s, %s, %s, %s, %s, %s, %s, %s::uuid, now())",
            (*values, stream_id, sequence, entry.message_key.hex()),
        )
    return True


async def _number(
    session: WriteSession, sender_id: str, message_key: bytes, partition: int, inbox_id: int
) -> tuple[int, int]:
    """Returns the stream and number a record came under; a new one of the stream for records that come again."""
    cursor = await session.driver.execute(
        "SELECT stream_id, sequence FROM inbox_keys WHERE message_key = %s::uuid", (message_key.hex(),)
    )
    known = await cursor.fetchone()
    if known is not None:
        return known[0], known[1]
    stream = await inbox.open_stream(session, sender_id, RESEND)
    cursor = await session.driver.execute(
        "WITH given AS (UPDATE streams SET last_sequence = last_sequence + 1, accepted_count = accepted_count + 1,"
        " last_time = now() WHERE stream_id = %s RETURNING stream_id, last_sequence)"
        " INSERT INTO inbox_keys (message_key, stream_id, sequence, partition, inbox_id)"
        " SELECT %s::uuid, stream_id, last_sequence, %s, %s FROM given RETURNING stream_id, sequence",
        (stream.stream_id, message_key.hex(), partition, inbox_id),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — the stream was just opened
    return row[0], row[1]


async def forget_lost_keys(session: Session, message_keys: list[bytes]) -> None:
    """Forgets that messages were taken in whose records are gone, so that they can be taken in anew."""
    await session.driver.execute(
        "DELETE FROM inbox_keys k WHERE k.message_key = ANY(%s::uuid[]) AND NOT EXISTS (SELECT FROM inbox i"
        " WHERE i.partition = k.partition AND i.inbox_id = k.inbox_id)",
        ([key.hex() for key in message_keys],),
    )


def _refs(way: Way, refs: list[MarkRef]) -> dict[str, object]:
    return {
        **way._asdict(),
        "keys": [ref.message_key.hex() for ref in refs],
        "times": as_array(ref.created_time for ref in refs),
    }
