"""The bars of a breakdown as plain geometry, in pixels; templates draw them as SVG. Pure."""

from fractions import Fraction
from typing import NamedTuple

from hub.statistics.reading import FigureLine

_PLOT_HEIGHT, _PLOT_TOP, _PLOT_LEFT, _BAR_WIDTH, _GROUP_GAP = 160, 14, 44, 14, 18
_MOST_GROUPS = 24


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
