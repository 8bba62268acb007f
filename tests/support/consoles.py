"""A console in this process that takes whoever asks for one given person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler, Middleware

from auth.person import Person, Role
from auth.sessions import Found
from exchange_db.session import Ledger
from hub.cli.proposing import make_proposals
from hub.clock import system_clock
from hub.console.app import Console
from hub.demo.staging import free_port
from hub.request_keys import FOUND, PERSON, TOKEN
from hub.sections.console import ConsolePart
from hub.sections.evidence import EvidencePart
from hub.sections.limits import LimitsPart
from hub.settings import HubPart, Settings
from hub.signon.providing import make_provider
from hub.statistics.reading import FigureReader
from tests.support.builders import CITY
from tests.support.people import a_person

#: Asks for a path and returns status and text.
Ask = Callable[..., Awaitable[tuple[int, str]]]


#: Names the role of whoever asks, where several sit in front of one console at once.
ROLE_HEADER = "Test-Role"


class Seat:
    """Who sits in front of the console; may change from one request to the next."""

    def __init__(self, person: Person | None) -> None:
        self.person = person

    @property
    def middleware(self) -> Middleware:
        """What tells the console who asks."""

        @web.middleware
        async def signed_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            request[TOKEN] = ""
            role = request.headers.get(ROLE_HEADER)
            person = self.person if role is None else a_person((Role(role), 431200))
            if person is not None:
                request[PERSON] = person
                request[FOUND] = Found(person, "admitted", datetime(2099, 1, 1, tzinfo=UTC))
            return await handler(request)

        return signed_on


@asynccontextmanager
async def console_at(
    ledger: Ledger,
    seat: Seat,
    limits: LimitsPart | None = None,
    folder: Path | None = None,
    evidence: EvidencePart | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[tuple[Console, Ask]]:
    """Serves a console to whoever has the seat.

    With a folder for its keys the hub signs people on for others too. With settings it is a second console of the hub
    that has them, and executes proposals.
    """
    port = free_port() if folder else 0
    part = ConsolePart(port=port, open_on_loopback=True)
    if folder:
        part = ConsolePart(port=port, origin=f"http://127.0.0.1:{port}", wrapping_key=folder / "wrapping.key")
    proposals = make_proposals(ledger, settings) if settings else None
    settings = settings or Settings(
        hub=HubPart(id=CITY, name="怀化"), limits=limits or LimitsPart(), evidence=evidence or EvidencePart()
    )
    settings = settings.model_copy(update={"console": part})
    reader, provider = FigureReader(ledger, settings), make_provider(settings, ledger)
    console = Console(ledger, settings, reader, system_clock, seat.middleware, provider=provider, proposals=proposals)
    serving = asyncio.create_task(console.run())
    await asyncio.wait_for(console.is_ready.wait(), 10)
    async with ClientSession(f"http://127.0.0.1:{console.port}") as client:

        async def ask(
            path: str, method: str = "GET", headers: dict[str, str] | None = None, data: dict[str, str] | None = None
        ) -> tuple[int, str]:
            async with client.request(method, path, headers=headers, data=data, allow_redirects=False) as response:
                return response.status, await response.text()

        yield console, ask
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def console_for(ledger: Ledger, person: Person | None) -> AsyncIterator[Ask]:
    """Serves a console to one person."""
    async with console_at(ledger, Seat(person)) as (_, ask):
        yield ask
