"""A hub's console with its provider, in this process, and platforms that are registered there."""

import asyncio
import base64
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from auth.assertion import Assertion
from auth.oidc_provider.clients import secret_digest
from auth.oidc_provider.protocol import aware
from auth.oidc_provider.provider import Provider
from auth.person import Hop
from auth.sessions import Limits, Opened, Sessions, digest_of
from exchange_db import people, sessions, sign_on
from exchange_db.people import LOCAL
from exchange_db.regions import region_of
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from hub.clock import Clock, system_clock
from hub.console.app import Console
from hub.console.browser import SESSION_COOKIE
from hub.demo.staging import free_port
from hub.sections.console import ConsolePart
from hub.settings import HubPart, Settings
from hub.signon.providing import make_provider
from hub.signon.sign_off_notices import SignOffTeller
from hub.statistics.reading import FigureReader
from tests.support.builders import CITY

SECRET = "a+secret/with %signs-and~more"
CALLBACK = "http://127.0.0.1:9/back"
ROLES = ("viewer", "operator", "evaluator")


def a_client(client_id: str = "province-app", **changes: Any) -> Client:
    """Returns the software of the province's platform."""
    values: dict[str, Any] = {
        "client_id": client_id,
        "platform_id": "430000.hub",
        "name": "省级平台",
        "auth_method": "client_secret_basic",
        "region": 430000,
        "secret_digest": secret_digest(SECRET),
        "redirect_uris": [CALLBACK],
        "scopes": ["openid", "profile", "rights"],
        "roles": list(ROLES),
    }
    return Client(**values | changes)


class Pkce:
    """A verifier and its challenge."""

    def __init__(self) -> None:
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class ProvidingHub:
    """A hub that signs people on for platforms, and what a platform's software does with it."""

    def __init__(self, ledger: Ledger, provider: Provider, http: ClientSession, origin: str, clock: Clock) -> None:
        self.ledger = ledger
        self.provider = provider
        self.http = http
        self.origin = origin
        self.clock = clock
        self.region = provider.terms.hub_region
        self._doors = Sessions(self.region, Limits(timedelta(minutes=30), timedelta(hours=10)))

    async def register(self, client: Client) -> Client:
        """Registers a platform's software."""
        async with self.ledger.write() as session:
            assert await sign_on.add(session, client)
        return client

    async def sign_in(
        self, subject: str = "zhang", *, grants: tuple[tuple[str, int], ...] | None = None, seconds_ago: float = 0,
        acr: str = "", hops: tuple[Hop, ...] = (), replaced: str = "",
    ) -> Opened:  # fmt: skip
        """Opens a session of somebody who is admitted here."""
        now = aware(self.clock())
        said = Assertion(
            upstream_id=LOCAL, subject=subject, name="张三", unit="指挥中心", region=self.region,
            auth_time=now - timedelta(seconds=seconds_ago), acr=acr, hops=hops,
        )  # fmt: skip
        async with self.ledger.write() as session:
            opened = await self._doors.open(session, said, now, replaced=replaced)
            await people.set_state(session, opened.person.person_id, "admitted")
            for role, region in (("viewer", self.region),) if grants is None else grants:
                await people.grant(session, opened.person.person_id, role, region, granted_by="test", now=now)
        return opened

    async def sign_out(self, token: str) -> None:
        """Ends a session as its owner does."""
        async with self.ledger.write() as session:
            await sessions.end(session, digest_of(token))

    def teller(self) -> SignOffTeller:
        """Returns what tells platforms of sign-offs."""
        return SignOffTeller(self.provider.logout, self.clock, ssl.create_default_context(), look_seconds=0.1)

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[SignOffTeller]:
        """Tells platforms of sign-offs while the block runs."""
        teller = self.teller()
        running = asyncio.create_task(teller.run())
        try:
            yield teller
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def asking(self, client: Client, pkce: Pkce, **changes: str | None) -> dict[str, str]:
        """Returns the parameters of a rightful request; ``None`` leaves one out."""
        asked: dict[str, str | None] = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid profile rights",
            "state": "st",
            "nonce": "no",
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | changes).items() if value is not None}

    async def get(self, path: str, token: str = "", **headers: str) -> ClientResponse:
        """Asks as the browser that holds a session does."""
        held = {"Cookie": f"{SESSION_COOKIE}={token}"} if token else {}
        address = path if path.startswith("http") else self.origin + path
        response = await self.http.get(address, headers=held | headers, allow_redirects=False)
        await response.read()
        return response

    async def authorize(self, asked: Mapping[str, str], token: str = "") -> ClientResponse:
        """Sends the browser with a platform's request."""
        return await self.get("/oidc/authorize?" + urlencode(asked), token)

    async def code(self, client: Client, token: str, pkce: Pkce, **changes: str | None) -> str:
        """Returns a code for somebody who is signed on."""
        response = await self.authorize(self.asking(client, pkce, **changes), token)
        assert response.status == 303, await response.text()
        found = answered(response)
        assert found["iss"] == self.origin
        return found["code"]

    async def post(
        self, path: str, form: Mapping[str, str], client: Client | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Posts a form as a platform's software does; returns status and answer."""
        headers = dict(headers or {}) | (basic(client.client_id) if client is not None else {})
        async with self.http.post(self.origin + path, data=dict(form), headers=headers) as response:
            text = await response.text()
            return response.status, await response.json() if response.content_type == "application/json" else text

    async def redeem(self, client: Client, code: str, pkce: Pkce, **changes: str) -> tuple[int, dict[str, Any]]:
        """Presents a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uris[0],
            "code_verifier": pkce.verifier,
        }
        status, told = await self.post("/oidc/token", form | changes, client)
        return status, told

    async def tokens(self, client: Client, token: str) -> dict[str, Any]:
        """Returns the tokens of a whole sign-on."""
        pkce = Pkce()
        status, told = await self.redeem(client, await self.code(client, token, pkce), pkce)
        assert status == 200, told
        return told


def basic(client_id: str, secret: str = SECRET) -> dict[str, str]:
    """Returns the header of a client that proves itself by its secret, form-encoded as it has to be."""
    pair = urlencode({"": client_id})[1:] + ":" + urlencode({"": secret})[1:]
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def answered(response: ClientResponse) -> dict[str, str]:
    """Returns what a browser brings to the platform."""
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


@asynccontextmanager
async def providing_hub(
    ledger: Ledger, folder: Path, *, hub_id: str = CITY, clock: Clock = system_clock, port: int = 0
) -> AsyncIterator[ProvidingHub]:
    """Serves the console of a hub with its provider."""
    port = port or free_port()
    origin = f"http://127.0.0.1:{port}"
    part = ConsolePart(port=port, origin=origin, wrapping_key=folder / "wrapping.key")
    settings = Settings(hub=HubPart(id=hub_id, name="枢纽"), console=part)
    assert region_of(hub_id) == settings.hub.region
    provider = make_provider(settings, ledger)
    assert provider is not None
    console = Console(ledger, settings, FigureReader(ledger, settings), clock, provider=provider)
    serving = asyncio.create_task(console.run())
    ready = asyncio.create_task(console.is_ready.wait())
    await asyncio.wait({serving, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert console.is_ready.is_set()
    try:
        async with ClientSession(cookie_jar=DummyCookieJar()) as http:
            yield ProvidingHub(ledger, provider, http, origin, clock)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
