"""A console that asks people to sign on, over TLS, in this process; and letting people in without clicking."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from aiohttp import ClientSession, CookieJar

from auth.certificates import Certified, issue, make_authority, write
from auth.person import Role
from exchange_db import people, upstreams
from exchange_db.people import PersonRow
from exchange_db.session import Ledger, ReadSession
from exchange_db.sign_on_records import AnyUpstream
from hub.clock import Clock, system_clock
from hub.console.app import Console
from hub.demo.staging import free_port
from hub.sections.console import ConsolePart
from hub.settings import HubPart, Settings, TlsPart
from hub.signon.people import PeopleDesk
from hub.signon.providing import make_provider, make_teller
from hub.statistics.reading import FigureReader
from tests.support.builders import CITY
from tests.support.sign_on_peers import Surfer


class Place(NamedTuple):
    """Where a console will be: its settings, its address, and the PEM file of who signed its certificate."""

    settings: Settings
    origin: str
    authority: Path


def place_for(
    folder: Path,
    hub_id: str = CITY,
    name: str = "怀化市枢纽",
    signer: Certified | None = None,
    host: str = "127.0.0.1",
) -> Place:
    """Chooses an address for a hub's console and makes its certificate, from an authority of its own or ``signer``.

    Browsers keep cookies by host and not by port: two hubs in one browser need two hosts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority = signer or make_authority("for tests", now)
    write(authority, folder / "authority.pem", folder / "authority.key")
    write(issue(authority, hub_id, now, names=(host,)), folder / "console.pem", folder / "console.key")
    port = free_port()
    origin = f"https://{host}:{port}"
    part = ConsolePart(
        host=host,
        port=port,
        origin=origin,
        certificate=folder / "console.pem",
        key=folder / "console.key",
        wrapping_key=folder / "wrapping.key",
    )
    settings = Settings(
        hub=HubPart(id=hub_id, name=name), console=part, tls=TlsPart(authority=folder / "authority.pem")
    )
    return Place(settings, origin, folder / "authority.pem")


@asynccontextmanager
async def console_of(ledger: Ledger, place: Place, clock: Clock = system_clock) -> AsyncIterator[Console]:
    """Serves a hub's console, signs people on for platforms, and tells them of sign-offs."""
    provider = make_provider(place.settings, ledger)
    assert provider is not None
    reader = FigureReader(ledger, place.settings)
    console = Console(ledger, place.settings, reader, clock, provider=provider)
    telling = asyncio.create_task(make_teller(place.settings, provider, clock).run())
    serving = asyncio.create_task(console.run())
    waiting = asyncio.create_task(console.is_ready.wait())
    await asyncio.wait([serving, waiting], timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert console.is_ready.is_set(), serving
    try:
        yield console
    finally:
        for task in (serving, waiting, telling):
            task.cancel()
        await asyncio.gather(serving, waiting, telling, return_exceptions=True)


@asynccontextmanager
async def surfer_for(*places: Place) -> AsyncIterator[Surfer]:
    """A browser of a few lines that trusts these consoles."""
    tls = ssl.create_default_context()
    for place in places:
        tls.load_verify_locations(place.authority)
    # Cookies of an address without a name are kept by this jar only when it is told to.
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Surfer(session, tls)


async def register(ledger: Ledger, *profiles: AnyUpstream) -> None:
    """Registers platforms to sign on at."""
    async with ledger.write() as session:
        for profile in profiles:
            await upstreams.keep(session, profile, datetime.now(UTC))


async def let_in(ledger: Ledger, hub_region: int, issuer_id: str, subject: str, *grants: tuple[Role, int]) -> PersonRow:
    """Admits somebody who signed on before, with these rights."""
    desk = PeopleDesk(hub_region, "host:test")
    async with ledger.write() as session:
        person = await people.of_identity(session, issuer_id, subject)
        assert person is not None
        await desk.admit(session, person.person_id)
        for role, region in grants:
            await desk.grant(session, person.person_id, role, region, datetime.now(UTC))
    return person


async def count_sessions(session: ReadSession, person_id: UUID) -> int:
    """Returns how many sessions a person has."""
    cursor = await session.driver.execute("SELECT count(*) FROM sessions WHERE person_id = %s", (person_id,))
    [(count,)] = await cursor.fetchall()
    return int(count)


async def until_none(ledger: Ledger, person: PersonRow) -> None:
    """Waits until somebody has no session any more."""
    async with asyncio.timeout(10):
        while True:
            async with ledger.read() as session:
                if not await count_sessions(session, person.person_id):
                    return
            await asyncio.sleep(0.05)
