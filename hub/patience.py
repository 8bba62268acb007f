"""Pausing after a failure of a link, until the pause is over or somebody wants the link tried now."""

import asyncio
import time
from typing import Any

from psycopg import AsyncConnection

from exchange_db import links

_LOOK_SECONDS = 1.0


async def rest(driver: AsyncConnection[Any], destination_id: int, seconds: float) -> None:
    """Returns after a time, or as soon as the link is nudged (``sanji link retry``).

    Args:
        driver: an idle connection.
        destination_id: which link.
        seconds: the longest wait.
    """
    begun = time.monotonic()
    while (left := begun + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left, _LOOK_SECONDS))
        if await links.is_nudged(driver, destination_id, time.monotonic() - begun):
            return
