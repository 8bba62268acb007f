"""Tokens: what their issuer signed is read, and every forged, odd or stale one is refused in the same way."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from auth.tokens import (
    LONGEST,
    SKEW_SECONDS,
    SigningKey,
    TokenReader,
    TokenRefused,
    TokenSigner,
    Trust,
    issuer_named,
    replay_key,
    urlsafe_text,
)

ISSUER, AUDIENCE, NOW = "https://city.example", "province", 1_700_000_000
MOMENT = NOW * 1_000_000
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EC = ECKey.generate_key("P-256", {"kid": "es-1"})
RSA = RSAKey.generate_key(2048, {"kid": "rs-1"})
OTHER = ECKey.generate_key("P-256", {"kid": "es-1"})
CLAIMS = {"iss": ISSUER, "sub": "zhang", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 300, "jti": "1", "name": "张三"}
HEADER = {"alg": "ES256", "kid": "es-1", "typ": "JWT"}
SIGNER = TokenSigner(SigningKey("es-1", "ES256", EC))


def _part(value: Any) -> str:
    return urlsafe_text(value if isinstance(value, bytes) else json.dumps(value).encode())


def _signed(header: dict[str, Any], payload: bytes | dict[str, Any] = CLAIMS, key: Key = EC) -> str:
    """Signs by hand, so that what a library would not write can be written."""
    text = f"{_part(header)}.{_part(payload)}"
    return f"{text}.{urlsafe_text(_raw_signature(text.encode(), key))}"


def _raw_signature(content: bytes, key: Key) -> bytes:
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(content, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _der_signature(content: bytes) -> bytes:
    private = EC.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(content, ec.ECDSA(hashes.SHA256()))


def _with(**changes: Any) -> str:
    claims = {**CLAIMS, **changes}
    return _signed(HEADER, {name: value for name, value in claims.items() if value is not None})


def _keyed_with_public_key(algorithm: str = "HS256") -> str:
    text = f"{_part({**HEADER, 'alg': algorithm})}.{_part(CLAIMS)}"
    return f"{text}.{urlsafe_text(hmac.new(EC.as_pem(private=False), text.encode(), hashlib.sha256).digest())}"


def _rightful() -> str:
    return _signed(HEADER)


def _reader(*algorithms: str) -> TokenReader:
    keys = [EC.as_dict(private=False), RSA.as_dict(private=False)]
    return TokenReader([Trust(ISSUER, algorithms or ("ES256",), keys)])


def _read(text: str, moment: int = MOMENT) -> dict[str, Any]:
    return _reader().read(text, issuer=ISSUER, audience=AUDIENCE, moment=moment)


def _swapped(index: int, part: str) -> str:
    parts = _rightful().split(".")
    parts[index] = part
    return ".".join(parts)


def _last_bits_changed() -> str:
    text = _rightful()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) ^ 1]


EMBEDDED = EC.as_dict(private=False)
FORGED: dict[str, Callable[[], str]] = {
    "none": lambda: f"{_part({**HEADER, 'alg': 'none'})}.{_part(CLAIMS)}.",
    "none in mixed letters": lambda: f"{_part({**HEADER, 'alg': 'nOnE'})}.{_part(CLAIMS)}.",
    "none with a signature": lambda: _signed({**HEADER, "alg": "none"}),
    "none with a blank": lambda: _signed({**HEADER, "alg": "none "}),
    "no algorithm": lambda: _signed({"kid": "es-1"}),
    "algorithm a list": lambda: _signed({**HEADER, "alg": ["ES256"]}),
    "algorithm in small letters": lambda: _signed({**HEADER, "alg": "es256"}),
    "secret of the public key": _keyed_with_public_key,
    "secret of the public key, as HS512": lambda: _keyed_with_public_key("HS512"),
    "RS256 where ES256 is registered": lambda: TokenSigner(SigningKey("rs-1", "RS256", RSA)).sign(CLAIMS),
    "another key under the same id": lambda: _signed(HEADER, key=OTHER),
    "unknown key id": lambda: _signed({**HEADER, "kid": "es-2"}),
    "key id a path": lambda: _signed({**HEADER, "kid": "../../dev/null"}),
    "key id no text": lambda: _signed({**HEADER, "kid": 1}),
    "key of another kind by its id": lambda: _signed({**HEADER, "kid": "rs-1"}),
    "key brought along": lambda: _signed({**HEADER, "jwk": OTHER.as_dict(private=False)}, key=OTHER),
    "own key brought along": lambda: _signed({**HEADER, "jwk": EMBEDDED}),
    "address of keys": lambda: _signed({**HEADER, "jku": "https://evil.example/keys"}),
    "address of a certificate": lambda: _signed({**HEADER, "x5u": "https://evil.example/pem"}),
    "certificate brought along": lambda: _signed({**HEADER, "x5c": ["MIIB"]}),
    "unknown critical field": lambda: _signed({**HEADER, "crit": ["exp2"], "exp2": 1}),
    "empty critical list": lambda: _signed({**HEADER, "crit": []}),
    "payload not encoded": lambda: _signed({**HEADER, "b64": False}),
    "compressed": lambda: _signed({**HEADER, "zip": "DEF"}),
    "another type": lambda: _signed({**HEADER, "typ": "logout+jwt"}),
    "type no text": lambda: _signed({**HEADER, "typ": 7}),
    "header field twice": lambda: _swapped(0, _part(b'{"alg":"ES256","kid":"es-1","alg":"none"}')),
    "header a list": lambda: _swapped(0, _part(["ES256"])),
    "header a number": lambda: _swapped(0, _part(5)),
    "payload changed": lambda: _swapped(1, _part({**CLAIMS, "sub": "li"})),
    "payload a list": lambda: _signed(HEADER, b"[]"),
    "payload no JSON": lambda: _signed(HEADER, b"{"),
    "payload no UTF-8": lambda: _signed(HEADER, b'{"a":"\xff"}'),
    "claim twice": lambda: _signed(HEADER, json.dumps(CLAIMS).encode()[:-1] + b',"sub":"li"}'),
    "nested too deep": lambda: _signed(HEADER, b"[" * 6_000),
    "header nested too deep": lambda: f"{_part(b'[' * 6_000)}.e30.AAAA",
    "signature cut": lambda: _rightful()[:-4],
    "signature empty": lambda: _swapped(2, ""),
    "signature of zeros": lambda: _swapped(2, _part(bytes(64))),
    "signature in DER": lambda: _swapped(2, _part(_der_signature(_rightful().rpartition(".")[0].encode()))),
    "signature with a byte more": lambda: _rightful() + "AAAA",
    "signature with loose bits": _last_bits_changed,
    "padding kept": lambda: _rightful() + "==",
    "standard letters of base64": lambda: _swapped(2, "+/" + _rightful().rpartition(".")[2][2:]),
    "line break inside": lambda: _rightful()[:40] + "\n" + _rightful()[40:],
    "blank around": lambda: " " + _rightful(),
    "two parts": lambda: _rightful().rpartition(".")[0],
    "five parts": lambda: _rightful() + ".x.y",
    "empty": lambda: "",
    "letters beyond ASCII": lambda: _rightful() + "ä",
    "too long": lambda: _signed({**HEADER, "pad": "x" * LONGEST}),
    "wrong issuer": lambda: _with(iss="https://county.example"),
    "issuer with a slash more": lambda: _with(iss=ISSUER + "/"),
    "no issuer": lambda: _with(iss=None),
    "wrong audience": lambda: _with(aud="nation"),
    "no audience": lambda: _with(aud=None),
    "audience a number": lambda: _with(aud=5),
    "audience a list of lists": lambda: _with(aud=[[AUDIENCE]]),
    "further audience without azp": lambda: _with(aud=[AUDIENCE, "nation"]),
    "presented by another": lambda: _with(azp="nation"),
    "ended": lambda: _with(iat=NOW - 900, exp=NOW - SKEW_SECONDS),
    "no end": lambda: _with(exp=None),
    "end as text": lambda: _with(exp=str(NOW + 300)),
    "end a truth value": lambda: _with(exp=True),
    "end not a number": lambda: _signed(HEADER, json.dumps({**CLAIMS, "exp": float("nan")}).encode()),
    "end infinite": lambda: _signed(HEADER, json.dumps({**CLAIMS, "exp": float("inf")}).encode()),
    "end enormous": lambda: _with(exp=10**400),
    "end with an exponent": lambda: _signed(HEADER, json.dumps({**CLAIMS, "exp": 1e300}).encode()),
    "end before the beginning": lambda: _with(iat=NOW + 30, exp=NOW + 20),
    "no beginning": lambda: _with(iat=None),
    "from the future": lambda: _with(iat=NOW + SKEW_SECONDS + 1),
    "not valid yet": lambda: _with(nbf=NOW + SKEW_SECONDS + 1),
}


def test_there_are_enough_forgeries() -> None:
    assert len(FORGED) >= 35


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    text = FORGED[name]()
    with pytest.raises(TokenRefused) as refused:
        _read(text)
    assert "zhang" not in str(refused.value)
    assert "es-2" not in str(refused.value)


def test_the_rightful_token_is_read() -> None:
    assert _read(_rightful()) == CLAIMS
    assert _read(SIGNER.sign(CLAIMS)) == CLAIMS
    assert _read(_signed({"alg": "ES256"})) == CLAIMS
    assert _read(_with(aud=[AUDIENCE]))["aud"] == [AUDIENCE]
    assert _read(_with(aud=[AUDIENCE, "nation"], azp=AUDIENCE))["sub"] == "zhang"


@pytest.mark.parametrize(("seconds", "is_read"), [(-61, False), (-60, True), (0, True), (359, True), (360, False)])
def test_clocks_may_differ_by_a_minute(seconds: int, is_read: bool) -> None:
    if is_read:
        assert _read(_rightful(), MOMENT + seconds * 1_000_000) == CLAIMS
    else:
        with pytest.raises(TokenRefused):
            _read(_rightful(), MOMENT + seconds * 1_000_000)


def test_an_ended_token_is_read_where_it_is_only_a_hint() -> None:
    late = MOMENT + 10_000_000_000
    reader = _reader()
    assert reader.read(_rightful(), issuer=ISSUER, audience=AUDIENCE, moment=late, is_ended_taken=True) == CLAIMS
    with pytest.raises(TokenRefused, match="ended"):
        reader.read(_rightful(), issuer=ISSUER, audience=AUDIENCE, moment=late)


def test_a_key_of_one_issuer_never_vouches_for_another() -> None:
    reader = _reader()
    reader.trust(Trust("https://county.example", ["ES256"], [OTHER.as_dict(private=False)]))
    forged = _with(iss="https://county.example")
    with pytest.raises(TokenRefused):
        reader.read(forged, issuer="https://county.example", audience=AUDIENCE, moment=MOMENT)
    with pytest.raises(TokenRefused, match="issuer unknown"):
        reader.read(_rightful(), issuer="https://nobody.example", audience=AUDIENCE, moment=MOMENT)
    rightful = _signed(HEADER, {**CLAIMS, "iss": "https://county.example"}, OTHER)
    assert reader.read(rightful, issuer="https://county.example", audience=AUDIENCE, moment=MOMENT)["sub"] == "zhang"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256", "Ed25519"])
def test_algorithms_that_may_be_registered(algorithm: str) -> None:
    keys: dict[str, Key] = {
        "ES256": EC,
        "ES384": ECKey.generate_key("P-384"),
        "Ed25519": OKPKey.generate_key("Ed25519"),
    }
    key = keys.get(algorithm, RSA)
    text = TokenSigner(SigningKey(key.thumbprint(), algorithm, key)).sign(CLAIMS)
    public = {**key.as_dict(private=False), "kid": key.thumbprint()}
    reader = TokenReader([Trust(ISSUER, [algorithm], [public])])
    assert reader.read(text, issuer=ISSUER, audience=AUDIENCE, moment=MOMENT) == CLAIMS


@pytest.mark.parametrize("algorithms", [["HS256"], ["none"], ["ES256", "HS256"], []])
def test_no_issuer_is_registered_with_a_secret(algorithms: list[str]) -> None:
    with pytest.raises(ValueError, match="not among"):
        Trust(ISSUER, algorithms, [EMBEDDED])


def test_keys_that_cannot_sign_are_passed_over() -> None:
    small = {"kty": "RSA", "e": "AQAB", "n": urlsafe_text(b"\x91" * 128)}
    secret = {"kty": "oct", "k": urlsafe_text(EC.as_pem(private=False))}
    encrypting = {**EC.as_dict(private=False), "use": "enc"}
    broken = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    trust = Trust(ISSUER, ["ES256", "RS256"], [small, secret, encrypting, broken, {}, {**EMBEDDED, "kid": "held"}])
    assert trust.key_ids == {"held"}


def test_a_signature_that_was_rewritten_is_still_the_same_token() -> None:
    text = _rightful()
    signed, _, signature = text.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = raw[:32] + (_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    twin = f"{signed}.{urlsafe_text(other)}"
    assert twin != text
    assert replay_key(twin, _read(twin)) == replay_key(text, _read(text))
    unnamed = {name: value for name, value in CLAIMS.items() if name != "jti"}
    first = _signed(HEADER, unnamed)
    assert replay_key(first, unnamed) == replay_key(first.rpartition(".")[0] + ".AAAA", unnamed)
    assert replay_key(first, unnamed) != replay_key(text, CLAIMS)


def test_the_issuer_is_named_without_being_believed() -> None:
    assert issuer_named(_with(iss="https://county.example")) == "https://county.example"
    for text in ("", "a.b.c", _part(b"{}") + ".e30.AAAA", FORGED["nested too deep"]()):
        with pytest.raises(TokenRefused):
            issuer_named(text)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda content: f"{_part(HEADER)}.{_part(content)}.AAAA"))
def test_whatever_comes_in_only_refusals_come_out(text: str) -> None:
    with pytest.raises(TokenRefused):
        _read(text)


@given(st.integers(0, len(SIGNER.sign(CLAIMS)) - 1), st.sampled_from("AQgw09-_.="))
def test_no_letter_of_a_token_can_be_changed(place: int, letter: str) -> None:
    text = SIGNER.sign(CLAIMS)
    changed = text[:place] + letter + text[place + 1 :]
    if changed == text:
        assert _read(changed) == CLAIMS
        return
    with pytest.raises(TokenRefused):
        _read(changed)


def test_keys_are_read_from_what_was_published() -> None:
    assert JWKRegistry.import_key(EMBEDDED).thumbprint() == EC.thumbprint()
