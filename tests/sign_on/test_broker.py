"""A hub between: a platform asks here who somebody is, and their own platform is asked for it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from exchange_db import audit, sign_on
from exchange_db.session import Ledger
from exchange_db.sign_on_records import OidcUpstream
from hub.console.browser import BROWSER_COOKIE, SESSION_COOKIE
from tests.support.hostile_provider import CLIENT_ID, HostileProvider, hostile_provider
from tests.support.provider import CALLBACK, Pkce, a_client
from tests.support.signed_on import console_of, place_for, register, surfer_for

UPSTREAM = "430000.platform"
BROWSER = secrets.token_urlsafe(32)


class Broker(NamedTuple):
    """A hub that asks a platform above, and a browser of one request at a time."""

    ledger: Ledger
    origin: str
    upstream: HostileProvider
    http: ClientSession
    tls: object

    async def get(self, path: str, cookie: str = "") -> ClientResponse:
        headers = {"Cookie": cookie or f"{BROWSER_COOKIE}={BROWSER}"}
        async with self.http.get(
            self.origin + path,
            headers=headers,
            allow_redirects=False,
            ssl=self.tls,  # type: ignore[arg-type]
        ) as response:
            await response.read()
            return response

    async def sign_on(self, **asked: str) -> ClientResponse:
        """Walks from a platform's request to the answer that brings the browser back from the platform above."""
        request = {
            "client_id": "province-app", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid",
            "state": "st", "code_challenge": Pkce().challenge, "code_challenge_method": "S256", **asked,
        }  # fmt: skip
        page = await self.get("/oidc/authorize?" + urlencode(request))
        wish = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
        sent = await self.get(f"/sso/to/{UPSTREAM}?" + urlencode({"return": wish["return"]}))
        answer = self.upstream.authorize(sent.headers["Location"])
        return await self.get(f"/sso/back/{UPSTREAM}?" + urlencode(answer))

    async def acts(self) -> list[str]:
        async with self.ledger.read() as session:
            return [line.action async for line in audit.lines(session)]


@pytest.fixture
async def broker(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Broker]:
    place = place_for(tmp_path / "console")
    secret = tmp_path / "secret"
    await asyncio.to_thread(secret.write_text, "a secret for tests")
    async with ledger.write() as session:
        assert await sign_on.add(session, a_client())
    async with hostile_provider() as upstream:
        profile = OidcUpstream(
            upstream_id=UPSTREAM, name="省平台", addresses=(upstream.issuer.removeprefix("http://"),),
            issuer=upstream.issuer, client_id=CLIENT_ID, secret=str(secret),
        )  # fmt: skip
        await register(ledger, profile)
        async with (
            console_of(ledger, place),
            surfer_for(place) as surfer,
            ClientSession(cookie_jar=DummyCookieJar()) as http,
        ):
            yield Broker(ledger, place.origin, upstream, http, surfer.tls)


async def test_who_comes_back_goes_on_to_the_platform_that_asked_at_once(broker: Broker) -> None:
    back = await broker.sign_on()
    where = urlsplit(back.headers["Location"])
    assert back.status == 303
    assert f"{where.scheme}://{where.netloc}{where.path}" == CALLBACK
    answer = dict(parse_qsl(where.query))
    assert answer["state"] == "st"
    assert answer["code"]
    assert (await broker.acts())[-2:] == ["person.sign_on", "person.sign-on"]
    held = f"{SESSION_COOKIE}={back.cookies[SESSION_COOKIE].value}"
    assert (await broker.get("/sso/me", held)).status == 200


async def test_who_may_not_go_on_is_signed_on_here_all_the_same(broker: Broker) -> None:
    broker.upstream.claims = lambda claims: claims | {"auth_time": claims["iat"] - 7_200}
    back = await broker.sign_on(max_age="60")
    assert dict(parse_qsl(urlsplit(back.headers["Location"]).query))["error"] == "login_required"
    acts = await broker.acts()
    assert "person.sign_on" in acts
    assert "person.sign-on" not in acts
    held = f"{SESSION_COOKIE}={back.cookies[SESSION_COOKIE].value}"
    assert (await broker.get("/sso/me", held)).status == 200
