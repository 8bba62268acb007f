"""What a platform's software is registered with: read from a file, and every address held against the rules.

An address is compared letter by letter later, so what browsers might read in two ways is refused here. Called by
``sanji sign-on client``.

Source: RFC 9700, sections 2.1 and 4.1; OpenID Connect Dynamic Client Registration 1.0 (names of the methods).
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from auth import certificates
from auth.oidc_provider.metadata import ASSERTION_ALGORITHMS, SCOPES
from auth.person import Role
from auth.tokens import Trust
from exchange_db.regions import format_region, parse_region, region_of
from exchange_db.sign_on import Client, TokenIssuer

_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_MOST_ADDRESS = 500
_CONFUSING = frozenset(' "<>\\^`{|}')
_NEAR = frozenset({"127.0.0.1", "::1", "localhost"})
_Told = TypeVar("_Told", bound=Struct)
#: What of a key is kept.
_PUBLIC = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"})
_KEYED, _CERTIFIED = "private_key_jwt", "tls_client_auth"


class RegistrationInvalid(ValueError):
    """A registration cannot be taken. ``field`` is the entry at fault, ``problem`` what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")


class Registration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a platform's software; ``docs/sign-on-provider.md`` tells each entry."""

    client_id: str
    platform_id: str
    name: str
    auth_method: Literal["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "none"]
    region: str = ""
    roles: tuple[Role, ...] = (Role.VIEWER,)
    scopes: tuple[Literal["openid", "profile", "rights"], ...] = SCOPES  # type: ignore[assignment]
    redirect_addresses: tuple[str, ...] = ()
    post_logout_addresses: tuple[str, ...] = ()
    logout_address: str = ""
    cas_services: tuple[str, ...] = ()
    algorithm: Literal["ES256", "RS256"] = "ES256"
    needs_pushed: bool = False
    audiences: tuple[str, ...] = ()
    keys: str = ""
    certificate: str = ""


class IssuerFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of another hub whose delegated tokens are taken."""

    issuer: str
    platform_id: str
    keys: str
    algorithm: Literal["ES256", "RS256"] = "ES256"


def client_of(values: Mapping[str, Any], files: Mapping[str, bytes]) -> Client:
    """Returns the client a file describes, without a secret.

    Args:
        values: what stands in the file.
        files: content of the files it names, by the entry that names one.

    Raises:
        RegistrationInvalid: it breaks a rule.
    """
    told = _converted(values, Registration)
    if not _CLIENT_ID.match(told.client_id):
        raise RegistrationInvalid("client_id", "3 to 64 of a-z 0-9 . _ -")
    own = _region("platform_id", told.platform_id)
    region = _code("region", told.region or format_region(own))
    for audience in told.audiences:
        _region("audiences", audience)
    for field in ("redirect_addresses", "post_logout_addresses", "cas_services"):
        for address in getattr(told, field):
            require_address(field, address)
    if told.logout_address:
        require_address("logout_address", told.logout_address)
    _require_use(told)
    return Client(
        told.client_id, told.platform_id, told.name, told.auth_method, region,
        jwks=public_keys(files.get("keys"), "keys") if told.auth_method == _KEYED else "[]",
        thumbprint=_thumbprint(files.get("certificate")) if told.auth_method == _CERTIFIED else "",
        redirect_uris=told.redirect_addresses, post_logout_uris=told.post_logout_addresses,
        logout_uri=told.logout_address, cas_services=told.cas_services, scopes=told.scopes, roles=told.roles,
        algorithm=told.algorithm, needs_pushed=told.needs_pushed, audiences=told.audiences,
    )  # fmt: skip


def issuer_of(values: Mapping[str, Any], files: Mapping[str, bytes]) -> TokenIssuer:
    """Returns the hub a file describes.

    Raises:
        RegistrationInvalid: it breaks a rule.
    """
    told = _converted(values, IssuerFile)
    require_address("issuer", told.issuer)
    _region("platform_id", told.platform_id)
    return TokenIssuer(told.issuer, told.platform_id, told.algorithm, public_keys(files.get("keys"), "keys"))


def require_address(field: str, address: str) -> None:
    """Checks an address that browsers or this hub will be sent to.

    Raises:
        RegistrationInvalid: it is not ``https``, or could be read in two ways.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RegistrationInvalid(field, f"{address} is no address") from None
    is_plain = address.isascii() and address.isprintable() and not set(address) & _CONFUSING
    if not is_plain or len(address) > _MOST_ADDRESS:
        raise RegistrationInvalid(field, "printable ASCII of at most 500 characters, blanks and backslashes encoded")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _NEAR):
        raise RegistrationInvalid(field, f"{address} must begin with https://")
    is_one_reading = "@" not in parts.netloc and "#" not in address and parts.netloc == parts.netloc.lower()
    if not is_one_reading or port == 0 or not _is_host(host):
        raise RegistrationInvalid(field, f"{address}: no user name, no fragment, the host in small letters")
    segments = re.sub("%2[eE]", ".", parts.path).split("/")
    if {".", ".."} & set(segments) or "*" in address:
        raise RegistrationInvalid(field, f"{address}: no dot segments, no patterns")


def _converted(values: Mapping[str, Any], kind: type[_Told]) -> _Told:
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise RegistrationInvalid(place.rstrip("`") or "file", problem) from None


def _require_use(told: Registration) -> None:
    """Checks that what is registered can be used, and needs what it is registered with."""
    if not told.redirect_addresses and not told.cas_services and not told.audiences:
        raise RegistrationInvalid("redirect_addresses", "name at least one, or cas_services, or audiences")
    if told.redirect_addresses and (told.auth_method == "none" or "openid" not in told.scopes):
        raise RegistrationInvalid("auth_method", "software with redirect_addresses must prove itself and have openid")
    for method, field in ((_KEYED, "keys"), (_CERTIFIED, "certificate")):
        if (told.auth_method == method) != bool(getattr(told, field)):
            raise RegistrationInvalid(field, f"goes with auth_method = {method}, and only with it")


def public_keys(content: bytes | None, field: str) -> str:
    """Returns the public keys of a JWK set as JSON, with nothing private left in them.

    Raises:
        RegistrationInvalid: they are not what may sign.
    """
    try:
        told = json.loads(content or b"")
        given = told["keys"] if isinstance(told, dict) and "keys" in told else [told]
        public = [{name: value for name, value in key.items() if name in _PUBLIC} for key in given]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise RegistrationInvalid(field, "not a JWK set") from None
    if not public or len(Trust("", ASSERTION_ALGORITHMS, public).key_ids) != len(public):
        raise RegistrationInvalid(field, "each key needs its own kid and must be EC, RSA (2048 or more) or Ed25519")
    return json.dumps(public)


def _thumbprint(content: bytes | None) -> str:
    try:
        return certificates.thumbprint(content or b"")
    except ValueError:
        raise RegistrationInvalid("certificate", "not a PEM certificate") from None


def _region(field: str, platform_id: str) -> int:
    try:
        return region_of(platform_id)
    except ValueError as error:
        raise RegistrationInvalid(field, str(error)) from None


def _code(field: str, text: str) -> int:
    try:
        return parse_region(text)
    except ValueError as error:
        raise RegistrationInvalid(field, str(error)) from None


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        # A last label of digits would be an IPv4 address in one of its other spellings.
        return all(map(_LABEL.match, labels)) and not labels[-1].isdecimal()
    return True
