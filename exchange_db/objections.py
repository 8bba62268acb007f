"""Objections of units to parts of their scores, and the rulings. Called by ``hub.evaluation``."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import insert, select, update

from exchange_db.regions import Regions
from exchange_db.score_runs import within
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.evaluation import objections


class ObjectionRow(NamedTuple):
    """An objection; ``state`` is ``open``, ``upheld`` or ``rejected``. ``ruled_value`` is exact text."""

    region: int
    objection_id: UUID
    scheme_id: str
    period: str
    revision: int
    unit_code: str
    entry_id: str
    grounds: str
    made_by: str
    made_time: datetime
    state: str = "open"
    ruled_value: str = ""
    ruling: str = ""
    ruled_by: str = ""
    ruled_time: datetime | None = None


_COLUMNS = [objections.c[name] for name in ObjectionRow._fields]


async def add(session: WriteSession, row: ObjectionRow) -> None:
    """Keeps an objection."""
    await session.execute(insert(objections).values(row._asdict()))


async def find(session: WriteSession, visible: Regions, objection_id: UUID) -> ObjectionRow | None:
    """Returns an objection and holds it until the transaction ends."""
    statement = select(*_COLUMNS).where(within(objections.c.region, visible), objections.c.objection_id == objection_id)
    row = (await session.execute(statement.with_for_update())).first()
    return ObjectionRow(*row) if row else None


async def rule(session: WriteSession, row: ObjectionRow) -> None:
    """Writes down the ruling."""
    await session.execute(
        update(objections)
        .where(objections.c.region == row.region, objections.c.objection_id == row.objection_id)
        .values(
            state=row.state,
            ruled_value=row.ruled_value,
            ruling=row.ruling,
            ruled_by=row.ruled_by,
            ruled_time=row.ruled_time,
        )
    )


async def of_period(session: ReadSession, region: int, scheme_id: str, period: str) -> list[ObjectionRow]:
    """Returns the objections of a period, those that were ruled on in the order of the rulings, the open ones last."""
    found = await session.execute(
        select(*_COLUMNS)
        .where(objections.c.region == region, objections.c.scheme_id == scheme_id, objections.c.period == period)
        .order_by(objections.c.ruled_time.nulls_last(), objections.c.made_time, objections.c.objection_id)
    )
    return [ObjectionRow(*row) for row in found]


async def listing(session: ReadSession, visible: Regions, state: str = "") -> list[ObjectionRow]:
    """Returns objections, newest first; ``state`` narrows it."""
    conditions = [within(objections.c.region, visible)]
    if state:
        conditions.append(objections.c.state == state)
    order = (objections.c.made_time.desc(), objections.c.objection_id)
    found = await session.execute(select(*_COLUMNS).where(*conditions).order_by(*order))
    return [ObjectionRow(*row) for row in found]
