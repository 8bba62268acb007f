"""Who reported a case, as sealed bytes; the wrapped keys; and who sees a case unmasked until when.

Called by ``hub.personal``. Bytes go in and come out sealed: this module has no key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.personal import personal_keys, reporters, unmaskings


class SealedReporter(NamedTuple):
    """A row. ``case_id`` is 16 bytes."""

    home_region: int
    case_id: bytes
    key_number: int
    sealed: bytes
    source_id: str
    kept_time: datetime


async def keys(session: ReadSession) -> dict[int, bytes]:
    """Returns every key by its number, wrapped."""
    result = await session.execute(select(personal_keys.c.key_number, personal_keys.c.wrapped))
    return {row[0]: row[1] for row in result}


async def add_key(session: WriteSession, number: int, wrapped: bytes, now: datetime) -> None:
    """Adds a key; two that make the same one at once are told by the primary key."""
    await session.execute(insert(personal_keys).values(key_number=number, wrapped=wrapped, made_time=now))


async def drop_keys_before(session: WriteSession, number: int) -> int:
    """Deletes older keys that seal nothing any more; returns how many."""
    used = select(reporters.c.key_number)
    result = await session.execute(
        delete(personal_keys).where(personal_keys.c.key_number < number, personal_keys.c.key_number.not_in(used))
    )
    return int(result.rowcount)


async def keep(session: WriteSession, rows: Sequence[SealedReporter]) -> None:
    """Keeps reporters; what is known of a case already is replaced."""
    if not rows:
        return
    statement = upsert(reporters).values([row._asdict() | {"case_id": UUID(bytes=row.case_id)} for row in rows])
    kept = ("key_number", "sealed", "source_id", "kept_time")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["home_region", "case_id"], set_={name: statement.excluded[name] for name in kept}
        )
    )


async def find(session: ReadSession, home_region: int, case_id: bytes) -> SealedReporter | None:
    """Returns the reporter of a case."""
    of_case = (reporters.c.home_region == home_region, reporters.c.case_id == UUID(bytes=case_id))
    row = (await session.execute(select(reporters).where(*of_case))).first()
    return _row(row) if row else None


async def sealed_before(session: ReadSession, key_number: int, limit: int) -> list[SealedReporter]:
    """Returns reporters that are sealed under older keys."""
    result = await session.execute(select(reporters).where(reporters.c.key_number < key_number).limit(limit))
    return [_row(row) for row in result]


async def reseal(session: WriteSession, row: SealedReporter, key_number: int, sealed: bytes) -> None:
    """Puts a new seal in the place of the one that was read, unless it was replaced meanwhile."""
    await session.execute(
        update(reporters)
        .where(
            reporters.c.home_region == row.home_region,
            reporters.c.case_id == UUID(bytes=row.case_id),
            reporters.c.sealed == row.sealed,
        )
        .values(key_number=key_number, sealed=sealed)
    )


async def forget_before(session: WriteSession, moment: datetime) -> int:
    """Deletes reporters that were kept before a time; returns how many."""
    result = await session.execute(delete(reporters).where(reporters.c.kept_time < moment))
    return int(result.rowcount)


async def has_before(session: ReadSession, moment: datetime) -> bool:
    """Tells whether a reporter was kept before a time."""
    found = await session.execute(select(reporters.c.case_id).where(reporters.c.kept_time < moment).limit(1))
    return found.first() is not None


async def unmask(session: WriteSession, person_id: UUID, home_region: int, case_id: bytes, until: datetime) -> None:
    """Lets a person see a case unmasked until a time."""
    statement = upsert(unmaskings).values(
        person_id=person_id, home_region=home_region, case_id=UUID(bytes=case_id), until_time=until
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "home_region", "case_id"], set_={"until_time": statement.excluded.until_time}
        )
    )


async def is_unmasked(session: ReadSession, person_id: UUID, home_region: int, case_id: bytes, now: datetime) -> bool:
    """Tells whether a person sees a case unmasked now."""
    result = await session.execute(
        select(unmaskings.c.until_time).where(
            unmaskings.c.person_id == person_id,
            unmaskings.c.home_region == home_region,
            unmaskings.c.case_id == UUID(bytes=case_id),
            unmaskings.c.until_time > now,
        )
    )
    return result.first() is not None


def _row(row: Row[Any]) -> SealedReporter:
    values: tuple[Any, ...] = tuple(row)
    return SealedReporter(values[0], values[1].bytes, *values[2:])
