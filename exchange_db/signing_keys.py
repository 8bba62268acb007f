"""Key pairs this hub signs tokens with, private halves wrapped. Called by ``auth`` and ``sanji sign-on``."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.signing_keys import signing_keys


class StoredKey(NamedTuple):
    """A key pair as it is kept; ``end_time`` is ``None`` while no later key has taken its place."""

    key_id: str
    algorithm: str
    public_jwk: str
    wrapped: bytes
    use_time: datetime
    end_time: datetime | None


async def all_keys(session: ReadSession) -> list[StoredKey]:
    """Returns every key, oldest first."""
    rows = await session.execute(select(signing_keys).order_by(signing_keys.c.use_time, signing_keys.c.key_id))
    return [StoredKey(*row) for row in rows]


async def lock(session: WriteSession) -> None:
    """Lets no other process make keys until this transaction ends."""
    await session.driver.execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")


async def add(session: WriteSession, key: StoredKey) -> None:
    """Keeps a new key."""
    await session.execute(insert(signing_keys).values(key._asdict()))


async def end(session: WriteSession, algorithm: str, but: str, end_time: datetime) -> None:
    """Lets all keys of an algorithm but one end, where no end is set yet."""
    chosen = (signing_keys.c.algorithm == algorithm) & (signing_keys.c.key_id != but)
    await session.execute(
        update(signing_keys).where(chosen & signing_keys.c.end_time.is_(None)).values(end_time=end_time)
    )


async def forget(session: WriteSession, now: datetime) -> int:
    """Deletes keys whose end has passed; returns how many."""
    return int((await session.execute(delete(signing_keys).where(signing_keys.c.end_time <= now))).rowcount)
