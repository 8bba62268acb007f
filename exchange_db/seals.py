"""What a link demands of signatures, the keys of neighbours, and the seals of batches that were taken.

Called by ``hub.intake`` (judging, keeping), ``hub.federation`` (registering) and the evidence of cases.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.seal_records import BatchKey, KeptSeal, Seal
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.peers import peers
from exchange_db.tables.seals import batch_keys

_KEY_COLUMNS = [batch_keys.c[name] for name in BatchKey._fields]


class SealPolicy(NamedTuple):
    """What a link demands: ``required`` algorithms, all of them, and the neighbour's keys, also those that ended."""

    required: tuple[str, ...]
    keys: tuple[BatchKey, ...]


async def policy_of(session: HotSession | ReadSession, peer_id: str) -> SealPolicy:
    """Returns what the link to a neighbour demands; nothing of somebody who is not in the registry."""
    cursor = await session.driver.execute("SELECT required_signatures FROM peers WHERE peer_id = %s", (peer_id,))
    row = await cursor.fetchone()
    return SealPolicy(tuple(row[0]) if row else (), await keys_of(session, peer_id))


async def require(session: WriteSession, peer_id: str, algorithms: Sequence[str]) -> bool:
    """Sets what the link to a neighbour demands; tells whether it is known."""
    result = await session.execute(
        update(peers).where(peers.c.peer_id == peer_id).values(required_signatures=list(algorithms))
    )
    return bool(result.rowcount)


async def keys_of(session: HotSession | ReadSession, peer_id: str) -> tuple[BatchKey, ...]:
    """Returns the signing keys of a neighbour, the newest first."""
    cursor = await session.driver.execute(
        f"SELECT {', '.join(BatchKey._fields)} FROM batch_keys WHERE peer_id = %s"  # noqa: S608 — constants
        " ORDER BY begin_time DESC, key_id",
        (peer_id,),
    )
    return tuple(BatchKey(*row) for row in await cursor.fetchall())


async def key_named(session: ReadSession, peer_id: str, key_id: str) -> BatchKey | None:
    """Returns one key of a neighbour."""
    found = await session.execute(
        select(*_KEY_COLUMNS).where(batch_keys.c.peer_id == peer_id, batch_keys.c.key_id == key_id)
    )
    row = found.first()
    return BatchKey(*row) if row else None


async def add_key(session: WriteSession, key: BatchKey) -> None:
    """Registers a signing key; one that is there already gets the new card's times, and is not withdrawn any more."""
    statement = upsert(batch_keys).values(key._asdict())
    kept = {name: statement.excluded[name] for name in ("begin_time", "end_time", "card", "withdrawn_time")}
    await session.execute(statement.on_conflict_do_update(index_elements=["peer_id", "key_id"], set_=kept))


async def withdraw_key(session: WriteSession, peer_id: str, key_id: str, now: datetime) -> bool:
    """Ends a key at once, whatever its card says; tells whether it was in force."""
    result = await session.execute(
        update(batch_keys)
        .where(batch_keys.c.peer_id == peer_id, batch_keys.c.key_id == key_id, batch_keys.c.withdrawn_time.is_(None))
        .values(withdrawn_time=now)
    )
    return bool(result.rowcount)


async def keep(session: HotSession, stream_id: int, seals: Sequence[KeptSeal]) -> None:
    """Keeps the seals of a batch of a stream; of a batch that comes again the first ones stay."""
    for first, last, algorithm, key_id, seal, leaves in seals:
        await session.driver.execute(
            "INSERT INTO batch_seals (stream_id, first_sequence, last_sequence, algorithm, key_id, statement,"
            " signature, leaves) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (stream_id, first, last, algorithm, key_id, seal.statement, seal.signature, leaves),
            binary=True,
        )


async def covering(session: ReadSession, stream_id: int, sequence: int) -> list[KeptSeal]:
    """Returns the seals of batches that held a number of a stream, the first ones kept first.

    Several, where parcels came again in batches of another size; not all need hold what was taken under the number.
    """
    cursor = await session.driver.execute(
        "SELECT first_sequence, last_sequence, algorithm, key_id, statement, signature, leaves"
        " FROM batch_seals WHERE stream_id = %(stream)s AND first_sequence <= %(sequence)s"
        " AND first_sequence > %(sequence)s - 2000 AND last_sequence >= %(sequence)s"
        " ORDER BY kept_time, algorithm LIMIT 64",
        {"stream": stream_id, "sequence": sequence},
    )
    return [
        KeptSeal(first, last, algorithm, key_id, Seal(statement, signature), leaves)
        for first, last, algorithm, key_id, statement, signature, leaves in await cursor.fetchall()
    ]
