"""Signing off: wherever it happens, every platform is told, and told again while it does not answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientSession, web

from auth.oidc_provider.identity import session_name
from auth.tokens import TokenReader, Trust
from exchange_db import sign_on_logouts
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from hub.demo.staging import free_port
from tests.support.clock import FakeClock
from tests.support.provider import ProvidingHub, a_client, answered, providing_hub

BYE = "http://127.0.0.1:9/bye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Platform:
    """Takes notices, or does not."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.status = 200
        self.port = free_port()

    @property
    def address(self) -> str:
        """Where it takes them."""
        return f"http://127.0.0.1:{self.port}/notices"

    async def take(self, request: web.Request) -> web.Response:
        """Takes one."""
        if self.status == 200:
            form = await request.post()
            self.taken.append({name: str(value) for name, value in form.items()})
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens while the block runs."""
        application = web.Application()
        application.router.add_post("/notices", self.take)
        application.router.add_post("/elsewhere", self.take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()


@pytest.fixture
async def still(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> AsyncIterator[ProvidingHub]:
    """A hub whose clock the test holds."""
    async with providing_hub(ledger, tmp_path, clock=clock) as running:
        yield running


async def _tell(hub: ProvidingHub) -> int:
    async with ClientSession() as http:
        return await hub.teller().tell(http)


async def _waiting(hub: ProvidingHub) -> int:
    async with hub.ledger.read() as session:
        return await sign_on_logouts.waiting_count(session)


async def test_every_platform_of_a_session_is_told_once(still: ProvidingHub, clock: FakeClock) -> None:
    platform = Platform()
    first = await still.register(a_client("first", logout_uri=platform.address))
    second = await still.register(a_client("second", logout_uri=platform.address))
    silent = await still.register(a_client("silent"))
    zhang, li = await still.sign_in("zhang"), await still.sign_in("li")
    for client in (first, first, second, silent):
        await still.tokens(client, zhang.token)
    await still.tokens(first, li.token)
    async with platform.running():
        assert await _tell(still) == 0
        await still.sign_out(zhang.token)
        assert await _tell(still) == 2
        assert await _tell(still) == 0
    keys = (await (await still.get("/oidc/keys")).json())["keys"]
    reader = TokenReader([Trust(still.origin, ["ES256"], keys)])
    told = {}
    for form in platform.taken:
        for client_id in ("first", "second"):
            try:
                claims = reader.read(
                    form["logout_token"], issuer=still.origin, audience=client_id, moment=clock(), types=("logout+jwt",)
                )
            except Exception:  # noqa: BLE001 — it is the other one's
                continue
            told[client_id] = claims
    assert set(told) == {"first", "second"}
    for client_id, claims in told.items():
        assert claims["sub"] == str(zhang.person.person_id)
        assert claims["events"] == {EVENT: {}}
        assert "nonce" not in claims
        assert len(claims["sid"]) == 32
        assert claims["sid"] != session_name(zhang.person.person_id, client_id)
    assert told["first"]["sid"] != told["second"]["sid"]
    assert told["first"]["jti"] != told["second"]["jti"]


@pytest.mark.parametrize("status", [500, 404, 301])
async def test_a_platform_that_does_not_take_it_is_told_again(
    still: ProvidingHub, clock: FakeClock, status: int
) -> None:
    platform = Platform()
    client = await still.register(a_client(logout_uri=platform.address))
    opened = await still.sign_in()
    await still.tokens(client, opened.token)
    await still.sign_out(opened.token)
    # It is down, then it answers wrongly, at last it takes it; pauses grow.
    assert await _tell(still) == 0
    assert await _tell(still) == 0
    async with platform.running():
        platform.status = status
        clock.advance(seconds=2)
        assert await _tell(still) == 0
        assert await _waiting(still) == 1
        platform.status = 200
        assert await _tell(still) == 0
        clock.advance(seconds=4)
        assert await _tell(still) == 1
    assert await _waiting(still) == 0
    assert len(platform.taken) == 1


async def test_after_a_day_nobody_tries_any_more(still: ProvidingHub, clock: FakeClock) -> None:
    platform = Platform()
    client = await still.register(a_client(logout_uri=platform.address))
    opened = await still.sign_in()
    await still.tokens(client, opened.token)
    await still.sign_out(opened.token)
    assert await _tell(still) == 0
    clock.advance(days=1, seconds=1)
    async with platform.running():
        assert await _tell(still) == 0
    assert platform.taken == []


async def test_an_older_platform_is_told_of_its_tickets(still: ProvidingHub) -> None:
    platform = Platform()
    await still.register(
        a_client("old", auth_method="none", secret_digest=None, redirect_uris=[], cas_services=[platform.address])
    )
    opened = await still.sign_in()
    tickets = []
    for is_asked in (True, False):
        response = await still.get("/cas/login?" + urlencode({"service": platform.address}), opened.token)
        ticket = answered(response)["ticket"]
        if is_asked:
            tickets.append(ticket)
            await still.get("/cas/serviceValidate?" + urlencode({"service": platform.address, "ticket": ticket}))
    async with platform.running():
        response = await still.get("/cas/logout", opened.token)
        assert response.headers["Location"] == "/sso/bye"
        assert await _tell(still) == 1
    [form] = platform.taken
    notice = ET.fromstring(form["logoutRequest"])
    assert notice.findtext("{urn:oasis:names:tc:SAML:2.0:protocol}SessionIndex") == tickets[0]


async def _leaving(hub: ProvidingHub) -> Client:
    return await hub.register(a_client(post_logout_uris=[BYE]))


async def test_a_platform_signs_off_whom_it_was_told_of(hub: ProvidingHub) -> None:
    client = await _leaving(hub)
    opened = await hub.sign_in()
    told = await hub.tokens(client, opened.token)
    asked = {"id_token_hint": told["id_token"], "post_logout_redirect_uri": BYE, "state": "s"}
    response = await hub.get("/oidc/logout?" + urlencode(asked), opened.token)
    assert (response.status, response.headers["Location"]) == (303, f"{BYE}?state=s")
    assert "__Host-sanji=" in response.headers["Set-Cookie"]
    response = await hub.authorize({**_silent(client)}, opened.token)
    assert answered(response)["error"] == "login_required"


def _silent(client: Client) -> dict[str, str]:
    return {
        "client_id": client.client_id, "redirect_uri": client.redirect_uris[0], "response_type": "code",
        "scope": "openid", "code_challenge": "x" * 43, "code_challenge_method": "S256", "prompt": "none",
    }  # fmt: skip


async def test_whoever_may_not_be_meant_is_asked_first(hub: ProvidingHub) -> None:
    client = await _leaving(hub)
    zhang, li = await hub.sign_in("zhang"), await hub.sign_in("li")
    hint = (await hub.tokens(client, zhang.token))["id_token"]
    earlier, zhang = zhang, await hub.sign_in("zhang")
    for token, asked in (
        (li.token, {"id_token_hint": hint}),
        (zhang.token, {"id_token_hint": hint}),
        (zhang.token, {}),
        (zhang.token, {"client_id": client.client_id, "post_logout_redirect_uri": BYE}),
    ):
        response = await hub.get("/oidc/logout?" + urlencode(asked), token)
        text = await response.text()
        assert response.status == 200
        assert 'action="/oidc/logout/yes"' in text
        assert "code" in answered(await hub.authorize(_silent(client), token))
    cookie = {"Cookie": f"__Host-sanji={zhang.token}"}
    # A form of another site, or without its token, signs nobody off.
    for form, origin in (({}, hub.origin), ({"form_token": "guess"}, hub.origin)):
        status, _ = await hub.post(
            "/oidc/logout/yes", form, headers={"Cookie": f"__Host-sanji={zhang.token}", "Origin": origin}
        )
        assert status == 403
    token = text.partition('name="form_token" value="')[2].partition('"')[0]
    cookie = {"Cookie": f"__Host-sanji={zhang.token}"}
    form = {"form_token": token, "client_id": client.client_id, "post_logout_redirect_uri": BYE}
    status, _ = await hub.post("/oidc/logout/yes", form, headers=cookie | {"Origin": "https://evil.example"})
    assert status == 403
    headers = cookie | {"Origin": hub.origin}
    async with hub.http.post(
        hub.origin + "/oidc/logout/yes", data=form, headers=headers, allow_redirects=False
    ) as response:
        assert response.headers["Location"] == BYE
    assert answered(await hub.authorize(_silent(client), zhang.token))["error"] == "login_required"
    assert "code" in answered(await hub.authorize(_silent(client), earlier.token))


@pytest.mark.parametrize(
    "address",
    [
        BYE + "/more",
        BYE + "?x=1",
        BYE.upper(),
        BYE.replace("127.0.0.1", "localhost"),
        "//evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1:9/back",
    ],
)
async def test_no_browser_is_sent_elsewhere_after_a_sign_off(hub: ProvidingHub, address: str) -> None:
    client = await _leaving(hub)
    opened = await hub.sign_in()
    hint = (await hub.tokens(client, opened.token))["id_token"]
    for asked in ({"id_token_hint": hint}, {"client_id": client.client_id}, {}):
        response = await hub.get(
            "/oidc/logout?" + urlencode(asked | {"post_logout_redirect_uri": address}), opened.token
        )
        assert response.status == 400
        assert "Location" not in response.headers
    forged = hint[:-6] + "AAAAAA"
    response = await hub.get("/oidc/logout?" + urlencode({"id_token_hint": forged}), opened.token)
    assert response.status == 400
    assert "code" in answered(await hub.authorize(_silent(client), opened.token))
