"""Field inspections in the ledger: places, rounds with what they were drawn from, and what was found.

Called by ``hub.evaluation``.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.evaluation import inspection_places, inspection_results, inspection_rounds

_BLOCK = 1_000


class PlaceRow(NamedTuple):
    """A place of a unit that can be inspected."""

    place_id: str
    unit_code: str
    kind: str
    name: str


class RoundRow(NamedTuple):
    """A round; ``places`` and ``spots`` are JSON of ``hub.evaluation.inspection``."""

    region: int
    scheme_id: str
    round_id: str
    day: date
    plan: Mapping[str, int]
    places: bytes
    commitment: str
    seed: bytes
    spots: bytes | None
    opened_by: str
    opened_time: datetime
    drawn_time: datetime | None
    revealed_time: datetime | None


class ResultRow(NamedTuple):
    """What was found at a spot; ``photos`` are SHA-256 in hex of the store of attachments."""

    region: int
    scheme_id: str
    round_id: str
    place_id: str
    revision: int
    score: str
    photos: list[str]
    note: str
    inspected_by: str
    inspected_time: datetime


_PLACE = [inspection_places.c[name] for name in PlaceRow._fields]
_ROUND = [inspection_rounds.c[name] for name in RoundRow._fields]
_RESULT = [inspection_results.c[name] for name in ResultRow._fields]


async def put_places(session: WriteSession, region: int, rows: list[PlaceRow]) -> None:
    """Puts a region's places in the place of what was there."""
    await session.execute(delete(inspection_places).where(inspection_places.c.region == region))
    for start in range(0, len(rows), _BLOCK):
        values = [row._asdict() | {"region": region} for row in rows[start : start + _BLOCK]]
        await session.execute(insert(inspection_places).values(values))


async def places_of(session: ReadSession, region: int) -> list[PlaceRow]:
    """Returns a region's places by id."""
    found = await session.execute(
        select(*_PLACE).where(inspection_places.c.region == region).order_by(inspection_places.c.place_id)
    )
    return [PlaceRow(*row) for row in found]


async def open_round(session: WriteSession, row: RoundRow) -> None:
    """Keeps a round that was opened."""
    await session.execute(insert(inspection_rounds).values(row._asdict()))


async def find_round(session: ReadSession, region: int, scheme_id: str, round_id: str) -> RoundRow | None:
    """Returns a round."""
    row = (await session.execute(select(*_ROUND).where(_is_round(region, scheme_id, round_id)))).first()
    return RoundRow(*row) if row else None


async def change_round(session: WriteSession, region: int, scheme_id: str, round_id: str, **values: object) -> None:
    """Writes down what was drawn, or that the seed was shown."""
    await session.execute(update(inspection_rounds).where(_is_round(region, scheme_id, round_id)).values(**values))


async def rounds_of(
    session: ReadSession, region: int, scheme_id: str, first_day: date, last_day: date
) -> list[RoundRow]:
    """Returns the rounds that count in a span of days, by day."""
    found = await session.execute(
        select(*_ROUND)
        .where(
            inspection_rounds.c.region == region,
            inspection_rounds.c.scheme_id == scheme_id,
            inspection_rounds.c.day.between(first_day, last_day),
        )
        .order_by(inspection_rounds.c.day, inspection_rounds.c.round_id)
    )
    return [RoundRow(*row) for row in found]


async def add_results(session: WriteSession, rows: list[ResultRow]) -> None:
    """Keeps what was found at spots of one round, each as the spot's next revision."""
    first = rows[0]
    found = await session.execute(
        select(inspection_results.c.place_id, func.max(inspection_results.c.revision))
        .where(_is_of(first.region, first.scheme_id, first.round_id))
        .group_by(inspection_results.c.place_id)
    )
    lasts: dict[str, int] = {row[0]: row[1] for row in found}
    for start in range(0, len(rows), _BLOCK):
        values = [row._asdict() | {"revision": lasts.get(row.place_id, 0) + 1} for row in rows[start : start + _BLOCK]]
        await session.execute(insert(inspection_results).values(values))


async def results_of(session: ReadSession, region: int, scheme_id: str, round_id: str) -> dict[str, ResultRow]:
    """Returns by place what was found last in a round."""
    found = await session.execute(
        select(*_RESULT).where(_is_of(region, scheme_id, round_id)).order_by(inspection_results.c.revision)
    )
    return {row.place_id: row for row in (ResultRow(*one) for one in found)}


def _is_round(region: int, scheme_id: str, round_id: str) -> ColumnElement[bool]:
    return and_(
        inspection_rounds.c.region == region,
        inspection_rounds.c.scheme_id == scheme_id,
        inspection_rounds.c.round_id == round_id,
    )


def _is_of(region: int, scheme_id: str, round_id: str) -> ColumnElement[bool]:
    return and_(
        inspection_results.c.region == region,
        inspection_results.c.scheme_id == scheme_id,
        inspection_results.c.round_id == round_id,
    )
