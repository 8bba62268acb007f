"""Hostile platforms and browsers: each is refused, and the rightful one beside it passes."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from auth.oidc_provider.metadata import ASSERTION
from auth.tokens import SigningKey, TokenSigner
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from tests.support.clock import FakeClock
from tests.support.provider import CALLBACK, SECRET, Pkce, ProvidingHub, a_client, answered, basic, providing_hub

KEY = ECKey.generate_key("P-256")
SIGNER = TokenSigner(SigningKey(KEY.thumbprint(), "ES256", KEY))

#: Addresses that look like the registered one, http://127.0.0.1:9/back.
NOT_REGISTERED = {
    "another path": "http://127.0.0.1:9/back/../evil",
    "more path": CALLBACK + "/more",
    "a query": CALLBACK + "?x=1",
    "a fragment": CALLBACK + "#x",
    "other letters": "http://127.0.0.1:9/BACK",
    "encoded dots": "http://127.0.0.1:9/%2e%2e/back",
    "a name before": "http://127.0.0.1:9@evil.example/back",
    "a backslash": "http://127.0.0.1:9\\@evil.example/back",
    "another port": "http://127.0.0.1:10/back",
    "another scheme": "https://127.0.0.1:9/back",
    "no scheme": "//127.0.0.1:9/back",
    "a path alone": "/back",
    "a line break": CALLBACK + "\r\nX-Evil: 1",
    "a script": "javascript:alert(1)",
    "a blank": CALLBACK + " ",
    "nothing": "",
}
#: Requests that are refused to the platform itself, and by which word.
REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no PKCE": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain PKCE": ({"code_challenge_method": "plain"}, "invalid_request"),
    "PKCE without a method": ({"code_challenge_method": None}, "invalid_request"),
    "a short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "a token at once": ({"response_type": "token"}, "unsupported_response_type"),
    "code and token": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "unsupported_response_type"),
    "the fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "a posted answer": ({"response_mode": "form_post"}, "invalid_request"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "a signed request": ({"request": "e30.e30."}, "request_not_supported"),
    "claims": ({"claims": '{"userinfo":{"name":null}}'}, "invalid_request"),
    "a resource": ({"resource": "https://api.example"}, "invalid_request"),
    "details": ({"authorization_details": "[]"}, "invalid_request"),
    "a bound key": ({"dpop_jkt": "x"}, "invalid_request"),
    "none and login": ({"prompt": "none login"}, "invalid_request"),
    "an unknown prompt": ({"prompt": "create"}, "invalid_request"),
    "a negative age": ({"max_age": "-1"}, "invalid_request"),
    "an age of letters": ({"max_age": "1e3"}, "invalid_request"),
    "a full-width age": ({"max_age": "\uff11"}, "invalid_request"),
    "an endless age": ({"max_age": "9" * 30}, "invalid_request"),
    "an endless state": ({"state": "s" * 3_000}, "invalid_request"),
}


@pytest.mark.parametrize("name", NOT_REGISTERED)
async def test_no_browser_is_sent_to_an_address_that_is_not_registered(
    hub: ProvidingHub, client: Client, name: str
) -> None:
    opened = await hub.sign_in()
    asked = hub.asking(client, Pkce(), redirect_uri=NOT_REGISTERED[name])
    for changes in ({}, {"prompt": "none"}, {"response_type": "token"}):
        response = await hub.authorize(asked | changes, opened.token)
        assert response.status == 400
        assert "Location" not in response.headers
        assert "X-Evil" not in response.headers
    status, told = await hub.post("/oidc/par", asked, client)
    assert (status, told["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_offered_is_refused_to_the_platform(hub: ProvidingHub, client: Client, name: str) -> None:
    opened = await hub.sign_in()
    changes, word = REFUSED[name]
    response = await hub.authorize(hub.asking(client, Pkce(), **changes), opened.token)
    assert response.headers["Location"].startswith(CALLBACK + "?")
    told = answered(response)
    assert (told["error"], told["iss"]) == (word, hub.origin)
    assert "code" not in told
    assert told["state"] == str(changes.get("state") or "st")[:2_048]
    status, told = await hub.post("/oidc/par", hub.asking(client, Pkce(), **changes), client)
    assert (status, told["error"]) == (400, word)


async def test_an_unknown_platform_is_told_to_nobody(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    for changes in ({"client_id": "nobody"}, {"client_id": None}):
        response = await hub.authorize(hub.asking(client, Pkce(), **changes), opened.token)
        assert response.status == 400
        assert "Location" not in response.headers
    twice = urlencode(hub.asking(client, Pkce())) + "&" + urlencode({"redirect_uri": "https://evil.example"})
    assert (await hub.get("/oidc/authorize?" + twice, opened.token)).status == 400
    assert "code" in answered(await hub.authorize(hub.asking(client, Pkce()), opened.token))


async def test_a_code_is_good_once_and_its_replay_ends_everything(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    status, told = await hub.redeem(client, code, pkce)
    assert status == 200
    access = told["access_token"]
    assert (await hub.get("/oidc/userinfo", Authorization=f"Bearer {access}")).status == 200
    status, told = await hub.redeem(client, code, pkce)
    assert (status, told["error"]) == (400, "invalid_grant")
    assert (await hub.get("/oidc/userinfo", Authorization=f"Bearer {access}")).status == 401


async def test_of_many_who_present_a_code_at_once_one_gets_tokens(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    found = await asyncio.gather(*(hub.redeem(client, code, pkce) for _ in range(50)))
    assert sorted(status for status, _ in found) == [200] + [400] * 49


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": Pkce().verifier},
        {"code_verifier": "short"},
        {"code_verifier": "x" * 200},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": ""},
    ],
    ids=["another verifier", "short verifier", "long verifier", "another address", "no address"],
)
async def test_a_code_that_is_misused_is_spent(hub: ProvidingHub, client: Client, changes: dict[str, str]) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    assert (await hub.redeem(client, code, pkce, **changes))[0] == 400
    assert (await hub.redeem(client, code, pkce))[0] == 400
    assert (await hub.redeem(client, await hub.code(client, opened.token, pkce), pkce))[0] == 200


async def test_anothers_code_is_no_use(hub: ProvidingHub, client: Client) -> None:
    other = await hub.register(a_client("other"))
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    assert (await hub.redeem(other, code, pkce))[0] == 400
    assert (await hub.redeem(client, code, pkce))[0] == 200


@pytest.mark.parametrize("name", ["resource", "audience", "scope", "claims"])
async def test_what_would_narrow_a_token_is_refused(hub: ProvidingHub, client: Client, name: str) -> None:
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    status, told = await hub.redeem(client, code, pkce, **{name: "x"})
    assert (status, told["error"]) == (400, "invalid_request")
    assert (await hub.redeem(client, code, pkce))[0] == 200


@pytest.mark.parametrize("kind", ["password", "client_credentials", "refresh_token", "implicit", ""])
async def test_other_grants_are_not_known(hub: ProvidingHub, client: Client, kind: str) -> None:
    status, told = await hub.post("/oidc/token", {"grant_type": kind, "username": "a", "password": "b"}, client)
    assert (status, told["error"]) == (400, "unsupported_grant_type")


async def test_a_code_ends_soon(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    async with providing_hub(ledger, tmp_path, clock=clock) as hub:
        client = await hub.register(a_client())
        opened = await hub.sign_in()
        pkce = Pkce()
        code = await hub.code(client, opened.token, pkce)
        clock.advance(seconds=60)
        assert (await hub.redeem(client, code, pkce))[0] == 400
        code = await hub.code(client, opened.token, pkce)
        clock.advance(seconds=59)
        status, told = await hub.redeem(client, code, pkce)
        assert status == 200
        clock.advance(seconds=299)
        headers = {"Authorization": f"Bearer {told['access_token']}"}
        assert (await hub.get("/oidc/userinfo", **headers)).status == 200
        clock.advance(seconds=1)
        assert (await hub.get("/oidc/userinfo", **headers)).status == 401


async def test_a_pushed_request_ends_and_belongs_to_whom_pushed_it(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    async with providing_hub(ledger, tmp_path, clock=clock) as hub:
        client, other = await hub.register(a_client()), await hub.register(a_client("other"))
        opened = await hub.sign_in()

        async def pushed() -> str:
            status, told = await hub.post("/oidc/par", hub.asking(client, Pkce()), client)
            assert status == 201
            return str(told["request_uri"])

        asked = {"client_id": client.client_id, "request_uri": await pushed()}
        clock.advance(seconds=90)
        assert (await hub.authorize(asked, opened.token)).status == 400
        asked["request_uri"] = await pushed()
        assert (await hub.authorize(asked | {"client_id": other.client_id}, opened.token)).status == 400
        asked["request_uri"] = await pushed()
        clock.advance(seconds=89)
        assert "code" in answered(await hub.authorize(asked, opened.token))
        for address in (
            "https://evil.example/request",
            "urn:ietf:params:oauth:request_uri:guess",
            "file:///etc/passwd",
        ):
            assert (await hub.authorize(asked | {"request_uri": address}, opened.token)).status == 400
        status, _ = await hub.post("/oidc/par", hub.asking(client, Pkce()), other)
        assert status == 401


async def test_access_tokens_come_in_the_header_only(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    told = await hub.tokens(client, opened.token)
    access = told["access_token"]
    for path, headers in (
        ("/oidc/userinfo", {}),
        (f"/oidc/userinfo?access_token={access}", {}),
        ("/oidc/userinfo", {"Authorization": f"Basic {access}"}),
        ("/oidc/userinfo", {"Authorization": "Bearer"}),
        ("/oidc/userinfo", {"Authorization": f"Bearer {access}x"}),
        ("/oidc/userinfo", {"Authorization": f"Bearer {told['id_token']}"}),
    ):
        response = await hub.get(path, **headers)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert (await hub.get("/oidc/userinfo", Authorization=f"bearer {access}")).status == 200


# ---- Who asks: client authentication.


def _assertion(hub: ProvidingHub, **changes: Any) -> dict[str, str]:
    now = hub.clock() // 1_000_000
    claims = {"iss": "keyed", "sub": "keyed", "aud": hub.origin, "iat": now, "exp": now + 60, "jti": "1"} | changes
    text = SIGNER.sign({name: value for name, value in claims.items() if value is not None})
    return {"client_assertion": text, "client_assertion_type": ASSERTION}


async def _keyed(hub: ProvidingHub) -> Client:
    jwks = json.dumps([{**KEY.as_dict(private=False), "kid": KEY.thumbprint()}])
    return await hub.register(a_client("keyed", auth_method="private_key_jwt", secret_digest=None, jwks=jwks))


async def _status(hub: ProvidingHub, form: dict[str, str], **headers: str) -> int:
    status, told = await hub.post("/oidc/introspect", {"token": "x"} | form, headers=headers)
    if status == 401:
        assert told["error"] == "invalid_client"
    return int(status)


async def test_a_client_proves_itself_by_its_key(hub: ProvidingHub) -> None:
    await _keyed(hub)
    form = _assertion(hub)
    assert await _status(hub, form) == 200
    # The same assertion again, on its own and a hundred times at once.
    assert await _status(hub, form) == 401
    form = _assertion(hub, jti="2", aud=f"{hub.origin}/oidc/token")
    found = await asyncio.gather(*(_status(hub, form) for _ in range(20)))
    assert sorted(found) == [200] + [401] * 19


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "nobody", "sub": "nobody"},
        {"jti": None},
        {"jti": 5},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"iat": 4_000_000_000, "exp": 4_000_000_060},
    ],
)
async def test_an_assertion_that_does_not_hold_proves_nothing(hub: ProvidingHub, changes: dict[str, Any]) -> None:
    await _keyed(hub)
    await hub.register(a_client("other"))
    assert await _status(hub, _assertion(hub, **changes)) == 401
    assert await _status(hub, _assertion(hub)) == 200


async def test_a_client_is_taken_by_its_registered_way_only(hub: ProvidingHub, client: Client) -> None:
    await _keyed(hub)
    posting = await hub.register(a_client("posting", auth_method="client_secret_post"))
    await hub.register(a_client("certified", auth_method="tls_client_auth", secret_digest=None, thumbprint="ab" * 32))
    secret = {"client_id": posting.client_id, "client_secret": SECRET}
    assert await _status(hub, {}, **basic(client.client_id)) == 200
    assert await _status(hub, secret) == 200
    assert await _status(hub, {"client_id": client.client_id, "client_secret": SECRET}) == 401
    assert await _status(hub, {}, **basic(posting.client_id)) == 401
    assert await _status(hub, {"client_id": "keyed", "client_secret": SECRET}) == 401
    assert await _status(hub, {}, **basic("keyed")) == 401
    assert await _status(hub, {"client_id": "certified"}) == 401
    assert await _status(hub, {"client_id": "certified", "client_secret": SECRET}) == 401
    for client_id in (client.client_id, posting.client_id, "keyed", "nobody", ""):
        assert await _status(hub, {"client_id": client_id}) == 401
    # Two ways at once are refused even when each is right.
    assert await _status(hub, secret, **basic(client.client_id)) == 400
    assert await _status(hub, _assertion(hub) | secret) == 400


@pytest.mark.parametrize(
    "header",
    [
        basic("province-app", "wrong")["Authorization"],
        basic("province-app", "")["Authorization"],
        basic("nobody")["Authorization"],
        "Basic !!!",
        "Basic",
        "Bearer " + SECRET,
        "Basic " + base64.b64encode(b"province-app").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"province-app:a%00").decode(),
    ],
)
async def test_a_header_that_proves_nothing(hub: ProvidingHub, client: Client, header: str) -> None:
    assert await _status(hub, {}, Authorization=header) == 401
    assert await _status(hub, {}, **basic(client.client_id)) == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("token=x&token=y", "application/x-www-form-urlencoded"),
        ("token=%ff", "application/x-www-form-urlencoded"),
        ("token=%00", "application/x-www-form-urlencoded"),
        ("token=" + "x" * 40_000, "application/x-www-form-urlencoded"),
        ("&".join(f"a{number}=1" for number in range(90)), "application/x-www-form-urlencoded"),
        ('{"token":"x"}', "application/json"),
        ("token=x", "text/plain"),
        ("<a/>", "application/xml"),
    ],
)
async def test_bodies_that_are_no_request(hub: ProvidingHub, client: Client, body: str, kind: str) -> None:
    headers = {"Content-Type": kind} | basic(client.client_id)
    for path in ("/oidc/token", "/oidc/par", "/oidc/introspect", "/oidc/revoke"):
        async with hub.http.post(hub.origin + path, data=body, headers=headers) as response:
            assert response.status == 400
            assert (await response.json())["error"] == "invalid_request"
    async with hub.http.post(hub.origin + "/oidc/introspect?token=x", data={}, headers=headers) as response:
        assert response.status == 400


async def test_a_stolen_ledger_signs_nobody_on(hub: ProvidingHub, client: Client) -> None:
    """What lies in the tables is not what a browser or a client holds."""
    opened = await hub.sign_in()
    pkce = Pkce()
    code = await hub.code(client, opened.token, pkce)
    access = (await hub.tokens(client, opened.token))["access_token"]
    async with hub.ledger.read() as session:
        for table in ("sign_on_codes", "sign_on_tokens", "sign_on_grants", "sign_on_clients", "signing_keys"):
            cursor = await session.driver.execute(f"SELECT t::text FROM {table} t")
            rows = " ".join(row[0] for row in await cursor.fetchall())
            for secret in (code, access, SECRET, pkce.verifier, opened.token, '"d":'):
                assert secret not in rows
                assert secret.encode().hex() not in rows
        cursor = await session.driver.execute("SELECT encode(code_digest, 'hex') FROM sign_on_codes")
        digests = [row[0] for row in await cursor.fetchall()]
    assert hashlib.sha256(code.encode()).hexdigest() in digests
    for digest in digests:
        assert (await hub.redeem(client, digest, pkce))[0] == 400
    assert (await hub.redeem(client, code, pkce))[0] == 200


async def test_every_answer_is_kept_by_nobody(hub: ProvidingHub, client: Client) -> None:
    opened = await hub.sign_in()
    for path in ("/oidc/authorize", "/oidc/resume", "/oidc/logout", "/cas/login", "/oidc/userinfo"):
        response = await hub.get(path, opened.token)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    status, _ = await hub.post("/oidc/introspect", {"token": "x"}, client)
    assert status == 200
