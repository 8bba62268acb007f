"""Page tokens: the sort key of the last row shown, opaque to the caller, valid for ever."""

import base64
import binascii
import struct

from exchange_db.cases import CaseRow
from exchange_db.records import Violated

_KEY = struct.Struct(">q16s")


def read_token(token: str) -> tuple[int, bytes] | None:
    """Returns (reported_time, case_id) of the last row shown, ``None`` for the first page.

    Raises:
        Violated: ARGUMENT_INVALID, the token was not given out by a hub.
    """
    if not token:
        return None
    try:
        reported_time, case_id = _KEY.unpack(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, struct.error, ValueError):
        raise Violated("ARGUMENT_INVALID", "page.token", token) from None
    return reported_time, case_id


def write_token(row: CaseRow) -> str:
    """Returns the token of the page behind a row."""
    return base64.urlsafe_b64encode(_KEY.pack(row.reported_time, row.case_id)).decode()


def read_size(size: int) -> int:
    """Returns the number of rows wanted.

    Raises:
        Violated: ARGUMENT_INVALID, not within 0 to 1,000.
    """
    if not 0 <= size <= 1_000:
        raise Violated("ARGUMENT_INVALID", "page.size", size)
    return size or 100
