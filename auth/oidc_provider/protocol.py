"""What every part of the provider shares: how a request is read and refused, and what this provider goes by.

Called by the other modules of this package and by ``hub.signon``.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: Longest value of a parameter; client assertions and delegated tokens are the longest.
MOST_LETTERS = 8_192
_MOST_PARAMETERS = 64
_MICROSECONDS = 1_000_000


class ProtocolRefused(Exception):
    """A request is refused. ``error`` is a word of OAuth 2.0 or OpenID Connect, ``description`` plain English.

    ``is_challenged`` asks for authentication by the ``WWW-Authenticate`` header.
    """

    def __init__(self, error: str, description: str, status: int = 400, *, is_challenged: bool = False) -> None:
        self.error = error
        self.description = description
        self.status = status
        self.is_challenged = is_challenged
        super().__init__(f"{error}: {description}")


class RefusedToClient(ProtocolRefused):
    """The same, told to the platform by way of the browser: its address has been checked.

    ``location`` is where the browser is sent.
    """

    def __init__(self, location: str, error: str, description: str) -> None:
        self.location = location
        super().__init__(error, description)


class ProviderTerms(NamedTuple):
    """What this provider goes by.

    ``issuer`` is the address people use, without a slash at the end; ``hub_id`` the platform it is in the federation.
    Times are seconds.
    """

    issuer: str
    hub_id: str
    hub_region: int
    code_seconds: int = 60
    token_seconds: int = 300
    pushed_seconds: int = 90
    parked_seconds: int = 900
    #: How long a platform that does not answer is told again that somebody signed off.
    logout_seconds: int = 86_400


def aware(microseconds: int) -> datetime:
    """Returns the hub's clock as the ledger keeps times."""
    return datetime.fromtimestamp(microseconds / _MICROSECONDS, UTC)


def seconds(microseconds: int) -> int:
    """Returns the hub's clock as tokens write times."""
    return microseconds // _MICROSECONDS


def parameters_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the parameters of a request.

    An empty one counts as left out; one that is there twice is refused.

    Raises:
        ProtocolRefused: ``invalid_request``.

    Source: RFC 6749, section 3.1.
    """
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= _MOST_PARAMETERS or len(name) > 100 or len(value) > MOST_LETTERS:
            raise ProtocolRefused("invalid_request", "too many or too long parameters")
        if name in found:
            raise ProtocolRefused("invalid_request", "a parameter is there twice")
        if "\0" in value or "\0" in name or not _is_text(name + value):
            raise ProtocolRefused("invalid_request", "a parameter is no text")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def require_none_of(parameters: Mapping[str, str], names: Iterable[str]) -> None:
    """Refuses parameters that would narrow what is given, were they understood.

    Raises:
        ProtocolRefused: ``invalid_request``.
    """
    for name in names:
        if name in parameters:
            raise ProtocolRefused("invalid_request", f"{name} is not supported")


def with_query(address: str, parameters: Mapping[str, str]) -> str:
    """Returns an address with parameters added to those it has."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()])
    return urlunsplit(parts._replace(query=query))


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
