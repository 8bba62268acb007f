"""Components as GeoJSON and CSV, piece by piece, so that a city's worth of them needs no memory. Pure.

GeoJSON knows WGS-84 only (RFC 7946). CGCS2000 takes its place in practice; the offset systems have no name a reader
would know, so every file says in ``coordinate_system`` which one it is in. Called by ``sanji components export``.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict

from connectors.formulas import guarded
from exchange_db.records import Component, Crs

#: Names of the systems as readers know them.
CRS_NAMES = {
    Crs.CGCS2000: "CGCS2000",
    Crs.WGS84: "WGS-84",
    Crs.GCJ02: "GCJ-02",
    Crs.BD09: "BD-09",
    Crs.LOCAL: "LOCAL",
}
_PLACE = ("crs", "x", "y")
_SILENT = ("class_kind",)
#: Decimals of a degree (a tenth of a millimetre) and of a metre.
_DEGREE_DECIMALS, _METRE_DECIMALS = 9, 4


class GeoJsonForm:
    """A FeatureCollection.

    Args:
        crs: the system all positions are in.
    """

    def __init__(self, crs: Crs) -> None:
        self._crs = crs
        self._between = "\n"

    def begin(self) -> str:
        """Returns what stands before the first component."""
        head = {"type": "FeatureCollection", "name": "components", "coordinate_system": CRS_NAMES[self._crs]}
        return json.dumps(head, ensure_ascii=False)[:-1] + ', "features": ['

    def lines(self, components: Iterable[Component]) -> Iterator[str]:
        """Yields a piece for each of some more components."""
        for component in components:
            feature = {
                "type": "Feature",
                "id": f"{component.owner_id}/{component.component_id}",
                "geometry": {"type": "Point", "coordinates": list(_rounded(component))},
                "properties": _properties(component),
            }
            yield self._between + json.dumps(feature, ensure_ascii=False)
            self._between = ",\n"

    def end(self) -> str:
        """Returns what stands behind the last component."""
        return "\n]}\n"


class CsvForm:
    """A table with a header; a text that a spreadsheet would reckon with gets a leading apostrophe."""

    _names = tuple(name for name in Component.__struct_fields__ if name not in _SILENT)

    def begin(self) -> str:
        """Returns the header."""
        return _line(self._names)

    def lines(self, components: Iterable[Component]) -> Iterator[str]:
        """Yields a line for each of some more components."""
        for component in components:
            x, y = _rounded(component)
            values = _properties(component) | {"crs": CRS_NAMES[component.crs], "x": x, "y": y}
            yield _line([harmless(values[name]) for name in self._names])

    def end(self) -> str:
        """Returns nothing: a table just ends."""
        return ""


def _properties(component: Component) -> dict[str, Any]:
    values = {name: value for name, value in asdict(component).items() if name not in (*_PLACE, *_SILENT)}
    values["state"] = component.state.name.lower()
    for name in ("initial_time", "changed_time"):
        values[name] = _moment(values[name])
    return values


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time / 1_000_000, UTC).isoformat(timespec="seconds") if time else ""


def _rounded(component: Component) -> tuple[float, float]:
    decimals = _METRE_DECIMALS if component.crs is Crs.LOCAL else _DEGREE_DECIMALS
    return round(component.x, decimals), round(component.y, decimals)


def harmless(value: object) -> object:
    """Returns a cell as a spreadsheet may open it: a text that would be a formula gets a leading apostrophe."""
    return guarded(value) if isinstance(value, str) else value


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
