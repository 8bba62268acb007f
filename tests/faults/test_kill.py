"""kill -9 of any process at any moment: nothing acknowledged is lost, nothing happens twice.

A city hub and its province take cases and changes all the while; in each round some process is killed and started
again. ``make faults ROUNDS=500`` for more rounds; SANJI_FAULT_SEED replays a run's chance.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.stages import staged
from tests.support.storms import Storm

ROUNDS = int(os.environ.get("SANJI_FAULT_ROUNDS") or "20")
#: The city runs as one process in the first half of the rounds, and each role on its own in the second.
ROLES = ("intake", "apply", "deliver", "schedule")


class Killer:
    """Kills processes of a storm's hubs.

    Args:
        storm: the storm, built.
        chance: decides who and when.
    """

    def __init__(self, storm: Storm, chance: random.Random) -> None:
        self._storm = storm
        self._chance = chance
        self._due: list[tuple[StagedHub, str]] = []

    async def round(self) -> None:
        """Writes, kills some process at some moment, once or twice in a row, and starts it again."""
        storm = self._storm
        marks = storm.write()
        hub, role = self._next()
        for _ in range(2 if self._chance.random() < 0.25 else 1):
            await asyncio.sleep(self._chance.random() * 0.8)
            await asyncio.to_thread(hub.kill, role)
            storm.mishaps.append(f"{hub.folder.name}/{role or 'all'}")
            storm.write()
            hub.start(role)
        await storm.wait_for(marks)

    def _next(self) -> tuple[StagedHub, str]:
        """Draws until every process was killed, then begins anew: chance decides the order, and none is spared."""
        running = [(hub, role) for hub in (self._storm.city, self._storm.province) for role in hub.processes]
        self._due = [found for found in self._due if found in running] or self._chance.sample(running, len(running))
        return self._due.pop()


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


@pytest.mark.timeout(600 + 15 * ROUNDS)
async def test_killed_processes_lose_nothing_and_repeat_nothing(stage: Stage, chance: random.Random) -> None:
    storm = Storm(stage, chance)
    await storm.build()
    killer = Killer(storm, chance)
    async with storm.blowing():
        for number in range(ROUNDS):
            if number == ROUNDS // 2:
                await storm.lay_out(*ROLES)
            await killer.round()
    await storm.prove()
    wanted = {"430000.hub/all", "431200.hub/all", *(f"431200.hub/{role}" for role in ROLES)}
    assert ROUNDS < 14 or wanted <= set(storm.mishaps)
