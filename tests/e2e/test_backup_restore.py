"""A city is backed up under load, loses everything, is restored, and catches up: nothing lost, nothing doubled."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from typer.testing import CliRunner

from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.backup.cipher import make_keys
from hub.cli import backup, doctor, restore
from hub.cli.app import app
from hub.cli.reconcile import compare as compare_links
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import a_case, a_report
from tests.support.stages import (
    figures_that_differ,
    proof_of,
    quick,
    rows,
    staged,
    until_settled,
    until_value,
    value,
)

#: Their commands are known to ``app`` once they are imported.
_COMMANDS = (backup, doctor, restore)
_COUNT = 25
_BACKUP = '[backup]\nfolder = "kept"\npublic_key = "backup.pub"\n\n[reconcile]\nmark_seconds = 1\n'
_REPORTS = "SELECT count(*) FROM inbox_keys k JOIN inbox i USING (partition, inbox_id) WHERE i.record_kind = 1"
_PHONE = a_report(description="井盖破损，联系电话13812345678")


class Site(NamedTuple):
    """A province's hub, a city's below it, and a county's platform."""

    province: StagedHub
    city: StagedHub
    county: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
        city = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + _BACKUP)
        make_keys(city.folder / "backup.pub", stage.folder / "backup.key", b"")
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        return Site(province, city, await stage.add_platform(city, "431221.platform"))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def _wipe(hub: StagedHub) -> None:
    """Takes all a hub had away: its database and the evidence."""
    name = psycopg.conninfo.conninfo_to_dict(hub.url)["dbname"]
    with psycopg.connect(hub.url.replace(f"/{name}", "/postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        connection.execute(
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'".encode()
        )
    shutil.rmtree(hub.folder / "data", ignore_errors=True)


async def _sanji(*words: object) -> str:
    """Runs a command in this process, which has long imported what it needs; returns what it said."""
    ran = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])
    assert ran.exit_code == 0, ran.output
    return ran.output


async def _clean(hub: StagedHub, day: int) -> list[str]:
    async with Ledger(hub.url, pool_size=0) as ledger:
        links = await compare_links(ledger, hub.settings, "", day, is_repairing=False)
    return [f"{link.trouble}{day.causes}" for link in links for day in link.days if link.trouble or day.found]


async def test_a_city_that_lost_everything_is_restored_and_catches_up(site: Site, tmp_path: Path) -> None:
    province, city = site.province, site.city
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(*(a_case(f"A-{number}") for number in range(_COUNT)))
        await client.flush(is_settled=True)
        # Under load: the county goes on reporting while the backup is made.
        going = asyncio.create_task(client.report(*(a_case(f"B-{number}", report=_PHONE) for number in range(_COUNT))))
        await _sanji("backup", "make", "--config", city.settings_file)
        await going
        await client.report(*(a_case(f"C-{number}", report=_PHONE) for number in range(_COUNT)))
        await client.flush(is_settled=True)
    await until_settled(city)
    before = rows(province, "SELECT issuer_id, case_no, state FROM cases ORDER BY 1, 2")
    messages = value(province, _REPORTS)
    assert len(before) == 3 * _COUNT

    city.kill()
    _wipe(city)
    key = city.folder.parent / "backup.key"
    await _sanji("restore", "run", "--key", key, "--config", city.settings_file)
    assert value(city, "SELECT count(*) FROM cases") < 3 * _COUNT
    told = await _sanji("restore", "catch-up", "--config", city.settings_file)
    assert "430000.hub：要回 / returned" in told
    city.start()
    await city.wait_until_open()
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(a_case("D-0"))
        await client.flush(is_settled=True)
        # What the province was shown masked comes once more from the county, as it was written.
        async with CountyClient(site.county, tmp_path / "again") as again:
            for batch in "BC":
                await again.report(*(a_case(f"{batch}-{number}", report=_PHONE) for number in range(_COUNT)))
            await again.flush(is_settled=True)
        days = await client.reconcile(20200615)
    assert [day.causes for day in days if day.causes] == []
    await until_settled(city)

    await until_value(city, 1, "SELECT count(*) FROM incarnations WHERE closed_time IS NOT NULL")
    assert value(city, "SELECT count(*) FROM masked_returns") == 0, "the originals took their places"
    await _require_the_same(site, before, messages)


async def _require_the_same(site: Site, before: list[tuple[Any, ...]], messages: int) -> None:
    """Looks at both ends: the same records, each once, right figures, nothing refused."""
    province, city = site.province, site.city
    for hub in (city, province):
        assert await _clean(hub, 20200615) == []
        assert value(hub, "SELECT count(*) FROM cases") == 3 * _COUNT + 1
        assert value(hub, "SELECT count(*) FROM quarantine") == 0
        assert await figures_that_differ(hub) == []
    assert rows(province, "SELECT issuer_id, case_no, state FROM cases WHERE case_no <> 'D-0' ORDER BY 1, 2") == before
    # Nothing came to the province under a new name: one report more, whatever was sent once more.
    assert value(province, _REPORTS) == messages + 1
    proof = await proof_of([(city, province)], city, province)
    assert (proof.lost, proof.twice) == (0, 0)
    examined = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--config", str(city.settings_file)])
    assert examined.exit_code in (1, 3), examined.output
    for told in ("最近备份", "未做试恢复", "时区数据可用", "未归档 WAL", "有效租约", "日志分表已备"):
        assert told in examined.output
