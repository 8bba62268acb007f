"""Signing on at a real CAS server by others: tickets, attributes, and leaving from either side."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse

from auth.person import Role
from exchange_db import people
from exchange_db.session import Ledger
from exchange_db.sign_on_records import CasUpstream
from tests.support.sign_on_peers import Surfer, cas_server
from tests.support.signed_on import (
    Place,
    console_of,
    count_sessions,
    let_in,
    place_for,
    register,
    surfer_for,
    until_none,
)

COUNTY = "431221.platform"
ATTRIBUTES = {"name": "张三", "org": ["中方县城管局", "指挥中心"], "region": "431221"}


class Scene(NamedTuple):
    """A console and the CAS server of a county beside it."""

    ledger: Ledger
    place: Place
    surfer: Surfer
    base: str

    def url(self, path: str) -> str:
        return self.place.origin + path


@pytest.fixture
async def scene(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Scene]:
    place = place_for(tmp_path / "console")
    service = f"{place.origin}/sso/back/{COUNTY}"
    async with (
        cas_server(
            tmp_path, [service], user="zhang", password="pw", attributes=ATTRIBUTES, authority=str(place.authority)
        ) as base,
        console_of(ledger, place),
        surfer_for(place) as surfer,
    ):
        await register(ledger, county(base))
        yield Scene(ledger, place, surfer, base)


def county(base: str, *, logout_addresses: tuple[str, ...] = ("127.0.0.1",)) -> CasUpstream:
    """A county's platform at that address."""
    return CasUpstream(
        upstream_id=COUNTY,
        name="中方县平台",
        roles=("viewer", "operator"),
        addresses=(urlsplit(base).netloc,),
        base=base,
        unit_claim="org",
        region_claim="region",
        logout_addresses=logout_addresses,
    )


async def _sign_on(scene: Scene, path: str = "/figures") -> ClientResponse:
    page = await scene.surfer.get(scene.url(f"/sso/to/{COUNTY}?return={path}"))
    if 'name="password"' in await page.text():
        page = await scene.surfer.submit(page, {"username": "zhang", "password": "pw"})
    return page


def _ticket(scene: Scene) -> str:
    back = next(url for url in reversed(scene.surfer.seen) if "ticket=" in url)
    return parse_qs(urlsplit(back).query)["ticket"][0]


async def test_a_county_user_signs_on_and_sees_only_what_was_granted(scene: Scene) -> None:
    page = await _sign_on(scene)
    assert (page.status, "尚未获得授权" in await page.text()) == (403, True)
    person = await let_in(scene.ledger, 431200, COUNTY, "zhang", (Role.VIEWER, 431221))
    assert (person.name, person.unit, person.region) == ("张三", "中方县城管局", 431221)
    page = await scene.surfer.get(scene.url("/figures"))
    assert (page.status, 'value="431221"' in await page.text()) == (200, True)
    assert (await scene.surfer.get(scene.url("/figures?region=431200"))).status == 400
    assert (await scene.surfer.get(scene.url("/people"))).status == 403


async def test_a_second_sign_on_is_silent_and_a_fresh_one_asks_again(scene: Scene) -> None:
    await _sign_on(scene)
    page = await scene.surfer.get(scene.url(f"/sso/to/{COUNTY}?return=/sso/me"))
    assert page.status == 200
    page = await scene.surfer.get(scene.url(f"/sso/to/{COUNTY}?max_age=0&return=/sso/me"))
    assert 'name="password"' in await page.text()
    page = await scene.surfer.submit(page, {"username": "zhang", "password": "pw"})
    assert page.url.path == "/sso/me"


async def test_without_a_session_there_a_silent_sign_on_comes_back_empty(scene: Scene) -> None:
    page = await scene.surfer.get(scene.url(f"/sso/to/{COUNTY}?prompt=none"))
    assert (page.status, "未确认您的身份" in await page.text()) == (403, True)


async def test_a_ticket_is_good_once(scene: Scene) -> None:
    await _sign_on(scene)
    back = next(url for url in reversed(scene.surfer.seen) if "ticket=" in url)
    used = await scene.surfer.get(back)
    assert (used.status, "不是在此浏览器中开始" in await used.text()) == (403, True)
    where = (
        await scene.surfer.session.get(
            scene.url(f"/sso/to/{COUNTY}"), allow_redirects=False, ssl=scene.surfer.tls or True
        )
    ).headers["Location"]
    state = parse_qs(urlsplit(parse_qs(urlsplit(where).query)["service"][0]).query)["state"][0]
    stolen = await scene.surfer.get(scene.url(f"/sso/back/{COUNTY}?state={state}&ticket={_ticket(scene)}"))
    assert (stolen.status, "未确认您的身份" in await stolen.text()) == (403, True)


async def test_leaving_there_ends_the_session_here(scene: Scene) -> None:
    await _sign_on(scene)
    person = await let_in(scene.ledger, 431200, COUNTY, "zhang", (Role.VIEWER, 431221))
    assert (await scene.surfer.get(scene.url("/figures"))).url.path == "/figures"
    await scene.surfer.get(f"{scene.base}/logout")
    await until_none(scene.ledger, person)
    assert (await scene.surfer.get(scene.url("/figures"))).url.path == "/sso"


async def test_leaving_here_leaves_there_too(scene: Scene) -> None:
    await _sign_on(scene)
    await let_in(scene.ledger, 431200, COUNTY, "zhang", (Role.VIEWER, 431221))
    moving = await scene.surfer.submit(await scene.surfer.get(scene.url("/figures")), {})
    found = re.search(r'content="0;url=([^"]+)"', await moving.text())
    assert found is not None
    where = found[1].replace("&amp;", "&")
    assert where.startswith(f"{scene.base}/logout?")
    await scene.surfer.get(where)
    page = await scene.surfer.get(scene.url(f"/sso/to/{COUNTY}"))
    assert 'name="password"' in await page.text()


async def test_a_forged_logout_ends_nothing(scene: Scene) -> None:
    await _sign_on(scene)
    ticket = _ticket(scene)
    assert await _posted_logout(scene, "ST-another") == 200, "nobody learns which tickets we hold"
    assert await _posted_logout(scene, "") == 400
    assert await _session_count(scene, "zhang") == 1
    await register(scene.ledger, county(scene.base, logout_addresses=("10.0.0.7",)))
    assert await _posted_logout(scene, ticket) == 400
    assert await _session_count(scene, "zhang") == 1
    await register(scene.ledger, county(scene.base))
    assert await _posted_logout(scene, ticket) == 200
    assert await _session_count(scene, "zhang") == 0


async def _posted_logout(scene: Scene, ticket: str) -> int:
    request = (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">'
        f"<samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
    async with scene.surfer.session.post(
        scene.url(f"/sso/back/{COUNTY}"), data={"logoutRequest": request}, ssl=scene.surfer.tls or True
    ) as response:
        return response.status


async def _session_count(scene: Scene, subject: str) -> int:
    async with scene.ledger.read() as session:
        person = await people.of_identity(session, COUNTY, subject)
        return 0 if person is None else await count_sessions(session, person.person_id)
