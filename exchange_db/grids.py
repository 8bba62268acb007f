"""Grids: outlines of the unit grids of a region, by version. Called by ``hub.components``."""

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select

from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.grids import grids

_BLOCK = 1_000


class Grid(NamedTuple):
    """One unit grid; ``outline`` is a polygon as WKB, longitude and latitude in CGCS2000."""

    grid_code: str
    name: str
    outline: bytes


async def replace_version(session: WriteSession, region: int, version: str, found: list[Grid]) -> int:
    """Puts a version of a region's grids in place of what was there under its name; returns how many there were."""
    gone = await session.execute(delete(grids).where(grids.c.region == region, grids.c.version == version))
    for start in range(0, len(found), _BLOCK):
        values = [
            {"region": region, "version": version} | grid._asdict() | {"imported_time": func.now()}
            for grid in found[start : start + _BLOCK]
        ]
        await session.execute(insert(grids).values(values))
    return int(gone.rowcount)


async def version_in_force(session: ReadSession, region: int) -> str | None:
    """Returns the version of a region's grids that was imported last, ``None`` when there is none."""
    result = await session.execute(
        select(grids.c.version)
        .where(grids.c.region == region)
        .order_by(grids.c.imported_time.desc(), grids.c.version.desc())
        .limit(1)
    )
    return result.scalar_one_or_none()


async def of_version(session: ReadSession, region: int, version: str) -> list[Grid]:
    """Returns the grids of a version by code."""
    result = await session.execute(
        select(grids.c.grid_code, grids.c.name, grids.c.outline)
        .where(grids.c.region == region, grids.c.version == version)
        .order_by(grids.c.grid_code)
    )
    return [Grid(row[0], row[1], bytes(row[2])) for row in result]
