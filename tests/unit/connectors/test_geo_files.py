"""Files of maps: points become rows with their reference system, and what is no such file is told."""

import json
import zipfile
from pathlib import Path

import pytest

from connectors import geo_files
from connectors.mapping import map_row
from connectors.mapping_file import read_mapping
from connectors.sheets import SheetInvalid, read_rows
from exchange_db.records import Crs
from tests.support.component_files import IN_GEOMETRY, survey, write_mapping, write_points


def _zipped(folder: Path, shapefile: Path) -> Path:
    path = folder / "survey.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(shapefile.parent.glob("survey.*")):
            if part != path:
                archive.write(part, part.name)
    return path


def _written(folder: Path, name: str, count: int) -> Path:
    rows = survey(count)
    if name == "survey.zip":
        shapes = folder / "shapes"
        shapes.mkdir()
        return _zipped(folder, write_points(shapes / "survey.shp", rows, "ESRI Shapefile"))
    is_json = name.endswith("geojson")
    return write_points(folder / name, rows, "GeoJSON" if is_json else "GPKG", "EPSG:4326" if is_json else "EPSG:4490")


@pytest.mark.parametrize(
    ("name", "crs"), [("survey.gpkg", Crs.CGCS2000), ("survey.geojson", Crs.WGS84), ("survey.zip", Crs.CGCS2000)]
)
def test_every_point_becomes_a_component_in_the_system_of_its_file(tmp_path: Path, name: str, crs: Crs) -> None:
    path = _written(tmp_path, name, 20)
    plan = read_mapping(write_mapping(tmp_path / "mapping.toml", position=IN_GEOMETRY))
    found = [map_row(plan, row) for row in read_rows(path)]
    components = [row.component for row in found if row.component is not None]
    assert [row.violation for row in found if row.violation] == []
    assert [(one.component_id, one.name, one.crs) for one in components] == [
        (row["ObjID"], row["ObjName"], crs) for row in survey(20)
    ]
    assert (components[3].x, components[3].y) == pytest.approx((109.9006, 27.4))


@pytest.mark.parametrize("count", [7, 20, 21])
@pytest.mark.parametrize("name", ["survey.gpkg", "survey.geojson", "survey.zip"])
def test_a_file_is_read_piece_by_piece_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    monkeypatch.setattr(geo_files, "_AT_ONCE", 7)
    found = list(read_rows(_written(tmp_path, name, count)))
    assert [row.number for row in found] == list(range(1, count + 1))
    assert [row.values["ObjID"] for row in found] == [row["ObjID"] for row in survey(count)]


def test_a_file_in_a_frame_of_its_own_leaves_the_system_to_the_mapping(tmp_path: Path) -> None:
    path = write_points(tmp_path / "survey.gpkg", survey(2), "GPKG", "EPSG:4547")
    assert [row.values["geometry.crs"] for row in read_rows(path)] == ["", ""]
    guessed = read_mapping(write_mapping(tmp_path / "a.toml", position=IN_GEOMETRY))
    violations = [map_row(guessed, row).violation for row in read_rows(path)]
    assert [violation.reason for violation in violations if violation] == ["CRS_MISSING"] * 2


def test_what_is_no_point_has_no_position(tmp_path: Path) -> None:
    path = tmp_path / "lines.geojson"
    line = {"type": "LineString", "coordinates": [[109, 27], [110, 28]]}
    features = [
        {"type": "Feature", "properties": {"n": 1}, "geometry": geometry}
        for geometry in (line, None, {"type": "MultiPoint", "coordinates": [[109, 27]]})
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    assert [row.values["geometry.x"] for row in read_rows(path)] == ["", "", "109.0"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.gpkg", b"not a database"),
        ("a.gpkg", b'<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>'),
        ("a.gpkg", b"SQLite format 3\x00" + bytes(84)),
        ("a.geojson", b"<kml/>"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
        ("a.zip", b"PK\x03\x04"),
        ("a.gpkg", b""),
    ],
)
def test_what_is_no_file_of_maps_is_told_in_both_languages(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SheetInvalid) as told:
        list(read_rows(path))
    assert name in str(told.value)
    assert " / " in str(told.value)


@pytest.mark.parametrize("names", [["a.txt"], ["a.shp", "b.shp"], ["a.shp", "a.vrt"], ["a.shp"]])
def test_a_zip_holds_one_shapefile_and_nothing_else(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"<xml/>")
    with pytest.raises(SheetInvalid, match="Shapefile"):
        list(read_rows(tmp_path / "a.zip"))
