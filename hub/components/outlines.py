"""Outlines of the grids in force, for drawing. Called by ``sanji components sheet``."""

from collections.abc import Iterable, Iterator
from typing import Any

import shapely

from exchange_db import grids
from exchange_db.grids import Grid
from exchange_db.regions import parse_region
from exchange_db.session import Ledger
from hub.components.map_sheet import Outline, Ring


async def outlines_of(ledger: Ledger, region_codes: Iterable[str]) -> list[Outline]:
    """Returns the outlines of the grids in force in some regions."""
    found: list[Grid] = []
    async with ledger.read() as session:
        for region in sorted(map(parse_region, region_codes)):
            version = await grids.version_in_force(session, region)
            if version is not None:
                found += await grids.of_version(session, region, version)
    return [Outline(grid.grid_code, tuple(_rings(shapely.from_wkb(grid.outline)))) for grid in found]


def _rings(shape: Any) -> Iterator[Ring]:
    for polygon in getattr(shape, "geoms", (shape,)):
        for ring in (polygon.exterior, *polygon.interiors):
            yield tuple((float(x), float(y)) for x, y in ring.coords)
