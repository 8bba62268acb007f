"""Operating the link between two running hubs: what a person asks for by command or page, the hubs do."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.workload import ISSUER, case_of
from connectors.transports.grpc_peer import Target
from exchange_db import outages
from exchange_db.embedded import EmbeddedServer
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import StagedHub
from hub.links.control import LinkDesk
from hub.links.making import make_bundler, make_desk
from hub.links.testing import Outcome
from tests.support.commands import sanji
from tests.support.pushing import parcel_of, push_all
from tests.support.stages import change, quick, rows, staged, target_of, until_value, value

PROVINCE = "430000.hub"
_WATCHED = "[links]\nwatch_seconds = 0.5\nsilent_seconds = 3\n\n"
_OPEN = "SELECT count(*) FROM outages WHERE end_time IS NULL AND direction = 'out'"


class Pair(NamedTuple):
    """A city below a province, and how the city's platform dials it."""

    city: StagedHub
    province: StagedHub
    platform: Target


@pytest.fixture(scope="module")
def pair(server: EmbeddedServer) -> Iterator[Pair]:
    """Two running hubs that are joined."""
    with staged(server) as stage:

        async def build() -> Pair:
            province = await stage.add_hub(PROVINCE, "湖南省枢纽", quick() + _WATCHED)
            city = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + _WATCHED)
            province.start()
            await province.wait_until_open()
            await stage.join(province, city)
            city.start()
            await city.wait_until_open()
            return Pair(city, province, target_of(await stage.add_platform(city, ISSUER)))

        yield asyncio.run(build())


@asynccontextmanager
async def _desk(hub: StagedHub) -> AsyncIterator[tuple[Ledger, LinkDesk, Peer]]:
    """What acts on the link of the city to the province, beside the hub that runs."""
    async with Ledger(hub.url, pool_size=0) as ledger:
        desk = make_desk(hub.settings, ledger, system_clock)
        yield ledger, desk, await desk.peer(PROVINCE)


async def _report(pair: Pair, number: int) -> None:
    await push_all(pair.platform, f"case-{number}", [parcel_of(ISSUER, case_of(number))])


async def _until_taken(pair: Pair, count: int) -> None:
    await until_value(pair.province, count, "SELECT count(*) FROM cases")


async def test_a_link_is_tested_hop_by_hop(pair: Pair) -> None:
    await _report(pair, 1)
    await _until_taken(pair, 1)
    ran = await sanji("link", "test", PROVINCE, "--config", pair.city.settings_file)
    assert ran.code == 0, ran.told
    assert [line[0] for line in ran.told.splitlines()] == ["✓"] * 7
    assert "sanji.exchange.v1" in ran.told
    software = value(pair.city, "SELECT software FROM links JOIN peers USING (destination_id) WHERE kind = 'hub'")
    assert software
    listed = await sanji("link", "list", "--json", "--config", pair.city.settings_file)
    assert (listed.code, PROVINCE in listed.told) == (0, True)
    unknown = await sanji("link", "pause", "430000.other", "--reason", "x", "--config", pair.city.settings_file)
    assert (unknown.code, "没有 430000.other" in unknown.told) == (1, True)


async def test_a_paused_link_carries_nothing_until_it_is_resumed(pair: Pair) -> None:
    """Paused at the sender it is not dialled; paused at the receiver the sender is told to try again."""
    for hub, other in ((pair.city, PROVINCE), (pair.province, "431200.hub")):
        before = value(pair.province, "SELECT count(*) FROM cases")
        async with Ledger(hub.url, pool_size=0) as ledger:
            desk = make_desk(hub.settings, ledger, system_clock)
            await desk.pause(await desk.peer(other), "换机房")
            await _report(pair, before + 1)
            await until_value(pair.city, before + 1, "SELECT count(*) FROM cases")
            if hub is pair.city:
                with pytest.raises(Violated, match="LINK_PAUSED"):
                    await desk.retry(await desk.peer(other))
                assert {hop.outcome for hop in await desk.test(await desk.peer(other))} == {Outcome.GOOD}
            else:
                trouble = "SELECT count(*) FROM links WHERE trouble LIKE '%%已由管理员暂停%%'"
                await until_value(pair.city, 1, trouble)
            assert value(pair.province, "SELECT count(*) FROM cases") == before
            assert value(hub, "SELECT count(*) FROM outages WHERE end_time IS NULL AND cause = 'LINK_PAUSED'") == 2
            await desk.resume(await desk.peer(other))
        await _until_taken(pair, before + 1)
        await until_value(hub, 0, "SELECT count(*) FROM outages WHERE end_time IS NULL AND cause = 'LINK_PAUSED'")
    await until_value(pair.city, 0, _OPEN)


async def test_an_outage_is_known_to_the_second_and_a_retry_does_not_wait(pair: Pair) -> None:
    before = value(pair.province, "SELECT count(*) FROM cases")
    killed_time = datetime.now(UTC)
    pair.province.kill()
    await until_value(pair.city, 1, _OPEN)
    await _report(pair, before + 1)
    (begun,) = rows(pair.city, "SELECT start_time, cause FROM outages WHERE end_time IS NULL AND direction = 'out'")
    assert begun[1] == "LINK_UNREACHABLE"
    assert timedelta(0) <= begun[0] - killed_time < timedelta(seconds=20), "it is noticed when the stream breaks"
    pair.province.start()
    await pair.province.wait_until_open()
    async with _desk(pair.city) as (ledger, desk, peer):
        # As after many failures: without the retry nothing would come for an hour.
        change(pair.city, "UPDATE links SET retry_time = now() + interval '1 hour' WHERE failure_count > 0")
        await desk.retry(peer)
        await _until_taken(pair, before + 1)
        await until_value(pair.city, 0, _OPEN)
        query = "SELECT start_time, end_time FROM outages WHERE start_time = %s AND direction = 'out'"
        ((start_time, end_time),) = rows(pair.city, query, begun[0])
        async with ledger.read() as session:
            share = await outages.availability(session, PROVINCE, start_time, end_time)
            whole = await outages.availability(session, PROVINCE, start_time - timedelta(hours=1), end_time)
    assert share == 0.0
    assert 0.0 < whole < 1.0
    await until_value(pair.province, 0, "SELECT count(*) FROM outages WHERE end_time IS NULL")


async def test_a_link_is_brought_up_to_date_from_a_day_on(pair: Pair) -> None:
    async with _desk(pair.city) as (_, desk, peer):
        with pytest.raises(Violated, match="RESYNC_POINT_INVALID"):
            await desk.resync(peer, "2999-01-01")
        await desk.resync(peer, f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}")
    await until_value(pair.city, 0, "SELECT count(*) FROM links WHERE resync_from IS NOT NULL")
    assert value(pair.city, "SELECT count(*) FROM job_runs WHERE job = 'resync-links' AND result LIKE '1 %%'") >= 1


async def test_a_bundle_tells_all_but_secrets(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    ran = await sanji("link", "bundle", PROVINCE, "--out", path, "--config", pair.city.settings_file)
    assert ran.code == 0, ran.told
    with zipfile.ZipFile(path) as archive:
        told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert told.keys() == {"settings.txt", "versions.json", "link.json", "traffic.json", "jobs.json"}
    assert PROVINCE in told["link.json"]
    assert '"outages"' in told["link.json"]
    settings = pair.city.settings
    secret = settings.database.url
    assert secret is not None
    for text in told.values():
        assert "PRIVATE KEY" not in text
        assert settings.tls.key.read_text().splitlines()[1] not in text
    async with _desk(pair.city) as (ledger, _, peer):
        hidden = settings.model_copy(
            update={"database": settings.database.model_copy(update={"url": type(secret)("postgresql://u:geheim@h/d")})}
        )
        packed = await make_bundler(hidden, ledger, system_clock).pack(peer)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert not any(b"geheim" in archive.read(name) for name in archive.namelist())
        assert b"postgresql://u:***@h/d" in archive.read("settings.txt")
