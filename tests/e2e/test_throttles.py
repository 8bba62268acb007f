"""How often somebody may ask, on every way in: refused in words and with the time to wait."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from auth.certificates import Certified, issue
from auth.person import Role
from connectors.transports.grpc_peer import Target
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.demo.staging import Stage
from hub.sections.limits import LimitsPart
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.consoles import Seat, console_at
from tests.support.people import a_person
from tests.support.rest import enter, rest_edge
from tests.support.stages import staged, target_of
from tests.support.strangers import NOW, channel_to

_LIMITS = "[limits]\nneighbour_calls_per_minute = 20\nfailures_per_minute = 5\n"


async def _beats(target: Target, count: int, shown: Certified | None = None) -> list[str]:
    """Makes calls; returns of each the name of its status, and how long a refusal says to wait."""
    told = []
    async with channel_to(target, shown) as channel:
        stub = federation_grpc.FederationServiceStub(channel)
        for _ in range(count):
            try:
                await stub.Heartbeat(federation.HeartbeatRequest(), timeout=10.0)
                told.append("OK")
            except grpc.aio.AioRpcError as error:
                told.append(f"{error.code().name} {_seconds_of(error)}".removesuffix(" 0"))
    return told


def _seconds_of(error: grpc.aio.AioRpcError) -> int:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    waiting = error_details_pb2.RetryInfo()
    for detail in status.details if status else ():
        detail.Unpack(waiting)
    return int(waiting.retry_delay.seconds)


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of the test's own."""
    with staged(server) as opened:
        yield opened


async def test_a_neighbour_that_asks_too_often_waits_and_another_does_not(stage: Stage) -> None:
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", _LIMITS)
    hub.start()
    await hub.wait_until_open()
    busy, calm = [target_of(await stage.add_platform(hub, name)) for name in (COUNTY, "431222.platform")]
    told = await _beats(busy, 30)
    let_in = told.count("OK")
    assert 0 < let_in <= 20
    assert told[:let_in] == ["OK"] * let_in
    assert all(one.startswith("RESOURCE_EXHAUSTED ") and 0 < int(one.split()[1]) <= 60 for one in told[let_in:])
    assert await _beats(calm, 1) == ["OK"]
    authority = Certified((stage.folder / "authority.pem").read_bytes(), (stage.folder / "authority.key").read_bytes())
    told = await _beats(calm, 7, issue(authority, COUNTY, NOW))
    # Joining is counted too: nobody knows yet who asks.
    assert told[:3] == ["UNAUTHENTICATED"] * 3
    assert all(one.startswith("RESOURCE_EXHAUSTED ") for one in told[3:])


async def test_rest_counts_calls_and_failures(ledger: Ledger) -> None:
    await enter(ledger)
    clock = FakeClock()
    async with rest_edge(ledger, clock, calls_per_minute=3, failures_per_minute=2) as caller:
        answers = [await caller.ask("GET", "/v1/whoami") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[3].reason == "RATE_LIMITED"
        assert answers[3].headers["Retry-After"] == "60"
        clock.now += 60_000_000
        assert (await caller.ask("GET", "/v1/whoami")).status == 200
        forged = [await caller.ask("GET", "/v1/whoami", secret="7c" * 32) for _ in range(3)]
        assert [answer.status for answer in forged] == [401, 401, 429]
        assert (await caller.ask("GET", "/v1/whoami")).status == 429, "the address is not listened to for a while"
        clock.now += 60_000_000
        assert (await caller.ask("GET", "/v1/whoami")).status == 200


async def test_the_console_counts_pages_by_person_and_by_address(ledger: Ledger) -> None:
    seat = Seat(a_person((Role.VIEWER, 431200)))
    async with console_at(ledger, seat, LimitsPart(person_calls_per_minute=4, address_calls_per_minute=7)) as (_, ask):
        told = [await ask("/static/console.css") for _ in range(4)] + [await ask("/cases")]
        assert [status for status, _ in told] == [200, 200, 200, 200, 429]
        assert "秒后再试" in told[4][1]
        seat.person = None
        assert (await ask("/static/console.css"))[0] == 200, "a stranger at that address is counted apart"
        assert [(await ask("/static/console.css"))[0] for _ in range(2)] == [200, 429]
