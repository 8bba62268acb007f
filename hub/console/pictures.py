"""The console's two pictures as plain geometry, in pixels; templates draw them as SVG. Pure."""

from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from exchange_db.peers import LinkState
from hub.console.health import Health, health_of
from hub.statistics.reading import FigureLine

_BOX_WIDTH, _BOX_HEIGHT, _GAP, _TIER_GAP, _MARGIN = 148, 58, 16, 74, 10
_IN_A_ROW = 6
#: Neighbours drawn in one direction; the table below the picture has all of them.
MAX_DRAWN = 18


class NeighbourBox(NamedTuple):
    """A neighbour and the line to it; ``x`` and ``y`` are the upper left corner."""

    link: LinkState
    health: Health
    x: int
    y: int
    line: tuple[int, int, int, int]


class TierPicture(NamedTuple):
    """The hub in the middle, what is above it above and what is below it below."""

    width: int
    height: int
    hub_x: int
    hub_y: int
    boxes: list[NeighbourBox]
    left_out_count: int


class Bar(NamedTuple):
    """One rate of one group."""

    metric_id: str
    display: str
    x: int
    y: int
    width: int
    height: int


class BarGroup(NamedTuple):
    """The bars of one line of a breakdown, with its label and the middle of it."""

    key: str
    middle: int
    bars: list[Bar]


class BarChart(NamedTuple):
    """Rates of up to 24 groups; ``ticks`` are (percent, y)."""

    width: int
    height: int
    base: int
    groups: list[BarGroup]
    ticks: list[tuple[int, int]]


def tier_picture(links: list[LinkState], now: datetime) -> TierPicture:
    """Lays out a hub's neighbours, the worst links first when not all of them fit."""
    judged = sorted(
        ((health_of(link, now), link) for link in links),
        key=lambda pair: (-list(Health).index(pair[0]), pair[1].peer.peer_id),
    )
    above = _ordered([pair for pair in judged if pair[1].peer.relation == "parent"])
    below = _ordered([pair for pair in judged if pair[1].peer.relation == "child"])
    columns = max(1, min(_IN_A_ROW, max(len(above), len(below))))
    width = columns * (_BOX_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    hub_x = (width - _BOX_WIDTH) // 2
    hub_y = _MARGIN + len(_rows(above)) * (_BOX_HEIGHT + _GAP) + (_TIER_GAP - _GAP if above else 0)
    middle = width // 2
    boxes = []
    for number, row in enumerate(_rows(above)):
        y = _MARGIN + number * (_BOX_HEIGHT + _GAP)
        boxes += [
            NeighbourBox(link, health, x, y, (x + _BOX_WIDTH // 2, y + _BOX_HEIGHT, middle, hub_y))
            for x, (health, link) in zip(_lefts(len(row), width), row, strict=True)
        ]
    top = hub_y + _BOX_HEIGHT + _TIER_GAP
    for number, row in enumerate(_rows(below)):
        y = top + number * (_BOX_HEIGHT + _GAP)
        boxes += [
            NeighbourBox(link, health, x, y, (middle, hub_y + _BOX_HEIGHT, x + _BOX_WIDTH // 2, y))
            for x, (health, link) in zip(_lefts(len(row), width), row, strict=True)
        ]
    height = max([hub_y, *(box.y for box in boxes)]) + _BOX_HEIGHT + _MARGIN
    return TierPicture(width, height, hub_x, hub_y, boxes, len(links) - len(boxes))


def _ordered(judged: list[tuple[Health, LinkState]]) -> list[tuple[Health, LinkState]]:
    return sorted(judged[:MAX_DRAWN], key=lambda pair: pair[1].peer.peer_id)


def _rows(judged: list[tuple[Health, LinkState]]) -> list[list[tuple[Health, LinkState]]]:
    return [judged[start : start + _IN_A_ROW] for start in range(0, len(judged), _IN_A_ROW)]


def _lefts(count: int, width: int) -> list[int]:
    taken = count * (_BOX_WIDTH + _GAP) - _GAP
    return [(width - taken) // 2 + number * (_BOX_WIDTH + _GAP) for number in range(count)]


_PLOT_HEIGHT, _PLOT_TOP, _PLOT_LEFT, _BAR_WIDTH, _GROUP_GAP = 160, 14, 44, 14, 18
_MOST_GROUPS = 24


def bar_chart(lines: tuple[FigureLine, ...]) -> BarChart | None:
    """Lays out the rates of a breakdown; ``None`` when there is nothing to draw or too much to read.

    Rates above 100 % are legal; the scale ends at the next full 20 % above the highest.
    """
    rates = [figure.rate.value for line in lines for figure in line.figures if figure.rate.value is not None]
    if not rates or len(lines) > _MOST_GROUPS:
        return None
    top = max(100, -(-max(rates) * 100 // 20) * 20)
    base = _PLOT_TOP + _PLOT_HEIGHT
    groups = []
    left = _PLOT_LEFT + _GROUP_GAP // 2
    for line in lines:
        bars = []
        for number, figure in enumerate(line.figures):
            height = round((figure.rate.value or Fraction(0)) * 100 / top * _PLOT_HEIGHT)
            bars.append(
                Bar(
                    figure.metric.metric_id,
                    figure.rate.display,
                    left + number * _BAR_WIDTH,
                    base - height,
                    _BAR_WIDTH - 2,
                    height,
                )
            )
        width = len(line.figures) * _BAR_WIDTH
        groups.append(BarGroup(line.key, left + width // 2, bars))
        left += width + _GROUP_GAP
    ticks = [(percent, base - round(percent * _PLOT_HEIGHT / top)) for percent in range(0, int(top) + 1, 20)]
    return BarChart(left, base + 24, base, groups, ticks)
