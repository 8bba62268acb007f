"""Peers that break off, send nothing or half of it, or come from another time: what no other suite asks of a way in.

``docs/security/threats.md`` has the whole table of peers and ways in, with the test of each.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta

import grpc
import psutil
import pytest

from auth.certificates import Certified, issue
from auth.person import Role
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.demo.staging import Stage, free_port
from hub.sections.limits import LimitsPart
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.commands import sanji
from tests.support.consoles import Seat, console_at
from tests.support.people import a_person
from tests.support.raw import talk
from tests.support.rest import enter, rest_edge
from tests.support.stages import staged, target_of
from tests.support.strangers import NOW, channel_to

#: Whatever listens besides these is a door nobody meant to open.
DOORS = {"gRPC", "REST", "console"}
_MARK = "S3cret-Mark-7Zq"


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of the test's own."""
    with staged(server) as opened:
        yield opened


async def test_a_hub_listens_on_its_three_doors_and_no_other(stage: Stage) -> None:
    rest = free_port()
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", f'[rest]\nlisten = "127.0.0.1:{rest}"\n')
    hub.start()
    await hub.wait_until_open()
    expected = {"gRPC": hub.port, "REST": rest, "console": hub.settings.console.port}
    assert expected.keys() == DOORS
    (process,) = hub.processes.values()
    async with asyncio.timeout(20):
        while (found := _listening(process.pid)) != set(expected.values()):
            assert found <= set(expected.values()), found
            await asyncio.sleep(0.1)
    words = psutil.Process(process.pid).cmdline()
    assert not any("://" in word or "password" in word for word in words), "a secret stands in the list of processes"


def _listening(pid: int) -> set[int]:
    return {
        connection.laddr.port
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


async def test_a_certificate_of_the_future_does_not_even_connect(stage: Stage) -> None:
    hub = await stage.add_hub("431200.hub", "怀化市枢纽")
    hub.start()
    await hub.wait_until_open()
    target = target_of(await stage.add_platform(hub, COUNTY))
    authority = Certified((stage.folder / "authority.pem").read_bytes(), (stage.folder / "authority.key").read_bytes())
    request = federation.HeartbeatRequest()
    async with channel_to(target, issue(authority, COUNTY, NOW + timedelta(days=2))) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await federation_grpc.FederationServiceStub(channel).Heartbeat(request, timeout=10.0)
    assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    async with channel_to(target) as channel:
        assert (await federation_grpc.FederationServiceStub(channel).Heartbeat(request, timeout=10.0)).hub_time


_HEAD = b"POST /v1/parcels HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "pieces",
    [[b""], [_HEAD[:20]], [_HEAD], [_HEAD + b"Content-Length: 500\r\n\r\n", b'{"parcels": ['], [_HEAD + b"\r\n"]],
    ids=["nothing", "half a line", "half a head", "half a body", "no body"],
)
async def test_a_rest_call_that_breaks_off_leaves_nothing_and_harms_nobody(ledger: Ledger, pieces: list[bytes]) -> None:
    await enter(ledger)
    async with rest_edge(ledger, FakeClock()) as caller:
        ended = await talk(int(caller.address.rpartition(":")[2]), *pieces, patience_seconds=0.5)
        assert ended.status in (0, 400)
        assert (await caller.ask("GET", "/v1/whoami")).status == 200
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT count(*) FROM inbox")
        assert await cursor.fetchone() == (0,)


_FORM = b"POST /sso/local HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [_FORM],
        [_FORM + b"Content-Length: 500\r\n\r\n", b"account=li&pass"],
        [_FORM + b"Content-Length: 0\r\n\r\n"],
        [_FORM + b"Content-Length: 7\r\n\r\n", b"\xff\xfe=\x00&%"],
    ],
    ids=["nothing", "half a head", "half a form", "an empty form", "no form"],
)
async def test_a_sign_on_that_breaks_off_opens_nothing_and_harms_nobody(ledger: Ledger, pieces: list[bytes]) -> None:
    async with console_at(ledger, Seat(a_person((Role.VIEWER, 431200))), LimitsPart()) as (console, ask):
        ended = await talk(console.port, *pieces, patience_seconds=0.5)
        assert ended.status in (0, 400, 401, 403, 503)
        assert b"__Host-sanji=" not in ended.answer
        assert (await ask("/cases"))[0] == 200


async def test_no_secret_stands_in_what_a_command_says_when_it_fails(stage: Stage) -> None:
    hub = await stage.add_hub("431200.hub", "怀化市枢纽")
    text = hub.settings_file.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("url")]
    wrong = hub.settings_file.with_name("wrong.toml")
    for secret in (f'url = "postgresql://sanji:{_MARK}@127.0.0.1:9/none"', f'url = "postgresql:/sanji:{_MARK}@db"'):
        wrong.write_text(text.replace(line, secret), encoding="utf-8")
        for words in (("check",), ("peers", "list"), ("people", "list")):
            ran = await sanji(*words, "--config", wrong)
            assert ran.code != 0
            assert _MARK not in ran.told
    assert _MARK not in " ".join(os.environ.values())
