"""From a code to tokens, and what tokens are good for afterwards.

A code is good once, for the client, the address and the verifier it was given for; whoever presents it again ends
everything given for it. Access tokens are opaque and looked up with every use. Called by ``hub.signon.provider``.

Source: RFC 6749, sections 4.1.3, 5 and 10.5; OpenID Connect Core 1.0, sections 2, 3.1.3 and 5.3; RFC 7009; RFC 7662.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from auth.oidc_provider.clients import Credentials
from auth.oidc_provider.identity import Identity, session_name
from auth.oidc_provider.key_ring import KeyRing
from auth.oidc_provider.protocol import ProtocolRefused, ProviderTerms, aware, require_none_of, seconds
from auth.tokens import TokenRefused, urlsafe_text
from exchange_db import sign_on_grants
from exchange_db.audit import append
from exchange_db.audit_records import AuditEntry, peer_actor
from exchange_db.session import HotSession, Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_grants import Code, Grant, Redeemable, Token, digest_of

_RESTRICTING = ("resource", "audience", "scope", "claims", "authorization_details", "assertion")


class TokenDesk:
    """Gives tokens for codes, and tells what they stand for.

    Args:
        ledger: the hub's database.
        keys: signs ID tokens.
        terms: what this provider goes by.
    """

    def __init__(self, ledger: Ledger, keys: KeyRing, terms: ProviderTerms) -> None:
        self._ledger = ledger
        self._keys = keys
        self._terms = terms

    async def redeem(
        self, client: Client, parameters: Mapping[str, str], credentials: Credentials, moment: int
    ) -> dict[str, Any]:
        """Returns the answer to a code.

        Raises:
            ProtocolRefused: ``invalid_grant``, ``invalid_request``.
        """
        require_none_of(parameters, _RESTRICTING)
        if "code" not in parameters or "code_verifier" not in parameters:
            raise ProtocolRefused("invalid_request", "code and code_verifier are required")
        signer = await self._keys.signer(client.algorithm, moment)
        access = secrets.token_urlsafe(32)
        # What is found out is kept even when the answer is a refusal, so nothing is raised inside.
        async with self._ledger.brisk() as session:
            grant, code, reason = await self._used(session, client, parameters, moment)
            if grant is not None:
                await sign_on_grants.keep_token(session, self._token(access, client, grant, credentials, moment))
            elif reason:
                await append(
                    session,
                    AuditEntry(
                        actor=peer_actor(client.platform_id),
                        action="code.redeem",
                        object=client.client_id,
                        outcome="refused",
                        reason=reason,
                    ),
                )
        if grant is None or code is None:
            raise ProtocolRefused("invalid_grant", "this code is not, or no longer, good for this")
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self._terms.token_seconds,
            "scope": " ".join(grant.scopes),
            "id_token": signer.sign(self._id_claims(client, grant, code, access, moment)),
        }

    async def user_information(self, access: str, thumbprint: str, moment: int) -> dict[str, Any]:
        """Returns what an access token tells about its person.

        Raises:
            ProtocolRefused: ``invalid_token``.
        """
        held = await self._held(access, moment)
        if held is None or held[1] is None or held[0].audience != self._terms.issuer:
            raise _invalid_token()
        token, grant = held
        if token.thumbprint and not hmac.compare_digest(token.thumbprint, thumbprint):
            raise _invalid_token()
        assert grant is not None  # noqa: S101 — looked at above
        return _identity(grant).claims(grant.scopes)

    async def introspect(self, client: Client, text: str, moment: int) -> dict[str, Any]:
        """Returns what a token stands for, to the one that has it or the one that it is for; else that it is none."""
        held = await self._held(text, moment)
        if held is None:
            return {"active": False}
        token, grant = held
        if token.client_id != client.client_id and token.audience != client.platform_id:
            return {"active": False}
        told: dict[str, Any] = {
            "active": True,
            "client_id": token.client_id,
            "token_type": "Bearer",
            "iss": self._terms.issuer,
            "aud": token.audience,
            "iat": int(token.made_time.timestamp()),
            "exp": int(token.end_time.timestamp()),
        }
        if grant is not None:
            told |= _identity(grant).claims(grant.scopes) | {"scope": " ".join(grant.scopes)}
        if token.thumbprint:
            told["cnf"] = {"x5t#S256": urlsafe_text(bytes.fromhex(token.thumbprint))}
        return told

    async def revoke(self, client: Client, text: str, moment: int) -> None:
        """Takes a token of the client back; one it was not given is none of its business, and no error."""
        digest = await self._digest(text, moment)
        async with self._ledger.write() as session:
            if await sign_on_grants.revoke_token(session, digest, client.client_id):
                await append(
                    session,
                    AuditEntry(actor=peer_actor(client.platform_id), action="token.revoke", object=client.client_id),
                )

    async def held_by(self, client: Client, text: str, moment: int) -> tuple[Token, Grant] | None:
        """Returns an access token that this client was given for a person, and that holds."""
        held = await self._held(text, moment)
        if held is None or held[1] is None or held[0].client_id != client.client_id:
            return None
        return held[0], held[1]

    async def _held(self, text: str, moment: int) -> tuple[Token, Grant | None] | None:
        digest = await self._digest(text, moment)
        async with self._ledger.watching() as session:
            return await sign_on_grants.find_token(session, digest, aware(moment))

    async def _digest(self, text: str, moment: int) -> bytes:
        """Returns what a token is kept by: an opaque one by itself, a delegated one by its ``jti``."""
        if text.count(".") != 2:
            return digest_of(text)
        reader = await self._keys.reader(moment)
        try:
            claims = reader.read_for_anybody(text, issuer=self._terms.issuer, moment=moment, types=("at+jwt",))
        except TokenRefused:
            return digest_of(text)
        return digest_of(f"jti {claims.get('jti')}")

    async def _used(
        self, session: HotSession, client: Client, parameters: Mapping[str, str], moment: int
    ) -> tuple[Grant | None, Code | None, str]:
        """Uses a code up; returns its grant when it was good, and why it was not otherwise."""
        found = await sign_on_grants.lock_code(session, digest_of(parameters["code"]))
        now = aware(moment)
        if found is None:
            return None, None, ""
        if found.grant.client_id != client.client_id:
            # Another's code: it stays good for whom it was given, who alone has the verifier.
            return None, None, "OTHER_CLIENT"
        if found.used_time is not None:
            await sign_on_grants.end_grant(session, found.grant.grant_id, now)
            return None, None, "CODE_REPLAYED"
        await sign_on_grants.use_code(session, found.code.code_digest, now)
        if not found.is_alive or found.code.end_time <= now:
            return None, None, "CODE_ENDED"
        if not _fits(found, parameters):
            await sign_on_grants.end_grant(session, found.grant.grant_id, now)
            return None, None, "CODE_MISUSED"
        return found.grant, found.code, ""

    def _token(self, access: str, client: Client, grant: Grant, credentials: Credentials, moment: int) -> Token:
        now = aware(moment)
        thumbprint = credentials.thumbprint if client.auth_method == "tls_client_auth" else ""
        return Token(
            digest_of(access), grant.grant_id, client.client_id, self._terms.issuer, thumbprint, now,
            now + timedelta(seconds=self._terms.token_seconds),
        )  # fmt: skip

    def _id_claims(self, client: Client, grant: Grant, code: Code, access: str, moment: int) -> dict[str, Any]:
        claims: dict[str, Any] = {
            **_identity(grant).claims(grant.scopes),
            "iss": self._terms.issuer,
            "aud": client.client_id,
            "iat": seconds(moment),
            "exp": seconds(moment) + self._terms.token_seconds,
            "sid": session_name(grant.session_id, client.client_id),
            "at_hash": urlsafe_text(hashlib.sha256(access.encode()).digest()[:16]),
        }
        if code.nonce:
            claims["nonce"] = code.nonce
        return claims


def _identity(grant: Grant) -> Identity:
    return msgspec.json.decode(grant.identity, type=Identity)


def _fits(found: Redeemable, parameters: Mapping[str, str]) -> bool:
    """Tells whether address and verifier are those of the request."""
    verifier = parameters["code_verifier"]
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    challenge = urlsafe_text(hashlib.sha256(verifier.encode()).digest())
    is_same_address = parameters.get("redirect_uri") == found.code.redirect_uri
    return hmac.compare_digest(challenge, found.code.challenge) and is_same_address


def _invalid_token() -> ProtocolRefused:
    return ProtocolRefused("invalid_token", "this access token does not hold", 401, is_challenged=True)
