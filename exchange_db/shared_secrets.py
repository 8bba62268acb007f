"""Secrets of neighbours that call by REST, and the nonces they used. Called by ``hub.rest`` and ``sanji peers``."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.peers import Peer
from exchange_db.session import HotSession, WriteSession
from exchange_db.tables.shared_secrets import shared_secrets, used_nonces


class Credential(NamedTuple):
    """A neighbour with a secret, as its call is judged."""

    peer: Peer
    secret: str
    end_time: datetime


async def keep(session: WriteSession, peer_id: str, secret: str, end_time: datetime) -> None:
    """Gives a neighbour a secret; an earlier one ends at once."""
    values = {"peer_id": peer_id, "secret": secret, "end_time": end_time}
    statement = upsert(shared_secrets).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["peer_id"], set_={"secret": secret, "end_time": end_time, "made_time": func.now()}
        )
    )


async def of_peer(session: HotSession, peer_id: str) -> Credential | None:
    """Returns a neighbour and its secret; ``None`` when there is no such neighbour, or it has none."""
    columns = ", ".join(f"p.{name}" for name in Peer._fields)
    cursor = await session.driver.execute(
        f"SELECT s.secret, s.end_time, {columns} FROM peers p JOIN shared_secrets s USING (peer_id)"  # noqa: S608 — constants
        " WHERE p.peer_id = %s",
        (peer_id,),
    )
    row = await cursor.fetchone()
    return Credential(Peer(*row[2:]), row[0], row[1]) if row else None


async def use_nonce(session: HotSession, peer_id: str, nonce: str, end_time: datetime) -> bool:
    """Uses a nonce up; tells whether it was fresh."""
    cursor = await session.driver.execute(
        "INSERT INTO used_nonces (peer_id, nonce, end_time) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (peer_id, nonce, end_time),
    )
    return cursor.rowcount == 1


async def note_call(session: HotSession, destination_id: int, clock_skew_ms: int) -> None:
    """Records that a neighbour called, and how far its clock is off."""
    await session.driver.execute(
        "UPDATE links SET contact_time = now(), clock_skew_ms = %s WHERE destination_id = %s",
        (clock_skew_ms, destination_id),
    )


async def forget_nonces(session: WriteSession, now: datetime) -> int:
    """Forgets nonces whose calls are too old by now; returns how many."""
    result = await session.execute(delete(used_nonces).where(used_nonces.c.end_time < now))
    return int(result.rowcount)
