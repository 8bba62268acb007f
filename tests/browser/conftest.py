"""Two filled hubs and one browser for all tests of this folder; each test gets a page of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from auth.person import Role
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.sections.evidence import EvidencePart
from hub.sections.limits import LimitsPart
from hub.settings import HubPart, IntermediatePart, Settings, TlsPart
from tests.support.builders import CITY
from tests.support.consoles import Seat, console_at
from tests.support.desks import fill_desks, written_keys
from tests.support.filled import fill
from tests.support.people import a_person
from tests.support.postgres import Cluster
from tests.support.reckoned import fill_pages
from tests.support.sampled import fill_past
from tests.support.sources import ROOT

_CHROMIUM = Path("/usr/bin/chromium")
_HAS_CHROMIUM = _CHROMIUM.exists()
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_ONCE = pytest_asyncio.fixture(scope="session", loop_scope="session")
#: A sweep asks for more pages in a minute than people do.
_LIMITS = LimitsPart(person_calls_per_minute=1_000_000, address_calls_per_minute=1_000_000)


class Shown(NamedTuple):
    """A running console: where it is, who sits in front of it, its ledger, and the names addresses of pages need."""

    url: str
    seat: Seat
    ledger: Ledger
    names: dict[str, str]


def an_operator() -> Seat:
    """Returns the seat of the operator of the city's hub."""
    return Seat(a_person((Role.OPERATOR, 431200)))


@asynccontextmanager
async def open_console(cluster: Cluster, folder: Path, *, is_reckoned: bool) -> AsyncIterator[Shown]:
    """Fills a hub and serves its console."""
    seat, names = an_operator(), dict[str, str]()
    # The other hub has no keys, so that no page of it dials the parent, which is not there.
    tls = written_keys(folder) if is_reckoned else TlsPart()
    settings = Settings(
        hub=HubPart(id=CITY, name="怀化"),
        tls=tls,
        limits=_LIMITS,
        intermediate=IntermediatePart(folder=folder / "links"),
        evidence=EvidencePart(folder=folder / "store", spool_folder=folder / "spool"),
    )
    with cluster.migrated() as url:
        async with Ledger(url, pool_size=4) as ledger:
            if is_reckoned:
                assert seat.person is not None
                names["run"] = await fill_pages(ledger, settings, folder, seat.person)
                names |= await fill_desks(ledger, settings, folder)
            else:
                await fill(ledger, settings, system_clock)
                await fill_past(ledger, system_clock)
            async with console_at(ledger, seat, settings=settings) as (console, _):
                yield Shown(f"http://127.0.0.1:{console.port}", seat, ledger, names)


@_ONCE
async def city(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    """A hub with a year of cases, neighbours in every mood, their past, and something in quarantine."""
    async with open_console(cluster, tmp_path_factory.mktemp("city"), is_reckoned=False) as shown:
        yield shown


@_ONCE
async def reckoned(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    """A hub with something on every page about figures."""
    async with open_console(cluster, tmp_path_factory.mktemp("reckoned"), is_reckoned=True) as shown:
        yield shown


@_ONCE
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    if not _HAS_CHROMIUM:
        pytest.skip("needs chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of pages are kept for people to look at; git does not."""
    folder = ROOT / ".screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, city: Shown) -> AsyncIterator[Page]:
    """A page of the console without scripts; whatever the browser complains about fails the test."""
    context = await browser.new_context(
        base_url=city.url, viewport={"width": 1360, "height": 900}, java_script_enabled=False
    )
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("requestfailed", lambda request: complaints.append(request.url))
    yield opened
    await context.close()
    assert [text for text in complaints if "responded with a status of 4" not in text] == []
