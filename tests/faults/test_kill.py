"""kill -9 of any process at any moment: nothing acknowledged is lost, nothing happens twice.

A city hub and its province take cases and changes all the while; in each round some process is killed and started
again. ``make faults ROUNDS=500`` for more rounds; SANJI_FAULT_SEED replays a run's chance.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from bench.workload import HANDLER, ISSUER
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.pushing import Pusher, key_of, parcel_of
from tests.support.stages import (
    figures_that_differ,
    logs_of,
    proof_of,
    quick,
    rows,
    staged,
    target_of,
    until,
    until_settled,
    value,
)
from tests.support.stories import CASES_COMPARED, Story, as_compared

ROUNDS = int(os.environ.get("SANJI_FAULT_ROUNDS") or "20")
#: The city runs as one process, or each role on its own.
LAYOUTS = (("",), ("intake", "apply", "deliver,schedule"))
NEW_CASES = 60


class Storm:
    """Writes lives of cases and kills processes.

    Args:
        stage: the stage, open.
        chance: decides everything.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self.stories: list[Story] = []
        self.kills: list[str] = []
        self.pushers: dict[str, Pusher] = {}

    async def build(self) -> None:
        """Makes the two hubs and the two platforms."""
        self.province = await self._stage.add_hub("430000.hub", "湖南省枢纽", quick())
        self.city = await self._stage.add_hub("431200.hub", "怀化市枢纽", quick())
        self.province.start()
        await self.province.wait_until_open()
        await self._stage.join(self.province, self.city)
        await self.lay_out(LAYOUTS[0])
        for platform in (ISSUER, HANDLER):
            profile = await self._stage.add_platform(self.city, platform)
            self.pushers[platform] = Pusher(target_of(profile), batch=self._chance.choice((7, 50, 200)))

    async def lay_out(self, roles: tuple[str, ...]) -> None:
        """Lets the city run as these processes."""
        await asyncio.to_thread(self.city.stop)
        for role in roles:
            self.city.start(role)
        await self.city.wait_until_open()

    def write(self, new_cases: int) -> None:
        """Begins some lives, and tells the next step of all whose last step was acknowledged."""
        count = len(self.stories)
        self.stories += [Story(number) for number in range(count, count + new_cases)]
        written: dict[str, list[bytes]] = {ISSUER: [], HANDLER: []}
        for story in self.stories:
            if story.is_told or (story.written and not self._is_acknowledged(story)):
                continue
            origin_id, case = story.next()
            written[origin_id].append(parcel_of(origin_id, case))
            story.place = len(self.pushers[origin_id].payloads) + len(written[origin_id])
        for origin_id, payloads in written.items():
            self.pushers[origin_id].write(payloads)

    def _is_acknowledged(self, story: Story) -> bool:
        origin_id, _ = story.steps[story.written - 1]
        return story.place <= self.pushers[origin_id].answered

    async def round(self) -> None:
        """Writes, kills some process at some moment, once or twice in a row, and starts it again."""
        self.write(NEW_CASES)
        marks = {name: len(pusher.payloads) for name, pusher in self.pushers.items()}
        hub = self._chance.choice((self.province, self.city, self.city))
        role = self._chance.choice(list(hub.processes))
        for _ in range(2 if self._chance.random() < 0.25 else 1):
            await asyncio.sleep(self._chance.random() * 0.8)
            await asyncio.to_thread(hub.kill, role)
            self.kills.append(f"{hub.folder.name}/{role or 'all'}")
            self.write(NEW_CASES)
            hub.start(role)
        await self.wait_for(marks)

    async def wait_for(self, marks: dict[str, int]) -> None:
        """Returns when the hub has acknowledged up to these places."""

        async def is_answered() -> bool:
            return all(self.pushers[name].answered >= mark for name, mark in marks.items())

        try:
            await until(is_answered, f"acknowledgement of {marks}", seconds=60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.kills}; {logs_of(self.city, self.province)}") from None

    async def finish(self) -> None:
        """Tells every life to its end."""
        while any(not story.is_told for story in self.stories):
            self.write(0)
            await self.wait_for({name: len(pusher.payloads) for name, pusher in self.pushers.items()})
        await until_settled(self.city, self.province)


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


@pytest.mark.timeout(120 + 15 * ROUNDS)
async def test_killed_processes_lose_nothing_and_repeat_nothing(stage: Stage, chance: random.Random) -> None:
    storm = Storm(stage, chance)
    await storm.build()
    pushing = [asyncio.create_task(pusher.run()) for pusher in storm.pushers.values()]
    try:
        for number in range(ROUNDS):
            if number == ROUNDS // 2:
                await storm.lay_out(LAYOUTS[1])
            await storm.round()
        await storm.finish()
    finally:
        for task in pushing:
            task.cancel()
        await asyncio.gather(*pushing, return_exceptions=True)
    await _prove(storm)


async def _prove(storm: Storm) -> None:
    city, province = storm.city, storm.province
    assert [pusher.taken_back for pusher in storm.pushers.values()] == [[], []]
    assert [pusher.refusals for pusher in storm.pushers.values()] == [[], []]
    proof = await proof_of([(city, province)], city, province)
    assert proof._replace(stream_count=0) == (0, 0, 0, 0, 0, []), (proof, storm.kills)
    written = {key_of(origin, case) for story in storm.stories for origin, case in story.steps[: story.written]}
    model = sorted(as_compared(story.model()) for story in storm.stories)
    for hub in (city, province):
        taken = {row[0] for row in rows(hub, "SELECT message_key::text FROM inbox WHERE record_kind = 1")}
        assert taken == written, hub.folder.name
        assert rows(hub, CASES_COMPARED) == model, hub.folder.name
        assert await figures_that_differ(hub) == [], hub.folder.name
        assert _sections_beyond(hub) == 0
    assert value(city, "SELECT count(*) FROM inbox WHERE record_kind = 1") == sum(map(_length, storm.stories))


def _length(story: Story) -> int:
    return len(story.steps)


def _sections_beyond(hub: StagedHub) -> int:
    """Revisions that took effect and are not the steps of the lives: report and assignment come in one parcel."""
    effects: int = value(hub, "SELECT count(*) FROM case_sections")
    steps: int = value(hub, "SELECT count(*) FROM inbox WHERE record_kind = 1")
    cases: int = value(hub, "SELECT count(*) FROM cases")
    return effects - steps - cases
