"""Pages of a list: how many rows are wanted, and the token of the row behind which a page begins.

A token holds the sort key of the last row shown, opaque to the caller and valid for ever. What it must look like is a
named tuple of the list's own, made of ``Time``, ``Key`` and ``Text``.
"""

import base64
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from exchange_db.records import Violated

Place = TypeVar("Place", bound=tuple[Any, ...])

#: Parts of a sort key, no wider than the ledger's columns.
Time = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Key = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]


class CasePlace(NamedTuple):
    """Where a page of cases begins: the last one shown."""

    reported_time: Time
    case_id: Key


def read_token(token: str, kind: type[Place]) -> Place | None:
    """Returns the sort key of the last row shown, ``None`` for the first page.

    Raises:
        Violated: ARGUMENT_INVALID, the token was not given out by a hub for this list.
    """
    if not token:
        return None
    try:
        place: Place = msgspec.msgpack.decode(base64.b64decode(token, altchars=b"-_", validate=True), type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise Violated("ARGUMENT_INVALID", "page.token", token) from None
    return place


def write_token(place: tuple[Any, ...]) -> str:
    """Returns the token of the page behind a row."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode()


def read_size(size: int) -> int:
    """Returns the number of rows wanted.

    Raises:
        Violated: ARGUMENT_INVALID, not within 0 to 1,000.
    """
    if not 0 <= size <= 1_000:
        raise Violated("ARGUMENT_INVALID", "page.size", size)
    return size or 100
