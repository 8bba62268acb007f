"""The console's answers without a browser: monitoring, headers, and who is answered."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.console.app import Console, ConsolePortTaken
from hub.sections.console import ConsolePart
from hub.settings import HubPart, Settings
from hub.statistics.reading import FigureReader
from tests.support.applied import a_closed_case, apply_records, take_in
from tests.support.builders import CITY, a_case, a_payload

_PAGES = ("/", "/figures", "/figures/completeness", "/cases", "/quarantine", "/jobs")


def _console(ledger: Ledger, port: int = 0) -> Console:
    settings = Settings(hub=HubPart(id=CITY, name="<怀化>"), console=ConsolePart(port=port, open_on_loopback=True))
    return Console(ledger, settings, FigureReader(ledger, settings), system_clock)


@pytest.fixture
async def client(ledger: Ledger) -> AsyncIterator[ClientSession]:
    """A client of a console over an empty ledger."""
    console = _console(ledger)
    serving = asyncio.create_task(console.run())
    await asyncio.wait_for(console.is_ready.wait(), 10)
    async with ClientSession(f"http://127.0.0.1:{console.port}") as session:
        yield session
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize("path", _PAGES)
async def test_every_page_of_an_empty_hub_is_shown(client: ClientSession, path: str) -> None:
    for language in ("zh", "en"):
        async with client.get(path, params={"lang": language}) as response:
            text = await response.text()
        assert response.status == 200
        assert "&lt;怀化&gt;" in text
        assert "<怀化>" not in text
        assert re.findall("<script[^>]*>[^<]", text) == []


async def test_a_page_may_load_its_style_and_nothing_else(client: ClientSession) -> None:
    async with client.get("/") as response:
        assert response.headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self';"
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
    async with client.get("/static/console.css") as response:
        assert response.status == 200
        assert "http" not in await response.text()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "", "localhost.evil.example"])
async def test_a_request_under_another_name_is_not_answered(client: ClientSession, host: str) -> None:
    async with client.get("/", headers={"Host": host}) as response:
        assert response.status == 421
        assert "431200" not in (await response.text()).partition("<main")[2]


@pytest.mark.parametrize("host", ["localhost:7480", "127.0.0.1", "[::1]:7480"])
async def test_this_machines_own_names_are_answered(client: ClientSession, host: str) -> None:
    async with client.get("/", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/quarantine/7", 404),
        ("/case?issuer=431221.platform&no=1", 404),
        ("/case?issuer=x&no=1", 400),
        ("/cases?region=43", 400),
        ("/cases?after=%21%21", 400),
        ("/figures?region=430000", 400),
        ("/figures?from=2020-13", 400),
        ("/figures?group=%27;--", 400),
        ("/figures/cases?region=431221&from=202001&to=202001&counter=late", 400),
        ("/static/../app.py", 404),
    ],
)
async def test_a_mistake_is_answered_in_words_and_with_its_status(
    client: ClientSession, path: str, status: int
) -> None:
    async with client.get(path) as response:
        assert response.status == status
        assert "Traceback" not in await response.text()


async def test_nothing_can_be_posted(client: ClientSession) -> None:
    async with client.post("/", data={"a": "b"}) as response:
        assert response.status == 405


async def test_a_hub_is_healthy_while_records_are_applied(client: ClientSession, ledger: Ledger) -> None:
    async with client.get("/healthz") as response:
        assert (response.status, (await response.json())["is_healthy"]) == (200, True)
    await take_in(ledger, [a_payload(a_case())], now=system_clock() - 120 * 1_000_000)
    async with client.get("/healthz") as response:
        body = await response.json()
    assert (response.status, body["is_healthy"], body["unapplied_records"]) == (503, False, 1)
    assert body["oldest_unapplied_seconds"] >= 120


async def test_measures_count_what_went_through(client: ClientSession, ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await take_in(ledger, [b"\xff"])
    async with client.get("/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = (await response.text()).splitlines()
    assert f'sanji_stream_records_total{{sender="{CITY}",stream="test",outcome="accepted"}} 4' in lines
    assert 'sanji_quarantine_open{reason="UNREADABLE"} 1' in lines
    assert "sanji_unapplied_records 0" in lines


async def test_without_its_database_the_console_says_so() -> None:
    console = _console(Ledger("postgresql://postgres@127.0.0.1:9/none", pool_size=0))
    serving = asyncio.create_task(console.run())
    await asyncio.wait_for(console.is_ready.wait(), 10)
    async with ClientSession(f"http://127.0.0.1:{console.port}") as client:
        async with client.get("/") as response:
            assert response.status == 503
            assert "数据库无响应" in await response.text()
        async with client.get("/healthz") as response:
            assert response.status == 503
            body = json.loads(await response.text())
            assert (body["is_healthy"], body["database"]) == (False, False)
            assert "connection refused" in body["trouble"].lower()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_port_that_is_taken_is_named(ledger: Ledger) -> None:
    first = _console(ledger)
    serving = asyncio.create_task(first.run())
    await asyncio.wait_for(first.is_ready.wait(), 10)
    with pytest.raises(ConsolePortTaken, match=f"127.0.0.1:{first.port}"):
        await _console(ledger, first.port).run()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_an_asset_is_kept_for_a_year_under_its_digest_and_checked_without(client: ClientSession) -> None:
    async with client.get("/") as response:
        address = re.search(r"/static/live\.js\?v=[0-9a-f]{16}", await response.text())
    assert address is not None
    async with client.get(address[0]) as response:
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Content-Encoding"] == "gzip"
        tag = response.headers["ETag"]
    async with client.get("/static/live.js", headers={"If-None-Match": tag}) as response:
        assert (response.status, response.headers["Cache-Control"]) == (304, "public, no-cache")
    async with client.get("/static/plotly.min.js") as response:
        assert len(await response.read()) > 1_000_000
    for name in ("unheard-of.js", "..%2Fapp.py"):
        async with client.get(f"/static/{name}") as response:
            assert response.status == 404


async def test_colours_somebody_chose_hold_in_this_browser(client: ClientSession) -> None:
    async with client.get("/?theme=dark&lang=en") as response:
        assert 'data-theme="dark"' in await response.text()
        assert response.cookies["__Host-sanji-look"].value == "dark"
    async with client.get("/", headers={"Cookie": "__Host-sanji-look=dark"}) as response:
        assert 'data-theme="dark"' in await response.text()
    async with client.get("/?theme=%22onload", headers={"Cookie": "__Host-sanji-look=%22x"}) as response:
        assert 'data-theme="system"' in await response.text()
        assert "__Host-sanji-look" not in response.cookies
