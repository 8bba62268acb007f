"""What every transport asks of a stream's name and of a batch, so that all of them refuse the same."""

import re

from exchange_db.records import Violated

MAX_BATCH = 2_000
_NAME = re.compile(r"[a-z0-9._:-]{1,60}\Z")


def require_stream_name(name: str, path: str) -> None:
    """Checks the name of a stream.

    Raises:
        Violated: STREAM_NAME_INVALID.
    """
    if not _NAME.match(name):
        raise Violated("STREAM_NAME_INVALID", path, name)


def require_batch_size(count: int, path: str) -> None:
    """Checks how many parcels a batch has.

    Raises:
        Violated: BATCH_TOO_LARGE.
    """
    if not 1 <= count <= MAX_BATCH:
        raise Violated("BATCH_TOO_LARGE", path, count)
