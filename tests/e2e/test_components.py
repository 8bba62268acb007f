"""Components through three tiers: imported from a file, passed up and down, and read by a neighbour's rights."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.county.client import CountyClient
from connectors.county.profile import Profile, write_profile
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Component
from hub.demo.staging import Stage, StagedHub
from protos.common.v1 import page_pb2, position_pb2
from protos.component.v1 import component_service_pb2 as component
from tests.support.component_files import IN_GEOMETRY, survey, write_csv, write_mapping, write_points
from tests.support.sources import ROOT
from tests.support.stages import proof_of, quick, rows, staged, target_of, until_settled, until_value, value

COUNTY, CITY_PLATFORM = "431221.platform", "431200.platform"
_COUNT = "SELECT count(*) FROM components WHERE owner_id = %s"


class Federation(NamedTuple):
    """A province, a city, a county with a hub of its own, and the platforms of the city and another county."""

    province: StagedHub
    city: StagedHub
    below: StagedHub
    county: Profile
    city_platform: Profile


@pytest.fixture(scope="module")
def federation(server: EmbeddedServer) -> Iterator[Federation]:
    async def build(stage: Stage) -> Federation:
        limit = "[components]\ncalls_per_minute = 30\n\n"
        names = (("430000.hub", "湖南省枢纽"), ("431200.hub", "怀化市枢纽"), ("431222.hub", "沅陵县枢纽"))
        province, city, below = [await stage.add_hub(hub_id, name, limit + quick()) for hub_id, name in names]
        for hub in (province, city, below):
            hub.start()
            await hub.wait_until_open()
        await stage.join(province, city)
        await stage.join(city, below)
        county = await stage.add_platform(city, COUNTY)
        return Federation(province, city, below, county, await stage.add_platform(city, CITY_PLATFORM))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


async def _sanji(*words: object) -> tuple[int, str, str]:
    def run() -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "hub", *map(str, words)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return await asyncio.to_thread(run)


async def _imported(profile: Profile, file: Path, mapping: Path) -> dict[str, Any]:
    folder = file.parent / "profile"
    write_profile(folder, profile)
    code, out, told = await _sanji("components", "import", file, "--mapping", mapping, "--to", folder, "--json")
    assert code in (0, 1), told
    summary: dict[str, Any] = json.loads(out)
    return summary


async def test_a_survey_reaches_city_and_province_whole_and_a_second_import_changes_nothing(
    federation: Federation, tmp_path: Path
) -> None:
    found = survey(2_000)
    file = write_csv(tmp_path / "survey.csv", [*found, found[0] | {"ObjState": "不明", "ObjID": "1"}])
    mapping = write_mapping(tmp_path / "mapping.toml")
    summary = await _imported(federation.county, file, mapping)
    assert (summary["rows"], summary["accepted"], summary["refused"]) == (2_001, 2_000, 1)
    assert summary["refusals"][0]["reason"] == "VALUE_UNMAPPED"
    for hub in (federation.city, federation.province):
        await until_value(hub, 2_000, _COUNT, COUNTY)
    assert value(federation.below, _COUNT, COUNTY) == 0
    stored = "SELECT component_id, name, region, state, proprietor_code, crs, x, y FROM components WHERE owner_id = %s"
    at_city = set(rows(federation.city, stored, COUNTY))
    assert at_city == set(rows(federation.province, stored, COUNTY))
    assert {row[0] for row in at_city} == {row["ObjID"] for row in found}
    again = await _imported(federation.county, write_csv(file, found), mapping)
    assert (again["accepted"], again["known"]) == (2_000, 2_000)
    await until_settled(federation.city, federation.province)
    proof = await proof_of([(federation.city, federation.province)], federation.city, federation.province)
    assert (proof.lost, proof.twice, proof.incomplete_streams, proof.unsettled_links) == (0, 0, 0, 0)


async def test_a_component_of_the_city_goes_up_and_down_and_so_do_its_changes(
    federation: Federation, tmp_path: Path
) -> None:
    found = survey(30, "431222")
    file = write_points(tmp_path / "survey.gpkg", found, "GPKG")
    given: dict[str, Any] = {"owner_id": CITY_PLATFORM, "region_code": "431222", "position": IN_GEOMETRY}
    assert (await _imported(federation.city_platform, file, write_mapping(tmp_path / "a.toml", **given)))[
        "refused"
    ] == 0
    changed = write_mapping(tmp_path / "b.toml", revision=2, **given)
    changed.write_text(changed.read_text(encoding="utf-8").replace('"普查"', '"更新"'), encoding="utf-8")
    assert (await _imported(federation.city_platform, file, changed))["accepted"] == 30
    history = "SELECT count(*) FROM component_changes WHERE revision = 2 AND fields = 'data_source'"
    for hub in (federation.city, federation.below, federation.province):
        await until_value(hub, 30, _COUNT, CITY_PLATFORM)
        await until_value(hub, 30, history)


async def test_a_platform_takes_the_components_of_its_region_that_others_keep(
    federation: Federation, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "survey.csv", survey(5))
    await _imported(federation.city_platform, file, write_mapping(tmp_path / "a.toml", owner_id=CITY_PLATFORM))
    await until_value(federation.city, 5, f"{_COUNT} AND region = 431221", CITY_PLATFORM)
    async with CountyClient(federation.county, tmp_path / "spool") as client:
        arrived = [record async for record in client.arrivals(stop_when_empty=True)]
        assert {record.owner_id for record in arrived if isinstance(record, Component)} == {CITY_PLATFORM}
        assert len(arrived) == 5
        assert [case async for case in client.assignments(stop_when_empty=True)] == []


async def _page(profile: Profile, **wanted: Any) -> component.ListComponentsResponse:
    async with GrpcPeer(target_of(profile)) as hub:
        return await asked(hub.components.ListComponents(component.ListComponentsRequest(**wanted), timeout=30.0))


async def test_a_neighbour_reads_its_own_region_in_the_system_it_asks_for_until_it_asks_too_often(
    federation: Federation, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "toilets.csv", survey(40))
    await _imported(federation.county, file, write_mapping(tmp_path / "mapping.toml", revision=7))
    await until_value(federation.city, 40, f"{_COUNT} AND revision = 7", COUNTY)
    first = await _page(federation.county, class_code="0301", crs=position_pb2.CRS_GCJ02, page=page_pb2.Page(size=6))
    assert len(first.components) == 6
    assert {one.position.crs for one in first.components} == {position_pb2.CRS_GCJ02}
    second = await _page(federation.county, class_code="0301", page=page_pb2.Page(size=6, token=first.next_page_token))
    assert not {one.component_id for one in first.components} & {one.component_id for one in second.components}
    elsewhere = await _page(federation.county, region_code="431222")
    assert (len(elsewhere.components), elsewhere.next_page_token) == (0, "")
    one = first.components[0]
    async with GrpcPeer(target_of(federation.county)) as hub:
        request = component.GetComponentRequest(owner_id=one.owner_id, component_id=one.component_id)
        whole = await asked(hub.components.GetComponent(request, timeout=30.0))
    assert whole.component.position.crs == position_pb2.CRS_CGCS2000
    assert [change.revision for change in whole.changes][-1] >= 1
    with pytest.raises(ConnectorError, match="Wait"):
        for _ in range(60):
            await _page(federation.county, region_code="431222")


async def test_components_are_exported_and_drawn_for_other_readers(federation: Federation, tmp_path: Path) -> None:
    config = ("--config", federation.city.settings_file)
    out = tmp_path / "lamps.geojson"
    code, _, told = await _sanji("components", "export", *config, "--class", "0137", "--crs", "wgs84", "--out", out)
    assert code == 0, told
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["coordinate_system"] == "WGS-84"
    assert {feature["properties"]["name"] for feature in document["features"]} == {"路灯"}
    sheet = tmp_path / "map.svg"
    code, _, told = await _sanji("components", "sheet", *config, "--region", "431221", "--out", sheet)
    assert (code, sheet.read_text(encoding="utf-8").count("<circle") > 100) == (0, True), told
