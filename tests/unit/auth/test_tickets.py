"""The ticket in the address: asked back about with a signed call, as the platform's profile says."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from auth.assertion import Assertion, SignOnRefused
from auth.egress import Egress
from auth.tickets import TicketClient, signature_of
from auth.upstream_client import Asked
from connectors.sign_on import read_sign_on
from exchange_db.sign_on_records import TicketUpstream
from tests.support.clock import NOON, FakeClock

SECRET = b"a secret of some length"
ASKED = Asked("https://hub.example/sso/back/430000.portal", "s" * 43, "n", "v")
NOW = datetime.fromtimestamp(NOON / 1_000_000, UTC)


class Portal:
    """A portal that checks the signature and gives each ticket out once."""

    def __init__(self) -> None:
        self.tickets = {"T-1": {"userId": "u1", "userName": "赵", "orgName": "省厅", "areaCode": "430100"}}
        self.used_nonces: set[str] = set()
        self.answer: dict[str, Any] | None = None
        self.status = 200

    async def exchange(self, request: web.Request) -> web.Response:
        asked = await request.json()
        text = "\n".join(asked[name] for name in ("appId", "ticket", "timestamp", "nonce"))
        is_signed = hmac.compare_digest(asked["sign"], signature_of("hmac-sm3", SECRET, text))
        is_fresh = asked["nonce"] not in self.used_nonces and int(asked["timestamp"]) == NOON // 1_000_000
        self.used_nonces.add(asked["nonce"])
        user = self.tickets.pop(asked["ticket"], None) if is_signed and is_fresh else None
        told = {"code": 0, "data": user} if user else {"code": 1, "message": "no"}
        return web.json_response(told if self.answer is None else self.answer, status=self.status)


@asynccontextmanager
async def _portal(folder: Path, **changed: str) -> AsyncIterator[tuple[Portal, TicketClient]]:
    portal, application = Portal(), web.Application()
    application.router.add_post("/exchange", portal.exchange)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    (folder / "secret").write_bytes(SECRET + b"\n")
    lines = {
        "leaf": "province/unified_portal", "upstream_id": "430000.portal", "name": "省统一身份认证", "app": "hub",
        "enter": f"http://{address}/login?back={{callback}}", "exchange": f"http://{address}/exchange",
        "leave": f"http://{address}/logout?back={{callback}}", "secret": "secret", **changed,
    }  # fmt: skip
    text = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    (folder / "portal.toml").write_text(f'addresses = ["{address}"]\n{text}', encoding="utf-8")
    profile = read_sign_on(folder / "portal.toml")
    assert isinstance(profile, TicketUpstream)
    client = TicketClient(profile, Egress(profile.addresses), FakeClock())
    try:
        yield portal, client
    finally:
        await client.close()
        await runner.cleanup()


async def _finished(client: TicketClient, ticket: str = "T-1", asked: Asked = ASKED) -> Assertion:
    return await client.finish(asked, {"ticket": ticket}, NOW)


async def test_a_ticket_tells_who_it_is_for_once(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (_, client):
        found = await _finished(client)
        assert (found.subject, found.name, found.unit, found.region) == ("u1", "赵", "省厅", 430100)
        with pytest.raises(SignOnRefused, match="upstream_refused"):
            await _finished(client)


async def test_of_many_at_once_one_gets_the_ticket(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (_, client):
        done = await asyncio.gather(*(_finished(client) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(one, Assertion) for one in done) == 1


async def test_the_browser_is_sent_with_the_way_back(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (_, client):
        where = await client.begin(ASKED)
        assert parse_qs(urlsplit(where).query) == {"back": [f"{ASKED.callback}?state={ASKED.state}"]}
        left = await client.leave("", "https://hub.example/sso/bye")
    assert left is not None
    assert parse_qs(urlsplit(left).query) == {"back": ["https://hub.example/sso/bye"]}


@pytest.mark.parametrize("ticket", ["", "x" * 513, "T 1", "T-1\n", "T-1&x", "票", '"', "{nonce}"])
async def test_what_is_no_ticket_is_not_asked_about(tmp_path: Path, ticket: str) -> None:
    async with _portal(tmp_path) as (portal, client):
        with pytest.raises(SignOnRefused):
            await _finished(client, ticket)
        assert portal.used_nonces == set()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": 1, "data": {"userId": "u1"}},
        {"data": {"userId": "u1"}},
        {"code": 0},
        {"code": 0, "data": []},
        {"code": 0, "data": {"userId": None}},
        {"code": 0, "data": {"userId": ""}},
        {"code": 0, "data": {"userId": True}},
        {"code": 0, "data": {"userId": ["u1"]}},
        {"code": 0, "data": {"userId": " u1"}},
        {"code": [0], "data": {"userId": "u1"}},
    ],
)
async def test_an_answer_without_a_name_is_refused(tmp_path: Path, answer: dict[str, Any]) -> None:
    async with _portal(tmp_path) as (portal, client):
        portal.answer = answer
        with pytest.raises(SignOnRefused):
            await _finished(client)
        portal.answer = {"code": 0, "data": {"userId": 7}}
        assert (await _finished(client)).subject == "7"


async def test_an_answer_with_another_status_is_refused(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (portal, client):
        portal.status = 500
        with pytest.raises(SignOnRefused, match="upstream_failed"):
            await _finished(client)


async def test_a_region_beyond_the_platforms_is_not_believed(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (portal, client):
        portal.answer = {"code": "0", "data": {"userId": "u1", "areaCode": "440000"}}
        assert (await _finished(client)).region == 430000


async def test_a_level_that_is_asked_for_must_be_told(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (portal, client):
        portal.answer = {"code": 0, "data": {"userId": "u1", "authLevel": "2"}}
        with pytest.raises(SignOnRefused, match="sign_on_too_weak"):
            await _finished(client, asked=ASKED._replace(acr="3"))
        assert (await _finished(client, asked=ASKED._replace(acr="2 3"))).acr == "2"


async def test_what_tickets_cannot_do_is_refused_and_not_ignored(tmp_path: Path) -> None:
    async with _portal(tmp_path) as (_, client):
        for asked in (ASKED._replace(max_age=0), ASKED._replace(prompt="none")):
            with pytest.raises(SignOnRefused):
                await client.begin(asked)


def test_both_signatures_are_the_known_ones() -> None:
    expected = hmac.new(SECRET, b"text", hashlib.sha256).hexdigest()
    assert signature_of("hmac-sha256", SECRET, "text") == expected
    if "sm3" in hashlib.algorithms_available:
        assert signature_of("hmac-sm3", SECRET, "text") == hmac.new(SECRET, b"text", "sm3").hexdigest()
    assert len(signature_of("hmac-sm3", SECRET, "text")) == 64
