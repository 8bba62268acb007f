"""What a province is shown of the texts people wrote in its cities, and what its evidence proves then."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from auth.masking import masked_text
from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from connectors.wire import read_parcel
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case
from exchange_db.session import Ledger
from hub.cli.reconcile import compare
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import a_case, a_report
from tests.support.commands import sanji
from tests.support.stages import quick, rows, staged, until_settled

_TEXT = "王先生 13812345678 反映井盖缺失，身份证 431221198001011234"
_PARCEL = "SELECT i.payload FROM cases c JOIN inbox i ON i.inbox_id = c.report_inbox_id WHERE c.case_no = %s"


class Site(NamedTuple):
    """A province, a city that masks, one that was told to grant the detail, and a platform of each."""

    province: StagedHub
    city: StagedHub
    open_city: StagedHub
    platforms: tuple[Profile, Profile]


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
        city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        rule = '[personal]\ndetail_to = ["430000.hub"]\n\n'
        open_city = await stage.add_hub("430100.hub", "长沙市枢纽", rule + quick())
        for hub in (province, city, open_city):
            hub.start()
            await hub.wait_until_open()
        await stage.join(province, city)
        await stage.join(province, open_city)
        platforms = [
            await stage.add_platform(city, "431221.platform"), await stage.add_platform(open_city, "430104.platform")
        ]  # fmt: skip
        return Site(province, city, open_city, (platforms[0], platforms[1]))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def _held(hub: StagedHub, case_no: str) -> tuple[bytes, str]:
    ((payload,),) = rows(hub, _PARCEL, case_no)
    record = read_parcel(bytes(payload)).record
    assert isinstance(record, Case)
    assert record.report is not None
    return bytes(payload), record.report.description


async def test_a_province_gets_texts_masked_unless_a_rule_grants_the_detail(site: Site, tmp_path: Path) -> None:
    for platform, region in zip(site.platforms, ("431221", "430104"), strict=True):
        report = a_report(region_code=region, description=_TEXT, authority_id=f"{region}.platform")
        async with CountyClient(platform, tmp_path / region) as client:
            await client.report(a_case(f"V-{region}", f"{region}.platform", report=report))
            await client.flush(is_settled=True)
    await until_settled(site.city, site.open_city, site.province)

    original, text = _held(site.city, "V-431221")
    assert text == _TEXT
    shown, masked = _held(site.province, "V-431221")
    assert masked == masked_text(_TEXT)
    assert b"13812345678" not in shown
    assert b"198001011234" not in shown
    granted, full = _held(site.province, "V-430104")
    assert (granted, full) == _held(site.open_city, "V-430104")
    assert full == _TEXT

    # Both sides still count the same records, from either end.
    for hub in (site.province, site.city):
        async with Ledger(hub.url, pool_size=0) as ledger:
            links = await compare(ledger, hub.settings, "", 20200615, is_repairing=False, is_full=False)
        assert [day.causes for link in links for day in link.days if day.causes] == []

    authority, proof = site.province.settings.tls.authority, tmp_path / "proof.json"
    where = ("--out", proof, "--config", site.province.settings_file)
    words = ("--case", "V-431221", "--issuer", "431221.platform", *where)
    ran = await sanji("evidence", "export", *words)
    assert ran.code == 0, ran.told
    ran = await sanji("evidence", "verify", proof, "--authority", authority, "--json")
    (record,) = json.loads(ran.told)["records"]
    assert (record["sender"], record["masked_by"]) == ("431200.hub", "431200.hub")
    assert record["original_sha256"] == hashlib.sha256(original).hexdigest()
