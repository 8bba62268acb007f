"""Waking sleepers: a NOTIFY goes out when somebody sleeps, and only then."""

import asyncio

from exchange_db import wakeups
from exchange_db.session import Dedicated, Ledger


async def _noticed(connection: Dedicated) -> list[str]:
    """Channels notified so far; a statement of its own brings in what has come."""
    return [notice.channel async for notice in connection.driver.notifies(timeout=0.2, stop_after=1)]


async def test_a_sleeper_is_woken_once(ledger: Ledger) -> None:
    async with ledger.dedicated() as reader, ledger.dedicated() as writer:
        await reader.driver.execute("LISTEN inbox")
        await wakeups.sleep(reader.driver, wakeups.INBOX)
        await wakeups.wake(writer.driver, wakeups.INBOX)
        assert await _noticed(reader) == ["inbox"]
        await wakeups.wake(writer.driver, wakeups.INBOX)
        assert await _noticed(reader) == []


async def test_nobody_is_woken_who_does_not_sleep_or_sleeps_elsewhere(ledger: Ledger) -> None:
    async with ledger.dedicated() as reader, ledger.dedicated() as writer:
        await reader.driver.execute("LISTEN inbox")
        await wakeups.wake(writer.driver, wakeups.INBOX)
        await wakeups.sleep(reader.driver, wakeups.OUTBOX)
        await wakeups.wake(writer.driver, wakeups.INBOX)
        assert await _noticed(reader) == []


async def test_all_sleepers_of_a_channel_are_woken_by_one_writer(ledger: Ledger) -> None:
    async with ledger.dedicated() as one, ledger.dedicated() as two, ledger.dedicated() as writer:
        for reader in (one, two):
            await reader.driver.execute("LISTEN settled")
            await wakeups.sleep(reader.driver, wakeups.SETTLED)
        await wakeups.wake(writer.driver, wakeups.SETTLED)
        for noticed in await asyncio.gather(_noticed(one), _noticed(two)):
            assert noticed == ["settled"]


async def test_every_channel_has_its_row(ledger: Ledger) -> None:
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT channel FROM wakeups")
        channels = {row[0] for row in await cursor.fetchall()}
    assert channels == {wakeups.INBOX, wakeups.OUTBOX, wakeups.SETTLED, wakeups.PEERS}
