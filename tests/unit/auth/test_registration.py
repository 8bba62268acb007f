"""What platforms' software is registered with: addresses read in one way only, each method with what it needs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from auth import certificates
from auth.oidc_provider.registration import RegistrationInvalid, client_of, issuer_of, require_address

KEY = ECKey.generate_key("P-256", auto_kid=True)
RIGHTFUL: dict[str, Any] = {
    "client_id": "province-console",
    "platform_id": "430000.hub",
    "name": "省级平台",
    "auth_method": "client_secret_basic",
    "redirect_addresses": ["https://province.example/sso/back/431200.hub"],
}
_KEYS = json.dumps({"keys": [KEY.as_dict(private=True)]}).encode()


def test_a_rightful_file_is_read() -> None:
    client = client_of(RIGHTFUL, {})
    assert (client.region, client.roles, client.scopes) == (430000, ("viewer",), ("openid", "profile", "rights"))
    assert client.redirect_uris == ("https://province.example/sso/back/431200.hub",)
    assert client.secret_digest is None


def test_only_public_halves_of_keys_are_kept() -> None:
    client = client_of(RIGHTFUL | {"auth_method": "private_key_jwt", "keys": "keys.json"}, {"keys": _KEYS})
    [key] = client.public_keys
    assert "d" not in key
    assert key["kid"] == KEY.kid
    issuer = issuer_of({"issuer": "https://a.example", "platform_id": "431221.hub", "keys": "k"}, {"keys": _KEYS})
    assert issuer.public_keys == client.public_keys


def test_a_certificate_is_kept_by_its_thumbprint() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    pem = certificates.issue(certificates.make_authority("a", now), "430000.hub", now).certificate
    client = client_of(RIGHTFUL | {"auth_method": "tls_client_auth", "certificate": "c.pem"}, {"certificate": pem})
    assert client.thumbprint == certificates.thumbprint(pem)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": "A b"}, "client_id"),
        ({"client_id": "x"}, "client_id"),
        ({"platform_id": "hub"}, "platform_id"),
        ({"region": "43"}, "region"),
        ({"region": "４３００００"}, "region"),
        ({"roles": ["root"]}, "roles"),
        ({"scopes": ["email"]}, "scopes"),
        ({"auth_method": "client_secret_jwt"}, "auth_method"),
        ({"auth_method": "none"}, "auth_method"),
        ({"scopes": ["profile"]}, "auth_method"),
        ({"auth_method": "private_key_jwt"}, "keys"),
        ({"auth_method": "private_key_jwt", "keys": "k"}, "keys"),
        ({"keys": "k"}, "keys"),
        ({"auth_method": "tls_client_auth"}, "certificate"),
        ({"auth_method": "tls_client_auth", "certificate": "c"}, "certificate"),
        ({"algorithm": "HS256"}, "algorithm"),
        ({"audiences": ["https://x.example"]}, "audiences"),
        ({"redirect_addresses": []}, "redirect_addresses"),
        ({"redirect_addresses": "https://x.example"}, "redirect_addresses"),
        ({"logout_address": "ftp://x.example"}, "logout_address"),
        ({"redirect_pattern": ".*"}, "file"),
    ],
)
def test_what_breaks_a_rule_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RegistrationInvalid) as refused:
        client_of(RIGHTFUL | changes, {"keys": b"x", "certificate": b"x"})
    assert refused.value.field.startswith(field)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{", b'{"keys":[]}', b'{"keys":5}', b'{"keys":[5]}', b"[" * 5_000,
        json.dumps({"keys": [OctKey.generate_key(256, auto_kid=True).as_dict()]}).encode(),
        json.dumps({"keys": [{**KEY.as_dict(private=False), "kid": None}]}).encode(),
        json.dumps({"keys": [KEY.as_dict(private=False), KEY.as_dict(private=False)]}).encode(),
        json.dumps({"keys": [{**RSAKey.generate_key(2048, auto_kid=True).as_dict(), "n": "AQAB"}]}).encode(),
    ],
)  # fmt: skip
def test_keys_that_may_not_sign(content: bytes) -> None:
    with pytest.raises(RegistrationInvalid, match="keys"):
        client_of(RIGHTFUL | {"auth_method": "private_key_jwt", "keys": "k"}, {"keys": content})


@pytest.mark.parametrize(
    "address",
    [
        "http://province.example/back",
        "//province.example/back",
        "/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user@province.example/back",
        "https://province.example/back#fragment",
        "https://Province.example/back",
        "https://province.example/a/../back",
        "https://province.example/%2e%2E/back",
        "https://province.example/*",
        "https://*.example/back",
        "https://province.example\\@evil.example/",
        "https://province.example/ back",
        "https://province.example/\tback",
        "https://province.example/中",
        "https://province.example:0/back",
        "https://province.example:99999/back",
        "https://2130706433/back",
        "https://127.1/back",
        "https://[::1/back",
        "https:///back",
        "https://province.example/" + "x" * 500,
    ],
)
def test_an_address_that_could_be_read_in_two_ways(address: str) -> None:
    with pytest.raises(RegistrationInvalid):
        require_address("redirect_addresses", address)


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/x?y=1",
        "https://a.example:8443/",
        "https://10.1.2.3/x",
        "http://127.0.0.1:9/x",
        "https://[::1]/x",
    ],
)
def test_addresses_that_may_be_registered(address: str) -> None:
    require_address("redirect_addresses", address)
    assert client_of(RIGHTFUL | {"redirect_addresses": [address]}, {}).redirect_uris == (address,)
