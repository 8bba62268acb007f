"""A link with a valve: so many bytes pass to the hub and no more, so that a test can stop anything in midway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 64 * 1024


class Valve:
    """The valve of a link. ``passed`` counts the bytes that went to the hub."""

    def __init__(self) -> None:
        self.port = 0
        self.passed = 0
        self._limit = 0
        self._opened = asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()

    def let_through(self, count: int) -> None:
        """Lets so many more bytes through from now on."""
        self._limit = self.passed + count
        self._opened.set()

    def add(self, link: asyncio.Task[None]) -> None:
        """Takes a link into its hand."""
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    def cut(self) -> list[asyncio.Task[None]]:
        """Breaks every link that is open; returns them, ending."""
        links = list(self._links)
        for link in links:
            link.cancel()
        return links

    async def spend(self, wanted: int) -> int:
        """Waits until something may pass, and returns how much of what is wanted."""
        while self.passed >= self._limit:
            self._opened.clear()
            await self._opened.wait()
        granted = min(wanted, self._limit - self.passed)
        self.passed += granted
        return granted


@asynccontextmanager
async def valve_before(hub_port: int) -> AsyncIterator[Valve]:
    """Yields the valve of a link that leads to a port of this machine."""
    valve = Valve()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", hub_port)
            ways = [
                asyncio.create_task(_carry(reader, up_writer, valve)),
                asyncio.create_task(_carry(up_reader, writer, None)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                up_writer.transport.abort()
                writer.transport.abort()
        writer.transport.abort()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        valve.add(asyncio.create_task(link(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    valve.port = server.sockets[0].getsockname()[1]
    try:
        yield valve
    finally:
        server.close()
        await asyncio.gather(*valve.cut(), return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, valve: Valve | None) -> None:
    with suppress(OSError):
        while data := await reader.read(_PIECE):
            view = memoryview(data)
            while view:
                granted = await valve.spend(len(view)) if valve is not None else len(view)
                writer.write(bytes(view[:granted]))
                await writer.drain()
                view = view[granted:]
