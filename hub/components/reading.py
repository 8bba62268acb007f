"""Components as they stand, filtered, a page at a time, with positions in the reference system that is asked for.

Called by ``hub.rpc`` for neighbours and by the command line.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from connectors.crs import Converter
from exchange_db import components
from exchange_db.components import Box, ComponentChange, ComponentFilter, component_of
from exchange_db.keys import component_key
from exchange_db.records import Component, ComponentState, Crs, Violated
from exchange_db.regions import Subtree, parse_region, region_of, subtree
from exchange_db.session import Ledger

#: How far a rectangle is widened in the question to the ledger, in degrees and metres: more than the systems bend it.
_MARGIN_DEGREES, _MARGIN_METRES = 0.02, 2_000.0
#: Points taken on each side of a rectangle to find where it lies in another system.
_STEPS = 8
_PAGE = 1_000
_DEGREES = (Crs.CGCS2000, Crs.WGS84, Crs.GCJ02, Crs.BD09)

#: Region and key of the last row shown.
Place = tuple[int, bytes]


class ComponentQuery(Struct, frozen=True):
    """What is asked for; empty means all. ``crs`` NONE leaves each position as it was given."""

    region_code: str = ""
    standard_ref: str = ""
    class_code: str = ""
    unit_code: str = ""
    state: int = 0
    box: Box | None = None
    crs: Crs = Crs.NONE
    size: int = 100
    after: Place | None = None


class ComponentPage(NamedTuple):
    """A page; ``after`` is where the next one begins, ``None`` at the end.

    ``unconverted_count`` components were left out because their position cannot be converted.
    """

    components: list[Component]
    after: Place | None
    unconverted_count: int


class ComponentReader:
    """Answers questions about components.

    Args:
        ledger: the hub's database.
        hub_region: region of this hub.
        converter: converts positions.
    """

    def __init__(self, ledger: Ledger, hub_region: int, converter: Converter) -> None:
        self._ledger = ledger
        self._converter = converter
        self.hub_region = hub_region

    async def page(self, visible: Subtree, query: ComponentQuery) -> ComponentPage:
        """Returns one page of components inside the regions a reader may see.

        Raises:
            Violated: REGION_INVALID, CRS_MISSING, CRS_UNCONVERTIBLE or ARGUMENT_INVALID; names the argument.
        """
        regions = _narrowed(visible, query.region_code)
        state = _state(query.state)
        boxes = self._boxes(query.box) if query.box else ()
        if regions is None:
            return ComponentPage([], None, 0)
        wanted = ComponentFilter(
            regions, query.standard_ref, query.class_code, query.unit_code, state, boxes, query.after
        )
        async with self._ledger.read() as session:
            rows = await components.listing(session, wanted, query.size + 1)
        shown: list[Component] = []
        unconverted_count = 0
        for row in rows[: query.size]:
            component = component_of(row)
            if not self._converter.can_convert(component.crs) and (query.box or query.crs is not Crs.NONE):
                unconverted_count += 1
            elif query.box is None or self._is_inside(component, query.box):
                shown.append(self.converted(component, query.crs))
        after = (rows[query.size - 1].region, rows[query.size - 1].component_key) if len(rows) > query.size else None
        return ComponentPage(shown, after, unconverted_count)

    async def pages(self, visible: Subtree, query: ComponentQuery) -> AsyncIterator[ComponentPage]:
        """Yields all pages of a question.

        Raises:
            Violated: as ``page``.
        """
        query = replace(query, size=_PAGE)
        while True:
            page = await self.page(visible, query)
            yield page
            if page.after is None:
                return
            query = replace(query, after=page.after)

    async def find(
        self, visible: Subtree, owner_id: str, component_id: str, crs: Crs
    ) -> tuple[Component, list[ComponentChange]]:
        """Returns one component and its revisions, oldest first.

        Raises:
            Violated: PLATFORM_ID_INVALID, COMPONENT_NOT_FOUND or CRS_UNCONVERTIBLE.
        """
        try:
            home_region = region_of(owner_id)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "owner_id", owner_id) from None
        key = component_key(owner_id, component_id)
        async with self._ledger.read() as session:
            row = await components.find(session, home_region, key, visible)
            if row is None:
                raise Violated("COMPONENT_NOT_FOUND", "component_id", component_id)
            changes = await components.history(session, home_region, key)
        return self.converted(component_of(row), crs), changes

    def converted(self, component: Component, crs: Crs) -> Component:
        """Returns a component with its position in another system; as it is when none is asked for.

        Raises:
            Violated: CRS_UNCONVERTIBLE.
        """
        if crs in (Crs.NONE, component.crs):
            return component
        x, y = self._converter.convert(component.crs, crs, component.x, component.y)
        return replace(component, crs=crs, x=x, y=y)

    def _is_inside(self, component: Component, box: Box) -> bool:
        x, y = self._converter.convert(component.crs, box.crs, component.x, component.y)
        return box.first_x <= x <= box.last_x and box.first_y <= y <= box.last_y

    def _boxes(self, box: Box) -> tuple[Box, ...]:
        """Returns the rectangle in every system, somewhat wider than needed."""
        if box.crs is Crs.NONE:
            raise Violated("CRS_MISSING", "box.crs")
        if not self._converter.can_convert(box.crs):
            raise Violated("CRS_UNCONVERTIBLE", "box.crs", box.crs.name)
        if not (box.first_x <= box.last_x and box.first_y <= box.last_y):
            raise Violated("ARGUMENT_INVALID", "box", f"{box.first_x}, {box.first_y}, {box.last_x}, {box.last_y}")
        return tuple(self._seen_in(box, crs) for crs in (*_DEGREES, Crs.LOCAL) if self._converter.can_convert(crs))

    def _seen_in(self, box: Box, crs: Crs) -> Box:
        points = [self._converter.convert(box.crs, crs, x, y) for x, y in _border(box)]
        eastings, northings = [x for x, _ in points], [y for _, y in points]
        margin = _MARGIN_METRES if crs is Crs.LOCAL else _MARGIN_DEGREES
        return Box(
            crs, min(eastings) - margin, min(northings) - margin, max(eastings) + margin, max(northings) + margin
        )


def _border(box: Box) -> list[tuple[float, float]]:
    parts = [step / _STEPS for step in range(_STEPS + 1)]
    eastings = [box.first_x + part * (box.last_x - box.first_x) for part in parts]
    northings = [box.first_y + part * (box.last_y - box.first_y) for part in parts]
    return [(x, y) for x in eastings for y in (box.first_y, box.last_y)] + [
        (x, y) for y in northings for x in (box.first_x, box.last_x)
    ]


def _narrowed(visible: Subtree, region_code: str) -> Subtree | None:
    if not region_code:
        return visible
    try:
        wanted = subtree(parse_region(region_code))
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", region_code) from None
    first, last = max(visible.first, wanted.first), min(visible.last, wanted.last)
    return Subtree(first, last) if first <= last else None


def _state(state: int) -> ComponentState | None:
    if not state:
        return None
    try:
        return ComponentState(state)
    except ValueError:
        raise Violated("ARGUMENT_INVALID", "state", state) from None
