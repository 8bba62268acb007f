"""Signed tokens (JWT): the one reader and the one signer of this hub.

Owns what is believed about a token: its form, its signature by a key registered for its issuer, its times, its
audience. Does not fetch keys, does not know what claims mean, and remembers nothing: whoever takes a token only once
keeps ``replay_key`` in the ledger. Called by the relying party for ID and logout tokens, and by the provider for
client assertions, hints and delegated tokens.

Source: RFC 7519, RFC 8725 (best practice); OpenID Connect Core 1.0, section 3.1.3.7.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

#: Longest token that is looked at, in characters. A delegated token of three hops has about 5,000.
LONGEST = 8_192
#: Most a neighbour's clock may differ.
SKEW_SECONDS = 60
#: What an issuer may be registered with: signatures by key pairs only, so no public key can pass for a secret.
ALGORITHMS = frozenset({"ES256", "ES384", "RS256", "PS256", "Ed25519", "EdDSA"})
#: Types of an ordinary token; others (``logout+jwt``) are asked for by name, so no kind passes for another.
PLAIN = ("", "jwt")
#: Header fields that change what is verified, or bring a key along.
_FORBIDDEN = ("crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc")
_MICROSECONDS = 1_000_000
#: Of a modulus of 2,048 bits in base64url.
_LEAST_RSA_LETTERS = 342


class TokenRefused(Exception):
    """A token is not believed. ``reason`` is a word for the log; nothing of the token is in it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Trust:
    """What an issuer signs with: the algorithms it is registered with, and its public keys.

    Args:
        issuer: as its tokens write it, compared letter by letter.
        algorithms: from the registration, of ``ALGORITHMS``.
        keys: public keys as JWK; those of an unknown kind or for encryption are passed over.

    Raises:
        ValueError: an algorithm is not one of ``ALGORITHMS``.
    """

    def __init__(self, issuer: str, algorithms: Collection[str], keys: Iterable[Mapping[str, Any]]) -> None:
        if not algorithms or not ALGORITHMS.issuperset(algorithms):
            raise ValueError(f"not among {sorted(ALGORITHMS)}: {sorted(algorithms)}")
        self.issuer = issuer
        self.algorithms = frozenset(algorithms)
        self._keys = [key for given in keys if (key := _public_key(given)) is not None]

    @property
    def key_ids(self) -> frozenset[str]:
        """Ids of the keys held, to tell whether fetching them again may help."""
        return frozenset(kid for key in self._keys if isinstance(kid := key.get("kid"), str))

    def key_for(self, header: Mapping[str, Any]) -> Key:
        """Returns the key a header asks for.

        Raises:
            TokenRefused: ``key``: none, or several and the header does not say which.
        """
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise TokenRefused("key")
        kind = _kind_of(header["alg"])
        fitting = [key for key in self._keys if key.key_type == kind and (kid is None or key.get("kid") == kid)]
        if len(fitting) != 1:
            raise TokenRefused("key")
        return fitting[0]


class TokenReader:
    """Reads tokens of registered issuers.

    Args:
        trusts: the issuers; ``trust`` takes further ones, and new keys of those that are known.
    """

    def __init__(self, trusts: Iterable[Trust] = ()) -> None:
        self._trusts = {trust.issuer: trust for trust in trusts}

    def trust(self, trust: Trust) -> None:
        """Takes an issuer, or its new keys."""
        self._trusts[trust.issuer] = trust

    def read(
        self,
        text: str,
        *,
        issuer: str,
        audience: str | Collection[str],
        moment: int,
        types: Collection[str] = PLAIN,
        is_ended_taken: bool = False,
    ) -> dict[str, Any]:
        """Returns the claims of a token that holds.

        Args:
            text: the compact form.
            issuer: who must have signed it.
            audience: the names the reader goes by; another one beside them is taken only when ``azp`` is one of them.
            moment: now, microseconds since 1970.
            types: values of the header's ``typ`` that are taken, in small letters; ``""`` for none.
            is_ended_taken: take it after its end too, as a hint at logout is.

        Raises:
            TokenRefused: it does not hold, for whatever reason; no other exception leaves here.
        """
        claims = self._signed(text, issuer, types)
        _require_audience(claims, {audience} if isinstance(audience, str) else set(audience))
        _require_times(claims, moment / _MICROSECONDS, is_ended_taken=is_ended_taken)
        return claims

    def read_for_anybody(
        self, text: str, *, issuer: str, moment: int, types: Collection[str], is_ended_taken: bool = False
    ) -> dict[str, Any]:
        """Does the same without asking for whom a token is: to know one's own again, or to verify what was kept."""
        claims = self._signed(text, issuer, types)
        _require_times(claims, moment / _MICROSECONDS, is_ended_taken=is_ended_taken)
        return claims

    def _signed(self, text: str, issuer: str, types: Collection[str]) -> dict[str, Any]:
        trust = self._trusts.get(issuer)
        if trust is None:
            raise TokenRefused("issuer unknown")
        try:
            claims = _verified(text, trust, types)
        except TokenRefused:
            raise
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise TokenRefused(type(error).__name__) from None
        if claims.get("iss") != issuer:
            raise TokenRefused("issuer")
        return claims


class SigningKey(NamedTuple):
    """A private key and what it signs as."""

    key_id: str
    algorithm: str
    key: Key


class TokenSigner:
    """Signs tokens.

    Args:
        key: with which.
    """

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def sign(self, claims: Mapping[str, Any], kind: str = "JWT") -> str:
        """Returns the compact form; ``kind`` becomes the header's ``typ``."""
        header = {"alg": self._key.algorithm, "kid": self._key.key_id, "typ": kind}
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self._key.key, algorithms=[self._key.algorithm])


def issuer_named(text: str) -> str:
    """Returns the issuer a token claims to be of, to look its registration up by. Nothing is verified.

    Raises:
        TokenRefused: the token has not the form of one.
    """
    try:
        _, payload, _ = _parts(text)
        named = _read_object(_decoded(payload)).get("iss")
    except (ValueError, RecursionError):
        raise TokenRefused("form") from None
    if not isinstance(named, str):
        raise TokenRefused("issuer")
    return named


def replay_key(text: str, claims: Mapping[str, Any]) -> bytes:
    """Returns the 32 bytes under which a token that was read is remembered as used.

    Never the token's own bytes: an ECDSA signature can be rewritten by anybody into another one that holds as well.
    """
    jti = claims.get("jti")
    if isinstance(jti, str) and jti:
        return hashlib.sha256(json.dumps([claims.get("iss"), jti]).encode()).digest()
    return hashlib.sha256(text.rpartition(".")[0].encode()).digest()


def _verified(text: str, trust: Trust, types: Collection[str]) -> dict[str, Any]:
    head, payload, _ = _parts(text)
    header = _read_object(_decoded(head))
    if any(name in header for name in _FORBIDDEN):
        raise TokenRefused("header")
    algorithm, kind = header.get("alg"), header.get("typ", "")
    if algorithm not in trust.algorithms:
        raise TokenRefused("algorithm")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
        raise TokenRefused("type")
    jws.deserialize_compact(text, trust.key_for(header), algorithms=[algorithm])
    return _read_object(_decoded(payload))


def _parts(text: str) -> list[str]:
    if len(text) > LONGEST or not text.isascii():
        raise TokenRefused("length")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenRefused("form")
    return parts


def _decoded(part: str) -> bytes:
    """Decodes base64url in its only spelling: no padding, no other letters, no loose bits at the end."""
    content = urlsafe_bytes(part)
    if content is None:
        raise TokenRefused("encoding")
    return content


def urlsafe_bytes(text: str) -> bytes | None:
    """Returns what a base64url text stands for; ``None`` when it is not spelled in the one canonical way."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return content if urlsafe_text(content) == text else None


def urlsafe_text(content: bytes) -> str:
    """Returns bytes in base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _read_object(content: bytes) -> dict[str, Any]:
    read = json.loads(content.decode(), object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    if not isinstance(read, dict):
        raise TokenRefused("form")
    return read


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise TokenRefused("name twice")
    return read


def _no_constant(_: str) -> float:
    raise TokenRefused("number")


def _require_audience(claims: Mapping[str, Any], own: set[str]) -> None:
    named = claims.get("aud")
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named) or own.isdisjoint(named):
        raise TokenRefused("audience")
    if not own.issuperset(named) and claims.get("azp") not in own:
        raise TokenRefused("audience")
    if "azp" in claims and claims["azp"] not in own:
        raise TokenRefused("audience")


def _require_times(claims: Mapping[str, Any], now: float, *, is_ended_taken: bool) -> None:
    for name in ("exp", "iat", "nbf", "auth_time"):
        value = claims.get(name, 0)
        # A bool is an int here, and a float loses seconds; both are no time.
        if type(value) is not int or not 0 <= value < 1 << 53:
            raise TokenRefused(name)
    if "exp" not in claims or "iat" not in claims:
        raise TokenRefused("times missing")
    if not is_ended_taken and now >= claims["exp"] + SKEW_SECONDS:
        raise TokenRefused("ended")
    if claims["iat"] > now + SKEW_SECONDS or claims.get("nbf", 0) > now + SKEW_SECONDS:
        raise TokenRefused("not yet")
    if claims["exp"] <= claims["iat"]:
        raise TokenRefused("exp")


def _public_key(given: Mapping[str, Any]) -> Key | None:
    try:
        if given.get("use", "sig") != "sig" or given.get("kty") not in {"EC", "RSA", "OKP"}:
            return None
        # The library only warns of a short key, and only once it has been made.
        if given["kty"] == "RSA" and len(given["n"]) < _LEAST_RSA_LETTERS:
            return None
        public = {name: value for name, value in given.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}
        return JWKRegistry.import_key({**public, "use": "sig"})
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _kind_of(algorithm: str) -> str:
    return {"E": "EC", "R": "RSA", "P": "RSA"}[algorithm[0]] if algorithm not in {"Ed25519", "EdDSA"} else "OKP"
