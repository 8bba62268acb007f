"""Administrators of this host, and failed tries to sign on as one. Called by ``auth.local_administrators``."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.people import local_administrators, local_attempts


class AdministratorRow(NamedTuple):
    """An administrator of this host. ``last_step`` is the number of the last one-time code that was used."""

    name: str
    password_hash: str
    wrapped_secret: bytes
    recovery_digests: list[bytes]
    last_step: int
    state: str
    made_time: datetime


class Attempts(NamedTuple):
    """Failed tries under one name."""

    failure_count: int
    failed_time: datetime
    locked_until_time: datetime | None


_COLUMNS = [local_administrators.c[name] for name in AdministratorRow._fields]


async def add(session: WriteSession, row: AdministratorRow) -> None:
    """Enters an administrator."""
    await session.execute(insert(local_administrators).values(row._asdict()))


async def find(session: ReadSession, name: str, *, is_locking: bool = False) -> AdministratorRow | None:
    """Returns an administrator; ``is_locking`` holds the row until the transaction ends."""
    statement = select(*_COLUMNS).where(local_administrators.c.name == name)
    row = (await session.execute(statement.with_for_update() if is_locking else statement)).first()
    return AdministratorRow(*row) if row else None


async def listing(session: ReadSession) -> list[AdministratorRow]:
    """Returns the administrators, by name."""
    rows = await session.execute(select(*_COLUMNS).order_by(local_administrators.c.name))
    return [AdministratorRow(*row) for row in rows]


async def change(session: WriteSession, name: str, **values: object) -> bool:
    """Writes columns of an administrator anew; tells whether there is one."""
    result = await session.execute(
        update(local_administrators).where(local_administrators.c.name == name).values(**values)
    )
    return bool(result.rowcount)


async def use_step(session: WriteSession, name: str, step: int) -> bool:
    """Uses a one-time code up; tells whether it and no later one was used before."""
    result = await session.execute(
        update(local_administrators)
        .where(local_administrators.c.name == name, local_administrators.c.last_step < step)
        .values(last_step=step)
    )
    return bool(result.rowcount)


async def attempts(session: ReadSession, name_digest: bytes) -> Attempts | None:
    """Returns the failed tries under a name."""
    columns = [local_attempts.c[name] for name in Attempts._fields]
    row = (await session.execute(select(*columns).where(local_attempts.c.name_digest == name_digest))).first()
    return Attempts(*row) if row else None


async def note_failure(session: WriteSession, name_digest: bytes, now: datetime, since: datetime) -> int:
    """Counts a failed try; tries up to ``since`` are forgotten, of every name. Returns the count."""
    await session.execute(delete(local_attempts).where(local_attempts.c.failed_time <= since))
    statement = upsert(local_attempts).values(name_digest=name_digest, failure_count=1, failed_time=now)
    counted = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["name_digest"],
            set_={"failure_count": local_attempts.c.failure_count + 1, "failed_time": now},
        ).returning(local_attempts.c.failure_count)
    )
    return int(counted.scalar_one())


async def lock(session: WriteSession, name_digest: bytes, until: datetime) -> None:
    """Refuses a name until then."""
    await session.execute(
        update(local_attempts).where(local_attempts.c.name_digest == name_digest).values(locked_until_time=until)
    )


async def forgive(session: WriteSession, name_digest: bytes) -> None:
    """Forgets the failed tries under a name."""
    await session.execute(delete(local_attempts).where(local_attempts.c.name_digest == name_digest))
