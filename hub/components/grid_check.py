"""Which components do not stand in the grid they name, by the outlines of the version in force.

Called by ``sanji components grids check``.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import shapely

from connectors.crs import Converter
from exchange_db import grids
from exchange_db.grids import Grid
from exchange_db.records import Component, Crs
from exchange_db.regions import Subtree, parse_region
from exchange_db.session import Ledger
from hub.components.reading import ComponentQuery, ComponentReader


class GridFault(StrEnum):
    """What is wrong with a component's grid."""

    DIFFERS = "differs"  # it stands in another grid than it names
    MISSING = "missing"  # it names none, and stands in one
    OUTSIDE = "outside"  # it stands in none
    UNCONVERTED = "unconverted"  # its position cannot be compared


class Misplaced(NamedTuple):
    """A component whose grid disagrees with its position; ``found`` are the grids it stands in, several on a border."""

    component: Component
    fault: GridFault
    found: tuple[str, ...]


class GridReport(NamedTuple):
    """What a check came to; ``without_grids`` components stand in regions no grids were imported for."""

    checked: int
    without_grids: int
    misplaced: list[Misplaced]


class GridIndex:
    """The grids of one region, to be asked by position.

    Args:
        found: their outlines.
        converter: converts positions.
    """

    def __init__(self, found: list[Grid], converter: Converter) -> None:
        self._codes = [grid.grid_code for grid in found]
        self._tree = shapely.STRtree(shapely.from_wkb([grid.outline for grid in found]))
        self._converter = converter

    def misplaced(self, components: list[Component]) -> list[Misplaced]:
        """Returns the components whose grid disagrees, in their order; a border belongs to both its sides."""
        near = [component for component in components if self._converter.can_convert(component.crs)]
        points = [self._converter.convert(component.crs, Crs.CGCS2000, component.x, component.y) for component in near]
        standing: dict[int, list[str]] = {}
        if points:
            pairs = self._tree.query(shapely.points(points), predicate="intersects")
            for number, grid in zip(*pairs.tolist(), strict=True):
                standing.setdefault(id(near[number]), []).append(self._codes[grid])
        known = {id(component) for component in near}
        return [
            Misplaced(component, fault, tuple(sorted(found)))
            for component in components
            for found in [standing.get(id(component), [])]
            if (fault := _fault_of(component, found, is_known=id(component) in known)) is not None
        ]


def _fault_of(component: Component, found: list[str], *, is_known: bool) -> GridFault | None:
    if not is_known:
        return GridFault.UNCONVERTED
    if not found:
        return GridFault.OUTSIDE
    if not component.grid_code:
        return GridFault.MISSING
    return None if component.grid_code in found else GridFault.DIFFERS


class GridCheck:
    """Checks the components of this hub.

    Args:
        ledger: the hub's database.
        reader: reads components.
        converter: converts positions.
    """

    def __init__(self, ledger: Ledger, reader: ComponentReader, converter: Converter) -> None:
        self._ledger = ledger
        self._reader = reader
        self._converter = converter
        self._indexes: dict[str, GridIndex | None] = {}

    async def run(self, regions: Subtree) -> GridReport:
        """Returns every component of some regions whose grid disagrees with its position."""
        checked = without_grids = 0
        misplaced: list[Misplaced] = []
        async for page in self._reader.pages(regions, ComponentQuery()):
            for region_code, here in _by_region(page.components).items():
                index = await self._index_of(region_code)
                if index is None:
                    without_grids += len(here)
                else:
                    checked += len(here)
                    misplaced += index.misplaced(here)
        return GridReport(checked, without_grids, misplaced)

    async def _index_of(self, region_code: str) -> GridIndex | None:
        if region_code not in self._indexes:
            region = parse_region(region_code)
            async with self._ledger.read() as session:
                version = await grids.version_in_force(session, region)
                found = await grids.of_version(session, region, version) if version is not None else []
            self._indexes[region_code] = GridIndex(found, self._converter) if found else None
        return self._indexes[region_code]


def _by_region(components: Iterable[Component]) -> dict[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for component in components:
        found.setdefault(component.region_code, []).append(component)
    return found
