"""Platforms on their way in: what people have settled of each, from the invitation until it is on line.

Whether the neighbour came and with which certificate is not repeated here; that is ``exchange_db.peers``. Called by
``hub.federation.enrolment`` (opening), ``hub.joining`` and ``sanji peers``.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.ranges import within
from exchange_db.regions import Regions, region_of
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.joinings import joinings
from exchange_db.tables.peers import invitations

#: States of a conformance run that is not over.
KIT_OPEN = frozenset({"wanted", "running", "stopping"})


class Joining(NamedTuple):
    """One platform on its way in. ``kit_asked`` is how many test records the running kit waits for."""

    region: int
    peer_id: str
    name: str
    kind: str
    relation: str
    transport: str
    opened_by: str
    opened_time: datetime
    invited_until: datetime | None
    mapping: str
    sample_name: str
    mapped_count: int
    refused_count: int
    mapped_time: datetime | None
    kit_state: str
    kit_groups: list[str]
    kit_asked: int
    kit_trouble: str
    kit_time: datetime | None
    waiver: str
    live_by: str
    live_time: datetime | None


class Opening(NamedTuple):
    """What is settled first; ``invited_until`` is the end of the invitation, none where none is needed."""

    peer_id: str
    name: str
    kind: str
    relation: str
    transport: str
    opened_by: str
    opened_time: datetime
    invited_until: datetime | None


_COLUMNS = [joinings.c[name] for name in Joining._fields]
_NAMES = ", ".join(Joining._fields)


async def open_one(session: WriteSession, opening: Opening) -> None:
    """Notes that a platform is to be let in; one that was on its way already goes on, with what was settled now."""
    values = opening._asdict() | {"region": region_of(opening.peer_id)}
    statement = upsert(joinings).values(values)
    renewed = {"invited_until": statement.excluded.invited_until, "live_time": None, "live_by": ""}
    renewed |= {name: statement.excluded[name] for name in ("kind", "relation", "transport")}
    if opening.name:
        renewed["name"] = statement.excluded.name
    await session.execute(statement.on_conflict_do_update(index_elements=["region", "peer_id"], set_=renewed))


async def find(session: ReadSession, peer_id: str, *, is_locked: bool = False) -> Joining | None:
    """Returns one; with ``is_locked`` nobody else changes it until the transaction ends."""
    statement = select(*_COLUMNS).where(joinings.c.region == _region(peer_id), joinings.c.peer_id == peer_id)
    row = (await session.execute(statement.with_for_update() if is_locked else statement)).first()
    return Joining(*row) if row else None


async def listing(session: ReadSession, visible: Regions, *, limit: int, after: str = "") -> list[Joining]:
    """Returns those in the regions a reader may see, by name of the platform, which begins with its region."""
    cursor = await session.driver.execute(
        f"SELECT {_NAMES} FROM joinings j WHERE {within('j.region', visible)}"  # noqa: S608 — constants and numbers
        " AND (region, peer_id) > (%s, %s) ORDER BY region, peer_id LIMIT %s",
        (_region(after), after, limit),
    )
    return [Joining(*row) for row in await cursor.fetchall()]


async def change(session: WriteSession, peer_id: str, **values: Any) -> bool:
    """Settles some of it; tells whether it is known."""
    result = await session.execute(
        update(joinings).where(joinings.c.region == _region(peer_id), joinings.c.peer_id == peer_id).values(values)
    )
    return bool(result.rowcount)


async def sample_of(session: ReadSession, peer_id: str) -> bytes | None:
    """Returns the rows to try the mapping on, as the file that was given."""
    return await _bytes(session, peer_id, "sample")


async def report_of(session: ReadSession, peer_id: str) -> bytes | None:
    """Returns the signed report of the last conformance run."""
    return await _bytes(session, peer_id, "kit_report")


async def wanted_kit(session: ReadSession) -> Joining | None:
    """Returns whose conformance run is next: wanted, or cut off with the process that ran it."""
    states = ("wanted", "running", "stopping")
    statement = select(*_COLUMNS).where(joinings.c.kit_state.in_(states)).order_by(joinings.c.kit_time).limit(1)
    row = (await session.execute(statement)).first()
    return Joining(*row) if row else None


async def withdraw(session: WriteSession, peer_id: str) -> bool:
    """Forgets one and ends its invitation; tells whether it is known."""
    await session.execute(
        delete(invitations).where(invitations.c.peer_id == peer_id, invitations.c.used_time.is_(None))
    )
    result = await session.execute(
        delete(joinings).where(joinings.c.region == _region(peer_id), joinings.c.peer_id == peer_id)
    )
    return bool(result.rowcount)


async def _bytes(session: ReadSession, peer_id: str, name: str) -> bytes | None:
    statement = select(joinings.c[name]).where(joinings.c.region == _region(peer_id), joinings.c.peer_id == peer_id)
    found: bytes | None = (await session.execute(statement)).scalar_one_or_none()
    return found


def _region(peer_id: str) -> int:
    """Returns the region a name begins with; 0, where nobody is, for what is no name."""
    try:
        return region_of(peer_id)
    except ValueError:
        return 0
