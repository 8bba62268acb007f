"""A console over a filled ledger, and a browser that looks at it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.console.app import Console
from hub.settings import ConsolePart, HubPart, Settings
from hub.statistics.reading import FigureReader
from tests.support.builders import CITY
from tests.support.filled import fill

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


@pytest.fixture
def settings() -> Settings:
    """Settings of the city's hub, the console on a free port."""
    return Settings(hub=HubPart(id=CITY, name="怀化市枢纽"), console=ConsolePart(port=0))


@pytest.fixture
async def console_url(ledger: Ledger, settings: Settings) -> AsyncIterator[str]:
    """Address of the console of a hub whose ledger is filled."""
    await fill(ledger, settings, system_clock)
    console = Console(ledger, settings, FigureReader(ledger, settings), system_clock)
    serving = asyncio.create_task(console.run())
    await asyncio.wait_for(console.is_ready.wait(), 10)
    yield f"http://127.0.0.1:{console.port}"
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    if not _HAS_CHROMIUM:
        pytest.skip("needs chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, console_url: str) -> AsyncIterator[Page]:
    """A page of the console; whatever the browser complains about fails the test."""
    context = await browser.new_context(
        base_url=console_url, viewport={"width": 1360, "height": 900}, java_script_enabled=False
    )
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("requestfailed", lambda request: complaints.append(request.url))
    yield opened
    await context.close()
    assert [text for text in complaints if "responded with a status of 4" not in text] == []
