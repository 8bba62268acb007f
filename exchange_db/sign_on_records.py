"""How people of a platform sign on: what a profile file says, as the ledger keeps it.

Owns the shapes and what must hold of each by itself. ``connectors.sign_on`` reads them from files, and
``auth.oidc_client``, ``auth.cas_client`` and ``auth.tickets`` work by them. No secret is in here: a profile names the
file one lies in.
"""

import ipaddress
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from exchange_db.regions import region_of, subtree

#: Roles a person can hold, as ``auth.person`` has them.
ROLES = ("viewer", "operator", "standards_publisher", "evaluator", "security_officer", "auditor")
_NEAR = ("127.0.0.1", "::1", "localhost")


class ProfileInvalid(ValueError):
    """A profile cannot be used. ``field`` is the entry that is wrong, ``problem`` what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class Upstream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="protocol"):
    """A platform at which people sign on.

    Attributes:
        upstream_id: the platform, ``431221.platform``. Its region bounds what it can speak for.
        name: shown on the sign-in page.
        roles: the only roles people who come through it can have.
        addresses: ``address:port`` or ``network/bits:port`` that may be dialled for it, nothing else.
        authority: PEM file of the authority its servers' certificates are from; empty for the machine's own list.
        name_claim, unit_claim, region_claim: where its answer has a person's name, unit and region; empty for none.
    """

    upstream_id: str
    name: str
    roles: tuple[Literal[ROLES], ...] = ("viewer",)  # type: ignore[valid-type]
    addresses: tuple[str, ...]
    authority: str = ""
    name_claim: str = "name"
    unit_claim: str = ""
    region_claim: str = ""

    @property
    def region(self) -> int:
        """The region it speaks for, with everything below."""
        return region_of(self.upstream_id)

    def told_region(self, told: object) -> int:
        """Returns the region of a person: the one the platform tells when that is its to tell, else its own."""
        text = str(told)
        if len(text) == 6 and text.isascii() and text.isdecimal() and int(text) in subtree(self.region):
            return int(text)
        return self.region

    def __post_init__(self) -> None:
        try:
            region_of(self.upstream_id)
        except ValueError as error:
            raise ProfileInvalid("upstream_id", str(error)) from None
        if not self.addresses:
            raise ProfileInvalid("addresses", "must name at least one address:port")
        for text in self.addresses:
            read_address(text)


class OidcUpstream(Upstream, frozen=True, kw_only=True, tag="oidc"):
    """OpenID Connect. Exactly one of ``key`` (a PEM file, ``private_key_jwt``) and ``secret`` (a file) is set."""

    issuer: str
    client_id: str
    key: str = ""
    key_id: str = ""
    secret: str = ""
    id_token_alg: Literal["ES256", "PS256", "RS256", "EdDSA"] = "ES256"  # noqa: S105 — an algorithm
    scope: str = "openid"
    acr: str = ""
    hops_claim: str = ""
    requires_par: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_web("issuer", self.issuer)
        if bool(self.key) == bool(self.secret):
            raise ProfileInvalid("key", "set exactly one of key and secret")
        if "openid" not in self.scope.split():
            raise ProfileInvalid("scope", "must contain openid")


class CasUpstream(Upstream, frozen=True, kw_only=True, tag="cas"):
    """CAS. ``base`` is the address above ``/login``; ``logout_addresses`` may send single logout."""

    base: str
    version: Literal[2, 3] = 3
    logout_addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_web("base", self.base)
        for text in self.logout_addresses:
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ProfileInvalid("logout_addresses", f"{text!r} is not an address") from None


class TicketUpstream(Upstream, frozen=True, kw_only=True, tag="ticket"):
    """A ticket in the address that is asked back about: everything about it is data.

    ``enter`` is where the browser goes, with ``{callback}`` in it. ``exchange`` is called with ``fields``; in them and
    in ``signed_text`` stand ``{app}``, ``{ticket}``, ``{time}`` (seconds, or milliseconds with ``is_time_in_ms``),
    ``{nonce}`` and, in fields, ``{signature}``. Answer paths are names with dots between.
    """

    enter: str
    exchange: str
    app: str
    secret: str
    method: Literal["GET", "POST"] = "POST"
    body: Literal["form", "json"] = "form"
    ticket_parameter: str = "ticket"
    fields: dict[str, str]
    signed_text: str
    algorithm: Literal["hmac-sha256", "hmac-sm3"] = "hmac-sm3"
    is_time_in_ms: bool = False
    success_path: str
    success_value: str
    subject_claim: str
    auth_time_claim: str = ""
    acr_claim: str = ""
    leave: str = ""
    most_ticket_characters: int = 512

    PLACES: ClassVar[frozenset[str]] = frozenset({"app", "ticket", "time", "nonce"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_web("enter", self.enter)
        require_web("exchange", self.exchange)
        if "{callback}" not in self.enter:
            raise ProfileInvalid("enter", "must contain {callback}")
        if not any("{ticket}" in text for text in self.fields.values()):
            raise ProfileInvalid("fields", "none of them is {ticket}")
        if not any("{signature}" in text for text in self.fields.values()):
            raise ProfileInvalid("fields", "none of them is {signature}")
        for place in ("{ticket}", "{time}", "{nonce}"):
            if place not in self.signed_text:
                raise ProfileInvalid("signed_text", f"must contain {place}: what is not signed can be changed")
        if not 1 <= self.most_ticket_characters <= 4096:
            raise ProfileInvalid("most_ticket_characters", "must be 1 to 4096")


AnyUpstream = OidcUpstream | CasUpstream | TicketUpstream


def read_address(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int]:
    """Reads ``10.1.2.3:443``, ``10.1.0.0/16:443`` or ``[::1]:443``.

    Raises:
        ProfileInvalid: it is none of these.
    """
    host, _, port = text.rpartition(":")
    try:
        network = ipaddress.ip_network(host.strip("[]"))
    except ValueError:
        raise ProfileInvalid("addresses", f"{text!r} is not address:port or network/bits:port") from None
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ProfileInvalid("addresses", f"{text!r} names no port")
    return network, int(port)


def require_web(field: str, address: str) -> None:
    """Checks that an address is https, or http on this machine, with no user, query or fragment games in its host.

    Raises:
        ProfileInvalid: it is not.
    """
    parts = urlsplit(address)
    is_near = parts.scheme == "http" and parts.hostname in _NEAR
    if not (parts.scheme == "https" or is_near) or not parts.hostname or parts.username is not None or parts.fragment:
        raise ProfileInvalid(field, f"{address!r} is not an https address")


def origin_of(address: str) -> str:
    """Returns scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def encode(upstream: AnyUpstream) -> str:
    """Returns a profile as the ledger keeps it."""
    return msgspec.json.encode(upstream).decode()


def decode(text: str) -> AnyUpstream:
    """Reads a profile the ledger keeps."""
    read: AnyUpstream = msgspec.json.decode(text.encode(), type=AnyUpstream)
    return read
