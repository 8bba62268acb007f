"""Slow, oversized and tricky clients in front of REST and the console, and a good client that notices nothing."""

import asyncio
import contextlib
import gzip
import itertools
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from auth.person import Role
from exchange_db.session import Ledger
from hub import doorkeeper
from hub.doorkeeper import Doorkeeper, GuardedSite
from tests.support.clock import FakeClock
from tests.support.consoles import Seat, console_at
from tests.support.people import a_person
from tests.support.raw import talk
from tests.support.rest import enter, rest_edge

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, a tenth as long; what ships is asserted by name below."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(doorkeeper, name, getattr(doorkeeper, name) / 10)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Port of a small server behind a doorkeeper that lets one address hold eight connections."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(64 * 1024 * 1024))

    keeper = Doorkeeper(8)
    application = web.Application(middlewares=[keeper.watch()], client_max_size=1024 * 1024)
    application.add_routes([web.post("/echo", echo), web.get("/large", large), web.get("/healthz", echo)])
    runner = web.AppRunner(application, access_log=None, keepalive_timeout=doorkeeper.IDLE_SECONDS, shutdown_timeout=1)
    await runner.setup()
    await GuardedSite(runner, keeper, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def test_the_limits_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    shipped = (doorkeeper.HANDSHAKE_SECONDS, doorkeeper.HEAD_SECONDS, doorkeeper.BODY_SECONDS, doorkeeper.IDLE_SECONDS)
    assert shipped == (5.0, 5.0, 8.0, 6.0)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"G"],
        [HEAD],
        [HEAD + b"X-Slow: "] + [b"a"] * 1_000,
        [POST],
        [POST] + [b"a"] * 1_000,
        [HEAD + b"\r\n"],
        [HEAD + b"\r\n", HEAD] + [b"a"] * 1_000,
        [b"\x16\x03\x01\x00\x05"] + [b"\x00"] * 100,
    ],
    ids=["silent", "one byte", "half a head", "dripping head", "no body", "dripping body", "idle", "drip after", "tls"],
)
async def test_a_client_that_does_not_finish_is_hung_up_on(port: int, pieces: list[bytes]) -> None:
    ended = await talk(port, *pieces, pause_seconds=0.02)
    assert ended.seconds is not None, "it was still held"
    assert ended.seconds < 5
    async with ClientSession() as client, client.post(f"http://127.0.0.1:{port}/echo", data=b"good") as response:
        assert await response.read() == b"good"


async def test_a_body_that_comes_slowly_but_steadily_is_taken(port: int) -> None:
    body = [bytes(20_000)] * 5
    head = POST.replace(b"Length", b"Length").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    ended = await talk(port, head, *body, pause_seconds=0.4)
    assert ended.status == 200
    assert ended.answer.endswith(bytes(100_000))


async def test_who_does_not_take_the_answer_is_hung_up_on(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.sleep(doorkeeper.ANSWER_SECONDS + 1)
    taken = 0
    with contextlib.suppress(ConnectionResetError):
        while data := await reader.read(1024 * 1024):
            taken += len(data)
    assert taken < 64 * 1024 * 1024
    writer.transport.abort()


async def test_one_address_holds_so_many_connections_and_no_more(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    assert (await talk(port, HEAD + b"\r\n", patience_seconds=2)).answer == b""
    for _, writer in held:
        writer.transport.abort()
    await asyncio.sleep(0.1)
    assert (await talk(port, HEAD + b"Connection: close\r\n\r\n")).status == 200


async def test_a_flood_of_half_open_connections_leaves_a_good_client_alone(port: int) -> None:
    async def drip() -> None:
        with contextlib.suppress(OSError):
            await talk(port, HEAD, patience_seconds=3)

    flood = [asyncio.create_task(drip()) for _ in range(100)]
    await asyncio.gather(*flood)
    async with ClientSession() as client, client.post(f"http://127.0.0.1:{port}/echo", data=b"good") as response:
        assert response.status == 200


_SMUGGLING = {
    "both lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "length list": b"Content-Length: 4, 4\r\n\r\nabcd",
    "signed length": b"Content-Length: +4\r\n\r\nabcd",
    "hex length": b"Content-Length: 0x4\r\n\r\nabcd",
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "obscure coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "vertical tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "folded": b"X-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "bare line feed in a value": b"X-Split: a\nSet-Cookie: b\r\n\r\n",
    "control character": b"X-Nul: a\x00b\r\n\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "chunk with no number": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "long head": b"X-Long: " + b"a" * 9_000 + b"\r\n\r\n",
    "many heads": b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n",
}


@pytest.mark.parametrize("trick", _SMUGGLING)
async def test_a_request_that_two_parsers_could_read_differently_is_refused_and_the_connection_ends(
    port: int, trick: str
) -> None:
    ended = await talk(port, b"POST /echo HTTP/1.1\r\nHost: localhost\r\n" + _SMUGGLING[trick], patience_seconds=8)
    assert ended.status in (0, 400), ended.answer
    assert ended.seconds is not None
    assert ended.answer.count(b"HTTP/1.1 ") <= 1, "a second request was read out of the first one's body"
    good = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood"
    assert (await talk(port, good)).answer.endswith(b"good")


@pytest.mark.parametrize("line", [b"GET / HTTP/9.9", b"GET", b"G\x00T / HTTP/1.1", b"GET /\x7f\x00 HTTP/1.1"])
async def test_a_request_line_that_is_none_is_refused(port: int, line: bytes) -> None:
    ended = await talk(port, line + b"\r\nHost: localhost\r\n\r\n", patience_seconds=8)
    assert ended.status in (0, 400)
    assert ended.seconds is not None


@pytest.mark.parametrize("levels", [1, 2])
async def test_a_body_that_unpacks_to_more_than_it_may_is_refused(ledger: Ledger, levels: int) -> None:
    await enter(ledger)
    bomb = bytes(64 * 1024 * 1024)
    for _ in range(levels):
        bomb = gzip.compress(bomb)
    async with rest_edge(ledger, FakeClock()) as caller:
        headers = caller.signed("POST", "/v1/parcels", bomb) | {"Content-Encoding": "gzip"}
        refused = await caller.send("POST", "/v1/parcels", bomb, headers)
        assert refused.status in (400, 413)
        assert refused.reason in {"BODY_TOO_LARGE", "JSON_INVALID"}
        assert (await caller.ask("GET", "/v1/whoami")).status == 200


_PATHS = ["/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%252e%252e/app.py", "/static/..;/app.py",
    "/static/..\\app.py", "/static//etc/passwd", "/static/console.css%00.html", "//evil.example/", "/static/C:%5Cboot",
    "/static/%c0%ae%c0%ae/app.py", "/quarantine/../../etc/passwd", "/quarantine/7%0d%0aSet-Cookie:x=1"]  # fmt: skip


@pytest.mark.parametrize("path", _PATHS)
async def test_no_path_leads_out_of_what_is_served(ledger: Ledger, path: str) -> None:
    async with console_at(ledger, Seat(a_person((Role.OPERATOR, 431200)))) as (console, ask):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        ended = await talk(console.port, request)
        assert ended.status in (400, 403, 404)
        assert b"root:" not in ended.answer
        assert b"import" not in ended.answer
        assert b"Set-Cookie:x" not in ended.answer.partition(b"\r\n\r\n")[0]
        assert (await ask("/static/console.css"))[0] == 200


async def test_every_page_keeps_its_headers_whatever_is_asked(ledger: Ledger) -> None:
    async with console_at(ledger, Seat(None)) as (console, _), ClientSession() as client:
        paths = ["/", "/nothing", "/static/console.css", "/metrics", "/healthz"]
        paths += [way.partition(" ")[2] for way in ("GET /people", "GET /sso", "GET /cases")]
        for path, host in itertools.product(paths, ("localhost", "evil.example")):
            async with client.get(
                f"http://127.0.0.1:{console.port}{path}", headers={"Host": host}, allow_redirects=False
            ) as response:
                assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
                # What is the same for everybody may be kept, and is asked about each time.
                is_asset = path.startswith("/static/") and response.status == 200
                assert response.headers["Cache-Control"] == ("public, no-cache" if is_asset else "no-store")
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Referrer-Policy"] == "same-origin"
