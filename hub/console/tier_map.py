"""The tier map as plain geometry, in pixels; the template draws it as SVG. Pure.

The hub stands in the middle, what is above it above, its own subtree below. Where many neighbours are below they are
folded by region: provinces under the nation, cities under a province, counties under a city. A fold shows how many of
its links do how; its colour is that of the worst.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exchange_db.link_states import ORDER, LinkHealth
from exchange_db.regions import Tier, line_of, subtree, tier_of
from hub.console.standing import Standing, worst_of

BOX_WIDTH, BOX_HEIGHT = 168, 70
_GAP, _BUS, _MARGIN, _COLUMNS = 14, 30, 8, 6
#: Neighbours that are drawn one by one; more are folded by region.
MOST_SINGLE = 24
#: Boxes drawn of one side; the page of links has all.
MOST_BOXES = 48
_BAR_WIDTH = BOX_WIDTH - 20


class Part(NamedTuple):
    """A piece of a fold's bar: how many links do so, where it begins and how wide it is."""

    mood: LinkHealth
    link_count: int
    x: int
    width: int


class Box(NamedTuple):
    """A neighbour, or the fold of a region.

    ``x`` and ``y`` are the upper left corner, ``stem`` the ends of the vertical line to it. ``standing`` is ``None``
    for a fold, ``region`` the region it folds; ``name`` is empty where no neighbour there has one to give it.
    """

    x: int
    y: int
    stem: tuple[int, int]
    mood: LinkHealth
    name: str
    region: int
    link_count: int
    standing: Standing | None
    parts: tuple[Part, ...]


class TierMap(NamedTuple):
    """The picture. ``buses`` are the horizontal lines boxes hang on: x from and to, and y; ``trunk`` from and to, y."""

    width: int
    height: int
    hub_x: int
    hub_y: int
    boxes: tuple[Box, ...]
    buses: tuple[tuple[int, int, int], ...]
    trunk: tuple[int, int]
    left_out_count: int


class _Node(NamedTuple):
    mood: LinkHealth
    name: str
    region: int
    standings: tuple[Standing, ...]
    is_fold: bool


def tier_map(standings: Iterable[Standing], focus: int) -> TierMap:
    """Lays the map out.

    Args:
        standings: neighbours a reader may see.
        focus: the region whose neighbours are shown below; the hub's own, or one inside it.
    """
    everyone = list(standings)
    above = [_single(one) for one in everyone if one.relation == "parent"]
    inside = [one for one in everyone if one.relation != "parent" and one.region in subtree(focus)]
    below = _folded(inside, focus) if len(inside) > MOST_SINGLE else [_single(one) for one in inside]
    upper, lower = _rows(_worst(above)), _rows(_worst(below))
    columns = max([1, *(len(row) for row in upper + lower)])
    width = columns * (BOX_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    step, middle = BOX_HEIGHT + _BUS, width // 2
    hub_y = _MARGIN + len(upper) * step
    boxes: list[Box] = []
    buses = []
    for number, row in enumerate(upper):
        y = _MARGIN + number * step
        boxes += _placed(row, columns, width, y, (y + BOX_HEIGHT, y + BOX_HEIGHT + _BUS // 2))
        buses.append(_bus(boxes[-len(row) :], middle, y + BOX_HEIGHT + _BUS // 2))
    for number, row in enumerate(lower, 1):
        y = hub_y + number * step
        boxes += _placed(row, columns, width, y, (y - _BUS // 2, y))
        buses.append(_bus(boxes[-len(row) :], middle, y - _BUS // 2))
    levels = [hub_y + BOX_HEIGHT // 2, *(y for _, _, y in buses)]
    height = hub_y + len(lower) * step + BOX_HEIGHT + _MARGIN
    left_out = len(above) + len(below) - len(boxes)
    return TierMap(
        width, height, middle - BOX_WIDTH // 2, hub_y, tuple(boxes), tuple(buses), (min(levels), max(levels)), left_out
    )


def way_to(focus: int, hub_region: int) -> list[int]:
    """Returns the regions from the hub's own down to the one in focus."""
    return [region for region in sorted({*line_of(focus), focus}) if region in subtree(hub_region)]


def _single(one: Standing) -> _Node:
    return _Node(one.mood, one.name or one.peer_id, one.region, (one,), is_fold=False)


def _folded(standings: Sequence[Standing], focus: int) -> list[_Node]:
    """Folds neighbours by the regions next below the one in focus; who stands in that one itself stays single."""
    folds: dict[int, list[Standing]] = {}
    nodes = []
    for one in standings:
        fold = _next_below(one.region, focus)
        if fold is None:
            nodes.append(_single(one))
        else:
            folds.setdefault(fold, []).append(one)
    for region, members in folds.items():
        name = next((one.name for one in members if one.region == region), "")
        nodes.append(_Node(worst_of([one.mood for one in members]), name, region, tuple(members), is_fold=True))
    return nodes


def _next_below(region: int, focus: int) -> int | None:
    """Returns the region one tier below ``focus`` that a region lies in; ``None`` when there is none to fold by."""
    if region == focus or tier_of(focus) is Tier.COUNTY:
        return None
    size = {Tier.NATION: 10_000, Tier.PROVINCE: 100, Tier.CITY: 1}[tier_of(focus)]
    return region - region % size


def _worst(nodes: list[_Node]) -> list[_Node]:
    """Returns the nodes that are drawn: by region, of too many the worst."""
    kept = sorted(nodes, key=lambda node: (ORDER.index(node.mood), node.region))[:MOST_BOXES]
    return sorted(kept, key=lambda node: (node.region, node.name))


def _rows(nodes: list[_Node]) -> list[list[_Node]]:
    return [nodes[start : start + _COLUMNS] for start in range(0, len(nodes), _COLUMNS)]


def _placed(row: list[_Node], columns: int, width: int, y: int, stem: tuple[int, int]) -> list[Box]:
    """Places a row: a short one in the middle, unless it is the rest of a full one and the trunk passes beside it."""
    taken = len(row) * (BOX_WIDTH + _GAP) - _GAP
    first = _MARGIN if columns == _COLUMNS else (width - taken) // 2
    return [
        Box(
            first + number * (BOX_WIDTH + _GAP), y, stem, node.mood, node.name, node.region, len(node.standings),
            None if node.is_fold else node.standings[0], _parts(node) if node.is_fold else (),
        )
        for number, node in enumerate(row)
    ]  # fmt: skip


def _bus(row: list[Box], middle: int, y: int) -> tuple[int, int, int]:
    ends = [middle, *(box.x + BOX_WIDTH // 2 for box in row)]
    return min(ends), max(ends), y


def _parts(node: _Node) -> tuple[Part, ...]:
    counts = Counter(one.mood for one in node.standings)
    total, x, parts = len(node.standings), 0, []
    for mood in ORDER:
        if count := counts[mood]:
            # The few that are down must be seen among the many that are not.
            width = max(6, round(_BAR_WIDTH * count / total))
            parts.append(Part(mood, count, x, min(width, _BAR_WIDTH - x)))
            x += width
    return tuple(parts)
