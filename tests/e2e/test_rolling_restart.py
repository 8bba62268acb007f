"""Every process of a hub is restarted, one after another, under load: no caller sees a call fail, nothing is twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import aiohttp
import pytest

from bench.workload import HANDLER, ISSUER, case_of
from connectors.county.client import CountyClient
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, Target, asked
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from tests.support import nginx
from tests.support.pushing import parcel_of
from tests.support.stages import logs_of, proof_of, quick, rows, staged, target_of, until, until_settled, value

#: Two processes with every role each.
TWINS = ("", "-2")
#: Cases handed in one at a time have numbers from here on.
_SINGLE = 1_000_000


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


class CarefulClient(CountyClient):
    """A county's client that remembers every trouble it had."""

    troubles: tuple[ConnectorError, ...] = ()

    def _note_trouble(self, error: ConnectorError | None, seconds: float) -> None:
        super()._note_trouble(error, seconds)
        if error is not None:
            self.troubles += (error,)


class Load:
    """Calls of every kind, again and again, until the block ends.

    Args:
        target: the port that the hub's processes share.
        front: the same behind nginx, if there is one.
        console: port of the console.

    ``failed`` names each call that a caller saw fail; ``served`` counts the others by kind.
    """

    def __init__(self, target: Target, front: Target, console: int) -> None:
        self._target = target
        self._front = front
        self._page = f"http://127.0.0.1:{console}/healthz"
        self.failed: list[str] = []
        self.served: Counter[str] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Calls while the block runs."""
        async with GrpcPeer(self._target) as kept, aiohttp.ClientSession() as session:

            async def dialled_anew() -> None:
                for target in {self._target, self._front}:
                    async with GrpcPeer(target) as peer:
                        await self._list(peer)

            async def fetched() -> None:
                async with session.get(self._page) as response:
                    assert response.status == 200, await response.text()

            kinds: dict[str, Callable[[], Awaitable[None]]] = {
                "push one": lambda: self._push_one(kept),
                "list, same connection": lambda: self._list(kept),
                "list, new connection": dialled_anew,
                "page": fetched,
            }
            tasks = [asyncio.create_task(self._repeat(kind, call)) for kind, call in kinds.items()]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, kind: str, call: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await call()
            except (ConnectorError, aiohttp.ClientError, AssertionError) as error:
                self.failed.append(f"{kind}: {error!r}")
            else:
                self.served[kind] += 1
            await asyncio.sleep(0.2)

    async def _push_one(self, peer: GrpcPeer) -> None:
        payload = parcel_of(ISSUER, case_of(_SINGLE + self.served["push one"]), 1_600_000_000_000_000)
        await peer.push_one(parcel_pb2.Parcel.FromString(payload), wait_milliseconds=200)

    async def _list(self, peer: GrpcPeer) -> None:
        await asked(peer.exchange.ListCases(exchange.ListCasesRequest(region_code="431200"), timeout=20))


async def _until_open(hub: StagedHub, twin: str, times: int) -> None:
    log = hub.log_of(twin=twin)

    async def has_said_so() -> bool:
        return log.read_text(encoding="utf-8").count("已启动") >= times

    try:
        await until(has_said_so, f"process {twin} open")
    except AssertionError as error:
        raise AssertionError(f"{error}; {logs_of(hub)}") from None


async def _restart(hub: StagedHub, twin: str) -> None:
    process = hub.processes.pop(twin)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 60) == 0
    hub.start(twin=twin)
    await _until_open(hub, twin, 2)


async def _twins(stage: Stage) -> StagedHub:
    """Returns a hub with two processes on the same ports."""
    city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    text = city.settings_file.read_text(encoding="utf-8")
    city.settings_file.write_text(text.replace("[listen]\n", "[listen]\nshares_port = true\n"), encoding="utf-8")
    for twin in TWINS:
        city.start(twin=twin)
    await asyncio.gather(*(_until_open(city, twin, 1) for twin in TWINS))
    return city


async def test_a_hub_is_restarted_process_by_process_and_no_caller_notices(stage: Stage, tmp_path: Path) -> None:
    city = await _twins(stage)
    issuer, handler = [await stage.add_platform(city, name) for name in (ISSUER, HANDLER)]
    ports = nginx.Ports(city.port, city.settings.console.port)
    target = target_of(issuer)
    is_fronted = nginx.NGINX is not None
    front = target._replace(address=f"127.0.0.1:{ports.front_grpc}") if is_fronted else target
    load = Load(target, front, city.settings.console.port)
    reported, passed = list[str](), set[str]()
    async with CarefulClient(issuer, tmp_path / "city") as client, CarefulClient(handler, tmp_path / "county") as below:

        async def report() -> None:
            while True:
                case = case_of(len(reported))
                await client.report(case)
                reported.append(case.case_no)
                await asyncio.sleep(0.05)

        async def take() -> None:
            async for case in below.assignments():
                passed.add(case.case_no)

        working = [asyncio.create_task(work()) for work in (report, take)]
        with nginx.running(tmp_path, ports) if is_fronted else nullcontext():
            async with load.running():
                for twin in TWINS:
                    before = load.served.copy()
                    await _restart(city, twin)

                    async def has_gone_on(before: Counter[str] = before) -> bool:
                        return all(load.served[kind] > before[kind] for kind in load.served)

                    await until(has_gone_on, f"calls of every kind after restart {twin}")
        working[0].cancel()
        await client.flush(is_settled=True)
        await until_settled(city)

        async def all_passed() -> bool:
            return passed >= set(reported)

        await until(all_passed, "assignments at the county")
        working[1].cancel()
        await asyncio.gather(*working, return_exceptions=True)
        assert (load.failed, client.troubles, below.troubles) == ([], (), ()), f"{load.served}; {logs_of(city)}"
    wanted = len(reported) + load.served["push one"]
    # A call whose answer was lost on the way was repeated, and known: it is in the log once.
    assert value(city, "SELECT count(DISTINCT message_key) FROM inbox WHERE record_kind = 1") >= wanted
    assert value(city, "SELECT count(*) - count(DISTINCT message_key) FROM inbox WHERE record_kind = 1") == 0
    assert {row[0] for row in rows(city, "SELECT case_no FROM cases")} >= set(reported)
    assert (await proof_of([], city))._replace(stream_count=0) == (0, 0, 0, 0, 0, [])
