"""Partners with a database for tests: a link, a registry entry, a ledger with parcels due, and a write-back at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from exchange_db import inbox, outbox
from exchange_db.inbox import Arrival, Entry
from exchange_db.intermediate.partner import Row, open_partner
from exchange_db.keys import partition_of
from exchange_db.peers import DATABASE, Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intermediate.link_files import DatabaseLink
from hub.intermediate.writeback import Means, WriteBack
from hub.listener import Listener
from hub.settings import DeliverPart, HubPart
from tests.support.builders import CITY, COUNTY
from tests.support.clock import NOON
from tests.support.neighbours import enrolled
from tests.support.stages import until

_QUICK = DeliverPart(
    backoff_first_seconds=0.05, backoff_cap_seconds=0.1, heartbeat_seconds=0.1, answer_timeout_seconds=20.0
)


async def enrol_partner(ledger: Ledger, peer_id: str = COUNTY, relation: str = "child") -> Peer:
    """Enters a neighbour whose database is the link."""
    return await enrolled(ledger, peer_id, relation, address=DATABASE, thumbprint=f"database:{peer_id}")


async def lay_down(ledger: Ledger, peer: Peer, entries: list[Entry]) -> None:
    """Puts records into the log and lays them down for a neighbour, in order."""
    async with ledger.write() as session:
        stream = await inbox.open_stream(session, "431222.platform", "cases")
        await inbox.append(session, [Arrival(stream.stream_id, "431222.platform", "", 0, list(entries))], NOON)
    numbers = {entry.message_key: entry.record_key for entry in entries}
    async with ledger.dedicated() as connection, connection.transaction() as session:
        cursor = await session.driver.execute("SELECT uuid_send(message_key), inbox_id FROM inbox", binary=True)
        found = [(numbers[key], inbox_id) for key, inbox_id in await cursor.fetchall() if key in numbers]
        rows = [outbox.pack_entry(peer.destination_id, partition_of(key), n, 0, n) for key, n in found]
        await outbox.add(session, rows)


@asynccontextmanager
async def writing(
    ledger: Ledger, peer: Peer, link: DatabaseLink, clock: Clock, codes: list[Row] | None = None
) -> AsyncIterator[WriteBack]:
    """Keeps a write-back at work until the block ends."""
    hub = HubPart(id=CITY, name="怀化市")
    means = Means(
        ledger, Listener(ledger), clock, _QUICK, hub, f"test-{id(link)}",
        lambda _: link, lambda: codes or [], lambda _: 0.05,
    )  # fmt: skip
    worker = WriteBack(means, peer)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def link_values(ledger: Ledger, peer: Peer) -> tuple[int, int, str]:
    """Returns last number, confirmed number and trouble of a link."""
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT last_sequence, acked_sequence, trouble FROM links WHERE destination_id = %s", (peer.destination_id,)
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1], row[2]


async def until_delivered(ledger: Ledger, peer: Peer, count: int) -> None:
    """Returns when a link has given and confirmed so many numbers."""

    async def is_so() -> bool:
        return (await link_values(ledger, peer))[:2] == (count, count)

    await until(is_so, f"{count} confirmed", step_seconds=0.02)


async def rows_at(url: str, query: str, *values: Any) -> list[Row]:
    """Returns what a query gives at a partner."""
    async with open_partner(url) as partner:
        return await partner.fetch(query, values)
