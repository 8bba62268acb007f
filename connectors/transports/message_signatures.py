"""HTTP message signatures on calls of the REST transport: signing and verifying, with ES256, Ed25519 or SM2-with-SM3.

Owns what a call must cover, how it names key, receiver and time, and the digest of its body. Which key belongs to whom
and whether a nonce was used before is the guard's to know; keys are handed in as functions. ``docs/rest.md`` tells it
to vendors.

Source: RFC 9421 (signatures), RFC 9530 (digests). Neither registers SM2 or SM3: ``sm2-sm3`` and ``sm3`` are ours.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from cryptography.hazmat.primitives import hashes
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

#: Headers of a signed call; where the first one is, the call is signed so.
SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST = "Signature-Input", "Signature", "Content-Digest"
#: What every call covers at least; its body by ``content-digest``, which is there for an empty one too.
COVERED = ("@method", "@path", "@query", "content-digest")
#: How our algorithms are named in a signature.
NAMES = {"ES256": "ecdsa-p256-sha256", "Ed25519": "ed25519", "SM2-SM3": "sm2-sm3"}
#: Seconds a call holds after it was signed, and what its signature is labelled with.
VALIDITY_SECONDS, LABEL = 300, "sanji"
_MAX_HEADER_LETTERS = 4_096
_KEY_ID = re.compile(r';keyid="([0-9]{6}\.[a-z0-9.-]{1,57})/([0-9a-f]{16})"')
_NONCE = re.compile(r"[A-Za-z0-9_.-]{16,64}\Z")


class MessageKey(NamedTuple):
    """A key; ``algorithm`` is ES256, Ed25519 or SM2-SM3. Who signs has the one function, who verifies the other."""

    platform_id: str
    key_id: str
    algorithm: str
    sign: Callable[[bytes], bytes] | None = None
    verify: Callable[[bytes, bytes], bool] | None = None

    @property
    def name(self) -> str:
        """How the key is named in a signature."""
        return f"{self.platform_id}/{self.key_id}"


class Named(NamedTuple):
    """Whose key a call says it is signed with. Nothing was verified yet."""

    platform_id: str
    key_id: str


class Believed(NamedTuple):
    """What a verified signature says; ``created`` is seconds since 1970."""

    nonce: str
    created: int


class _Message:
    """A call as the library takes it. The host is not covered: the tag names the hub, whatever it is dialled by."""

    def __init__(self, method: str, target: str, headers: Mapping[str, str]) -> None:
        self.method = method
        self.url = f"https://sanji{target}"
        self.headers = dict(headers)


class _Sm3State:
    digest_size = 32

    def __init__(self, content: bytes = b"") -> None:
        self._content = content

    def digest(self) -> bytes:
        state = hashes.Hash(hashes.SM3())
        state.update(self._content)
        return state.finalize()


class _Sm3Digest(ContentDigest):
    algorithm = "sm3"
    _hashers: ClassVar[dict[str, Any]] = {"sm3": _Sm3State}


class _Sha256Digest(ContentDigest):
    algorithm = "sha-256"
    _hashers: ClassVar[dict[str, Any]] = {"sha-256": ContentDigest._hashers["sha-256"]}  # noqa: SLF001 — as it is


class _Resolver(HTTPSignatureKeyResolver):
    def __init__(self, key: MessageKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Any:
        return self._key if key_id == self._key.name else None

    def resolve_public_key(self, key_id: str) -> Any:
        return self._key if key_id == self._key.name else None


def _algorithm(key: MessageKey) -> type[HTTPSignatureAlgorithm]:
    class Algorithm(HTTPSignatureAlgorithm):
        algorithm_id = NAMES[key.algorithm]

        def __init__(self, public_key: MessageKey | None = None, private_key: MessageKey | None = None) -> None:
            self._key = public_key or private_key

        def sign(self, message: bytes) -> bytes:
            assert self._key is not None  # noqa: S101 — the resolver gave it
            assert self._key.sign is not None  # noqa: S101 — a signer has it
            return self._key.sign(message)

        def verify(self, signature: bytes, message: bytes) -> None:
            assert self._key is not None  # noqa: S101 — the resolver gave it
            assert self._key.verify is not None  # noqa: S101 — a verifier has it
            if not self._key.verify(message, signature):
                raise InvalidSignature("the signature does not fit")

    return Algorithm


class _Signer(HTTPMessageSigner):
    content_digest_class = _Sha256Digest


class _NationalSigner(HTTPMessageSigner):
    content_digest_class = _Sm3Digest


class _Timeless:
    """The guard compares times with the hub's clock; the library would take the machine's."""

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:
        """Leaves it to the caller."""


class _Verifier(_Timeless, HTTPMessageVerifier):
    content_digest_class = _Sha256Digest


class _NationalVerifier(_Timeless, HTTPMessageVerifier):
    content_digest_class = _Sm3Digest


def signed_headers(
    key: MessageKey, hub_id: str, method: str, target: str, body: bytes, *, nonce: str, now: int,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Returns the headers a call travels with.

    Args:
        key: who signs.
        hub_id: the hub it is for; a call signed for one is none for another.
        method: HTTP method, in capitals.
        target: path and query as they stand on the request line.
        body: the bytes that are sent, after compression.
        nonce: 16 to 64 letters of chance.
        now: seconds since 1970.
        headers: further headers; those about the body are covered too.
    """
    message = _Message(method, target, headers or {})
    made = datetime.fromtimestamp(now, UTC)
    signer = (_NationalSigner if key.algorithm == "SM2-SM3" else _Signer)(
        signature_algorithm=_algorithm(key), key_resolver=_Resolver(key)
    )
    covered = [name for name in COVERED if name != "content-digest"]
    covered += [name.lower() for name in message.headers if name.lower() in _ABOUT_BODY]
    signer.sign(
        message, key_id=key.name, created=made, expires=made + timedelta(seconds=VALIDITY_SECONDS), nonce=nonce,
        label=LABEL, tag=_tag(hub_id), covered_component_ids=tuple(covered), body=body,
    )  # fmt: skip
    return message.headers


def named_key(headers: Mapping[str, str]) -> Named | None:
    """Returns whose key a call names; ``None`` when it cannot be read or names several."""
    found = _KEY_ID.findall(headers.get(SIGNATURE_INPUT, "")[:_MAX_HEADER_LETTERS])
    return Named(*found[0]) if len(found) == 1 else None


def believed(
    key: MessageKey, hub_id: str, method: str, target: str, body: bytes, *, now: int, headers: Mapping[str, str]
) -> Believed:
    """Verifies a call: the signature, what it covers, whom it is for, its body and its time.

    Args:
        key: the key it names, of a neighbour who is welcome.
        hub_id: this hub.
        method: HTTP method.
        target: path and query as they stand on the request line.
        body: the bytes that came.
        now: the hub's clock, seconds since 1970.
        headers: as they came.

    Raises:
        ValueError: it does not hold; the text says what.
    """
    if any(len(headers.get(name, "")) > _MAX_HEADER_LETTERS for name in (SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST)):
        raise ValueError("a header is too long")
    about = tuple(name for name in _ABOUT_BODY if name in {found.lower() for found in headers})
    verifier = (_NationalVerifier if key.algorithm == "SM2-SM3" else _Verifier)(
        signature_algorithm=_algorithm(key), key_resolver=_Resolver(key)
    )
    try:
        (result,) = verifier.verify(
            _Message(method, target, headers), max_age=None, expect_tag=_tag(hub_id),
            require_components=(*COVERED, *about), body=body,
        )  # fmt: skip
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise ValueError(str(error)) from None
    told = result.parameters
    nonce, created, expires = told.get("nonce"), told.get("created"), told.get("expires")
    if not isinstance(nonce, str) or not _NONCE.match(nonce):
        raise ValueError("the signature has no nonce of 16 to 64 letters")
    if not isinstance(created, int) or not isinstance(expires, int) or expires - created > VALIDITY_SECONDS:
        raise ValueError(f"created and expires must be there, at most {VALIDITY_SECONDS} s apart")
    if not created - VALIDITY_SECONDS <= now < expires:
        raise ValueError(f"the call is not of this time, {now}")
    return Believed(nonce, created)


#: Headers that say how a body is to be read: covered wherever they are.
_ABOUT_BODY = ("content-type", "content-encoding")


def _tag(hub_id: str) -> str:
    return f"sanji {hub_id}"
