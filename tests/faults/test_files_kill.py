"""kill -9 of whoever takes or writes files, at any moment: every number is there once, and the link goes on."""

import asyncio
import os
import random
import sys
from contextlib import closing
from pathlib import Path

from connectors.county.exchange_book import ExchangeBook
from connectors.county.files import CountyFiles
from connectors.county.packing import pack
from connectors.county.profile import Profile
from connectors.county.spool import Item, Spool
from connectors.transports.file_folders import DONE, waiting_in
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import StagedHub
from hub.federation.file_signing import platform_file_keys
from hub.files.work import folders_of
from tests.support.builders import COUNTY, a_case
from tests.support.stages import quick, rows, staged, until, value

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


async def _killed(chance: random.Random, *words: object) -> int | None:
    """Runs a command and kills it after a while; returns its exit code if it came to its end before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", *map(str, words), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        return await asyncio.wait_for(process.wait(), chance.uniform(1.0, 6.0))
    except TimeoutError:
        process.kill()
        await process.wait()
        return None


async def _until_ended(chance: random.Random, *words: object) -> int:
    """Kills a command some times, then lets it come to its end."""
    for _ in range(ROUNDS):
        code = await _killed(chance, *words)
        if code is not None:
            return code
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", *map(str, words), stdout=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


async def test_an_import_that_is_killed_goes_on_and_repeats_nothing(
    server: EmbeddedServer, tmp_path: Path, chance: random.Random
) -> None:
    with staged(server) as stage:
        hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + FILES)
        hub.start()
        await hub.wait_until_open()
        profile = await stage.add_platform(hub, COUNTY)
        _spooled(tmp_path / "spool")
        stick = tmp_path / "stick"
        _exported(profile, tmp_path / "spool", stick)
        count = len(waiting_in(stick))
        assert count > 5
        assert await _until_ended(chance, "files", "import", stick, "--config", hub.settings_file) == 0
        assert len(waiting_in(stick / DONE)) == count
        assert rows(hub, STREAM, COUNTY) == [(CASES, CASES, 0, 0)]
        await _applied(hub)


async def test_a_hub_that_is_killed_takes_and_writes_on(
    server: EmbeddedServer, tmp_path: Path, chance: random.Random
) -> None:
    with staged(server) as stage:
        hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + FILES)
        hub.start()
        await hub.wait_until_open()
        profile = await stage.add_platform(hub, COUNTY)
        assert await _until_ended(chance, "files", "start", COUNTY, "--config", hub.settings_file) in {0, 1}
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
        assert waiting_in(inward) == []


async def _applied(hub: StagedHub) -> None:
    async def is_applied() -> bool:
        return bool(value(hub, "SELECT count(*) FROM cases") == CASES)

    await until(is_applied, "everything to be applied")
