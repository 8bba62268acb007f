"""What an OpenID provider publishes about itself, and the keys it signs with.

Metadata and keys are kept for an hour. A token that names an unknown key makes the keys be fetched anew, at most once
a minute however many such tokens come; when a fetch fails, what is known stays. Called by ``auth.oidc_client``.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from auth.assertion import UpstreamFailed
from auth.egress import Egress
from auth.tokens import LONGEST, TokenReader, TokenRefused, Trust
from exchange_db.sign_on_records import ProfileInvalid, require_web

#: Microseconds metadata and keys are kept, and between fetches because of unknown keys.
KEPT = 3_600 * 1_000_000
PAUSE = 60 * 1_000_000
_MOST_KEYS = 50


class Metadata(msgspec.Struct, frozen=True):
    """What of a provider's metadata is used; names are those of OpenID Discovery."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    require_pushed_authorization_requests: bool = False
    authorization_response_iss_parameter_supported: bool = False


class MetadataBook:
    """Metadata and keys of one provider.

    Args:
        issuer: as registered; the metadata must name the same, letter by letter.
        algorithm: the only one its tokens are signed with.
        egress: calls it.
        clock: microseconds since 1970.
    """

    def __init__(self, issuer: str, algorithm: str, egress: Egress, clock: Callable[[], int]) -> None:
        self._issuer = issuer
        self._algorithm = algorithm
        self._egress = egress
        self._clock = clock
        self._metadata: Metadata | None = None
        self._metadata_time = 0
        self._trust: Trust | None = None
        self._fetch_time = 0
        self._turn = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Returns the provider's metadata.

        Raises:
            UpstreamFailed: it was never read, and cannot be now.
        """
        async with self._turn:
            if self._metadata is None or self._clock() - self._metadata_time >= KEPT:
                try:
                    self._metadata = await self._fetched_metadata()
                    self._metadata_time = self._clock()
                except UpstreamFailed:
                    if self._metadata is None:
                        raise
            return self._metadata

    async def read(self, token: str, *, audience: str, types: Collection[str]) -> dict[str, Any]:
        """Returns the claims of a token of the provider.

        Raises:
            TokenRefused: it does not hold.
            UpstreamFailed: the keys cannot be had.
        """
        trust = await self._trust_for(_key_named(token))
        reader = TokenReader([trust])
        return reader.read(token, issuer=self._issuer, audience=audience, moment=self._clock(), types=types)

    async def _trust_for(self, key_id: str | None) -> Trust:
        metadata = await self.metadata()
        async with self._turn:
            age = self._clock() - self._fetch_time
            is_missing = self._trust is None or (key_id is not None and key_id not in self._trust.key_ids)
            is_due = age >= KEPT or (is_missing and (age >= PAUSE or not self._fetch_time))
            if is_due:
                # Also when it fails: a provider in trouble is not asked with every token.
                self._fetch_time = self._clock()
                try:
                    self._trust = await self._fetched_keys(metadata.jwks_uri)
                except UpstreamFailed:
                    if self._trust is None:
                        raise
            if self._trust is None:
                raise UpstreamFailed("upstream_failed", "no keys")
            return self._trust

    async def _fetched_metadata(self) -> Metadata:
        answer = await self._egress.fetch("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if answer.status != 200:
            raise UpstreamFailed("upstream_failed", f"metadata: {answer.status}")
        try:
            metadata = msgspec.convert(answer.read_object(), Metadata)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                require_web(name, getattr(metadata, name))
            for name in ("userinfo_endpoint", "end_session_endpoint", "pushed_authorization_request_endpoint"):
                if address := getattr(metadata, name):
                    require_web(name, address)
        except (msgspec.ValidationError, ProfileInvalid) as error:
            raise UpstreamFailed("upstream_failed", f"metadata: {error}"[:200]) from None
        if metadata.issuer != self._issuer:
            raise UpstreamFailed("upstream_failed", "metadata name another issuer")
        return metadata

    async def _fetched_keys(self, where: str) -> Trust:
        answer = await self._egress.fetch("GET", where)
        keys = answer.read_object().get("keys") if answer.status == 200 else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys[:_MOST_KEYS]):
            raise UpstreamFailed("upstream_failed", f"keys: {answer.status}")
        return Trust(self._issuer, [self._algorithm], keys[:_MOST_KEYS])


def _key_named(token: str) -> str | None:
    """Returns the key a token says it is signed with; nothing is verified.

    Raises:
        TokenRefused: it has not the form of a token.
    """
    head = token[:LONGEST].partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise TokenRefused("form") from None
    named = header.get("kid") if isinstance(header, dict) else None
    return named if isinstance(named, str) else None
