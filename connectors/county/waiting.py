"""Waiting for a change while something works in the background. Called by ``connectors.county.client``."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def either(changed: Coroutine[Any, Any, Any], working: asyncio.Task[None] | None) -> None:
    """Returns when something changed; raises what ended the work for good."""
    assert working is not None  # noqa: S101 — the client is open
    changing = asyncio.create_task(changed)
    try:
        await asyncio.wait((changing, working), return_when=asyncio.FIRST_COMPLETED)
    finally:
        changing.cancel()
    if working.done():
        working.result()
