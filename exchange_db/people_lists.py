"""Lists of people that platforms bring, and the secrets they bring them with.

A list says who somebody is and whether they still are; it gives no right and erases nobody. Called by
``hub.signon.lists`` and ``sanji sign-on list-secret``.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.people import PersonRow
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.people import list_secrets, listed_people, people


class ListedRow(NamedTuple):
    """A person as their platform's list has them."""

    person_id: UUID
    upstream_id: str
    user_name: str
    external_id: str | None
    formatted: str
    given_name: str
    family_name: str
    display_name: str
    unit: str
    is_active: bool
    is_blocked_by_list: bool
    is_gone: bool
    made_time: datetime
    changed_time: datetime


_COLUMNS = [listed_people.c[name] for name in ListedRow._fields]
_PERSON = [people.c[name] for name in PersonRow._fields]


async def keep_secret(session: WriteSession, upstream_id: str, secret_digest: bytes, now: datetime) -> None:
    """Gives a platform the secret for its list; an earlier one is no use any more."""
    values = {"secret_digest": secret_digest, "made_time": now}
    statement = upsert(list_secrets).values(upstream_id=upstream_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["upstream_id"], set_=values))


async def remove_secret(session: WriteSession, upstream_id: str) -> bool:
    """Takes a platform's secret away; tells whether there was one."""
    result = await session.execute(delete(list_secrets).where(list_secrets.c.upstream_id == upstream_id))
    return bool(result.rowcount)


async def of_secret(session: ReadSession, secret_digest: bytes) -> str | None:
    """Returns whose secret this is."""
    found = await session.execute(
        select(list_secrets.c.upstream_id).where(list_secrets.c.secret_digest == secret_digest)
    )
    return found.scalar_one_or_none()


async def enlist(
    session: WriteSession, upstream_id: str, subject: str, *, name: str, unit: str, region: int, now: datetime
) -> PersonRow:
    """Makes a person of a list known, waiting; who signed on before is the same person, in whatever state they are."""
    statement = upsert(people).values(
        person_id=uuid4(), issuer_id=upstream_id, subject=subject, name=name, unit=unit, region=region,
        state="waiting", first_time=now, last_time=now,
    )  # fmt: skip
    told = {"name": name, "unit": unit}
    row = (
        await session.execute(
            statement.on_conflict_do_update(index_elements=["issuer_id", "subject"], set_=told).returning(*_PERSON)
        )
    ).one()
    return PersonRow(*row)


async def keep(session: WriteSession, row: ListedRow) -> bool:
    """Adds an entry, in the place of one that is gone; tells whether its person and its names were free."""
    await session.execute(
        delete(listed_people).where(listed_people.c.person_id == row.person_id, listed_people.c.is_gone)
    )
    inserted = upsert(listed_people).values(row._asdict()).on_conflict_do_nothing()
    return (await session.execute(inserted.returning(listed_people.c.person_id))).first() is not None


async def change(session: WriteSession, row: ListedRow) -> None:
    """Writes an entry anew, and what is told about its person with it."""
    values = row._asdict()
    key = values.pop("person_id")
    await session.execute(update(listed_people).where(listed_people.c.person_id == key).values(values))


async def tell(session: WriteSession, person_id: UUID, *, name: str, unit: str) -> None:
    """Writes down what a list says of a person."""
    await session.execute(update(people).where(people.c.person_id == person_id).values(name=name, unit=unit))


async def find(session: WriteSession, upstream_id: str, person_id: UUID) -> ListedRow | None:
    """Returns an entry of a platform's list and holds it until the transaction ends."""
    found = await session.execute(
        select(*_COLUMNS)
        .where(
            listed_people.c.person_id == person_id,
            listed_people.c.upstream_id == upstream_id,
            ~listed_people.c.is_gone,
        )
        .with_for_update()
    )
    row = found.first()
    return ListedRow(*row) if row else None


async def was_blocked(session: ReadSession, person_id: UUID) -> bool:
    """Tells whether it was the list that blocked somebody who is gone from it."""
    found = await session.execute(
        select(listed_people.c.person_id).where(
            listed_people.c.person_id == person_id, listed_people.c.is_gone, listed_people.c.is_blocked_by_list
        )
    )
    return found.first() is not None


async def is_out(session: ReadSession, person_id: UUID) -> bool:
    """Tells whether their platform's list says that somebody is not to come in: inactive, or taken off it."""
    found = await session.execute(
        select(listed_people.c.person_id).where(
            listed_people.c.person_id == person_id, listed_people.c.is_gone | ~listed_people.c.is_active
        )
    )
    return found.first() is not None


async def count(session: ReadSession, upstream_id: str, **equal: str | UUID) -> int:
    """Returns how many entries a platform's list has; ``equal`` names columns and what stands in them."""
    found = await session.execute(select(func.count()).select_from(listed_people).where(*_which(upstream_id, equal)))
    return int(found.scalar_one())


async def page(session: ReadSession, upstream_id: str, offset: int, limit: int, **equal: str | UUID) -> list[ListedRow]:
    """Returns entries of a platform's list by the moment they were added."""
    rows = await session.execute(
        select(*_COLUMNS)
        .where(*_which(upstream_id, equal))
        .order_by(listed_people.c.made_time, listed_people.c.person_id)
        .offset(offset)
        .limit(limit)
    )
    return [ListedRow(*row) for row in rows]


def _which(upstream_id: str, equal: dict[str, str | UUID]) -> list[ColumnElement[bool]]:
    named = [listed_people.c[name] == value for name, value in equal.items()]
    return [listed_people.c.upstream_id == upstream_id, ~listed_people.c.is_gone, *named]
