"""Grids: imported from a file, kept by version, and asked which components do not stand where they say."""

from pathlib import Path

import pytest

from connectors.crs import Converter
from connectors.geo_files import GeoFileInvalid
from exchange_db import grids
from exchange_db.records import Crs
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.components.grid_check import GridCheck, GridFault, GridReport
from hub.components.grid_import import GridColumns, read_grids
from hub.components.outlines import outlines_of
from hub.components.reading import ComponentReader
from tests.support.applied import apply_records
from tests.support.builders import a_component
from tests.support.component_files import write_grids

CODES = ["431221100001001", "431221100001002"]


async def _imported(
    ledger: Ledger, path: Path, codes: list[str], version: str = "1", *, first_x: float = 109.9, crs: Crs = Crs.NONE
) -> int:
    write_grids(path, codes, first_x=first_x)
    found = read_grids(path, GridColumns("code", crs=crs), Converter())
    assert found.refusals == []
    async with ledger.write() as session:
        return await grids.replace_version(session, 431221, version, found.grids)


async def _checked(ledger: Ledger, region: int = 431200) -> GridReport:
    reader = ComponentReader(ledger, 431200, Converter())
    return await GridCheck(ledger, reader, Converter()).run(subtree(region))


async def test_each_component_is_compared_with_the_grid_it_stands_in(ledger: Ledger, tmp_path: Path) -> None:
    gcj = Converter().convert(Crs.CGCS2000, Crs.GCJ02, 109.91, 27.44)
    await apply_records(
        ledger,
        a_component(1, x=109.91, grid_code=CODES[0]),
        a_component(2, x=109.94, grid_code=CODES[0]),
        a_component(3, x=109.94, grid_code=""),
        a_component(4, x=110.5, grid_code=CODES[0]),
        a_component(5, crs=Crs.GCJ02, x=gcj[0], y=gcj[1], grid_code=CODES[0]),
        a_component(6, crs=Crs.LOCAL, x=500_000.0, y=3_000_000.0, grid_code=CODES[0]),
        a_component(7, x=109.925, grid_code=CODES[1]),
        a_component(8, region_code="431222", grid_code=CODES[0]),
    )
    assert await _imported(ledger, tmp_path / "grids.geojson", CODES) == 0
    report = await _checked(ledger)
    assert (report.checked, report.without_grids) == (7, 1)
    assert {(int(one.component.component_id[-6:]), one.fault, one.found) for one in report.misplaced} == {
        (2, GridFault.DIFFERS, (CODES[1],)),
        (3, GridFault.MISSING, (CODES[1],)),
        (4, GridFault.OUTSIDE, ()),
        (6, GridFault.UNCONVERTED, ()),
    }


async def test_a_version_is_replaced_whole_and_the_last_one_imported_is_in_force(
    ledger: Ledger, tmp_path: Path
) -> None:
    await apply_records(ledger, a_component(x=109.91, grid_code=CODES[0]))
    await _imported(ledger, tmp_path / "a.geojson", CODES, "1")
    assert (await _checked(ledger)).misplaced == []
    await _imported(ledger, tmp_path / "b.geojson", ["N1", "N2", "N3"], "2")
    assert [one.found for one in (await _checked(ledger)).misplaced] == [("N1",)]
    assert await _imported(ledger, tmp_path / "c.geojson", ["N9"], "2") == 3
    assert [outline.code for outline in await outlines_of(ledger, ["431221"])] == ["N9"]


@pytest.mark.parametrize("code", ["code", "nothing"])
def test_what_is_no_grid_is_told_by_its_number(tmp_path: Path, code: str) -> None:
    path = write_grids(tmp_path / "grids.geojson", ["A", "A", "", "B" * 21, "C"])
    found = read_grids(path, GridColumns(code), Converter())
    good = ["A", "C"] if code == "code" else []
    assert [grid.grid_code for grid in found.grids] == good
    assert [refusal.number for refusal in found.refusals] == ([2, 3, 4] if good else [1, 2, 3, 4, 5])
    assert all(refusal.chinese and refusal.english for refusal in found.refusals)


def test_a_shape_that_crosses_itself_or_is_no_polygon_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "grids.geojson"
    bow = "[[[109.9,27.4],[110,27.5],[110,27.4],[109.9,27.5],[109.9,27.4]]]"
    path.write_text(
        '{"type":"FeatureCollection","features":['
        f'{{"type":"Feature","properties":{{"code":"A"}},"geometry":{{"type":"Polygon","coordinates":{bow}}}}},'
        '{"type":"Feature","properties":{"code":"B"},"geometry":{"type":"Point","coordinates":[109.9,27.4]}}]}',
        encoding="utf-8",
    )
    found = read_grids(path, GridColumns("code"), Converter())
    assert (found.grids, [refusal.number for refusal in found.refusals]) == ([], [1, 2])
    assert "Self-intersection" in found.refusals[0].english


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    path.write_bytes(b"x")
    with pytest.raises(GeoFileInvalid):
        read_grids(path, GridColumns("code"), Converter())
