"""Signing on at an OpenID provider: this hub as relying party.

Owns what is asked of a provider and what its answer must be. Everything a provider says is compared with what was asked
in this sign-on and with what was registered; nothing is taken from a token's own header but which key it names.

Source: OpenID Connect Core 1.0, Discovery 1.0, Back-Channel Logout 1.0, RP-Initiated Logout 1.0; RFC 7523
(private_key_jwt), 7636 (PKCE), 9126 (PAR), 9207 (iss), 9700 (best practice).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from auth.assertion import Assertion, SignOnRefused, UpstreamFailed, attribute, require_subject
from auth.egress import Egress
from auth.oidc_metadata import MetadataBook
from auth.person import Hop
from auth.tokens import SKEW_SECONDS, SigningKey, TokenRefused, TokenSigner
from auth.upstream_client import Asked
from exchange_db.regions import region_of
from exchange_db.sign_on_records import OidcUpstream

_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_ASSERTION_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 60
#: Oldest a logout token may be.
_LOGOUT_SECONDS = 300


class LogoutOrder(NamedTuple):
    """What a logout token ends: a session, or everything of a person."""

    token_id: str
    upstream_session: str
    subject: str


class OidcClient:
    """One OpenID provider.

    Args:
        profile: how it is registered.
        egress: calls it.
        clock: microseconds since 1970.
    """

    def __init__(self, profile: OidcUpstream, egress: Egress, clock: Callable[[], int]) -> None:
        self._profile = profile
        self._egress = egress
        self._clock = clock
        self._book = MetadataBook(profile.issuer, profile.id_token_alg, egress, clock)

    async def begin(self, asked: Asked) -> str:
        """See ``auth.upstream_client``."""
        metadata = await self._book.metadata()
        parameters = {
            "response_type": "code",
            "client_id": self._profile.client_id,
            "redirect_uri": asked.callback,
            "scope": self._profile.scope,
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": _hashed(asked.verifier),
            "code_challenge_method": "S256",
        }
        if asked.max_age is not None:
            parameters["max_age"] = str(asked.max_age)
        if acr := asked.acr or self._profile.acr:
            parameters["acr_values"] = acr
        if asked.prompt:
            parameters["prompt"] = asked.prompt
        if metadata.pushed_authorization_request_endpoint:
            parameters = await self._pushed(metadata.pushed_authorization_request_endpoint, parameters)
        elif self._profile.requires_par or metadata.require_pushed_authorization_requests:
            raise UpstreamFailed("upstream_failed", "PAR is required and not offered")
        return f"{metadata.authorization_endpoint}{_joint(metadata.authorization_endpoint)}{urlencode(parameters)}"

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: datetime) -> Assertion:
        """See ``auth.upstream_client``."""
        metadata = await self._book.metadata()
        is_named = "iss" in answer or metadata.authorization_response_iss_parameter_supported
        # Before an error is looked at: an answer of another provider must not end this sign-on either.
        if is_named and answer.get("iss") != self._profile.issuer:
            raise SignOnRefused("answer_refused", "iss of the answer")
        if "error" in answer:
            raise SignOnRefused("upstream_refused", attribute(answer["error"]))
        if not answer.get("code"):
            raise SignOnRefused("answer_refused", "no code")
        given = await self._tokens(metadata.token_endpoint, asked, answer["code"])
        id_token = given.get("id_token")
        if not isinstance(id_token, str) or str(given.get("token_type", "")).lower() != "bearer":
            raise SignOnRefused("answer_refused", "no ID token")
        claims = await self._read(id_token)
        self._require_fitting(claims, asked, given, now)
        if metadata.userinfo_endpoint and self._profile.name_claim not in claims:
            claims = {**await self._user_info(metadata.userinfo_endpoint, given, claims["sub"]), **claims}
        return self._assertion(claims, id_token, now)

    async def leave(self, id_token: str, back: str) -> str | None:
        """See ``auth.upstream_client``."""
        where = (await self._book.metadata()).end_session_endpoint
        if not where:
            return None
        parameters = {"client_id": self._profile.client_id, "post_logout_redirect_uri": back}
        if id_token:
            parameters["id_token_hint"] = id_token
        return f"{where}{_joint(where)}{urlencode(parameters)}"

    async def close(self) -> None:
        """Closes what is open."""
        await self._egress.close()

    async def read_logout_token(self, token: str, now: datetime) -> LogoutOrder:
        """Returns what a logout token ends.

        Raises:
            SignOnRefused: it does not hold in every point.
        """
        claims = await self._read(token, types=("logout+jwt",))
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise SignOnRefused("answer_refused", "logout token: event")
        if "nonce" in claims:
            raise SignOnRefused("answer_refused", "logout token: nonce")
        token_id, sid, subject = (claims.get(name, "") for name in ("jti", "sid", "sub"))
        if not all(isinstance(text, str) and len(text) <= 255 for text in (token_id, sid, subject)):
            raise SignOnRefused("answer_refused", "logout token: names")
        if not token_id or not (sid or subject):
            raise SignOnRefused("answer_refused", "logout token: jti, sid or sub missing")
        if now.timestamp() - claims["iat"] > _LOGOUT_SECONDS:
            raise SignOnRefused("answer_refused", "logout token: old")
        return LogoutOrder(token_id, sid, subject)

    def _require_fitting(
        self, claims: Mapping[str, Any], asked: Asked, given: Mapping[str, Any], now: datetime
    ) -> None:
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), asked.nonce.encode()):
            raise SignOnRefused("answer_refused", "nonce")
        if "at_hash" in claims and claims["at_hash"] != _half_hash(str(given.get("access_token", ""))):
            raise SignOnRefused("answer_refused", "at_hash")
        age = now.timestamp() - claims.get("auth_time", 0)
        if asked.max_age is not None and age > asked.max_age + SKEW_SECONDS:
            raise SignOnRefused("sign_on_too_old", "auth_time")
        wanted = (asked.acr or self._profile.acr).split()
        if wanted and claims.get("acr") not in wanted:
            raise SignOnRefused("sign_on_too_weak", f"acr {attribute(claims.get('acr'))}")

    def _assertion(self, claims: Mapping[str, Any], id_token: str, now: datetime) -> Assertion:
        profile = self._profile
        seconds = claims.get("auth_time") or claims["iat"]
        return Assertion(
            upstream_id=profile.upstream_id,
            subject=require_subject(claims.get("sub")),
            name=attribute(claims.get(profile.name_claim)),
            unit=attribute(claims.get(profile.unit_claim)) if profile.unit_claim else "",
            region=profile.told_region(claims.get(profile.region_claim)),
            auth_time=min(now, datetime.fromtimestamp(seconds, UTC)),
            acr=attribute(claims.get("acr")),
            hops=_hops(claims.get(profile.hops_claim)) if profile.hops_claim else (),
            upstream_session=attribute(claims.get("sid")),
            id_token=id_token,
        )

    async def _read(self, token: str, types: tuple[str, ...] = ("", "jwt")) -> dict[str, Any]:
        try:
            return await self._book.read(token, audience=self._profile.client_id, types=types)
        except TokenRefused as refused:
            raise SignOnRefused("answer_refused", f"token: {refused.reason}") from None

    async def _pushed(self, where: str, parameters: dict[str, str]) -> dict[str, str]:
        pushed = await self._post(where, parameters, 201)
        request_uri = pushed.get("request_uri")
        if not isinstance(request_uri, str):
            raise UpstreamFailed("upstream_failed", "PAR without request_uri")
        return {"client_id": self._profile.client_id, "request_uri": request_uri}

    async def _tokens(self, where: str, asked: Asked, code: str) -> dict[str, Any]:
        return await self._post(
            where,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": asked.callback,
                "code_verifier": asked.verifier,
            },
            200,
        )

    async def _user_info(self, where: str, given: Mapping[str, Any], subject: object) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {given.get('access_token', '')}", "Accept": "application/json"}
        answer = await self._egress.fetch("GET", where, headers=headers)
        if answer.status != 200:
            raise UpstreamFailed("upstream_failed", f"userinfo: {answer.status}")
        told = answer.read_object()
        if told.get("sub") != subject:
            raise SignOnRefused("answer_refused", "sub of userinfo")
        return told

    async def _post(self, where: str, parameters: Mapping[str, str], status: int) -> dict[str, Any]:
        """Posts as the client and returns the answer; says the provider's error code when it has one."""
        headers, proof = self._credentials()
        answer = await self._egress.fetch(
            "POST", where, data={**parameters, **proof}, headers={"Accept": "application/json", **headers}
        )
        told = answer.read_object()
        if answer.status != status:
            reason = "upstream_refused" if 400 <= answer.status < 500 else "upstream_failed"
            raise SignOnRefused(reason, f"{answer.status} {attribute(told.get('error'))}")
        return told

    def _credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """Returns headers and fields that show who asks."""
        profile = self._profile
        try:
            if profile.secret:
                secret = Path(profile.secret).read_text(encoding="utf-8").strip()
                pair = f"{quote(profile.client_id, safe='')}:{quote(secret, safe='')}"
                return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}
            key = JWKRegistry.import_key(Path(profile.key).read_bytes(), "EC")
        except (OSError, ValueError, JoseError) as error:
            raise UpstreamFailed("upstream_failed", f"credentials: {type(error).__name__}") from None
        second = self._clock() // 1_000_000
        claims = {
            "iss": profile.client_id,
            "sub": profile.client_id,
            "aud": profile.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": second,
            "exp": second + _ASSERTION_SECONDS,
        }
        signer = TokenSigner(SigningKey(profile.key_id or key.thumbprint(), "ES256", key))
        fields = {
            "client_id": profile.client_id,
            "client_assertion_type": _ASSERTION_KIND,
            "client_assertion": signer.sign(claims),
        }
        return {}, fields


def _hops(told: object) -> tuple[Hop, ...]:
    """Reads the platforms a sign-on came through before its provider, nearest first."""
    try:
        hops = msgspec.convert(told or (), tuple[Hop, ...])
        for hop in hops:
            region_of(hop.platform_id)
    except (msgspec.ValidationError, ValueError):
        raise SignOnRefused("answer_refused", "hops") from None
    return hops


def _hashed(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _half_hash(token: str) -> str:
    """Left half of a token's SHA-256, as ``at_hash`` of the algorithms with 256 bits has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def _joint(address: str) -> str:
    return "&" if "?" in address else "?"
