"""Brings the unit grids of a region in from a file of maps: every outline is checked, and told of by its number.

Called by ``sanji components grids import``.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from connectors.crs import Converter
from connectors.geo_files import Feature, read_features
from exchange_db.grids import Grid
from exchange_db.records import Crs, Violated, printable

#: Longest code of a grid, as in the contract, and its longest name.
_MOST_CODE, _MOST_NAME = 20, 100


class GridRefusal(NamedTuple):
    """A feature that is no grid: its number in the file, and why, in Chinese and English."""

    number: int
    chinese: str
    english: str


class GridFile(NamedTuple):
    """What a file holds."""

    grids: list[Grid]
    refusals: list[GridRefusal]


class GridColumns(NamedTuple):
    """Which attributes hold code and name; ``crs`` is the system of the outlines where the file does not say it."""

    code: str
    name: str = ""
    crs: Crs = Crs.NONE


class _NoGrid(Exception):
    """A feature cannot be taken; says why, in Chinese and English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(chinese)
        self.chinese = chinese
        self.english = english


def read_grids(path: Path, columns: GridColumns, converter: Converter) -> GridFile:
    """Reads all grids of a file, outlines converted to CGCS2000.

    Raises:
        GeoFileInvalid, OSError: the file cannot be read.
    """
    found: dict[str, Grid] = {}
    refusals = []
    for feature in read_features(path):
        try:
            grid = _grid_of(feature, columns, converter, found)
        except _NoGrid as error:
            refusals.append(GridRefusal(feature.number, error.chinese, error.english))
        except Violated as error:
            refusals.append(GridRefusal(feature.number, error.violation.message_zh, error.violation.message))
        else:
            found[grid.grid_code] = grid
    return GridFile(list(found.values()), refusals)


def _grid_of(feature: Feature, columns: GridColumns, converter: Converter, known: dict[str, Grid]) -> Grid:
    code = _text(feature.values, columns.code)
    if not 1 <= len(code) <= _MOST_CODE or not code.isprintable():
        shown = printable(code[:40])
        raise _NoGrid(
            f"{columns.code} “{shown}” 应为 1 至 {_MOST_CODE} 个字符的网格编码。",
            f'{columns.code} "{shown}" must be a code of 1 to {_MOST_CODE} characters.',
        )
    if code in known:
        raise _NoGrid(f"网格编码 {code} 重复。", f"the code {code} stands twice.")
    name = _text(feature.values, columns.name) if columns.name else ""
    outline = shapely.from_wkb(feature.geometry) if feature.geometry is not None else None
    if not isinstance(outline, shapely.Polygon | shapely.MultiPolygon) or outline.is_empty:
        raise _NoGrid("图形不是面。", "its geometry is no polygon.")
    if not outline.is_valid:
        why = shapely.is_valid_reason(outline)
        raise _NoGrid(f"面无效（{why}），请修正后重新导出。", f"the polygon is not valid ({why}); mend it.")
    crs = columns.crs if feature.crs is Crs.NONE else feature.crs
    if crs is not Crs.CGCS2000:
        outline = _moved(outline, crs, converter)
    first_x, first_y, last_x, last_y = outline.bounds
    if not (-180 <= first_x <= last_x <= 180 and -90 <= first_y <= last_y <= 90):
        raise Violated("POSITION_OUT_OF_RANGE", "position", f"{first_x}, {first_y}")
    return Grid(code, printable(name[:_MOST_NAME]), bytes(shapely.to_wkb(outline)))


def _moved(outline: Any, crs: Crs, converter: Converter) -> Any:
    def moved(points: Any) -> Any:
        return np.array([converter.convert(crs, Crs.CGCS2000, float(x), float(y)) for x, y in points])

    return shapely.transform(outline, moved)


def _text(values: dict[str, Any], name: str) -> str:
    if name not in values:
        known = "、".join(printable(known) for known in list(values)[:20])
        raise _NoGrid(f"没有属性 {name}，文件中有：{known}。", f"there is no attribute {name}; there are {known}.")
    value = values[name]
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return "" if plain is None else str(plain).strip()
