"""Waking other processes: whoever listens is told, and nobody is told when nobody listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exchange_db import wakeups
from exchange_db.session import Dedicated, Ledger
from hub.listener import Listener
from tests.support.stages import until


async def _noticed(connection: Dedicated, most: int = 1) -> list[str]:
    """Channels notified so far, in order of their names."""
    return sorted([notice.channel async for notice in connection.driver.notifies(timeout=0.3, stop_after=most)])


async def test_whoever_listens_is_told(ledger: Ledger) -> None:
    async with ledger.dedicated() as one, ledger.dedicated() as two, ledger.dedicated() as writer:
        for reader in (one, two):
            await wakeups.listen(reader.driver)
        await wakeups.wake(writer.driver, wakeups.SETTLED, wakeups.OUTBOX)
        for noticed in await asyncio.gather(_noticed(one, 2), _noticed(two, 2)):
            assert noticed == ["outbox", "settled"]


async def test_a_process_does_not_count_itself_among_those_who_hear(ledger: Ledger) -> None:
    async with ledger.dedicated() as own, ledger.dedicated() as teller:
        await wakeups.listen(own.driver)
        own_id = own.driver.info.backend_pid
        assert not await wakeups.is_heard(teller.driver, own_id)
        async with ledger.dedicated() as other:
            await wakeups.listen(other.driver)
            assert await wakeups.is_heard(teller.driver, own_id)

        async def is_alone() -> bool:
            return not await wakeups.is_heard(teller.driver, own_id)

        await until(is_alone, "the other one's end")


@asynccontextmanager
async def _running(ledger: Ledger) -> AsyncIterator[Listener]:
    """A listener at work, as in a process of its own."""
    listener = Listener(ledger)
    seen = listener.version(wakeups.PEERS)
    running = asyncio.create_task(listener.run())
    await listener.wait(wakeups.PEERS, seen, 10)
    try:
        yield listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("channel", wakeups.CHANNELS)
async def test_what_one_process_tells_wakes_another(ledger: Ledger, channel: str) -> None:
    async with _running(ledger) as here, _running(ledger) as there:
        seen = there.version(channel)
        here.tell(channel)
        await there.wait(channel, seen, 10)
        assert there.version(channel) > seen


async def test_a_process_is_not_woken_twice_by_its_own_words(ledger: Ledger) -> None:
    async with _running(ledger) as here, _running(ledger) as there:
        before, seen = here.version(wakeups.INBOX), there.version(wakeups.INBOX)
        here.tell(wakeups.INBOX)
        await there.wait(wakeups.INBOX, seen, 10)
        there.tell(wakeups.OUTBOX)
        await here.wait(wakeups.OUTBOX, here.version(wakeups.OUTBOX), 1)
        assert here.version(wakeups.INBOX) == before + 1
