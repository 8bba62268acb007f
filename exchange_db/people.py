"""People who sign on, and what they were granted.

A person is ``(issuer_id, subject)``: who signed them on, and that platform's name for them. A name, a unit or a
telephone number that two of them share never makes them one. Called by ``auth.sessions``, ``hub.signon`` and
``sanji people``.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.people import people, person_grants

#: Issuer of the administrators of this host.
LOCAL = "local"


class PersonRow(NamedTuple):
    """A person as the ledger has them. ``state`` is ``waiting``, ``admitted`` or ``blocked``."""

    person_id: UUID
    issuer_id: str
    subject: str
    name: str
    unit: str
    region: int
    state: str
    first_time: datetime
    last_time: datetime


class GrantRow(NamedTuple):
    """A role somebody was given in a region, by whom and when."""

    role: str
    region: int
    granted_by: str
    granted_time: datetime


class Arrival(NamedTuple):
    """Somebody who signed on: who, whether for the first time, their grants (role and region) and platform's profile.

    ``profile`` is JSON; ``None`` for administrators of the host.
    """

    person: PersonRow
    is_first: bool
    grants: tuple[tuple[str, int], ...]
    profile: str | None


_COLUMNS = [people.c[name] for name in PersonRow._fields]
_ARRIVE = (
    "INSERT INTO people (person_id, issuer_id, subject, name, unit, region, state, first_time, last_time)"  # noqa: S608 — constants
    " VALUES (%s, %s, %s, %s, %s, %s, 'waiting', %s, %s) ON CONFLICT (issuer_id, subject) DO UPDATE"
    " SET name = excluded.name, unit = excluded.unit, region = excluded.region, last_time = excluded.last_time"
    f" RETURNING {', '.join(PersonRow._fields)}, xmax = 0"
)
_RIGHTS = (
    ", (SELECT array_agg(role ORDER BY role, region) FROM person_grants g WHERE g.person_id = people.person_id),"
    " (SELECT array_agg(region ORDER BY role, region) FROM person_grants g WHERE g.person_id = people.person_id),"
    " (SELECT profile FROM upstreams u WHERE u.upstream_id = people.issuer_id)"
)


async def arrive(
    session: WriteSession, issuer_id: str, subject: str, *, name: str, unit: str, region: int, now: datetime
) -> tuple[PersonRow, bool]:
    """Records that somebody signed on; who is new waits for approval.

    Returns:
        The person, and whether this was their first time.
    """
    row = await _arrived(session, _ARRIVE, (uuid4(), issuer_id, subject, name, unit, region, now, now))
    return PersonRow(*row[:-1]), bool(row[-1])


async def arrive_with_rights(
    session: HotSession | WriteSession,
    issuer_id: str,
    subject: str,
    *,
    name: str,
    unit: str,
    region: int,
    now: datetime,
) -> Arrival:
    """Does the same and tells in the same look all that decides what they may do."""
    values = (uuid4(), issuer_id, subject, name, unit, region, now, now)
    *told, is_first, roles, regions, profile = await _arrived(session, _ARRIVE + _RIGHTS, values)
    return Arrival(PersonRow(*told), bool(is_first), tuple(zip(roles or (), regions or (), strict=True)), profile)


async def of_identity(session: ReadSession, issuer_id: str, subject: str) -> PersonRow | None:
    """Returns who a platform knows by this name."""
    found = await session.execute(select(*_COLUMNS).where(people.c.issuer_id == issuer_id, people.c.subject == subject))
    row = found.first()
    return PersonRow(*row) if row else None


async def of_id(session: ReadSession, person_id: UUID) -> PersonRow | None:
    """Returns a person by the hub's own id."""
    row = (await session.execute(select(*_COLUMNS).where(people.c.person_id == person_id))).first()
    return PersonRow(*row) if row else None


async def listing(session: ReadSession, state: str | None = None, *, limit: int = 500) -> list[PersonRow]:
    """Returns people, those who wait first, then by who came last."""
    statement = select(*_COLUMNS)
    if state is not None:
        statement = statement.where(people.c.state == state)
    ordered = statement.order_by((people.c.state != "waiting"), people.c.last_time.desc()).limit(limit)
    return [PersonRow(*row) for row in await session.execute(ordered)]


async def grants_of(session: ReadSession, person_ids: list[UUID]) -> dict[UUID, tuple[GrantRow, ...]]:
    """Returns the grants of each of these people, by role and region."""
    columns = [person_grants.c[name] for name in GrantRow._fields]
    rows = await session.execute(
        select(person_grants.c.person_id, *columns)
        .where(person_grants.c.person_id.in_(person_ids))
        .order_by(person_grants.c.role, person_grants.c.region)
    )
    found: dict[UUID, tuple[GrantRow, ...]] = dict.fromkeys(person_ids, ())
    for person_id, *values in rows:
        found[person_id] += (GrantRow(*values),)
    return found


async def set_state(session: WriteSession, person_id: UUID, state: str) -> bool:
    """Makes a person ``admitted`` or ``blocked``; tells whether that changed anything."""
    result = await session.execute(
        update(people).where(people.c.person_id == person_id, people.c.state != state).values(state=state)
    )
    return bool(result.rowcount)


async def grant(
    session: WriteSession, person_id: UUID, role: str, region: int, *, granted_by: str, now: datetime
) -> bool:
    """Gives a person a role in a region; tells whether it is new."""
    values = {
        "person_id": person_id,
        "role": role,
        "region": region,
        "granted_by": granted_by,
        "granted_time": now,
    }
    # What an insert did is told by what it returns; the driver's count is not handed on.
    inserted = upsert(person_grants).values(values).on_conflict_do_nothing().returning(person_grants.c.role)
    return (await session.execute(inserted)).first() is not None


async def revoke(session: WriteSession, person_id: UUID, role: str, region: int) -> bool:
    """Takes a role in a region away; tells whether there was one."""
    result = await session.execute(
        delete(person_grants).where(
            person_grants.c.person_id == person_id, person_grants.c.role == role, person_grants.c.region == region
        )
    )
    return bool(result.rowcount)


async def _arrived(session: HotSession | WriteSession, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    row = await (await session.driver.execute(statement, values)).fetchone()
    assert row is not None  # noqa: S101 — inserted or updated
    return row
