"""``sanji components`` over a ledger: what is written, what is told, and how the commands end."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_db.records import ComponentState, Crs
from exchange_db.session import Ledger
from hub.cli import components  # noqa: F401 — defines the commands
from hub.cli.app import app
from tests.support.applied import apply_records
from tests.support.builders import CITY, a_component
from tests.support.component_files import write_grids, write_mapping
from tests.support.sources import ROOT

FRAME = "+proj=tmerc +lat_0=0 +lon_0=111 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m"


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """Settings of a hub that holds five components, one of them in the city's own frame."""

    async def fill() -> None:
        async with Ledger(database_url) as ledger:
            await apply_records(
                ledger,
                a_component(1),
                a_component(2, state=ComponentState.LOST, grid_code="G1"),
                a_component(3, component_id="4312210301000003", class_code="0301", name="公共厕所", grid_code="G2"),
                a_component(4, region_code="431222", owner_id="431222.platform"),
                a_component(5, crs=Crs.LOCAL, x=395_600.0, y=3_036_600.0, grid_code="G1"),
            )

    asyncio.run(fill())
    path = tmp_path / "sanji.toml"
    path.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市枢纽"\n[database]\nurl = "{database_url}"\n', encoding="utf-8"
    )
    return path


def _run(*words: object) -> Result:
    return CliRunner().invoke(
        app, ["components", *map(str, words)], env={"COLUMNS": "200", "NO_COLOR": "1"}, catch_exceptions=False
    )


def test_an_export_tells_what_it_left_out_and_a_frame_brings_it_in(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.geojson"
    first = _run("export", "--config", config, "--out", out)
    assert (first.exit_code, "已导出 4 个部件" in first.output, "1 个部件的坐标系无法转换" in first.output) == (
        0,
        True,
        True,
    )
    config.write_text(config.read_text(encoding="utf-8") + f'[components]\nlocal_frame = "{FRAME}"\n', encoding="utf-8")
    second = _run("export", "--config", config, "--crs", "wgs84", "--out", out)
    assert "已导出 5 个部件（WGS-84）" in second.output
    places = [feature["geometry"]["coordinates"] for feature in json.loads(out.read_text(encoding="utf-8"))["features"]]
    assert all(109.9 < x < 110.0 and 27.4 < y < 27.5 for x, y in places)


def test_an_export_is_narrowed_and_written_to_the_output(config: Path) -> None:
    told = _run("export", "--config", config, "--format", "csv", "--class", "0301", "--region", "431221")
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert [(row["component_id"], row["name"]) for row in rows] == [("4312210301000003", "公共厕所")]
    lost = _run("export", "--config", config, "--format", "csv", "--state", "lost")
    assert [row["state"] for row in csv.DictReader(io.StringIO(lost.stdout))] == ["lost"]
    boxed = _run("export", "--config", config, "--format", "csv", "--box", "109.9,27.4,109.91,27.41")
    assert list(csv.DictReader(io.StringIO(boxed.stdout))) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "--region", "4312"), "六位行政区划代码"),
        (("export", "--box", "1,2,3"), "西,南,东,北"),
        (("export", "--box", "110,27,109,28"), "box"),
        (("export", "--out", "/nowhere/at/all.geojson"), "无法写入"),
        (("sheet", "--class", "99"), "没有可绘制的部件"),
        (("sheet", "--out", "/nowhere/at/all.svg"), "无法写入"),
        (("round", "show", "R9"), "R9"),
        (("round", "answer", "R9", "--party", "ps01"), "--confirm-rest"),
        (("round", "close", "R9"), "R9"),
        (("grids", "import", "none.gpkg", "--code", "c", "--region", "431221", "--version", "1"), "无法读取"),
    ],
)
def test_what_cannot_be_done_is_told_and_ends_with_an_error(config: Path, words: tuple[str, ...], told: str) -> None:
    result = _run(*words, "--config", config)
    assert result.exit_code in (1, 2), result.output
    assert told in result.output
    assert "Traceback" not in result.output


def test_grids_are_imported_and_components_compared_with_them(config: Path, tmp_path: Path) -> None:
    grids = write_grids(tmp_path / "grids.geojson", ["G1", "G2"])
    given = ("--code", "code", "--region", "431221", "--version", "2026-1", "--config", config)
    imported = _run("grids", "import", grids, *given)
    assert (imported.exit_code, "导入 2 个，替换 0 个，拒绝 0 个" in imported.output) == (0, True)
    assert "替换 2 个" in _run("grids", "import", grids, *given).output
    out = tmp_path / "misplaced.csv"
    checked = _run("grids", "check", "--config", config, "--out", out)
    assert (checked.exit_code, "核对 4 个部件，3 个与网格不一致；1 个" in checked.output) == (1, True), checked.output
    with out.open(encoding="utf-8-sig", newline="") as file:
        faults = {row["部件标识码 / component"]: row["问题 / fault"] for row in csv.DictReader(file)}
    assert faults == {
        "4312210102000001": "differs",
        "4312210102000002": "differs",
        "4312210102000005": "unconverted",
    }
    twice = write_grids(tmp_path / "twice.geojson", ["G1", "G1"])
    refused = _run("grids", "import", twice, *given)
    assert (refused.exit_code, "网格编码 G1 重复" in refused.output) == (1, True)


def test_a_sheet_is_drawn_with_the_grids_in_force(config: Path, tmp_path: Path) -> None:
    grids = write_grids(tmp_path / "grids.geojson", ["G1", "G2"])
    _run("grids", "import", grids, "--code", "code", "--region", "431221", "--version", "1", "--config", config)
    out = tmp_path / "map.svg"
    drawn = _run("sheet", "--config", config, "--title", "井盖<图>", "--out", out)
    text = out.read_text(encoding="utf-8")
    assert drawn.exit_code == 0, drawn.output
    assert "1 个部件的坐标系无法转换" in drawn.output
    assert "井盖&lt;图&gt;" in text
    assert ">G1<" in text


def test_a_mapping_of_cases_is_not_taken_for_components(tmp_path: Path) -> None:
    mapping = ROOT / "docs" / "examples" / "generic.toml"
    refused = _run("import", tmp_path / "a.csv", "--mapping", mapping, "--to", tmp_path)
    assert (refused.exit_code, "没有 [component]" in refused.output) == (2, True)
    broken = write_mapping(tmp_path / "broken.toml")
    broken.write_text(broken.read_text(encoding="utf-8").replace("position = ", "place = "), encoding="utf-8")
    told = _run("import", tmp_path / "a.csv", "--mapping", broken, "--to", tmp_path)
    assert (told.exit_code, "component.position" in told.output) == (2, True)
