"""kill -9 of an upload and of its hub, in the middle: the film arrives as it was, and is not sent from the start again.

A valve stops the bytes where the test wants to kill. The size is small here; SANJI_FAULT_ROUNDS of 300 or more, as
``make faults`` sets, makes it 300 MB.
"""

import asyncio
import os
import random
from pathlib import Path

import msgspec
import psutil

from connectors.county.profile import write_profile
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage
from hub.evidence.reception import SYNC_BYTES
from tests.support.builders import a_case, a_report
from tests.support.evidence import SendCommand, Witnesses, build_witnesses, spooled, stored
from tests.support.photos import a_film
from tests.support.stages import logs_of, staged, until, value
from tests.support.valve import Valve, valve_before

SIZE = 300_000_000 if int(os.environ.get("SANJI_FAULT_ROUNDS") or "20") >= 300 else 80_000_000
_OFFSET = "SELECT durable_offset FROM attachment_uploads WHERE digest = %s AND NOT is_done"
#: What the hub may need above what it has when idle, whatever the size of the film.
_MOST_GROWTH = 100_000_000


class Sending:
    """A film on its way through a valve."""

    def __init__(self, site: Witnesses, valve: Valve, digest: str, chance: random.Random) -> None:
        self.reached = 0
        self._site = site
        self._valve = valve
        self._digest = bytes.fromhex(digest)
        self._chance = chance

    def offset(self) -> int:
        """How far the hub has it on disk."""
        return int(value(self._site.hub, _OFFSET, self._digest) or 0)

    async def go_on(self) -> None:
        """Lets some more through, and returns when the hub has acknowledged some of it."""
        before = self.reached
        # Framing and a handshake take some of it, and up to two syncs are not acknowledged yet.
        self._valve.let_through(self._chance.randrange(5 * SYNC_BYTES // 2, max(SIZE // 6, 3 * SYNC_BYTES)))

        async def is_further() -> bool:
            return self.offset() > before

        await until(is_further, f"more than {before} bytes", step_seconds=0.01)
        self.reached = self.offset()


def test_a_film_survives_kills_of_both_ends_in_its_middle(
    server: EmbeddedServer, chance: random.Random, tmp_path: Path
) -> None:
    with staged(server) as stage:
        asyncio.run(_prove(stage, chance, tmp_path))


async def _prove(stage: Stage, chance: random.Random, folder: Path) -> None:
    site = await build_witnesses(stage)
    film = folder / "film.mp4"
    digest = a_film(film, SIZE)
    await site.county.party.push(a_case("F-1", report=a_report()))
    async with valve_before(site.hub.port) as valve:
        profile = msgspec.structs.replace(site.county.profile, address=f"127.0.0.1:{valve.port}")
        command = SendCommand(film, write_profile(folder, profile), "F-1", "video")
        sending = Sending(site, valve, digest, chance)
        for victims in ("client", "hub", "both"):
            process = command.start()
            await sending.go_on()
            if victims != "client":
                site.hub.kill()
            if victims != "hub":
                process.kill()
                process.communicate()
            if victims != "client":
                site.hub.start()
                await site.hub.wait_until_open()
            if victims == "hub":
                # The client is still there and goes on by itself.
                await sending.go_on()
                process.kill()
                process.communicate()
            kept = sending.offset()
            assert sending.reached <= kept < SIZE, logs_of(site.hub)
            assert spooled(site.hub)[digest] >= kept
            sending.reached = kept
        idle, sent_before = _memory(site), valve.passed
        valve.let_through(2 * SIZE)
        code, told = await command.run()
        assert code == 0, told + logs_of(site.hub)
        assert valve.passed - sent_before < SIZE - sending.reached + SYNC_BYTES
    assert _memory(site) - idle < _MOST_GROWTH
    path = stored(site.hub)[digest]
    assert path.read_bytes() == film.read_bytes()
    assert spooled(site.hub) == {}
    assert await site.county.fetch(folder, digest) == film.read_bytes()


def _memory(site: Witnesses) -> int:
    (process,) = site.hub.processes.values()
    return int(psutil.Process(process.pid).memory_info().rss)
