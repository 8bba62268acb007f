"""Waking a reader that sleeps, and paying for a NOTIFY only then.

A reader calls ``sleep`` first, looks once more, and then waits for a notification; a writer calls ``wake`` after its
commit. Whichever comes second sees the other, so nothing is missed; a poll behind it covers a writer killed between.
"""

from typing import Any

from psycopg import AsyncConnection

#: Channels: rows wait for apply; rows wait for delivery; records were settled; the registry changed.
INBOX = "inbox"
OUTBOX = "outbox"
SETTLED = "settled"
PEERS = "peers"

_WAKE = (
    "WITH woken AS (UPDATE wakeups SET is_sleeping = false WHERE channel = ANY(%s) AND is_sleeping RETURNING channel)"
    " SELECT pg_notify(channel, '') FROM woken"
)


async def prepare(driver: AsyncConnection[Any]) -> None:
    """Makes the rows of the channels, which a crash of the server empties; on every connection that listens."""
    await driver.execute(
        "INSERT INTO wakeups (channel, is_sleeping) SELECT channel, false FROM unnest(%s::text[]) channel"
        " ON CONFLICT DO NOTHING",
        ([INBOX, OUTBOX, SETTLED, PEERS],),
    )


async def wake(driver: AsyncConnection[Any], *channels: str) -> None:
    """Notifies the channels on which somebody said that they sleep. Call it after the commit."""
    await driver.execute(_WAKE, (list(channels),))


async def sleep(driver: AsyncConnection[Any], channel: str) -> None:
    """Says that a reader of this channel is about to sleep. Look once more afterwards."""
    await driver.execute("UPDATE wakeups SET is_sleeping = true WHERE channel = %s AND NOT is_sleeping", (channel,))
