"""Delegated tokens: a platform acts for a person at another one, and that can be shown afterwards hop by hop.

A delegated token names the person, one audience, and in ``act`` the platforms that act, the last one outermost. With
it travels a receipt of every hop, signed by the hub that made that hop. A receipt opens no door: its type is its own,
and it names what came before by digest. Pure: called by ``auth.oidc_provider.exchange``, which makes tokens, and by
whoever is handed one.

Source: RFC 8693, section 4.1; that prior actors can be checked is this project's own.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from auth.oidc_provider.identity import Right
from auth.tokens import TokenReader, TokenRefused, issuer_named
from exchange_db.regions import parse_region, region_of, subtree

TOKEN_TYPE = "at+jwt"  # noqa: S105 — a media type
RECEIPT_TYPE = "hop-receipt+jwt"
#: County to city, city to province, province to nation.
MOST_HOPS = 3


class Receipt(Struct, frozen=True, kw_only=True):
    """One hop: what a hub found in order and signed.

    ``sub`` is the person's name at ``origin``, the hub where the chain began; ``act`` the platforms that act, by their
    federation names; ``prior`` the SHA-256 (hex) of the receipt before, empty for the first.
    """

    iss: str
    aud: str
    sub: str
    origin: str
    jti: str
    iat: int
    exp: int
    act: dict[str, Any]
    grants: tuple[Right, ...]
    region: str
    acr: str = ""
    auth_time: int = 0
    prior: str = ""

    @property
    def actors(self) -> tuple[str, ...]:
        """The platforms that act, the last one first.

        Raises:
            TokenRefused: ``act`` is not a chain of names, or longer than allowed.
        """
        found: list[str] = []
        act: object = self.act
        while act is not None:
            if not isinstance(act, dict) or not isinstance(act.get("sub"), str) or set(act) - {"sub", "act"}:
                raise TokenRefused("act")
            found.append(act["sub"])
            act = act.get("act")
            if len(found) > MOST_HOPS:
                raise TokenRefused("depth")
        return tuple(found)


class Delegated(NamedTuple):
    """A delegated token that holds: its last hop, and the receipts of all, the first hop first."""

    last: Receipt
    receipts: tuple[Receipt, ...]
    texts: tuple[str, ...]


def read_delegated(text: str, reader: TokenReader, audience: str, moment: int) -> Delegated:
    """Reads a delegated token and checks every hop of it.

    Args:
        text: the token.
        reader: trusts the hubs whose hops are believed.
        audience: the federation name of the platform that was handed the token.
        moment: now, microseconds since 1970.

    Raises:
        TokenRefused: the token or one of its hops does not hold.
    """
    claims = reader.read(text, issuer=issuer_named(text), audience=audience, moment=moment, types=(TOKEN_TYPE,))
    return _checked(claims, reader, moment)


def _checked(claims: Mapping[str, Any], reader: TokenReader, moment: int) -> Delegated:
    texts = claims.get("chain")
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_HOPS or not all(isinstance(one, str) for one in texts):
        raise TokenRefused("chain")
    last = _receipt_of({name: value for name, value in claims.items() if name != "chain"})
    receipts = [_read_receipt(one, reader, moment) for one in texts]
    before = ""
    for number, receipt in enumerate(receipts):
        if receipt.prior != before or len(receipt.actors) != number + 1:
            raise TokenRefused("chain")
        if number:
            _require_step(receipts[number - 1], receipt)
        before = digest_of(texts[number])
    if msgspec.structs.replace(last, prior="") != msgspec.structs.replace(receipts[-1], prior=""):
        raise TokenRefused("chain")
    return Delegated(last, tuple(receipts), tuple(texts))


def verify_chain(text: str, reader: TokenReader, moment: int) -> Delegated:
    """Checks the hops of a token that was kept, whoever it was for and whether or not it has ended.

    Raises:
        TokenRefused: a hop does not hold.
    """
    claims = reader.read_for_anybody(
        text, issuer=issuer_named(text), moment=moment, types=(TOKEN_TYPE,), is_ended_taken=True
    )
    return _checked(claims, reader, moment)


def is_within(rights: tuple[Right, ...], bounds: tuple[Right, ...]) -> bool:
    """Tells whether rights reach nowhere beyond others."""
    return all(
        any(
            right.role == bound.role and parse_region(right.region) in subtree(parse_region(bound.region))
            for bound in bounds
        )
        for right in rights
    )


def require_no_loop(receipt: Receipt) -> None:
    """Checks that no platform is on the way twice, and that the token does not come back to where it has been.

    Raises:
        TokenRefused: ``loop``.
    """
    actors = receipt.actors
    if len(set(actors)) != len(actors) or receipt.aud in {*actors, receipt.origin}:
        raise TokenRefused("loop")


def digest_of(text: str) -> str:
    """Returns what a receipt names the one before it by: the digest of what was signed, not of the signature."""
    return hashlib.sha256(text.rpartition(".")[0].encode()).hexdigest()


def _read_receipt(text: str, reader: TokenReader, moment: int) -> Receipt:
    claims = reader.read_for_anybody(
        text, issuer=issuer_named(text), moment=moment, types=(RECEIPT_TYPE,), is_ended_taken=True
    )
    receipt = _receipt_of(claims)
    require_no_loop(receipt)
    return receipt


def _receipt_of(claims: Mapping[str, Any]) -> Receipt:
    try:
        receipt = msgspec.convert(dict(claims), Receipt)
        for platform_id in (receipt.aud, receipt.origin, *receipt.actors):
            region_of(platform_id)
        for code in (receipt.region, *(right.region for right in receipt.grants)):
            parse_region(code)
    except (msgspec.ValidationError, ValueError):
        raise TokenRefused("claims") from None
    return receipt


def _require_step(before: Receipt, after: Receipt) -> None:
    """Checks that a hop follows from the one before: the same person, no more rights, no longer, by whom it was for."""
    is_same = (before.sub, before.origin, before.region) == (after.sub, after.origin, after.region)
    if not is_same or (before.auth_time, before.acr) != (after.auth_time, after.acr):
        raise TokenRefused("person")
    if after.act.get("act") != before.act or after.actors[0] != before.aud:
        raise TokenRefused("actor")
    if not is_within(after.grants, before.grants) or after.exp > before.exp or after.iss == before.iss:
        raise TokenRefused("widened")
