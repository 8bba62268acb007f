"""A federation of three hubs with the platforms of a city and two counties, and what such a platform does."""

import asyncio
import uuid
from typing import NamedTuple

from connectors.transports.grpc_peer import GrpcPeer, Target, asked
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Case, Parcel
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from tests.support.stages import quick, target_of, until

NATION, PROVINCE, CITY = "000000.hub", "430000.hub", "431200.hub"
CITY_PLATFORM, COUNTY, OTHER_COUNTY = "431200.platform", "431221.platform", "431222.platform"


def written_by(origin_id: str, case: Case, message_id: uuid.UUID | None = None) -> parcel_pb2.Parcel:
    """Returns a case in its envelope, written now."""
    payload = write_parcel(message_id or uuid.uuid4(), origin_id, system_clock(), case)
    return parcel_pb2.Parcel.FromString(payload)


class Party:
    """One platform: it pushes single records, pulls what is due to it, and asks.

    Args:
        platform_id: name of the platform.
        target: its hub.
    """

    def __init__(self, platform_id: str, target: Target) -> None:
        self.platform_id = platform_id
        self.target = target
        self.cursor = 0
        self.pulled: list[Parcel] = []

    async def push(self, case: Case, wait_milliseconds: int = 10_000) -> exchange.PushOneResponse:
        """Pushes one record in this platform's name and waits for the business receipt."""
        return await self.push_parcel(written_by(self.platform_id, case), wait_milliseconds)

    async def push_parcel(self, parcel: parcel_pb2.Parcel, wait_milliseconds: int) -> exchange.PushOneResponse:
        """Pushes a parcel as it is."""
        request = exchange.PushOneRequest(
            request_id=parcel.message_id, parcel=parcel, wait_milliseconds=wait_milliseconds
        )
        async with GrpcPeer(self.target) as hub:
            return await asked(hub.exchange.PushOne(request, timeout=30.0))

    async def pull(self) -> list[Case]:
        """Takes what is due from where the last pull ended, and returns the cases in it."""
        fresh = []
        async with GrpcPeer(self.target) as hub:
            async for response in hub.pull(self.cursor, stop_when_empty=True):
                assert response.batch.first_sequence == self.cursor + 1
                fresh += [read_parcel(payload) for payload in response.batch.parcels]
                self.cursor += len(response.batch.parcels)
        self.pulled += fresh
        return [parcel.record for parcel in fresh if isinstance(parcel.record, Case)]

    async def until_pulled(self, case_no: str, section: str) -> Case:
        """Returns the record that brings a section of a case, once it is there."""

        async def found() -> Case | None:
            await self.pull()
            cases = [parcel.record for parcel in self.pulled if isinstance(parcel.record, Case)]
            return next((case for case in cases if case.case_no == case_no and getattr(case, section)), None)

        case: Case = await until(found, f"{section} of {case_no} for {self.platform_id}")
        return case

    async def case(self, case: Case) -> exchange.GetCaseResponse:
        """Asks for one case."""
        async with GrpcPeer(self.target) as hub:
            return await asked(hub.exchange.GetCase(exchange.GetCaseRequest(key=key_of(case)), timeout=30.0))

    async def listing(self, **wanted: object) -> exchange.ListCasesResponse:
        """Asks for a list."""
        async with GrpcPeer(self.target) as hub:
            request = exchange.ListCasesRequest(**wanted)  # type: ignore[arg-type]
            return await asked(hub.exchange.ListCases(request, timeout=30.0))

    async def trace(self, case: Case) -> list[exchange.TierTrace]:
        """Asks every tier where it stands with a case."""
        request = exchange.TraceCaseRequest(key=key_of(case), include_upper_tiers=True)
        async with GrpcPeer(self.target) as hub:
            return list((await asked(hub.exchange.TraceCase(request, timeout=30.0))).tiers)


def key_of(case: Case) -> case_pb2.CaseKey:
    """Returns a case's key as the contract carries it."""
    return case_pb2.CaseKey(issuer_id=case.issuer_id, case_no=case.case_no)


class Town(NamedTuple):
    """The hubs of three tiers, and the platforms that hang on the city's."""

    stage: Stage
    nation: StagedHub
    province: StagedHub
    city: StagedHub
    city_platform: Party
    county: Party
    other_county: Party


async def build_town(stage: Stage) -> Town:
    """Starts the hubs, joins them and joins the platforms."""
    extra = quick() + "\n"
    names = ((NATION, "国家"), (PROVINCE, "湖南省"), (CITY, "怀化市"))
    hubs = [await stage.add_hub(hub_id, f"{name}枢纽", extra) for hub_id, name in names]
    for hub in hubs:
        text = hub.settings_file.read_text(encoding="utf-8")
        hub.settings_file.write_text(text.replace("[listen]\n", "[listen]\nhas_reflection = true\n"), encoding="utf-8")
        hub.start()
    await asyncio.gather(*(hub.wait_until_open() for hub in hubs))
    nation, province, city = hubs
    await stage.join(nation, province)
    await stage.join(province, city)
    platforms = [
        Party(name, target_of(await stage.add_platform(city, name))) for name in (CITY_PLATFORM, COUNTY, OTHER_COUNTY)
    ]
    return Town(stage, nation, province, city, *platforms)
