"""Signing people on: how many silent sign-ons a second a hub gives, and what a broker between costs.

A silent sign-on is a code and its tokens, durable, with its audit entry, for somebody who has a session; the limit is
the same number of requests to the same process for a page that is the same for all. Brokered, the province's hub asks
the city's who somebody is, and signs them on for a platform; the limit is the city's hub alone, in the same run.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector

from auth.assertion import Assertion
from auth.oidc_provider.clients import new_secret, secret_digest
from auth.sessions import Limits, Sessions
from bench.staged import stage
from exchange_db import people, sign_on, upstreams
from exchange_db.people import LOCAL
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_records import OidcUpstream
from hub.console.browser import SESSION_COOKIE
from hub.demo.staging import Stage, StagedHub

_CITY, _PROVINCE, _CALLBACK = "431200.hub", "430000.hub", "http://127.0.0.1:9/back"
_AT_ONCE, _SECONDS, _ROUNDS, _BROKERED = 8, 3.0, 3, 40
_MUST_SIGN_ON, _MOST_TIMES = 500, 3.0


class _Site(NamedTuple):
    """A hub that provides: where, and how its client proves itself there."""

    hub: StagedHub
    origin: str
    secret: str


class _Browser:
    """Holds cookies by origin and follows nothing by itself."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http
        self.cookies: dict[str, dict[str, str]] = {}

    async def get(self, url: str) -> ClientResponse:
        origin = "/".join(url.split("/")[:3])
        held = self.cookies.setdefault(origin, {})
        text = "; ".join(f"{name}={value}" for name, value in held.items())
        async with self._http.get(url, headers={"Cookie": text} if text else {}, allow_redirects=False) as response:
            await response.read()
        held.update({name: morsel.value for name, morsel in response.cookies.items()})
        return response

    async def follow(self, url: str) -> str:
        """Follows until it would reach the platform; chooses the only upstream on a sign-in page."""
        while not url.startswith(_CALLBACK):
            parts = urlsplit(url)
            if parts.path == "/sso":
                url = f"{parts.scheme}://{parts.netloc}/sso/to/{_CITY}?{parts.query}"
            response = await self.get(url)
            if "Location" not in response.headers:
                raise RuntimeError(f"{response.status} at {url}: {(await response.text())[-400:]}")
            url = urljoin(url, response.headers["Location"])
        return parse_qs(urlsplit(url).query)["code"][0]


async def measure() -> list[dict[str, Any]]:
    """Measures both."""
    async with (
        stage() as staged,
        ClientSession(cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=_AT_ONCE)) as http,
    ):
        city = await _site(staged, _CITY, "怀化")
        browser = _Browser(http)
        browser.cookies[city.origin] = {SESSION_COOKIE: await _signed_in(city.hub)}
        rates, pages = [], []
        for _ in range(_ROUNDS):
            pages.append(await _rate(lambda: _pages(http, city)))
            rates.append(await _rate(lambda: _sign_on(http, browser, city)))
        province = await _site(staged, _PROVINCE, "湖南", city)
        alone, brokered = [], []
        for _ in range(_BROKERED):
            alone.append(await _timed(_sign_on(http, browser, city)))
            browser.cookies.pop(province.origin, None)
            brokered.append(await _timed(_sign_on(http, browser, province)))
        city.hub.stop()
        province.hub.stop()
    times = median(brokered[5:]) / median(alone[5:])
    return [
        {
            "what": "silent sign-ons, durable, with audit entry, one process",
            "sign_ons_per_second": round(median(rates)),
            "pairs_of_pages_per_second": round(median(pages)),
            "ratio": round(median(rates) / median(pages), 3),
            "must_reach": f"{_MUST_SIGN_ON} a second",
            "is_reached": median(rates) >= _MUST_SIGN_ON,
        },
        {
            "what": "sign-on at the province through the city's hub, against the city's alone, p50",
            "brokered_ms": round(median(brokered[5:]) * 1_000, 1),
            "alone_ms": round(median(alone[5:]) * 1_000, 1),
            "times": round(times, 2),
            "must_reach": f"at most {_MOST_TIMES} times",
            "is_reached": times <= _MOST_TIMES,
        },
    ]


async def _site(staged: Stage, hub_id: str, name: str, upstream: _Site | None = None) -> _Site:
    """Starts a hub that provides; with an upstream it is a broker of that one."""
    limits = "[limits]\nperson_calls_per_minute = 1000000\naddress_calls_per_minute = 1000000\n"
    hub = await staged.add_hub(hub_id, name, limits)
    port = hub.settings.console.port
    origin = f"http://127.0.0.1:{port}"
    text = hub.settings_file.read_text(encoding="utf-8").replace("open_on_loopback = true", f'origin = "{origin}"')
    hub.settings_file.write_text(text, encoding="utf-8")
    secret, digest = new_secret()
    roles = ("viewer",)
    async with Ledger(hub.url, pool_size=0) as ledger, ledger.write() as session:
        await sign_on.add(session, Client("app", "430000.app", "app", "client_secret_post", 430000, digest,
                                          redirect_uris=[_CALLBACK], roles=roles))  # fmt: skip
        if upstream is not None:
            file = hub.folder / "secret"
            await asyncio.to_thread(_write_secret, file, upstream.secret)
            profile = OidcUpstream(
                upstream_id=_CITY, name="怀化", roles=roles, addresses=(urlsplit(upstream.origin).netloc,),
                issuer=upstream.origin, client_id="broker", secret=str(file), scope="openid profile rights",
                region_claim="region", hops_claim="hops",
            )  # fmt: skip
            await upstreams.keep(session, profile, datetime.now(UTC))
    if upstream is not None:
        await _register_broker(upstream, origin)
    hub.start("console")
    await _answering(origin)
    return _Site(hub, origin, secret)


async def _register_broker(upstream: _Site, origin: str) -> None:
    async with Ledger(upstream.hub.url, pool_size=0) as ledger, ledger.write() as session:
        await sign_on.add(
            session,
            Client(
                "broker", _PROVINCE, "broker", "client_secret_basic", 430000, secret_digest(upstream.secret),
                redirect_uris=[f"{origin}/sso/back/{_CITY}"], scopes=("openid", "profile", "rights"), roles=("viewer",),
            ),
        )  # fmt: skip


async def _signed_in(hub: StagedHub) -> str:
    """Returns the session of somebody who is admitted."""
    settings, now = hub.settings, datetime.now(UTC)
    doors = Sessions(settings.hub.region, Limits(timedelta(minutes=30), timedelta(hours=10)))
    said = Assertion(upstream_id=LOCAL, subject="zhang", name="张三", region=settings.hub.region, auth_time=now)
    async with Ledger(hub.url, pool_size=0) as ledger, ledger.write() as session:
        opened = await doors.open(session, said, now)
        await people.set_state(session, opened.person.person_id, "admitted")
        await people.grant(session, opened.person.person_id, "viewer", settings.hub.region, granted_by="bench", now=now)
    return opened.token


async def _sign_on(http: ClientSession, browser: _Browser, site: _Site) -> None:
    """Has the browser signed on for the platform, whose software fetches the tokens."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "app", "redirect_uri": _CALLBACK, "response_type": "code", "scope": "openid profile rights",
        "state": "s", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    code = await browser.follow(f"{site.origin}/oidc/authorize?{urlencode(asked)}")
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": _CALLBACK, "code_verifier": verifier,
        "client_id": "app", "client_secret": site.secret,
    }  # fmt: skip
    async with http.post(f"{site.origin}/oidc/token", data=form) as response:
        if response.status != 200:
            raise RuntimeError(await response.text())
        await response.read()


async def _pages(http: ClientSession, site: _Site) -> None:
    for _ in range(2):
        async with http.get(f"{site.origin}/.well-known/openid-configuration") as response:
            await response.read()


async def _rate(act: Callable[[], Awaitable[None]]) -> float:
    """Acts for some seconds, eight at once; returns how often a second."""
    end, count = time.perf_counter() + _SECONDS, 0

    async def repeat() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await act()
            count += 1

    begun = time.perf_counter()
    await asyncio.gather(*(repeat() for _ in range(_AT_ONCE)))
    return count / (time.perf_counter() - begun)


async def _timed(act: Awaitable[None]) -> float:
    begun = time.perf_counter()
    await act
    return time.perf_counter() - begun


async def _answering(origin: str) -> None:
    async with ClientSession() as http:
        for _ in range(600):
            try:
                async with http.get(f"{origin}/oidc/keys") as response:
                    if response.status == 200:
                        return
            except OSError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"{origin} does not answer")


def _write_secret(file: Path, secret: str) -> None:
    file.touch(0o600)
    file.write_text(secret, encoding="utf-8")
