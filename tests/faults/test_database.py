"""The database goes away in the middle, or its disk fills up: the hubs wait, say why, and go on by themselves."""

import asyncio
import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from exchange_db.session import driver_url
from hub.demo.staging import Stage, StagedHub
from tests.support.outages import Breakable, OwnServer, SmallDisk, breakable, make_tablespace, small_disk
from tests.support.stages import logs_of, staged, until
from tests.support.storms import Storm

#: Ways a server goes away.
OUTAGES = ("fast", "immediate", "backend")


def _end(server: Breakable, how: str, hub: StagedHub) -> None:
    if how == "backend":
        server.lose_a_backend(str(psycopg.conninfo.conninfo_to_dict(driver_url(hub.url))["dbname"]))
    else:
        server.halt(how)


@pytest.fixture
def breaking(request: pytest.FixtureRequest) -> Iterator[Breakable]:
    """A server of the test's own, embedded unless another kind is asked for."""
    with breakable(getattr(request, "param", Breakable)) as running:
        yield running


@pytest.fixture
def stage(breaking: Breakable) -> Iterator[Stage]:
    """A stage on that server."""
    with staged(breaking) as opened:
        yield opened


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk that can be filled up."""
    with small_disk(200) as mounted:
        yield mounted


@pytest.mark.parametrize("breaking", [Breakable, OwnServer], ids=["embedded", "postgresql-15"], indirect=True)
async def test_a_server_that_goes_away_in_the_middle_costs_nothing_but_time(
    breaking: Breakable, stage: Stage, chance: random.Random
) -> None:
    storm = Storm(stage, chance)
    await storm.build()
    processes = [process for hub in (storm.city, storm.province) for process in hub.processes.values()]
    async with storm.blowing():
        for how in chance.sample(OUTAGES * 2, len(OUTAGES) * 2):
            marks = storm.write()
            await asyncio.sleep(chance.random() * 0.6)
            await asyncio.to_thread(_end, breaking, how, storm.city)
            storm.mishaps.append(how)
            storm.write()
            await asyncio.sleep(chance.random() * 0.6)
            if how != "backend":
                await asyncio.to_thread(breaking.resume)
            await storm.wait_for(marks)
    await storm.prove()
    assert [process.poll() for process in processes] == [None, None]


def _health(hub: StagedHub) -> tuple[int, dict[str, Any]]:
    url = f"http://127.0.0.1:{hub.settings.console.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


async def _until_told(hub: StagedHub) -> None:
    """Returns when the hub says that its disk is full."""

    async def is_told() -> bool:
        status, body = await asyncio.to_thread(_health, hub)
        return status == 503 and "No space left on device" in json.dumps(body)

    await until(is_told, f"words about the full disk; {logs_of(hub)}")


async def _until_healthy(hub: StagedHub) -> None:
    async def is_healthy() -> bool:
        return (await asyncio.to_thread(_health, hub))[0] == 200

    await until(is_healthy, f"a healthy hub; {logs_of(hub)}")


async def _fill_and_relieve(storm: Storm, disk: SmallDisk, chance: random.Random) -> None:
    """Fills the city's disk while cases flow, looks at what is said, and gives the space back."""
    answered = storm.write()
    await asyncio.sleep(chance.random() * 0.3)
    disk.fill(chance.randrange(0, 300_000))
    storm.mishaps.append("full")
    for _ in range(10):
        storm.write()
        await asyncio.sleep(0.1)
        disk.fill()
    await _until_told(storm.city)
    disk.relieve()
    await storm.wait_for(answered)
    await _until_healthy(storm.city)


async def test_a_full_disk_stops_the_hub_until_there_is_space_again(
    disk: SmallDisk, breaking: Breakable, stage: Stage, chance: random.Random
) -> None:
    make_tablespace(breaking, disk, "small")
    storm = Storm(stage, chance)
    await storm.build()
    async with storm.blowing():
        for _ in range(2):
            await _fill_and_relieve(storm, disk, chance)
    await storm.prove()
