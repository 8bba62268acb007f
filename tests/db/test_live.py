"""Live pages: who listens is told what changed, once, and no more than so many may listen."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from exchange_db import jobs
from exchange_db.session import Ledger
from hub.console.live import LiveDesk
from tests.support.clock import FakeClock

_SECONDS = 30


async def _run_badly(ledger: Ledger, clock: FakeClock) -> None:
    async with ledger.watching() as connection:
        run = await jobs.begin(connection.driver, "send-bulletin", clock())
        await jobs.finish(connection.driver, run, clock(), "", "no answer")


@pytest.fixture
async def desk(ledger: Ledger) -> LiveDesk:
    """A desk with room for one listener."""
    return LiveDesk(ledger, 1)


@pytest.fixture
async def client(desk: LiveDesk) -> AsyncIterator[ClientSession]:
    """A client of a server with nothing but live pages."""
    application = web.Application()
    application.add_routes(desk.routes())
    application.on_shutdown.append(desk.close)
    async with TestServer(application, shutdown_timeout=_SECONDS) as server, ClientSession(server.make_url("/")) as one:
        yield one


async def test_a_listener_hears_of_its_own_topics_and_each_change_once(
    desk: LiveDesk, client: ClientSession, ledger: Ledger, clock: FakeClock
) -> None:
    async with client.get("/live?topics=jobs+links") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert await stream.content.readline() == b"retry: 5000\n"
        assert await desk.changes(0.0) == set()
        await _run_badly(ledger, clock)
        # Jobs are asked for every five seconds; until then nothing has changed.
        assert await desk.changes(1.0) == set()
        running = asyncio.create_task(desk.run())
        async with asyncio.timeout(_SECONDS):
            while (line := await stream.content.readline()) != b"data: jobs\n":
                assert line in (b"\n", b":\n")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_one_listener_too_many_is_refused_and_a_stop_ends_the_others(
    desk: LiveDesk, client: ClientSession
) -> None:
    async with client.get("/live?topics=links") as stream:
        await stream.content.readline()
        async with client.get("/live?topics=links") as refused:
            assert refused.status == 500  # the console's guard makes 429 of it
        await desk.close(web.Application())
        async with asyncio.timeout(_SECONDS):
            await stream.content.read()
    assert await desk.changes(0.0) == set()
