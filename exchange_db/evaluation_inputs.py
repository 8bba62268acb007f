"""What people give for scores: groups of units, scores of parts, and entries of the list of bonuses and deductions.

Nothing that was given is changed or taken away; what is decided about an entry is written beside it. Called by
``hub.evaluation``.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from exchange_db.regions import Regions
from exchange_db.score_runs import within
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.evaluation import given_inputs, unit_groups


class GroupRow(NamedTuple):
    """A unit's place in a group, from a day up to and with another."""

    region: int
    unit_code: str
    first_day: date
    last_day: date | None
    group_code: str
    unit_name: str
    noted_by: str
    noted_time: datetime


class GivenRow(NamedTuple):
    """A score or an entry of the list; ``value`` and ``target`` are exact text, ``target`` empty for none."""

    region: int
    input_id: UUID
    scheme_id: str
    entry_id: str
    unit_code: str
    day: date
    kind: str
    value: str
    target: str
    verdict: str
    reason: str
    evidence: str
    given_by: str
    given_time: datetime
    state: str
    decided_by: str
    decided_time: datetime | None


_GROUP = [unit_groups.c[name] for name in GroupRow._fields]
_GIVEN = [given_inputs.c[name] for name in GivenRow._fields]


async def put_groups(session: WriteSession, region: int, rows: list[GroupRow]) -> None:
    """Puts a region's groups in the place of what was there."""
    await session.execute(delete(unit_groups).where(unit_groups.c.region == region))
    if rows:
        await session.execute(insert(unit_groups).values([row._asdict() for row in rows]))


async def groups_on(session: ReadSession, region: int, first_day: date, last_day: date) -> list[GroupRow]:
    """Returns the places that count on some day of a span, by unit and day."""
    found = await session.execute(
        select(*_GROUP)
        .where(
            unit_groups.c.region == region,
            unit_groups.c.first_day <= last_day,
            or_(unit_groups.c.last_day.is_(None), unit_groups.c.last_day >= first_day),
        )
        .order_by(unit_groups.c.unit_code, unit_groups.c.first_day)
    )
    return [GroupRow(*row) for row in found]


async def add(session: WriteSession, row: GivenRow) -> None:
    """Keeps what somebody gave."""
    await session.execute(insert(given_inputs).values(row._asdict()))


async def find(session: WriteSession, region: int, input_id: UUID) -> GivenRow | None:
    """Returns what was given and holds it until the transaction ends."""
    statement = select(*_GIVEN).where(given_inputs.c.region == region, given_inputs.c.input_id == input_id)
    row = (await session.execute(statement.with_for_update())).first()
    return GivenRow(*row) if row else None


async def decide(session: WriteSession, row: GivenRow) -> None:
    """Writes down what was decided about it."""
    await session.execute(
        update(given_inputs)
        .where(given_inputs.c.region == row.region, given_inputs.c.input_id == row.input_id)
        .values(state=row.state, decided_by=row.decided_by, decided_time=row.decided_time)
    )


async def counting(
    session: ReadSession, region: int, scheme_id: str, first_day: date, last_day: date
) -> list[GivenRow]:
    """Returns what counts in a span of days, in the order it was given."""
    return await _listed(
        session,
        given_inputs.c.region == region,
        given_inputs.c.scheme_id == scheme_id,
        given_inputs.c.day.between(first_day, last_day),
        given_inputs.c.state == "approved",
    )


async def listing(session: ReadSession, visible: Regions, state: str = "") -> list[GivenRow]:
    """Returns what was given, in order; ``state`` narrows it."""
    conditions = [within(given_inputs.c.region, visible)]
    if state:
        conditions.append(given_inputs.c.state == state)
    return await _listed(session, *conditions)


async def _listed(session: ReadSession, *conditions: ColumnElement[bool]) -> list[GivenRow]:
    order = (given_inputs.c.given_time, given_inputs.c.input_id)
    found = await session.execute(select(*_GIVEN).where(*conditions).order_by(*order))
    return [GivenRow(*row) for row in found]
