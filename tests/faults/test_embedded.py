"""The PostgreSQL that ships with Sanji dies under its hub: the hub starts it again, whatever the reason was."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from bench.workload import ISSUER, case_of
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.outages import SmallDisk, small_disk
from tests.support.pushing import Pusher, key_of, parcel_of
from tests.support.stages import logs_of, proof_of, quick, rows, staged, target_of, until, until_settled


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage whose server is not used by the hub under test."""
    with staged(server) as opened:
        yield opened


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk for the hub's data folder."""
    with small_disk(160) as mounted:
        yield mounted


async def _self_contained(stage: Stage, folder: Path) -> StagedHub:
    """Returns a running hub that has its own embedded server in a folder."""
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    text = hub.settings_file.read_text(encoding="utf-8")
    hub.settings_file.write_text(text.replace(f'url = "{hub.url}"', f'folder = "{folder}"'), encoding="utf-8")
    hub.start()
    await hub.wait_until_open()
    with EmbeddedServer(folder) as joined:
        hub.url = joined.url(hub.settings.database.name)
    return hub


@asynccontextmanager
async def _pushing(stage: Stage, hub: StagedHub) -> AsyncIterator[Pusher]:
    pusher = Pusher(target_of(await stage.add_platform(hub, ISSUER)), batch=50)
    task = asyncio.create_task(pusher.run())
    try:
        yield pusher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _write(pusher: Pusher, count: int) -> None:
    first = len(pusher.payloads)
    pusher.write([parcel_of(ISSUER, case_of(number)) for number in range(first, first + count)])


async def _until_answered(hub: StagedHub, pusher: Pusher) -> None:
    async def is_answered() -> bool:
        return pusher.answered == len(pusher.payloads)

    await until(is_answered, f"all acknowledged; {logs_of(hub)}")


async def _prove(hub: StagedHub, pusher: Pusher) -> None:
    await until_settled(hub)
    written = {key_of(ISSUER, case_of(number)) for number in range(len(pusher.payloads))}
    assert {row[0] for row in rows(hub, "SELECT message_key::text FROM inbox WHERE record_kind = 1")} == written
    assert rows(hub, "SELECT count(*) FROM cases") == [(len(written),)]
    assert (await proof_of([], hub))._replace(stream_count=0) == (0, 0, 0, 0, 0, [])
    assert pusher.taken_back == []


def _postmaster(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().splitlines()[0])


async def test_a_killed_embedded_server_is_started_again_and_nothing_is_lost(stage: Stage) -> None:
    folder = stage.folder / "own" / "data"
    hub = await _self_contained(stage, folder)
    async with _pushing(stage, hub) as pusher:
        for _ in range(2):
            _write(pusher, 100)
            await _until_answered(hub, pusher)
            os.kill(_postmaster(folder), signal.SIGKILL)
            _write(pusher, 100)
            await _until_answered(hub, pusher)
    await _prove(hub, pusher)


def _use_up_the_log(hub: StagedHub) -> bool:
    """Asks for one segment of the server's log after the other; tells whether the server broke down on it."""
    try:
        with psycopg.connect(hub.url, autocommit=True) as connection:
            for _ in range(20):
                connection.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
                connection.execute("SELECT pg_switch_wal()")
    except psycopg.OperationalError:
        return True
    return False


async def test_an_embedded_server_that_broke_down_on_a_full_disk_comes_back_with_the_space(
    disk: SmallDisk, stage: Stage
) -> None:
    hub = await _self_contained(stage, disk.folder / "own" / "data")
    async with _pushing(stage, hub) as pusher:
        _write(pusher, 100)
        await _until_answered(hub, pusher)
        disk.fill()
        _write(pusher, 100)

        async def is_down() -> bool:
            disk.fill()
            return await asyncio.to_thread(_use_up_the_log, hub)

        await until(is_down, "a server without space")
        _write(pusher, 100)
        disk.relieve()
        await _until_answered(hub, pusher)
    await _prove(hub, pusher)
