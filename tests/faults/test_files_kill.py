"""kill -9 of whoever takes or writes files, at any moment: every number is there once, and the link goes on."""

import asyncio
import os
import random
import sys
from contextlib import closing
from pathlib import Path

import pytest

from connectors.county.exchange_book import ExchangeBook
from connectors.county.files import CountyFiles
from connectors.county.packing import pack
from connectors.county.profile import Profile
from connectors.county.spool import Item, Spool
from connectors.transports.file_folders import DONE, waiting_in
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from hub.federation.file_signing import platform_file_keys
from hub.files.work import folders_of
from tests.support.builders import COUNTY, a_case
from tests.support.stages import quick, rows, staged, until, until_value, value

CASES = 3_000
ROUNDS = max(4, int(os.environ.get("SANJI_FAULT_ROUNDS") or "20") // 5)
FILES = "\n[files]\nfolder = 'files'\nevery_seconds = 0.2\nmax_bytes = 100000\n"
STREAM = "SELECT last_sequence, accepted_count, duplicate_count, refused_count FROM streams WHERE sender_id = %s"


def _spooled(path: Path) -> None:
    with closing(Spool(path, keeps_all=True)) as spool:
        spool.write([Item(*pack(COUNTY, a_case(f"K-{number}"))) for number in range(CASES)])


def _exported(profile: Profile, spool_path: Path, folder: Path) -> None:
    """Puts the whole spool into files of some hundred records."""
    with (
        closing(Spool(spool_path, keeps_all=True)) as spool,
        closing(ExchangeBook(spool_path.with_name("book"))) as book,
    ):
        CountyFiles(profile, spool, book, platform_file_keys(profile), max_bytes=60_000).export(folder)


def _taken(hub: StagedHub) -> int:
    return value(hub, "SELECT last_sequence FROM streams WHERE sender_id = %s", COUNTY) or 0


async def _command(*words: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", *map(str, words), stdout=asyncio.subprocess.DEVNULL
    )


async def _import_through(hub: StagedHub, stick: Path, chance: random.Random) -> int:
    """Kills imports each after it has taken some records, then lets one come to its end; returns its exit code."""
    words = ("files", "import", stick, "--config", hub.settings_file)
    for _ in range(ROUNDS):
        process, enough = await _command(*words), _taken(hub) + chance.randrange(1, CASES // ROUNDS)

        async def is_far(process: asyncio.subprocess.Process = process, enough: int = enough) -> bool:
            return process.returncode is not None or _taken(hub) >= enough

        await until(is_far, "records of an import", step_seconds=0.005)
        if process.returncode is not None:
            return process.returncode
        process.kill()
        await process.wait()
    return await (await _command(*words)).wait()


async def _opened(stage: Stage) -> tuple[StagedHub, Profile]:
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + FILES)
    hub.start()
    await hub.wait_until_open()
    return hub, await stage.add_platform(hub, COUNTY)


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_an_import_that_is_killed_goes_on_and_repeats_nothing(
    server: EmbeddedServer, tmp_path: Path, chance: random.Random
) -> None:
    async def prove_it(stage: Stage) -> None:
        hub, profile = await _opened(stage)
        _spooled(tmp_path / "spool")
        stick = tmp_path / "stick"
        _exported(profile, tmp_path / "spool", stick)
        count = len(waiting_in(stick))
        assert count > 5
        assert await _import_through(hub, stick, chance) == 0
        assert waiting_in(stick) == []
        assert len(waiting_in(stick / DONE)) == count
        assert rows(hub, STREAM, COUNTY) == [(CASES, CASES, 0, 0)]
        await until_value(hub, CASES, "SELECT count(*) FROM cases")

    with staged(server) as stage:
        asyncio.run(prove_it(stage))


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_a_hub_that_is_killed_takes_and_answers_on(
    server: EmbeddedServer, tmp_path: Path, chance: random.Random
) -> None:
    async def prove_it(stage: Stage) -> None:
        hub, profile = await _opened(stage)
        started = await _command("files", "start", COUNTY, "--config", hub.settings_file)
        assert await started.wait() == 0
        _spooled(tmp_path / "spool")
        inward, outward = folders_of(hub.settings.files.folder, COUNTY)
        _exported(profile, tmp_path / "spool", inward)
        for _ in range(ROUNDS):
            await asyncio.sleep(chance.uniform(0.2, 2.0))
            hub.kill()
            hub.start()
            await hub.wait_until_open()

        async def is_answered() -> bool:
            with (
                closing(Spool(tmp_path / "spool", keeps_all=True)) as spool,
                closing(ExchangeBook(tmp_path / "book")) as book,
            ):
                files = CountyFiles(profile, spool, book, platform_file_keys(profile))
                files.take_all(waiting_in(outward))
                files.export(inward)
                return spool.progress().settled == CASES

        await until(is_answered, "receipts of everything by file", step_seconds=0.5)
        assert rows(hub, STREAM, COUNTY) == [(CASES, CASES, 0, 0)]
        await until_value(
            hub, "", "SELECT trouble FROM links JOIN peers USING (destination_id) WHERE kind = 'platform'"
        )

    with staged(server) as stage:
        asyncio.run(prove_it(stage))
