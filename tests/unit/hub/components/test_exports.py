"""Exports: what an independent reader finds in them is what was put in."""

import csv
import io
from pathlib import Path

import pyogrio.raw
import pytest
import shapely

from exchange_db.records import ComponentState, Crs
from hub.components.exports import CsvForm, GeoJsonForm
from tests.support.builders import a_component

THINGS = [
    a_component(1, name='井"盖,一号\n', note="=1+1"),
    a_component(2, state=ComponentState.BROKEN, x=109.123456789, y=27.5, initial_time=0),
]


def _written(form: GeoJsonForm | CsvForm) -> str:
    # Fed in pieces, as pages come.
    return "".join((form.begin(), *form.lines(THINGS[:1]), *form.lines(THINGS[1:]), form.end()))


def test_gdal_reads_the_geojson(tmp_path: Path) -> None:
    path = tmp_path / "components.geojson"
    path.write_text(_written(GeoJsonForm(Crs.WGS84)), encoding="utf-8")
    meta, _, geometries, columns = pyogrio.raw.read(path)
    values = dict(zip(meta["fields"], columns, strict=True))
    assert list(values["name"]) == [one.name for one in THINGS]
    assert list(values["state"]) == ["sound", "broken"]
    assert [(point.x, point.y) for point in shapely.from_wkb(geometries)] == [(one.x, one.y) for one in THINGS]
    assert meta["crs"] == "EPSG:4326"


def test_an_empty_geojson_is_one_too(tmp_path: Path) -> None:
    form = GeoJsonForm(Crs.CGCS2000)
    path = tmp_path / "none.geojson"
    path.write_text(form.begin() + form.end(), encoding="utf-8")
    assert pyogrio.read_info(path)["features"] == 0


def test_the_csv_has_every_field_and_no_formula() -> None:
    first, second = csv.DictReader(io.StringIO(_written(CsvForm()), newline=""))
    assert (first["component_id"], first["name"], first["note"]) == ("4312210102000001", '井"盖,一号\n', "'=1+1")
    assert (second["x"], second["y"], second["crs"]) == ("109.123456789", "27.5", "CGCS2000")
    assert (first["initial_time"], second["initial_time"]) == ("2019-08-20T02:00:00+00:00", "")
    assert (first["class_code"], first["region_code"], second["state"]) == ("0102", "431221", "broken")


@pytest.mark.parametrize(("crs", "decimals"), [(Crs.LOCAL, 4), (Crs.GCJ02, 9)])
def test_positions_keep_a_tenth_of_a_millimetre(crs: Crs, decimals: int) -> None:
    component = a_component(crs=crs, x=1.23456789012345, y=2.0)
    text = "".join(GeoJsonForm(crs).lines([component]))
    assert f"{round(component.x, decimals)}," in text
