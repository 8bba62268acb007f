"""A platform has a token exchanged for one that lets it act for a person at another platform.

It may do so with a token it was given itself, or with a delegated one that is for it; never with another's. What it
gets is for one audience it is registered for, for minutes, and reaches nowhere beyond what it handed in. Called by
``auth.oidc_provider.provider``.

Source: RFC 8693. What of it is not offered is refused.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from auth.delegation import (
    MOST_HOPS,
    RECEIPT_TYPE,
    TOKEN_TYPE,
    Delegated,
    Receipt,
    digest_of,
    read_delegated,
    require_no_loop,
)
from auth.oidc_provider.identity import Identity, Right, bounded
from auth.oidc_provider.key_ring import KeyRing
from auth.oidc_provider.metadata import EXCHANGE
from auth.oidc_provider.protocol import ProtocolRefused, ProviderTerms, aware, require_none_of, seconds
from auth.oidc_provider.tokens import TokenDesk
from auth.person import Grant, Role
from auth.signing_keys import ALGORITHMS
from auth.tokens import TokenReader, TokenRefused, Trust
from exchange_db import sign_on, sign_on_grants
from exchange_db.audit import append
from exchange_db.audit_records import AuditEntry, peer_actor
from exchange_db.regions import parse_region, region_of, subtree
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_grants import Token

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 — a name of a type
JWT = "urn:ietf:params:oauth:token-type:jwt"
_RESTRICTING = ("resource", "scope", "actor_token", "actor_token_type", "claims", "authorization_details")


class ExchangeDesk:
    """Exchanges tokens.

    Args:
        ledger: the hub's database.
        keys: signs tokens and receipts.
        tokens: knows the tokens this hub gave.
        terms: what this provider goes by.
    """

    def __init__(self, ledger: Ledger, keys: KeyRing, tokens: TokenDesk, terms: ProviderTerms) -> None:
        self._ledger = ledger
        self._keys = keys
        self._tokens = tokens
        self._terms = terms

    async def exchange(self, client: Client, parameters: Mapping[str, str], moment: int) -> dict[str, Any]:
        """Returns the answer to a token exchange.

        Raises:
            ProtocolRefused: ``invalid_request``, ``invalid_target``, ``invalid_grant``.
        """
        require_none_of(parameters, _RESTRICTING)
        audience = parameters.get("audience", "")
        wanted = parameters.get("requested_token_type", ACCESS_TOKEN)
        kind = parameters.get("subject_token_type", "")
        if wanted not in {ACCESS_TOKEN, JWT} or kind not in {ACCESS_TOKEN, JWT}:
            raise ProtocolRefused("invalid_request", "only access tokens are exchanged, and for access tokens")
        if audience not in client.audiences:
            raise ProtocolRefused("invalid_target", "the platform is not registered to act there")
        try:
            receipt, chain, grant_id = await self._hop(client, parameters, audience, moment)
        except (ProtocolRefused, TokenRefused) as refused:
            await self._note(client, audience, "refused", getattr(refused, "reason", "SUBJECT_TOKEN"), ())
            if isinstance(refused, ProtocolRefused):
                raise
            raise ProtocolRefused("invalid_grant", "the token does not hold, or not for this") from None
        return await self._give(client, receipt, chain, grant_id, wanted, moment)

    async def _hop(
        self, client: Client, parameters: Mapping[str, str], audience: str, moment: int
    ) -> tuple[Receipt, tuple[str, ...], UUID | None]:
        """Returns the hop that is asked for, the receipts before it, and the grant it hangs on."""
        text = parameters.get("subject_token", "")
        terms = self._terms
        now = seconds(moment)
        jti = secrets.token_urlsafe(16)
        chain: tuple[str, ...] = ()
        grant_id: UUID | None = None
        if text.count(".") == 2:
            before = await self._delegated(client, text, moment)
            last, chain = before.last, before.texts
            if len(last.actors) >= MOST_HOPS:
                raise TokenRefused("depth")
            receipt = msgspec.structs.replace(
                last, iss=terms.issuer, aud=audience, jti=jti, iat=now, exp=min(last.exp, now + terms.token_seconds),
                act={"sub": client.platform_id, "act": last.act}, prior=digest_of(chain[-1]),
                grants=_narrowed(last.grants, client, audience, terms.hub_region),
            )  # fmt: skip
        else:
            held = await self._tokens.held_by(client, text, moment)
            if held is None:
                raise TokenRefused("subject token")
            token, grant = held
            grant_id = grant.grant_id
            identity = msgspec.json.decode(grant.identity, type=Identity)
            receipt = Receipt(
                iss=terms.issuer, aud=audience, sub=identity.sub, origin=terms.hub_id, jti=jti, iat=now,
                exp=min(int(token.end_time.timestamp()), now + terms.token_seconds),
                act={"sub": client.platform_id}, region=identity.region, acr=identity.acr,
                auth_time=identity.auth_time, grants=_narrowed(identity.grants, client, audience, terms.hub_region),
            )  # fmt: skip
        require_no_loop(receipt)
        if receipt.exp <= now:
            raise TokenRefused("ended")
        return receipt, chain, grant_id

    async def _delegated(self, client: Client, text: str, moment: int) -> Delegated:
        """Reads a delegated token that is for this client's platform, of this hub or of one whose keys are known."""
        async with self._ledger.read() as session:
            others = await sign_on.issuers(session)
        reader = TokenReader([Trust(one.issuer, [one.algorithm], one.public_keys) for one in others])
        reader.trust(Trust(self._terms.issuer, ALGORITHMS, await self._keys.published(moment)))
        platforms = {one.issuer: one.platform_id for one in others} | {self._terms.issuer: self._terms.hub_id}
        delegated = read_delegated(text, reader, client.platform_id, moment)
        first = delegated.receipts[0]
        if platforms[first.iss] != first.origin:
            raise TokenRefused("origin")
        for receipt in delegated.receipts:
            _require_own_line(platforms[receipt.iss], receipt)
        if delegated.last.iss == self._terms.issuer:
            digest = sign_on_grants.digest_of(f"jti {delegated.last.jti}")
            async with self._ledger.read() as session:
                if await sign_on_grants.find_token(session, digest, aware(moment)) is None:
                    raise TokenRefused("revoked")
        return delegated

    async def _give(
        self,
        client: Client,
        receipt: Receipt,
        chain: tuple[str, ...],
        grant_id: UUID | None,
        kind: str,
        moment: int,
    ) -> dict[str, Any]:
        signer = await self._keys.signer("ES256", moment)
        claims = msgspec.to_builtins(receipt)
        receipts = [*chain, signer.sign(claims, RECEIPT_TYPE)]
        text = signer.sign({**claims, "chain": receipts}, TOKEN_TYPE)
        now = aware(moment)
        token = Token(
            sign_on_grants.digest_of(f"jti {receipt.jti}"), grant_id, client.client_id, receipt.aud, "", now,
            now + timedelta(seconds=receipt.exp - receipt.iat),
        )  # fmt: skip
        async with self._ledger.write() as session:
            await sign_on_grants.keep_token(session, token)
            await append(session, _entry(client, receipt.aud, "done", "", receipt.actors))
        return {
            "access_token": text,
            "issued_token_type": kind,
            "token_type": "Bearer",
            "expires_in": receipt.exp - receipt.iat,
        }

    async def _note(self, client: Client, audience: str, outcome: str, reason: str, actors: tuple[str, ...]) -> None:
        async with self._ledger.write() as session:
            await append(session, _entry(client, audience, outcome, reason, actors))


def _entry(client: Client, audience: str, outcome: str, reason: str, actors: tuple[str, ...]) -> AuditEntry:
    return AuditEntry(
        actor=peer_actor(client.platform_id),
        action="token.exchange",
        object=client.client_id,
        outcome="done" if outcome == "done" else "refused",
        reason=reason.upper().replace(" ", "_"),
        detail={"audience": audience, "actors": list(actors), "grant_type": EXCHANGE},
    )


def _narrowed(rights: tuple[Right, ...], client: Client, audience: str, hub_region: int) -> tuple[Right, ...]:
    """Returns what is left of rights for a client, at an audience: above the hub its own region, below the other's."""
    grants = [Grant(Role(right.role), parse_region(right.region)) for right in rights]
    target = region_of(audience)
    region = target if target in subtree(hub_region) else hub_region
    left = bounded(grants, client, hub_region)
    inside = [Grant(Role(right.role), parse_region(right.region)) for right in left]
    return bounded(inside, client._replace(region=region), hub_region)


def _require_own_line(issuer_platform: str, receipt: Receipt) -> None:
    """Checks that a hub told no rights beyond its own region: it cannot speak for the tier above it.

    Raises:
        TokenRefused: ``issuer``.
    """
    spoken_for = subtree(region_of(issuer_platform))
    if not all(parse_region(right.region) in spoken_for for right in receipt.grants):
        raise TokenRefused("issuer")
