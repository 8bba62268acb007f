"""The numbered parcels of a link, for a neighbour that fetches them, whichever transport it asks by."""

from contextlib import suppress

from exchange_db import links, outbox, restores
from exchange_db.errors import LeaseLost
from exchange_db.outbox import Numbered
from exchange_db.records import Violated
from exchange_db.session import HotSession


async def confirm_up_to(session: HotSession, destination_id: int, after: int, path: str) -> None:
    """Records that a neighbour has everything up to a number on its disk.

    A ledger that was restored goes on behind that number, once.

    Raises:
        Violated: CURSOR_AHEAD, nothing was ever given out that far.
    """
    is_ahead = after > (await outbox.progress(session.driver, destination_id)).last_sequence
    if is_ahead and not await restores.number_on(session.driver, destination_id, after):
        raise Violated("CURSOR_AHEAD", path, after)
    await links.confirm(session.driver, destination_id, after)


async def numbered_after(
    session: HotSession, destination_id: int, after: int, size: int, max_bytes: int
) -> list[Numbered]:
    """Returns the next parcels behind a number, at most ``size``, fitting into ``max_bytes``; numbers what has none."""
    found = await outbox.fetch(session.driver, destination_id, after, size)
    if not found:
        # Another call or process may number at the same moment; what it numbered is found the next time.
        with suppress(LeaseLost):
            due = await outbox.due(session.driver, destination_id, size)
            if due.entries:
                found = await outbox.number(session.driver, due)
    if found and found[0].sequence != after + 1:
        found = await outbox.fetch(session.driver, destination_id, after, size)
    return outbox.fitting(found, max_bytes)
