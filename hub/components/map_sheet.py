"""A printable sheet (A3 across) with components on it, as SVG: no tiles, no network, nothing but text and shapes.

Degrees are drawn as metres at the middle of the sheet (equirectangular), true to scale to a few parts in a thousand
over a city. Positions are CGCS2000. Pure. Called by ``sanji components sheet``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

from exchange_db.records import Component, ComponentState, printable

#: The paper and the frame of the map on it, in millimetres.
_WIDTH, _HEIGHT = 420.0, 297.0
_LEFT, _TOP, _FRAME_WIDTH, _FRAME_HEIGHT = 12.0, 24.0, 316.0, 250.0
_METRES_PER_DEGREE = 111_319.49
_SCALES = tuple(factor * 10**power for power in range(2, 6) for factor in (10, 15, 20, 25, 40, 50, 75))
#: More signs than these nobody can read on a sheet.
MOST_SIGNS = 20_000
#: Share of the frame that what is shown may fill.
_FILL = 0.92
_LEGEND_LINES = 24
_GRID_LABELS = 400
#: Colours that can be told apart in print and by most colour-blind people (Okabe and Ito), then darker ones.
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#332288",
    "#117733", "#882255", "#44aa99", "#999933", "#aa4499", "#661100", "#6699cc", "#888888",
)  # fmt: skip
_FONTS = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC','WenQuanYi Zen Hei',SimSun,sans-serif"
_STATES = {
    ComponentState.SOUND: "完好",
    ComponentState.BROKEN: "破损",
    ComponentState.LOST: "丢失",
    ComponentState.ABANDONED: "废弃",
    ComponentState.REMOVED: "移除",
}

Ring = tuple[tuple[float, float], ...]


class SheetEmpty(Exception):
    """There is nothing to draw, or too much; says what to do, in Chinese and English."""


class Outline(NamedTuple):
    """A grid: its code and its rings, longitude and latitude in CGCS2000."""

    code: str
    rings: tuple[Ring, ...]


class SheetText(NamedTuple):
    """What the sheet says beside the map; ``made`` is the date it was drawn."""

    title: str
    subtitle: str
    made: str


class _Projection(NamedTuple):
    """From degrees to millimetres on the paper."""

    middle_x: float
    middle_y: float
    scale: int

    def of(self, x: float, y: float) -> tuple[float, float]:
        """Returns the place of a position on the paper."""
        metres = _METRES_PER_DEGREE * 1_000 / self.scale
        east = (x - self.middle_x) * math.cos(math.radians(self.middle_y)) * metres
        north = (y - self.middle_y) * metres
        return _LEFT + _FRAME_WIDTH / 2 + east, _TOP + _FRAME_HEIGHT / 2 - north


def draw_sheet(components: list[Component], outlines: list[Outline], text: SheetText) -> str:
    """Returns the sheet.

    Args:
        components: what is shown, positions in CGCS2000.
        outlines: grids drawn under them.
        text: what stands beside the map.

    Raises:
        SheetEmpty: there is nothing to show, or more than ``MOST_SIGNS``.
    """
    if not components and not outlines:
        raise SheetEmpty("没有可绘制的部件，请放宽条件。 / There is no component to draw; ask for more.")
    if len(components) > MOST_SIGNS:
        raise SheetEmpty(
            f"部件过多（{len(components):,} 个，最多 {MOST_SIGNS:,} 个），请按区域、类别或范围缩小。"
            " / There are too many components for one sheet; narrow them by region, class or box."
        )
    places = [(component.x, component.y) for component in components]
    projection = _projection(places or [point for outline in outlines for ring in outline.rings for point in ring])
    colours = _colours(components)
    pieces = [
        *_head(text),
        *_grids(outlines, projection),
        *(_sign(component, projection, colours) for component in components),
        "</g>",
        *_legend(components, colours),
        *_scale_bar(projection.scale),
        *_corners(projection),
        "</svg>",
    ]
    return "\n".join(pieces) + "\n"


def _projection(places: list[tuple[float, float]]) -> _Projection:
    first_x, last_x = min(x for x, _ in places), max(x for x, _ in places)
    first_y, last_y = min(y for _, y in places), max(y for _, y in places)
    middle_x, middle_y = (first_x + last_x) / 2, (first_y + last_y) / 2
    wide = (last_x - first_x) * math.cos(math.radians(middle_y)) * _METRES_PER_DEGREE * 1_000
    high = (last_y - first_y) * _METRES_PER_DEGREE * 1_000
    needed = max(wide / (_FRAME_WIDTH * _FILL), high / (_FRAME_HEIGHT * _FILL))
    return _Projection(middle_x, middle_y, next((scale for scale in _SCALES if scale >= needed), _SCALES[-1]))


def _class_of(component: Component) -> tuple[str, str]:
    return component.standard_ref, component.class_code


def _colours(components: Iterable[Component]) -> dict[tuple[str, str], str]:
    """Gives the most frequent classes a colour each; the others share the last one."""
    ranked = [found for found, _ in Counter(map(_class_of, components)).most_common()]
    return {found: _COLOURS[min(rank, len(_COLOURS) - 1)] for rank, found in enumerate(ranked)}


def _head(text: SheetText) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH:g}mm" height="{_HEIGHT:g}mm"'
        f' viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" font-family="{_FONTS}">'
    )
    yield f"<title>{_plain(text.title)}</title>"
    yield f'<rect width="{_WIDTH:g}" height="{_HEIGHT:g}" fill="#fff"/>'
    yield _text(_LEFT, 13, 7, text.title)
    yield _text(_LEFT, 20, 3.6, text.subtitle)
    yield _text(_LEFT, _HEIGHT - 8, 3.2, f"CGCS2000 · {text.made}")
    frame = f'x="{_LEFT:g}" y="{_TOP:g}" width="{_FRAME_WIDTH:g}" height="{_FRAME_HEIGHT:g}"'
    yield f'<clipPath id="frame"><rect {frame}/></clipPath>'
    yield f'<rect {frame} fill="#fcfcf8" stroke="#000" stroke-width="0.4"/>'
    yield '<g clip-path="url(#frame)">'


def _grids(outlines: list[Outline], projection: _Projection) -> Iterator[str]:
    for outline in outlines:
        path = " ".join(
            "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in (projection.of(*point) for point in ring)) + "Z"
            for ring in outline.rings
        )
        yield f'<path d="{path}" fill="none" stroke="#888" stroke-width="0.2"/>'
    if len(outlines) > _GRID_LABELS:
        return
    for outline in outlines:
        points = [projection.of(*point) for point in outline.rings[0][:-1]]
        x, y = sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
        yield _text(x, y, 1.8, outline.code, 'text-anchor="middle" fill="#666"')


def _sign(component: Component, projection: _Projection, colours: dict[tuple[str, str], str]) -> str:
    x, y = projection.of(component.x, component.y)
    colour = colours[_class_of(component)]
    told = _plain(f"{component.name} {component.component_id} {_STATES[component.state]}")
    circle = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="0.9" fill="{colour}"><title>{told}</title></circle>'
    if component.state is ComponentState.SOUND:
        return circle
    return circle + _cross(x - 1.1, y - 1.1)


def _cross(x: float, y: float) -> str:
    return f'<path d="M{x:.2f} {y:.2f}l2.2 2.2m0 -2.2l-2.2 2.2" stroke="#c00" stroke-width="0.4"/>'


def _legend(components: list[Component], colours: dict[tuple[str, str], str]) -> Iterator[str]:
    left, y = _LEFT + _FRAME_WIDTH + 6, _TOP + 5
    yield _text(left, y, 4.2, f"图例（共 {len(components):,} 个部件）")
    counts = Counter(map(_class_of, components))
    names = {_class_of(component): component.name for component in components}
    for found, count in counts.most_common(_LEGEND_LINES):
        y += 7
        yield f'<circle cx="{left + 2:g}" cy="{y - 1.2:g}" r="1.4" fill="{colours[found]}"/>'
        yield _text(left + 6, y, 3.2, f"{found[1]} {names[found][:14]} × {count:,}")
    hidden = len(counts) - _LEGEND_LINES
    if hidden > 0:
        y += 7
        yield _text(left + 6, y, 3.2, f"另有 {hidden} 类")
    damaged = sum(component.state is not ComponentState.SOUND for component in components)
    y += 9
    yield _cross(left + 0.9, y - 2.3)
    yield _text(left + 6, y, 3.2, f"非完好 × {damaged:,}")
    yield f'<path d="M{left + 62:g} {_TOP + 22:g}l-4 0l4 -14l4 14z" fill="#000"/>'
    yield _text(left + 62, _TOP + 5, 4.2, "北", 'text-anchor="middle"')


def _scale_bar(scale: int) -> Iterator[str]:
    metres = scale * 0.05  # five centimetres on the paper
    left, y = _LEFT + _FRAME_WIDTH + 6, _TOP + _FRAME_HEIGHT - 4
    bar = f"M{left:g} {y - 2:g}v2h50v-2M{left + 25:g} {y - 1:g}v1"
    yield f'<path d="{bar}" fill="none" stroke="#000" stroke-width="0.4"/>'
    label = f"{metres / 1_000:g} km" if metres >= 1_000 else f"{metres:g} m"
    yield _text(left, y - 3.5, 3.2, "0")
    yield _text(left + 50, y - 3.5, 3.2, label, 'text-anchor="middle"')
    yield _text(left, y - 9, 4.2, f"1:{scale:,}")


def _corners(projection: _Projection) -> Iterator[str]:
    """Longitude and latitude at two corners of the frame."""
    metres = _METRES_PER_DEGREE * 1_000 / projection.scale
    half_x = _FRAME_WIDTH / 2 / (metres * math.cos(math.radians(projection.middle_y)))
    half_y = _FRAME_HEIGHT / 2 / metres
    for sign, x, y, anchor in (
        (-1, _LEFT, _TOP + _FRAME_HEIGHT + 4, "start"),
        (1, _LEFT + _FRAME_WIDTH, _TOP - 1.5, "end"),
    ):
        told = f"{projection.middle_x + sign * half_x:.5f}°E {projection.middle_y + sign * half_y:.5f}°N"
        yield _text(x, y, 2.8, told, f'text-anchor="{anchor}"')


def _text(x: float, y: float, size: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:g}" {style}>{_plain(text)}</text>'


def _plain(text: str) -> str:
    return escape(printable(text))
