"""HTTP message signatures: what was signed is believed, and no part of it may be another."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from auth.batch_keys import Algorithm, SigningKey
from auth.sm import sm3
from connectors.transports.message_signatures import (
    CONTENT_DIGEST,
    SIGNATURE,
    SIGNATURE_INPUT,
    Believed,
    MessageKey,
    Named,
    believed,
    named_key,
    signed_headers,
)

NOW, HUB, PLATFORM = 1_760_000_000, "431200.hub", "431221.platform"
TARGET, BODY, NONCE = "/v1/parcels?stream=cases", b'{"parcels": []}', "0123456789abcdef"
ABOUT = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
KEYS = {algorithm: SigningKey.generate(algorithm) for algorithm in Algorithm}


def _key(algorithm: Algorithm = Algorithm.SM2_SM3) -> MessageKey:
    key = KEYS[algorithm]
    return MessageKey(PLATFORM, key.public.key_id, algorithm, key.sign, key.public.verify)


def _call(algorithm: Algorithm = Algorithm.SM2_SM3, **changed: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"key": _key(algorithm), "hub": HUB, "method": "POST", "target": TARGET, "body": BODY}
    call |= {"now": NOW, "nonce": NONCE, "about": ABOUT} | changed
    headers = signed_headers(
        call["key"], call["hub"], call["method"], call["target"], call["body"],
        nonce=call["nonce"], now=call["now"], headers=call["about"],
    )  # fmt: skip
    return call | {"headers": headers}


def _judged(call: dict[str, Any], **changed: Any) -> Believed:
    told = call | changed
    return believed(
        told["key"], HUB, told["method"], told["target"], told["body"], now=changed.get("now", NOW),
        headers=told["headers"],
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("body", [BODY, b""])
def test_a_signed_call_is_believed(algorithm: Algorithm, body: bytes) -> None:
    call = _call(algorithm, body=body)
    assert _judged(call) == Believed(NONCE, NOW)
    assert named_key(call["headers"]) == Named(PLATFORM, KEYS[algorithm].public.key_id)
    name, hashed = ("sm3", sm3) if algorithm is Algorithm.SM2_SM3 else ("sha-256", None)
    digest = hashed(body) if hashed else hashlib.sha256(body).digest()
    assert call["headers"][CONTENT_DIGEST].startswith(f"{name}=:")
    assert len(digest) == 32


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda call: {"headers": {key: text for key, text in call["headers"].items() if key != name}}


def _with(name: str, old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(call: dict[str, Any]) -> dict[str, Any]:
        assert old in call["headers"][name]
        return {"headers": call["headers"] | {name: call["headers"][name].replace(old, new)}}

    return change


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "the method": lambda _: {"method": "PUT"},
    "the path": lambda _: {"target": "/v1/receipts?stream=cases"},
    "the query": lambda _: {"target": "/v1/parcels?stream=other"},
    "the body": lambda _: {"body": BODY + b" "},
    "the body gone": lambda _: {"body": b""},
    "how the body is read": lambda call: {"headers": call["headers"] | {"Content-Encoding": "identity"}},
    "a header about the body more": lambda call: {"headers": call["headers"] | {"content-type": "text/plain"}},
    "the digest": _with(CONTENT_DIGEST, "sm3=:", "sm3=:A"),
    "a digest of another kind": lambda call: {
        "headers": call["headers"] | {CONTENT_DIGEST: _call(Algorithm.ES256)["headers"][CONTENT_DIGEST]}
    },
    "no digest": _without(CONTENT_DIGEST),
    "no signature": _without(SIGNATURE),
    "the signature": _with(SIGNATURE, "sanji=:", "sanji=:AA"),
    "a shorter list of what is covered": _with(SIGNATURE_INPUT, ' "@query"', ""),
    "a later end": _with(SIGNATURE_INPUT, f"expires={NOW + 300}", f"expires={NOW + 900}"),
    "another nonce": _with(SIGNATURE_INPUT, NONCE, NONCE[::-1]),
    "another algorithm": _with(SIGNATURE_INPUT, "sm2-sm3", "ecdsa-p256-sha256"),
    "another key": _with(SIGNATURE_INPUT, PLATFORM, "431222.platform"),
    "another hub": _with(SIGNATURE_INPUT, HUB, "430000.hub"),
    "a parameter more": _with(SIGNATURE_INPUT, ";nonce", ";more=1;nonce"),
    "a header without end": lambda call: {"headers": call["headers"] | {SIGNATURE_INPUT: "x" * 5_000}},
    "no structure": lambda call: {"headers": call["headers"] | {SIGNATURE_INPUT: "("}},
    "too late": lambda _: {"now": NOW + 300},
    "too early": lambda _: {"now": NOW - 301},
    "a key of another algorithm": lambda _: {"key": _key(Algorithm.ES256)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_call_of_which_a_part_is_another_is_not(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    call = _call()
    assert _judged(call).nonce == NONCE
    with pytest.raises(ValueError, match=r"."):
        _judged(call, **change(call))


@pytest.mark.parametrize("changed", [{"hub": "430000.hub"}, {"nonce": "short"}, {"nonce": "x" * 65}])
def test_a_rightly_signed_call_that_says_something_else_is_not_believed(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        _judged(_call(**changed))
    assert _judged(_call()).created == NOW


def test_a_name_that_cannot_be_read_or_several_name_nobody() -> None:
    headers = _call()["headers"]
    assert named_key({}) is None
    assert named_key({SIGNATURE_INPUT: 'x=();keyid="anybody"'}) is None
    assert named_key({SIGNATURE_INPUT: ", ".join([headers[SIGNATURE_INPUT]] * 2)}) is None
