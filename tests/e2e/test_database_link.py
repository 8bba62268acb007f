"""A county whose database is its link: an operator registers it, a vendor writes SQL, the hub has the case."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from exchange_db.embedded import EmbeddedServer
from exchange_db.session import driver_url
from hub.demo.staging import StagedHub
from tests.support.builders import COUNTY
from tests.support.commands import sanji
from tests.support.stages import quick, staged, until_value, value

INSERT = (
    "INSERT INTO x_case (issuer_id, case_no, state, region_code, standard_ref, class_kind, class_code, source_code,"
    " authority_id, reported_time, description, address) VALUES ('431221.platform', %s, 'reported', '431221',"
    " 'GB/T-30428.2-2013', 'event', '0203', '01', '431200.platform', '2020-06-15 10:00:00+08', '暴露垃圾',"
    " '芙蓉路12号')"
)


async def _sanji(hub: StagedHub, *words: str) -> str:
    done = await sanji("intermediate", *words, "--config", hub.settings_file)
    assert done.code == 0, done.told
    return done.told


@pytest.fixture(scope="module")
def hub(server: EmbeddedServer) -> Iterator[StagedHub]:
    """The city's hub at work, with a link file for a county."""
    with staged(server) as stage:

        async def build() -> StagedHub:
            hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
            url = server.ensure_database("county_431221")
            links = hub.folder / "links"
            links.mkdir()
            (links / "county.toml").write_text(f'peer = "{COUNTY}"\nname = "中方县"\nurl = "{url}"\n', encoding="utf-8")
            hub.start()
            await hub.wait_until_open()
            return hub

        yield asyncio.run(build())


async def test_rows_of_before_and_of_now_become_cases(server: EmbeddedServer, hub: StagedHub) -> None:
    url = server.ensure_database("county_431221")
    with psycopg.connect(driver_url(url), autocommit=True) as vendor:
        script = await _sanji(hub, "script", COUNTY)
        vendor.execute(script.encode())
        vendor.execute(INSERT, ("2020-0001",))
        vendor.execute("DELETE FROM x_change_log")  # as if it had been there before capture
        await _sanji(hub, "register", COUNTY)
        vendor.execute(INSERT, ("2020-0002",))
        await until_value(hub, 1, "SELECT count(*) FROM cases WHERE case_no = '2020-0002'")
        told = await _sanji(hub, "load", COUNTY, "--table", "x_case")
        assert "x_case：完成" in told
        await until_value(hub, 2, "SELECT count(*) FROM cases")
        vendor.execute("UPDATE x_case SET state = 'verifying', verified_time = '2020-06-15 10:30:00+08'")
        await until_value(hub, 2, "SELECT count(*) FROM cases WHERE report_revision = 2")
    assert value(hub, "SELECT count(*) FROM quarantine") == 0
