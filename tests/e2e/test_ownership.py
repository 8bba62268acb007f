"""A round of ownership confirmation over three units: lists out, answers in, agreement, changes up to the province."""

import asyncio
import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.county.client import CountyClient
from connectors.county.profile import Profile, write_profile
from connectors.errors import CallRefused, ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from protos.common.v1 import page_pb2
from protos.component.v1 import component_pb2
from protos.component.v1 import ownership_service_pb2 as ownership
from tests.support.builders import COUNTY, OTHER_COUNTY, a_component
from tests.support.sources import ROOT
from tests.support.stages import quick, staged, target_of, until_value

UNITS = ("ps01", "ld01", "yl01")
HAND_OVER = ownership.OWNERSHIP_ANSWER_KIND_HAND_OVER
ACCEPT = ownership.OWNERSHIP_ANSWER_KIND_ACCEPT


class Site(NamedTuple):
    """A province and a city, and the platforms of two counties; the first keeps 60 components of three units."""

    province: StagedHub
    city: StagedHub
    county: Profile
    stranger: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
        city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        for hub in (province, city):
            hub.start()
            await hub.wait_until_open()
        await stage.join(province, city)
        county, stranger = [await stage.add_platform(city, name) for name in (COUNTY, OTHER_COUNTY)]
        async with CountyClient(county, stage.folder / "spool") as client:
            kept = [a_component(n, proprietor_code=UNITS[n % 3], proprietor_name=f"单位{n % 3}") for n in range(60)]
            await client.report(*kept)
            await client.flush(is_settled=True)
        await until_value(province, 60, "SELECT count(*) FROM components")
        return Site(province, city, county, stranger)

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def _sanji(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "components", "round", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1", "PATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def _answered(profile: Profile, *answers: ownership.OwnershipAnswer) -> list[tuple[int, str]]:
    request = ownership.AnswerOwnershipItemsRequest(round_id="2026-1", answers=answers)
    async with GrpcPeer(target_of(profile)) as hub:
        told = await asked(hub.ownership.AnswerOwnershipItems(request, timeout=30.0))
    return [(refusal.index, refusal.reason) for refusal in told.refusals]


def _answer(number: int, kind: Any, party: str, **more: Any) -> ownership.OwnershipAnswer:
    component_id = a_component(number).component_id
    return ownership.OwnershipAnswer(owner_id=COUNTY, component_id=component_id, kind=kind, party=party, **more)


def _filled_in(path: Path, number: int, **values: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = [row for row in rows if row["component_id"] == a_component(number).component_id]
    row.update(values)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows(rows)


async def test_a_round_over_three_units_ends_with_every_change_at_the_province(site: Site, tmp_path: Path) -> None:
    config = ("--config", site.city.settings_file)
    assert "60" in await asyncio.to_thread(_sanji, "open", "2026-1", "--title", "权属确认", *config)
    async with GrpcPeer(target_of(site.county)) as hub:
        request = ownership.ListOwnershipItemsRequest(round_id="2026-1", party="ps01", page=page_pb2.Page(size=15))
        first = await asked(hub.ownership.ListOwnershipItems(request, timeout=30.0))
        request.page.token = first.next_page_token
        second = await asked(hub.ownership.ListOwnershipItems(request, timeout=30.0))
    assert (len(first.items), len(second.items), second.next_page_token) == (15, 5, "")
    # The first unit answers through its county's platform, the others on paper lists at the city.
    to_unit = component_pb2.Party(code="ld01", name="路灯所")
    assert await _answered(site.county, _answer(0, HAND_OVER, "ps01", to_unit=to_unit)) == []
    listed = tmp_path / "ld01.csv"
    await asyncio.to_thread(_sanji, "list", "2026-1", "--party", "ld01", "--out", listed, *config)
    _filled_in(listed, 0, answer="同意")
    _filled_in(listed, 1, answer="移位", crs="gcj02", x="109.95", y="27.45", reason="道路改造")
    told = await asyncio.to_thread(_sanji, "answer", "2026-1", "--party", "ld01", "--file", listed, *config)
    assert "接收 2 条答复，拒绝 0 条" in told
    assert await _answered(site.county, _answer(1, ACCEPT, COUNTY)) == []
    for unit in UNITS:
        await asyncio.to_thread(_sanji, "answer", "2026-1", "--party", unit, "--confirm-rest", *config)
    write_profile(tmp_path / "profile", site.county)
    sent = await asyncio.to_thread(
        _sanji, "carry-out", "2026-1", "--to", tmp_path / "profile", "--spool", tmp_path / "spool"
    )
    assert "已报送 2 个" in sent
    changed = "SELECT count(*) FROM components WHERE revision = 2 AND (proprietor_code = 'ld01' OR crs = 3)"
    await until_value(site.province, 2, changed)
    async with GrpcPeer(target_of(site.county)) as hub:
        progress = await asked(
            hub.ownership.GetOwnershipProgress(ownership.GetOwnershipProgressRequest(round_id="2026-1"), timeout=30.0)
        )
    found = {
        unit.unit.code: (unit.asked_count, unit.confirmed_count, unit.agreed_count, unit.carried_out_count)
        for unit in progress.units
    }
    assert found == {"ps01": (0, 19, 1, 1), "ld01": (0, 19, 1, 1), "yl01": (0, 20, 0, 0)}
    assert "已落实" in await asyncio.to_thread(_sanji, "show", "2026-1", *config)
    await asyncio.to_thread(_sanji, "close", "2026-1", *config)
    with pytest.raises(CallRefused, match="2026-1"):
        await _answered(site.county, _answer(5, ACCEPT, COUNTY))


async def test_nobody_answers_for_another_platform_or_sees_another_region(site: Site) -> None:
    config = ("--config", site.city.settings_file)
    await asyncio.to_thread(_sanji, "open", "rights", "--title", "权限", "--role", "maintainer", *config)
    async with GrpcPeer(target_of(site.stranger)) as hub:
        request = ownership.ListOwnershipItemsRequest(round_id="rights")
        assert list((await asked(hub.ownership.ListOwnershipItems(request, timeout=30.0))).items) == []
        answers = [
            _answer(1, ACCEPT, COUNTY),
            _answer(1, ownership.OWNERSHIP_ANSWER_KIND_CONFIRM, "sz01"),
            _answer(1, 99, "sz01"),
        ]
        told = await asked(
            hub.ownership.AnswerOwnershipItems(
                ownership.AnswerOwnershipItemsRequest(round_id="rights", answers=answers), timeout=30.0
            )
        )
        assert [refusal.reason for refusal in told.refusals] == [
            "ORIGIN_FORBIDDEN", "ITEM_NOT_FOUND", "ARGUMENT_INVALID",
        ]  # fmt: skip
        changes = await asked(
            hub.ownership.ListAgreedChanges(ownership.ListAgreedChangesRequest(round_id="rights"), timeout=30.0)
        )
        assert list(changes.components) == []
        with pytest.raises(ConnectorError, match="nothing-here"):
            request = ownership.ListOwnershipItemsRequest(round_id="nothing-here")
            await asked(hub.ownership.ListOwnershipItems(request, timeout=30.0))
