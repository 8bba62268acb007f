"""Waking readers in other processes of a hub, and paying for a NOTIFY only when there are some.

A process listens on one connection that bears the name ``LISTENER``; so others see that it is there. A wake-up is
never the only way to find work: every reader looks again after a second at the latest.
"""

from typing import Any

from psycopg import AsyncConnection, sql

#: Channels: rows wait for apply; rows wait for delivery; records were settled; the registry changed; the hub above has
#: releases of standards; this hub holds new ones; the audit log has many new entries; somebody wants a job run now; a
#: neighbour's canary waits for its answer; a link that is down has no canary under way.
INBOX = "inbox"
OUTBOX = "outbox"
SETTLED = "settled"
PEERS = "peers"
ANNOUNCED = "announced"
RELEASED = "released"
AUDITED = "audited"
ORDERED = "ordered"
CANARIES = "canaries"
BROKEN = "broken"
CHANNELS = (INBOX, OUTBOX, SETTLED, PEERS, ANNOUNCED, RELEASED, AUDITED, ORDERED, CANARIES, BROKEN)

LISTENER = "sanji listener"


async def listen(driver: AsyncConnection[Any]) -> None:
    """Makes this connection the one on which its process is woken."""
    await driver.execute(sql.SQL("SET application_name = {}").format(sql.Literal(LISTENER)))
    for channel in CHANNELS:
        await driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def is_heard(driver: AsyncConnection[Any], own_process_id: int) -> bool:
    """Tells whether a process listens other than the one whose listening connection has this server process."""
    cursor = await driver.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
        " AND pid <> %s)",
        (LISTENER, own_process_id),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def wake(driver: AsyncConnection[Any], *channels: str) -> None:
    """Notifies everybody who listens. Call it after the commit."""
    await driver.execute("SELECT pg_notify(channel, '') FROM unnest(%s::text[]) channel", (list(channels),))
