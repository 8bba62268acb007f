"""The provider, as its own driver sees it: what is rightful works, and says no more than it should."""

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from auth.oidc_provider.metadata import discovery
from auth.tokens import TokenReader, Trust
from exchange_db import audit
from exchange_db.sign_on import Client
from tests.support.provider import Pkce, ProvidingHub, a_client, answered


async def test_somebody_is_signed_on_for_a_platform(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in(grants=(("operator", 431200), ("auditor", 431200)), seconds_ago=90, acr="otp")
    told = await hub.tokens(client, opened.token)
    assert told["token_type"] == "Bearer"
    keys = await (await hub.get("/oidc/keys")).json()
    reader = TokenReader([Trust(hub.origin, ["ES256"], keys["keys"])])
    claims = reader.read(told["id_token"], issuer=hub.origin, audience="province-app", moment=hub.clock())
    assert claims["sub"] == str(opened.person.person_id)
    assert (claims["name"], claims["unit"], claims["region"], claims["acr"]) == ("张三", "指挥中心", "431200", "otp")
    assert claims["nonce"] == "no"
    assert claims["platform"] == "431200.hub"
    assert 88 <= claims["iat"] - claims["auth_time"] <= 95
    # The platform is not registered for auditors.
    assert claims["grants"] == [{"role": "operator", "region": "431200"}]
    response = await hub.get("/oidc/userinfo", Authorization=f"Bearer {told['access_token']}")
    assert response.status == 200
    information = await response.json()
    assert {name: claims[name] for name in information} == information
    assert "grants" in information


async def test_only_what_was_asked_for_is_told(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    status, told = await hub.redeem(client, await hub.code(client, opened.token, pkce, scope="openid email"), pkce)
    assert status == 200
    assert told["scope"] == "openid"
    response = await hub.get("/oidc/userinfo", Authorization=f"Bearer {told['access_token']}")
    assert set(await response.json()) == {"sub", "auth_time"}


async def test_a_platform_below_gets_an_inspector_who_only_looks(hub: ProvidingHub) -> None:
    county = await hub.register(a_client("county-app", platform_id="431221.platform", region=431221))
    opened = await hub.sign_in(grants=(("operator", 431200), ("viewer", 431222)))
    told = await hub.tokens(county, opened.token)
    response = await hub.get("/oidc/userinfo", Authorization=f"Bearer {told['access_token']}")
    assert (await response.json())["grants"] == [{"role": "viewer", "region": "431221"}]


async def test_what_is_offered_is_said(hub: ProvidingHub) -> None:
    response = await hub.get("/.well-known/openid-configuration")
    told = await response.json()
    assert told == discovery(hub.origin)
    assert {"ES256", "RS256"} <= set(told["id_token_signing_alg_values_supported"])
    assert told["code_challenge_methods_supported"] == ["S256"]
    keys = (await (await hub.get("/oidc/keys")).json())["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256"}
    assert not any({"d", "p", "q"} & set(key) for key in keys)


async def test_a_request_is_pushed_beforehand(hub: ProvidingHub) -> None:
    client = await hub.register(a_client("pushing", needs_pushed=True))
    opened = await hub.sign_in()
    pkce = Pkce()
    refused = await hub.authorize(hub.asking(client, pkce), opened.token)
    assert refused.status == 400
    status, pushed = await hub.post("/oidc/par", hub.asking(client, pkce), client)
    assert status == 201
    asked = {"client_id": "pushing", "request_uri": pushed["request_uri"]}
    response = await hub.authorize(asked, opened.token)
    status, _ = await hub.redeem(client, answered(response)["code"], pkce)
    assert status == 200
    # It is good once.
    assert (await hub.authorize(asked, opened.token)).status == 400


async def test_nobody_is_signed_on_silently_who_is_not(hub: ProvidingHub, client: Client) -> None:
    pkce = Pkce()
    response = await hub.authorize(hub.asking(client, pkce, prompt="none"))
    assert answered(response)["error"] == "login_required"
    opened = await hub.sign_in()
    response = await hub.authorize(hub.asking(client, pkce, prompt="none"), opened.token)
    assert "code" in answered(response)
    assert answered(response)["state"] == "st"


async def test_who_is_not_signed_on_comes_back_after_the_sign_in_page(hub: ProvidingHub, client: Client) -> None:
    pkce = Pkce()
    response = await hub.authorize(hub.asking(client, pkce, acr_values="otp face", max_age="600"))
    assert response.status == 303
    page = urlsplit(response.headers["Location"])
    wish = {name: values[0] for name, values in parse_qs(page.query).items()}
    assert (page.path, wish["acr"], wish["max_age"]) == ("/sso", "otp face", "600")
    shown = await (await hub.get(response.headers["Location"])).text()
    assert "登录" in shown
    opened = await hub.sign_in()
    back = await hub.get(wish["return"], opened.token)
    status, _ = await hub.redeem(client, answered(back)["code"], pkce)
    assert status == 200
    # What was set aside is good once.
    assert (await hub.get(wish["return"], opened.token)).status == 400


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}])
async def test_a_fresh_sign_on_is_wanted(hub: ProvidingHub, client: Client, wish: dict[str, str]) -> None:
    opened = await hub.sign_in(seconds_ago=3_600)
    pkce = Pkce()
    response = await hub.authorize(hub.asking(client, pkce, **wish), opened.token)
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    assert page["prompt"] == ["login"]
    # Back without having signed on anew: refused to the platform.
    back = await hub.get(page["return"][0], opened.token)
    assert answered(back)["error"] == "login_required"
    response = await hub.authorize(hub.asking(client, pkce, **wish), opened.token)
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    anew = await hub.sign_in(replaced=opened.token)
    assert "code" in answered(await hub.get(page["return"][0], anew.token))


async def test_a_sign_on_that_is_fresh_enough_is_silent(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in(seconds_ago=50, acr="otp")
    wish = {"max_age": "60", "acr_values": "otp", "prompt": "none"}
    assert "code" in answered(await hub.authorize(hub.asking(client, Pkce(), **wish), opened.token))


async def test_a_stronger_way_is_asked_for_once(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in(acr="password")
    response = await hub.authorize(hub.asking(client, Pkce(), acr_values="otp"), opened.token)
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    assert page["acr"] == ["otp"]
    anew = await hub.sign_in(acr="password", replaced=opened.token)
    assert "code" in answered(await hub.get(page["return"][0], anew.token))


async def test_a_hint_names_whom_the_platform_expects(hub: ProvidingHub, client: Client) -> None:
    zhang, li = await hub.sign_in("zhang"), await hub.sign_in("li")
    hint = (await hub.tokens(client, zhang.token))["id_token"]
    wish = {"prompt": "none", "id_token_hint": hint}
    assert "code" in answered(await hub.authorize(hub.asking(client, Pkce(), **wish), zhang.token))
    refused = await hub.authorize(hub.asking(client, Pkce(), **wish), li.token)
    assert answered(refused)["error"] == "login_required"
    wish["id_token_hint"] = hint[:-4]
    refused = await hub.authorize(hub.asking(client, Pkce(), **wish), zhang.token)
    assert answered(refused)["error"] == "invalid_request"


async def test_a_platform_asks_about_a_token_and_takes_it_back(hub: ProvidingHub, client: Client) -> None:
    other = await hub.register(a_client("other", platform_id="430000.other"))
    opened = await hub.sign_in()
    access = (await hub.tokens(client, opened.token))["access_token"]
    status, told = await hub.post("/oidc/introspect", {"token": access}, client)
    assert (status, told["active"], told["sub"]) == (200, True, str(opened.person.person_id))
    assert await hub.post("/oidc/introspect", {"token": access}, other) == (200, {"active": False})
    await hub.post("/oidc/revoke", {"token": access}, other)
    assert (await hub.post("/oidc/introspect", {"token": access}, client))[1]["active"]
    assert (await hub.post("/oidc/revoke", {"token": access}, client))[0] == 200
    assert await hub.post("/oidc/introspect", {"token": access}, client) == (200, {"active": False})
    assert (await hub.get("/oidc/userinfo", Authorization=f"Bearer {access}")).status == 401


async def test_tokens_end_with_the_session(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    access = (await hub.tokens(client, opened.token))["access_token"]
    code = await hub.code(client, opened.token, pkce)
    await hub.sign_out(opened.token)
    assert (await hub.get("/oidc/userinfo", Authorization=f"Bearer {access}")).status == 401
    assert (await hub.redeem(client, code, pkce))[0] == 400


async def test_every_sign_on_is_written_down(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    await asyncio.gather(hub.redeem(client, code, pkce), hub.redeem(client, code, pkce))
    async with hub.ledger.read() as session:
        found = [(line.action, line.outcome, line.reason) async for line in audit.lines(session)]
    assert ("person.sign-on", "done", "") in found
    assert ("code.redeem", "refused", "CODE_REPLAYED") in found


async def test_a_request_may_be_posted(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    form = hub.asking(client, Pkce())
    headers = {"Cookie": f"__Host-sanji={opened.token}"}
    async with hub.http.post(
        hub.origin + "/oidc/authorize", data=urlencode(form), allow_redirects=False,
        headers=headers | {"Content-Type": "application/x-www-form-urlencoded"},
    ) as response:  # fmt: skip
        assert "code" in answered(response)
