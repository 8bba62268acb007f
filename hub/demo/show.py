"""The demonstration: four hubs and three platforms live through a year of 中方县, with trouble on the way.

What happens: every 50th batch is sent twice, five records are malformed, the province is killed and comes back while
cases flow. At the end every tier is asked for its figures through the contracts, and the ledgers for the proof.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from auth.batch_keys import Algorithm
from connectors.county.simulator.plan import DONE, CasePlan, Fate, Turn, turns_of, year_of_county, year_of_reporter
from connectors.county.simulator.platform import SimulatedPlatform
from connectors.county.simulator.roles import (
    REPORTER,
    Part,
    malformed,
    opening,
    own_case,
)
from connectors.county.simulator.stories import CITY, COUNTY
from connectors.traces import TierStory, fetch_story
from connectors.transports.grpc_peer import GrpcPeer, Target
from hub.clock import system_clock
from hub.demo.asking import Tally, ask
from hub.demo.partners import DatabasePartners, PartnerOutcome
from hub.demo.proof import Proof, hop_milliseconds, newest_messages, prove
from hub.demo.staging import Stage, StagedHub
from hub.demo.trust import Trust, verify_trust

#: Settings that make jobs run often enough for a demonstration.
_QUICK = (
    "[figures]\nfold_seconds = 2\nsheet_seconds = 3\n\n[deliver]\nbackoff_cap_seconds = 2\n\n"
    '[signing]\nkeys = ["batch.key"]\n\n[audit]\ncheckpoint_seconds = 5\n\n'
    "[health]\ncanary_seconds = 5\n"
)
_GENTLE = 200
_GENTLE_SECONDS = 0.02
_CHUNK = 1_000

#: Told what is going on: a text and the share done, 0 to 1.
Tell = Callable[[str, float], None]


class Outcome(NamedTuple):
    """What the demonstration shows. ``hops`` maps a hop to its p50 and p95 in milliseconds; ``story`` is one case's."""

    tiers: dict[str, Tally]
    rates: list[str]
    reporter_sources: dict[str, int]
    proof: Proof
    trust: Trust
    hops: dict[str, tuple[float, float]]
    turns: dict[str, int]
    story_case_no: str
    story: tuple[TierStory, ...]
    partners: PartnerOutcome
    repeated_batches: int
    outage_seconds: float
    seconds: float


class Demonstration:
    """One run in one folder."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.stage = Stage(folder)
        self._tell = tell
        self._plans: list[CasePlan] = []
        self._platforms: dict[str, SimulatedPlatform] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._partners: DatabasePartners | None = None

    async def run(self) -> Outcome:
        """Stages the federation, lives through the year and looks at what came of it."""
        begun = time.monotonic()
        await self._build()
        nation, province, city, other = self.hubs
        self._tell("案件流转 / cases flow", 0.1)
        flow = asyncio.create_task(self._dispatch_year())
        outage = await self._break_province(province)
        await flow
        await self._settle(nation, len(year_of_reporter()) - _GENTLE)
        await self._report_gently()
        await self._settle(nation, len(year_of_reporter()))
        # What was refused of the year; the wrong row of a partner is told with its receipts.
        held = (await asyncio.to_thread(prove, [], list(self.hubs))).quarantined
        partners = await self._link_databases(nation, city)
        self._tell("核对 / proof", 0.95)
        tiers = await self._figures()
        sources = await ask(self._target(province, nation), "430212", group_by="source")
        ways = [(province, nation), (city, province), (other, province)]
        proof = await asyncio.to_thread(prove, ways, list(self.hubs))
        told = next(plan for plan in self._plans if plan.turn is Turn.DISPUTED and plan.fate is Fate.DONE_ON_TIME)
        async with GrpcPeer(self._target_of(COUNTY)) as hub:
            story = await fetch_story(hub, CITY, told.case_no)
        trust = await verify_trust(ways, self.stage.folder / "authority.pem", CITY, told.case_no)
        probes = await asyncio.to_thread(newest_messages, other, "platform", _GENTLE)
        hops = {
            "市→省 city→province": _percentiles(hop_milliseconds(other, province, probes)),
            "省→国 province→nation": _percentiles(hop_milliseconds(province, nation, probes)),
        }
        return Outcome(
            tiers,
            tiers["nation"].rates,
            {key: tally.reported for key, tally in sources.items()},
            proof._replace(quarantined=held),
            trust,
            hops,
            turns_of(self._plans),
            told.case_no,
            story,
            partners,
            sum(platform.repeated_batches for platform in self._platforms.values()),
            outage,
            time.monotonic() - begun,
        )

    @property
    def hubs(self) -> tuple[StagedHub, StagedHub, StagedHub, StagedHub]:
        """Nation, province, the city of the story, and the other city."""
        hubs = self.stage.hubs
        return hubs["000000.hub"], hubs["430000.hub"], hubs["431200.hub"], hubs["430200.hub"]

    async def close(self) -> None:
        """Stops everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for platform in self._platforms.values():
            platform.book.close()
        await asyncio.to_thread(self.stage.close)
        if self._partners is not None:
            await self._partners.close()

    async def _build(self) -> None:
        self._tell("启动数据库 / database", 0.0)
        await self.stage.open()
        for hub_id, name in (
            ("000000.hub", "国家枢纽"),
            ("430000.hub", "湖南省枢纽"),
            ("431200.hub", "怀化市枢纽"),
            ("430200.hub", "株洲市枢纽"),
        ):
            self.stage.add_signing_key(await self.stage.add_hub(hub_id, name, _QUICK), Algorithm.SM2_SM3)
        for hub in self.hubs:
            hub.start()
        await asyncio.gather(*(hub.wait_until_open() for hub in self.hubs))
        nation, province, city, other = self.hubs
        self._tell("平台互联 / joining", 0.05)
        for above, below in ((nation, province), (province, city), (province, other)):
            await self.stage.join(above, below)
            await self.stage.require_signed(above, below, Algorithm.SM2_SM3)
        self._plans = year_of_county()
        plans = {plan.case_no: plan for plan in self._plans}
        for hub, name, react, repeat in (
            (city, CITY, Part(CITY, plans).react, 50),
            (city, COUNTY, Part(COUNTY, plans).react, 50),
            (other, REPORTER, None, 5),
        ):
            profile = await self.stage.add_platform(hub, name)
            book = self.stage.folder / name / "book.sqlite"
            self._platforms[name] = SimulatedPlatform(profile, book, system_clock, react, repeat)
        self._tasks = [asyncio.create_task(platform.run()) for platform in self._platforms.values()]

    async def _dispatch_year(self) -> None:
        """Writes the year into the platforms' books, as fast as the city's hub takes it, until the county is done."""
        city, reporter = self._platforms[CITY], self._platforms[REPORTER]
        own = year_of_reporter()
        reporter.write(own_case(plan) for plan in own[:-_GENTLE])
        for start in range(0, len(self._plans), _CHUNK):
            city.write(case for plan in self._plans[start : start + _CHUNK] for case in opening(plan))
            if start == _CHUNK:
                city.write_raw(malformed(system_clock()))
            while city.book.written_count() - city.answered_sequence > 2 * _CHUNK:
                await asyncio.sleep(0.05)
        await self._until_done()

    async def _until_done(self) -> None:
        """Shows how the county gets on until it has closed every case it closes."""
        county = self._platforms[COUNTY]
        done = 0
        while done < DONE:
            await asyncio.sleep(0.3)
            done = county.book.figures()["done"]
            self._tell(f"案件流转，办结 {done} / cases closed", 0.1 + 0.7 * done / DONE)

    async def _report_gently(self) -> None:
        """Reports the last cases one by one, once all is quiet: what they take is the latency of a hop."""
        self._tell("逐条上报，测量时延 / one by one", 0.9)
        for plan in year_of_reporter()[-_GENTLE:]:
            self._platforms[REPORTER].write([own_case(plan)])
            await asyncio.sleep(_GENTLE_SECONDS)

    async def _link_databases(self, nation: StagedHub, city: StagedHub) -> PartnerOutcome:
        """Lets two more platforms take part that only write SQL into databases of their own."""
        self._tell("数据库对接 / partners' databases", 0.92)
        self._partners = DatabasePartners(self.stage, nation, city)
        await self._partners.open()
        return await self._partners.live(self._platforms[CITY])

    async def _break_province(self, province: StagedHub) -> float:
        """Kills the province in the middle and starts it again; returns how long it was away."""
        county = self._platforms[COUNTY]
        while county.book.figures()["total"] < len(self._plans) // 3:
            await asyncio.sleep(0.1)
        self._tell("省枢纽断电（kill -9） / the province is killed", 0.3)
        begun = time.monotonic()
        province.kill()
        await asyncio.sleep(3)
        province.start()
        await province.wait_until_open()
        self._tell("省枢纽恢复 / the province is back", 0.35)
        return time.monotonic() - begun

    async def _settle(self, nation: StagedHub, own_count: int) -> None:
        """Waits until every link is settled and the nation's sheets say what the cities' ledgers say."""
        until = time.monotonic() + 90
        province = self.hubs[1]
        while time.monotonic() < until:
            proof = await asyncio.to_thread(prove, [], list(self.hubs))
            here = (await ask(self._target_of(CITY), "431221"))[""]
            above = (await ask(self._target(province, nation), "431221"))[""]
            self._tell(f"汇聚到国家 {above.done}/{here.done} / gathering", 0.85)
            reported = (await ask(self._target(province, nation), "430212"))[""].reported
            if not proof.unsettled_links and above == here and here.total and reported == own_count:
                return
            await asyncio.sleep(0.5)

    async def _figures(self) -> dict[str, Tally]:
        nation, province, city, _ = self.hubs
        county = Tally(**self._platforms[COUNTY].book.figures(), reported=0)
        return {
            "nation": (await ask(self._target(province, nation), "431221"))[""],
            "province": (await ask(self._target(city, province), "431221"))[""],
            "city": (await ask(self._target_of(CITY), "431221"))[""],
            "county": county,
        }

    def _target_of(self, platform_id: str) -> Target:
        return self._platforms[platform_id].target

    def _target(self, below: StagedHub, above: StagedHub) -> Target:
        """Dials a hub with the certificate of the one below it: what a neighbour is answered."""
        tls = below.settings.tls
        return Target(above.folder.name, above.address, "", tls.authority, tls.certificate, tls.key)


def _percentiles(milliseconds: list[float]) -> tuple[float, float]:
    ordered = sorted(milliseconds) or [0.0]
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Returns the outcome for scripts."""
    return {
        "tiers": {tier: tally._asdict() for tier, tally in outcome.tiers.items()},
        "rates": outcome.rates,
        "sources": outcome.reporter_sources,
        "lost": outcome.proof.lost,
        "twice": outcome.proof.twice,
        "incomplete_streams": outcome.proof.incomplete_streams,
        "quarantined": len(outcome.proof.quarantined),
        "quarantine": [
            {"hub": hub, "reason": reason, "field": field, "text": text}
            for hub, reason, field, text in outcome.proof.quarantined
        ],
        "trust": outcome.trust._asdict(),
        "turns": outcome.turns,
        "story": {
            "case_no": outcome.story_case_no,
            "states": {tier.hub_id: [step.state for step in tier.steps if step.state] for tier in outcome.story},
        },
        "partners": outcome.partners._asdict(),
        "repeated_batches": outcome.repeated_batches,
        "outage_seconds": round(outcome.outage_seconds, 1),
        "hops_ms": {hop: {"p50": round(p50, 1), "p95": round(p95, 1)} for hop, (p50, p95) in outcome.hops.items()},
        "seconds": round(outcome.seconds, 1),
    }
