"""Signing on at a real OpenID provider by others: in, let in, off from either side, and what is told to it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from joserfc.jwk import ECKey

from auth.person import Role
from exchange_db import audit, people
from exchange_db.audit import Search
from exchange_db.session import Ledger
from exchange_db.sign_on_records import OidcUpstream
from tests.support.sign_on_peers import Surfer, openid_provider, sign_on_at_provider
from tests.support.signed_on import Place, console_of, let_in, place_for, register, surfer_for, until_none

PROVINCE = "430000.platform"
HUB_REGION = 431200
USERS = {
    "li": {"name": "李督查", "org": "省厅督查处", "region": "430000"},
    "wang": {"name": "王五", "region": "510000"},
}


class Scene(NamedTuple):
    """A console and the provider of a province's platform beside it."""

    ledger: Ledger
    place: Place
    surfer: Surfer
    issuer: str

    def url(self, path: str) -> str:
        return self.place.origin + path


@pytest.fixture
async def scene(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Scene]:
    place = place_for(tmp_path / "console")
    key = ECKey.generate_key("P-256", {"kid": "hub-1", "use": "sig", "alg": "ES256"})
    (tmp_path / "client.key").write_bytes(key.as_pem(private=True))
    client = {
        "client_id": "431200.hub",
        "redirect_uris": [f"{place.origin}/sso/back/{PROVINCE}"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [key.as_dict(private=False)]},
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "id_token_signed_response_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "post_logout_redirect_uris": [f"{place.origin}/sso/bye"],
        "backchannel_logout_uri": f"{place.origin}/sso/backchannel/{PROVINCE}",
        "backchannel_logout_session_required": True,
    }
    async with (
        openid_provider(tmp_path, clients=[client], users=USERS, authority=str(place.authority)) as issuer,
        console_of(ledger, place),
        surfer_for(place) as surfer,
    ):
        profile = OidcUpstream(
            upstream_id=PROVINCE,
            name="湖南省平台",
            roles=("viewer", "auditor"),
            addresses=(issuer.removeprefix("http://"),),
            issuer=issuer,
            client_id="431200.hub",
            key=str(tmp_path / "client.key"),
            key_id="hub-1",
            scope="openid profile",
            unit_claim="org",
            region_claim="region",
            requires_par=True,
        )
        await register(ledger, profile)
        yield Scene(ledger, place, surfer, issuer)


async def _sign_on(scene: Scene, login: str, path: str = "/figures") -> tuple[int, str]:
    page = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}?return={path}"))
    if str(page.url).startswith(scene.issuer):
        page = await sign_on_at_provider(scene.surfer, page, login)
    return page.status, await page.text()


async def test_who_comes_first_waits_and_who_is_let_in_sees_what_was_granted(scene: Scene) -> None:
    status, text = await _sign_on(scene, "li")
    assert (status, "尚未获得授权" in text, "李督查" in text) == (403, True, True)
    person = await let_in(scene.ledger, HUB_REGION, PROVINCE, "li", (Role.VIEWER, HUB_REGION))
    assert (person.name, person.unit, person.region, person.state) == ("李督查", "省厅督查处", 430000, "waiting")
    page = await scene.surfer.get(scene.url("/figures"))
    assert page.status == 200
    assert (await scene.surfer.get(scene.url("/people"))).status == 403
    me = await (await scene.surfer.get(scene.url("/sso/me"))).text()
    assert "430000.platform" in me
    assert "查看员 · 431200" in me


async def test_a_region_that_is_not_the_platforms_to_tell_is_not_believed(scene: Scene) -> None:
    await _sign_on(scene, "wang")
    async with scene.ledger.read() as session:
        person = await people.of_identity(session, PROVINCE, "wang")
    assert person is not None
    assert (person.name, person.region) == ("王五", 430000)


async def test_the_request_is_pushed_and_nothing_of_it_is_in_the_address(scene: Scene) -> None:
    async with scene.surfer.session.get(
        scene.url(f"/sso/to/{PROVINCE}"), allow_redirects=False, ssl=scene.surfer.tls or True
    ) as response:
        where = response.headers["Location"]
    assert where.startswith(f"{scene.issuer}/auth?client_id=431200.hub&request_uri=urn")
    assert "state" not in where


async def test_signing_off_here_signs_off_there_too(scene: Scene) -> None:
    await _sign_on(scene, "li")
    await let_in(scene.ledger, HUB_REGION, PROVINCE, "li", (Role.VIEWER, HUB_REGION))
    page = await scene.surfer.get(scene.url("/figures"))
    moving = await scene.surfer.submit(page, {})
    text = await moving.text()
    where = text.split('content="0;url=')[1].split('"')[0].replace("&amp;", "&")
    assert where.startswith(f"{scene.issuer}/session/end?")
    asked = await scene.surfer.get(where)
    done = await scene.surfer.submit(asked, {"logout": "yes"})
    assert str(done.url).startswith(scene.url("/sso/bye"))
    assert "已退出登录" in await done.text()
    again = await scene.surfer.get(scene.url("/figures"))
    assert again.url.path == "/sso"
    asked_again = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}"))
    assert 'name="login"' in await asked_again.text()


async def test_signing_off_there_ends_the_session_here_within_a_second(scene: Scene) -> None:
    await _sign_on(scene, "li")
    person = await let_in(scene.ledger, HUB_REGION, PROVINCE, "li", (Role.VIEWER, HUB_REGION))
    assert (await scene.surfer.get(scene.url("/figures"))).url.path == "/figures"
    asked = await scene.surfer.get(f"{scene.issuer}/session/end")
    await scene.surfer.submit(asked, {"logout": "yes"})
    await until_none(scene.ledger, person)
    assert (await scene.surfer.get(scene.url("/figures"))).url.path == "/sso"
    async with scene.ledger.read() as session:
        [line] = await audit.search(session, Search(action="session.end"), limit=5)
    assert json.loads(line.content)["actor"] == f"peer:{PROVINCE}"


async def test_a_sign_on_without_a_word_works_only_while_there_is_a_session_there(scene: Scene) -> None:
    page = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}?prompt=none"))
    assert (page.status, "未确认您的身份" in await page.text()) == (403, True)
    await _sign_on(scene, "li")
    seen = len(scene.surfer.seen)
    page = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}?prompt=none&return=/sso/me"))
    assert page.status == 200
    assert len(scene.surfer.seen) - seen == 4


async def test_a_fresh_or_stronger_sign_on_is_asked_for_and_checked(scene: Scene) -> None:
    await _sign_on(scene, "li")
    page = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}?max_age=0&return=/sso/me"))
    assert str(page.url).startswith(scene.issuer), "a fresh sign-on is asked for"
    page = await sign_on_at_provider(scene.surfer, page, "li")
    assert page.status == 200
    page = await scene.surfer.get(scene.url(f"/sso/to/{PROVINCE}?acr=urn:test:two"))
    assert (page.status, "登录强度不足" in await page.text()) == (403, True)
