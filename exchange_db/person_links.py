"""Accounts that are one person's, as that person proved at both platforms. Called by ``hub.signon``.

A link merges no rights: each account keeps its own. It tells that what one person may not do alone these accounts may
not do together. Nothing links by name, mail address or telephone number.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.people import PersonRow
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.people import people, person_links

_PERSON = [people.c[name] for name in PersonRow._fields]


async def linked_with(session: ReadSession, person_ids: Collection[UUID]) -> dict[UUID, tuple[PersonRow, ...]]:
    """Returns for each of these accounts the others of the same person."""
    own, other = person_links.alias("own"), person_links.alias("other")
    rows = await session.execute(
        select(own.c.person_id, *_PERSON)
        .join(other, (other.c.group_id == own.c.group_id) & (other.c.person_id != own.c.person_id))
        .join(people, people.c.person_id == other.c.person_id)
        .where(own.c.person_id.in_(list(person_ids)))
        .order_by(people.c.issuer_id, people.c.subject)
    )
    found: dict[UUID, tuple[PersonRow, ...]] = dict.fromkeys(person_ids, ())
    for person_id, *values in rows:
        found[person_id] += (PersonRow(*values),)
    return found


async def join(session: WriteSession, one: UUID, other: UUID, now: datetime) -> None:
    """Makes two accounts, and all each is linked with, one person's. The caller holds others off."""
    rows = await session.execute(
        select(person_links.c.person_id, person_links.c.group_id).where(person_links.c.person_id.in_([one, other]))
    )
    groups: dict[UUID, UUID] = {row.person_id: row.group_id for row in rows}
    group = groups.get(one) or groups.get(other) or uuid4()
    if other in groups:
        await session.execute(
            update(person_links).where(person_links.c.group_id == groups[other]).values(group_id=group)
        )
    values = [{"person_id": person_id, "group_id": group, "linked_time": now} for person_id in (one, other)]
    await session.execute(upsert(person_links).values(values).on_conflict_do_nothing())


async def part(session: WriteSession, person_id: UUID) -> bool:
    """Takes an account out of its person's; tells whether it was linked."""
    gone = await session.execute(
        delete(person_links).where(person_links.c.person_id == person_id).returning(person_links.c.group_id)
    )
    group = gone.scalar_one_or_none()
    if group is None:
        return False
    left = await session.execute(select(func.count()).select_from(person_links).where(person_links.c.group_id == group))
    if left.scalar_one() == 1:
        await session.execute(delete(person_links).where(person_links.c.group_id == group))
    return True
