"""Three hubs and a county show their health: canaries over each link, one trace of a case, the lines of its way.

The city only dials out, so what the province has for it is fetched.
"""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from typer.testing import CliRunner

from connectors.county.client import CountyClient
from connectors.county.profile import Profile, read_profile, write_profile
from connectors.traceparents import traceparent_of
from exchange_db import canaries
from exchange_db.canaries import Canary, CanaryState
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case, RecordKind
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.demo.staging import Stage, StagedHub
from protos.exchange.v1 import parcel_pb2
from tests.support.builders import a_case
from tests.support.collector import Collector, SeenSpan, collecting
from tests.support.stages import quick, rows, staged, until, value

NATION, PROVINCE, CITY = "000000.hub", "430000.hub", "431200.hub"
COUNTY, SILENT = "431221.platform", "431222.platform"
#: Where a case leaves a span and a line: hub, step, neighbour.
_STEPS = (
    (CITY, "intake", COUNTY), (CITY, "apply", ""), (CITY, "deliver", PROVINCE),
    (PROVINCE, "intake", CITY), (PROVINCE, "apply", ""), (PROVINCE, "deliver", NATION),
    (NATION, "intake", PROVINCE), (NATION, "apply", ""),
)  # fmt: skip
_SECONDS = 120.0
_RUNNER = CliRunner()
importlib.import_module("hub.cli.canary")


class Site(NamedTuple):
    """Three hubs, a collector they send spans to, and a case that a county reported."""

    hubs: dict[str, StagedHub]
    collector: Collector
    county: Profile
    case: Case
    message_id: str

    @property
    def number(self) -> str:
        """Number of the case, as traces and logs have it."""
        return f"{self.case.issuer_id}/{self.case.case_no}"


async def _build(stage: Stage, collector: Collector) -> Site:
    extra = (
        f"{quick()}\n[health]\ncanary_seconds = 1\nleast_free_megabytes = 0\n\n"
        '[log]\nformat = "json"\nhas_records = true\n\n'
        f'[traces]\ncollector = "{collector.address}"\nsample_ratio = 1.0\n'
    )
    hubs = {name: await stage.add_hub(name, name, extra, is_dialled=name != CITY) for name in (NATION, PROVINCE, CITY)}
    for hub in hubs.values():
        hub.start()
    await asyncio.gather(*(hub.wait_until_open() for hub in hubs.values()))
    await stage.join(hubs[NATION], hubs[PROVINCE])
    await stage.join(hubs[PROVINCE], hubs[CITY])
    await stage.add_platform(hubs[CITY], SILENT)
    profile = replace(await stage.add_platform(hubs[CITY], COUNTY), is_traced=True)
    case = a_case()
    async with CountyClient(profile, stage.folder / "spool") as client:
        (message_id,) = await client.report(case)
        await client.flush(is_settled=True)
    return Site(hubs, collector, profile, case, message_id)


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    with collecting() as collector, staged(server) as stage:
        yield asyncio.run(_build(stage, collector))


async def _canary(hub: StagedHub, peer_id: str) -> Canary | None:
    async with Ledger(hub.url, pool_size=0) as ledger, ledger.read() as session:
        return (await canaries.latest(session)).get(peer_id)


async def _until_back(hub: StagedHub, peer_id: str) -> Canary:
    async def is_back() -> Canary | None:
        found = await _canary(hub, peer_id)
        return found if found is not None and found.seconds is not None else None

    what = f"a canary from {hub.folder.name} to {peer_id} and back"
    canary: Canary = await until(is_back, what, seconds=_SECONDS)
    return canary


@asynccontextmanager
async def _listening(client: CountyClient, heard: list[Any]) -> AsyncIterator[None]:
    """Lets a platform's program take what is due, as a vendor's does all day."""

    async def listen() -> None:
        async for record in client.arrivals():
            heard.append(record)

    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def test_one_case_over_three_hubs_is_one_trace(site: Site) -> None:
    def seen() -> list[SeenSpan]:
        return [span for span in site.collector.spans if span.record == site.number]

    for step in _STEPS:

        async def is_seen(wanted: tuple[str, str, str] = step) -> bool:
            return wanted in {(span.hub, span.step, span.link) for span in seen()}

        await until(is_seen, f"a span of {step}", seconds=_SECONDS)
    spans = seen()
    assert {(span.hub, span.step, span.link) for span in spans} == set(_STEPS)
    place = traceparent_of(UUID(site.message_id)).split("-")
    assert {span.trace_id for span in spans} == {place[1]} == {site.message_id.replace("-", "")}
    assert {span.parent_id for span in spans} == {place[2]}
    assert all(0 < span.begin <= span.end for span in spans)


async def test_what_the_county_wrote_about_its_trace_arrives_unchanged(site: Site) -> None:
    query = "SELECT encode(payload, 'hex') FROM inbox WHERE record_kind = 1"
    (only,) = {value(hub, query) for hub in site.hubs.values()}
    assert parcel_pb2.Parcel.FromString(bytes.fromhex(only)).traceparent == traceparent_of(UUID(site.message_id))


def _lines(hub: StagedHub) -> list[dict[str, Any]]:
    text = (hub.folder / "hub.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


async def test_the_lines_of_one_case_can_be_read_back_from_every_log(site: Site) -> None:
    def told() -> list[tuple[str, dict[str, Any]]]:
        every = ((name, line) for name, hub in site.hubs.items() for line in _lines(hub))
        return [(name, line) for name, line in every if line.get("case") == site.number]

    for step in _STEPS:

        async def is_told(wanted: tuple[str, str, str] = step) -> bool:
            return wanted in {(n, e["message"].partition(" ")[0], e.get("link", "")) for n, e in told()}

        await until(is_told, f"a line of {step}", seconds=_SECONDS)
    events = [event for _, event in told()]
    assert {event["message_id"] for event in events} == {site.message_id}
    assert {event["trace"] for event in events} == {site.message_id.replace("-", "")}
    assert all(event["time"].endswith("+00:00") and event["level"] == "INFO" for event in events)


async def test_a_link_between_hubs_has_a_time_whoever_dials(site: Site) -> None:
    ways = ((CITY, PROVINCE), (PROVINCE, CITY), (PROVINCE, NATION), (NATION, PROVINCE))
    for canary in await asyncio.gather(*(_until_back(site.hubs[here], there) for here, there in ways)):
        assert canary.seconds is not None
        assert canary.seconds > 0
        assert canary.last_returned_time is not None
        assert canary.state is not CanaryState.IMPOSSIBLE


async def test_a_countys_client_answers_and_its_vendor_sees_nothing_of_it(site: Site, tmp_path: Path) -> None:
    heard: list[Any] = []
    case = a_case("2020-0002")
    async with CountyClient(site.county, tmp_path / "spool") as client, _listening(client, heard):
        await client.report(case)
        canary = await _until_back(site.hubs[CITY], COUNTY)
        await client.flush(is_settled=True)
        told = [receipt.case_no async for receipt in client.receipts(stop_when_empty=True)]
    assert canary.seconds is not None
    assert heard == []
    assert set(told) == {case.case_no}


async def test_a_neighbour_that_does_not_know_canaries_is_sent_none(site: Site) -> None:
    await _until_back(site.hubs[CITY], PROVINCE)
    assert await _canary(site.hubs[CITY], SILENT) is None
    sent = "SELECT count(*) FROM outbox o JOIN peers p USING (destination_id) WHERE p.peer_id = %s"
    assert value(site.hubs[CITY], sent, SILENT) == 0


async def test_canaries_are_no_cases_are_not_compared_and_are_held_nowhere(site: Site) -> None:
    await asyncio.gather(_until_back(site.hubs[CITY], PROVINCE), _until_back(site.hubs[PROVINCE], CITY))
    for hub in (site.hubs[CITY], site.hubs[PROVINCE]):
        assert value(hub, "SELECT count(*) FROM inbox WHERE record_kind = %s", RecordKind.CANARY) > 1
        assert rows(hub, "SELECT kind FROM link_marks WHERE kind = %s", RecordKind.CANARY) == []
        assert rows(hub, "SELECT reason FROM quarantine") == []
        assert value(hub, "SELECT count(*) FROM canaries") <= value(hub, "SELECT count(*) FROM peers")


def test_the_command_lists_every_link_and_sends_at_once(site: Site) -> None:
    asyncio.run(_until_back(site.hubs[CITY], PROVINCE))
    config = ["--config", str(site.hubs[CITY].settings_file)]
    listed = _RUNNER.invoke(app, ["canary", "list", "--json", *config])
    states = {link["peer_id"]: link["state"] for link in json.loads(listed.stdout)}
    assert states[SILENT] == "impossible"
    assert states[PROVINCE] in ("returned", "under_way", "late")
    assert PROVINCE in _RUNNER.invoke(app, ["canary", "list", *config]).stdout
    sent = _RUNNER.invoke(app, ["canary", "send", PROVINCE, *config])
    assert sent.exit_code == 0, sent.output
    for peer_id, word in ((SILENT, "not possible"), ("431299.hub", "no neighbour")):
        refused = _RUNNER.invoke(app, ["canary", "send", peer_id, *config])
        assert refused.exit_code == 1
        assert peer_id in refused.output
        assert word in refused.output


async def test_health_is_told_by_what_is_asked(site: Site) -> None:
    async with ClientSession(f"http://127.0.0.1:{site.hubs[CITY].settings.console.port}") as client:

        async def told(path: str) -> tuple[int, dict[str, Any]]:
            async with client.get(path) as response:
                return response.status, await response.json()

        assert (await told("/livez"))[1]["is_alive"] is True

        async def is_ready() -> bool:
            return (await told("/readyz"))[0] == 200

        async def is_at_work() -> bool:
            checks = (await told("/healthz/deep"))[1]["checks"]
            return all(checks[part]["is_well"] for part in ("database", "schema", "apply", "deliver", "disk"))

        await until(is_ready, "readiness", seconds=_SECONDS)
        await until(is_at_work, "deep health", seconds=_SECONDS)
        parts = {"database", "schema", "leases", "log", "apply", "deliver", "schedule", "canaries", "disk"}
        assert (await told("/healthz/deep"))[1]["checks"].keys() == parts
        async with client.get("/metrics") as response:
            assert f'sanji_canary_seconds{{peer="{PROVINCE}"}}' in await response.text()


def test_a_profile_keeps_that_it_is_traced(site: Site, tmp_path: Path) -> None:
    assert read_profile(write_profile(tmp_path, site.county)).is_traced
