"""A storm of cases on a city hub and its province, for tests that break something meanwhile.

Two platforms push lives of cases, each step as soon as the one before it was acknowledged. At the end every ledger is
compared with a model that only knows what was written.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    target_of,
    until,
    until_settled,
    value,
)
from tests.support.stories import CASES_COMPARED, Story, as_compared

NEW_CASES = 60


class Storm:
    """Writes lives of cases and holds the hubs to what they acknowledged.

    Args:
        stage: the stage, open.
        chance: decides everything.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self.stories: list[Story] = []
        #: What was done to the hubs, for a failure's message.
        self.mishaps: list[str] = []
        self.pushers: dict[str, Pusher] = {}

    async def build(self, city_server: EmbeddedServer | None = None) -> None:
        """Makes the two hubs and the two platforms; the city's ledger may lie on another server."""
        self.province = await self._stage.add_hub("430000.hub", "湖南省枢纽", quick())
        shared = self._stage.server
        self._stage.server = city_server or shared
        self.city = await self._stage.add_hub("431200.hub", "怀化市枢纽", quick())
        self._stage.server = shared
        self.province.start()
        await self.province.wait_until_open()
        await self._stage.join(self.province, self.city)
        await self.lay_out("")
        for platform in (ISSUER, HANDLER):
            profile = await self._stage.add_platform(self.city, platform)
            self.pushers[platform] = Pusher(target_of(profile), batch=self._chance.choice((7, 50, 200)))

    async def lay_out(self, *roles: str) -> None:
        """Lets the city run as these processes."""
        await asyncio.to_thread(self.city.stop)
        for role in roles:
            self.city.start(role)
        await self.city.wait_until_open()

    @asynccontextmanager
    async def blowing(self) -> AsyncIterator[None]:
        """Lets the platforms push until the block ends, and tells every life to its end when it ends well."""
        pushing = [asyncio.create_task(pusher.run()) for pusher in self.pushers.values()]
        try:
            yield
            await self.finish()
        finally:
            for task in pushing:
                task.cancel()
            await asyncio.gather(*pushing, return_exceptions=True)

    def write(self, new_cases: int = NEW_CASES) -> dict[str, int]:
        """Begins some lives, and tells the next step of all whose last step was acknowledged.

        Returns:
            How far each platform has written.
        """
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
        return {name: len(pusher.payloads) for name, pusher in self.pushers.items()}

    def _is_acknowledged(self, story: Story) -> bool:
        origin_id, _ = story.steps[story.written - 1]
        return story.place <= self.pushers[origin_id].answered

    async def wait_for(self, marks: dict[str, int]) -> None:
        """Returns when the hub has acknowledged up to these places."""

        async def is_answered() -> bool:
            return all(self.pushers[name].answered >= mark for name, mark in marks.items())

        try:
            await until(is_answered, f"acknowledgement of {marks}")
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.mishaps}; {logs_of(self.city, self.province)}") from None

    async def finish(self) -> None:
        """Tells every life to its end and waits until everything has settled."""
        while any(not story.is_told for story in self.stories):
            await self.wait_for(self.write(0))
        await until_settled(self.city, self.province)

    async def _is_settled(self) -> bool:
        """The last sheet of counts follows the last case by itself, so links may be open a little longer."""
        proof = await proof_of([(self.city, self.province)], self.city, self.province)
        return not proof.unsettled_links and not await figures_that_differ(self.city)

    async def prove(self) -> None:
        """Holds both ledgers to the model: nothing lost, nothing twice, every case as its life says, figures too."""
        city, province = self.city, self.province
        assert [pusher.taken_back for pusher in self.pushers.values()] == [[], []]
        assert [pusher.refusals for pusher in self.pushers.values()] == [[], []]
        await until(self._is_settled, "settled links")
        proof = await proof_of([(city, province)], city, province)
        assert proof._replace(stream_count=0, unsettled_links=0) == (0, 0, 0, 0, 0, []), (proof, self.mishaps)
        written = {key_of(origin, case) for story in self.stories for origin, case in story.steps[: story.written]}
        model = sorted(as_compared(story.model()) for story in self.stories)
        for hub in (city, province):
            taken = {row[0] for row in rows(hub, "SELECT message_key::text FROM inbox WHERE record_kind = 1")}
            assert taken == written, hub.folder.name
            assert rows(hub, CASES_COMPARED) == model, hub.folder.name
            assert await figures_that_differ(hub) == [], hub.folder.name
            assert _sections_beyond(hub) == 0
        steps = sum(len(story.steps) for story in self.stories)
        assert value(city, "SELECT count(*) FROM inbox WHERE record_kind = 1") == steps


def _sections_beyond(hub: StagedHub) -> int:
    """Revisions that took effect and are not the steps of the lives: report and assignment come in one parcel."""
    effects: int = value(hub, "SELECT count(*) FROM case_sections")
    steps: int = value(hub, "SELECT count(*) FROM inbox WHERE record_kind = 1")
    cases: int = value(hub, "SELECT count(*) FROM cases")
    return effects - steps - cases
