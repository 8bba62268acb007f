"""Pages about data over one filled ledger a module."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from auth.person import Person
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.console.app import Console
from hub.sections.audit import ApprovalsPart
from hub.sections.console import ConsolePart
from hub.sections.evidence import EvidencePart
from hub.settings import HubPart, Settings, TlsPart
from hub.statistics.reading import FigureReader
from tests.support.audit_logs import AUTHORITY, HUBS
from tests.support.builders import CITY
from tests.support.consoles import Seat
from tests.support.postgres import Cluster

#: Asks for a page as a person, with the values of a form for a post; returns status and text.
Ask = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> Iterator[str]:
    """URL of a fresh ledger of the module's own."""
    with cluster.migrated() as made:
        yield made


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the city's hub with its keys and a store for evidence."""
    folder: Path = tmp_path_factory.mktemp("hub")
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
    (folder / "hub.key").write_bytes(HUBS[CITY].key)
    return Settings(
        hub=HubPart(id=CITY, name="怀化"),
        tls=TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key"),
        console=ConsolePart(port=0, open_on_loopback=True),
        approvals=ApprovalsPart(),
        evidence=EvidencePart(folder=folder / "evidence", spool_folder=folder / "spool"),
    )


@pytest.fixture
def visiting(url: str, settings: Settings) -> Callable[[Person], AbstractAsyncContextManager[Ask]]:
    """Opens the console to a person."""

    @asynccontextmanager
    async def opened(person: Person) -> AsyncIterator[Ask]:
        async with Ledger(url, pool_size=2) as ledger:
            console = Console(ledger, settings, FigureReader(ledger, settings), system_clock, Seat(person).middleware)
            serving = asyncio.create_task(console.run())
            await asyncio.wait_for(console.is_ready.wait(), 30)
            async with ClientSession(f"http://127.0.0.1:{console.port}") as client:

                async def ask(path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
                    method = "GET" if form is None else "POST"
                    async with client.request(method, path, data=form, allow_redirects=False) as answer:
                        return answer.status, (await answer.read()).decode("utf-8", "replace")

                yield ask
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return opened
