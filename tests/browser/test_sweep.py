"""Every page, in both languages, light and dark, on a desk and on a phone; pictures of all of them are kept.

No complaint of the browser, nothing asked of anybody but the hub, nothing that has to be scrolled sideways, and no
serious finding of axe-core.
"""

import asyncio
import re
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from hub.doors import PAGE_DOORS
from tests.browser.conftest import Shown
from tests.browser.page_table import EXAMPLES, NO_PAGES, SOFTWARE, Example
from tests.support.consoles import ROLE_HEADER
from tests.support.sign_on_peers import PEERS

_AXE = PEERS / "node_modules" / "axe-core" / "axe.min.js"
_HAS_AXE = _AXE.exists()
_SCREENS = {"desk": (1366, 768), "phone": (390, 844)}
_FINDINGS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .filter(one => ['serious', 'critical'].includes(one.impact))
  .map(one => one.id + ': ' + one.nodes.slice(0, 4).map(node => node.html.slice(0, 160)).join(' | '))"""
_PAGES = [(door, example) for door, examples in sorted(EXAMPLES.items()) for example in examples]


class Dress(NamedTuple):
    """One of the eight ways a page is looked at."""

    theme: str
    screen: str
    language: str

    @property
    def is_pictured(self) -> bool:
        """Whether a picture is kept: every page, colour and screen, in turn in one language and the other."""
        return (self.theme == "light") == ((self.screen == "desk") == (self.language == "zh"))

    @property
    def is_examined(self) -> bool:
        """Whether axe-core looks too: each page once light on a desk and once dark on a phone."""
        return self in {("light", "desk", "zh"), ("dark", "phone", "en")}


def test_every_page_stands_in_the_table() -> None:
    pages = {door for door in PAGE_DOORS if door.startswith("GET ") and not door.startswith(SOFTWARE)}
    assert pages - NO_PAGES == set(EXAMPLES)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("screen", _SCREENS)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_stands(
    browser: Browser, city: Shown, reckoned: Shown, pictures: Path, theme: str, screen: str
) -> None:
    if not _HAS_AXE:
        pytest.skip("needs tests/support/install_peers.sh (npm)")
    width, height = _SCREENS[screen]
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
    dresses = [Dress(theme, screen, language) for language in ("zh", "en")]
    work = [(example, dress) for (_, example), dress in product(_PAGES, dresses)]
    try:
        found = await asyncio.gather(*(_swept(context, work[lane::2], city, reckoned, pictures) for lane in range(2)))
    finally:
        await context.close()
    complaints = [complaint for lane in found for complaint in lane]
    assert complaints == [], "\n".join(complaints)


async def _swept(
    context: BrowserContext, work: list[tuple[Example, Dress]], city: Shown, reckoned: Shown, pictures: Path
) -> list[str]:
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    hosts = (city.url, reckoned.url)
    page.on("request", lambda asked: complaints.extend([] if asked.url.startswith(hosts) else [asked.url]))
    for example, dress in work:
        shown = reckoned if example.is_reckoned else city
        address = example.address.format_map(shown.names)
        if dress.language == "en":
            address += f"{'&' if '?' in address else '?'}lang=en"
        await page.set_extra_http_headers({ROLE_HEADER: example.role.value})
        answer = await page.goto(f"{shown.url}{address}")
        assert answer is not None
        if answer.status != 200:
            complaints.append(f"{address}: {answer.status}")
        complaints += [f"{address} {dress}: {found}" for found in await _looked_at(page, dress)]
        name = re.sub(r"[^a-z0-9]+", "-", example.address.lower()).strip("-") or "overview"
        if dress.is_pictured:
            path = pictures / f"{name}.{dress.theme}.{dress.screen}.{dress.language}.png"
            await page.screenshot(path=path, full_page=True)
    return complaints


async def _looked_at(page: Page, dress: Dress) -> list[Any]:
    found: list[Any] = []
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > _SCREENS[dress.screen][0]:
        found.append(f"{width} pixels wide")
    language = await page.evaluate("document.documentElement.lang")
    if language != ("zh-CN" if dress.language == "zh" else "en"):
        found.append(f"speaks {language}")
    if dress.is_examined:
        await page.evaluate(_AXE.read_text(encoding="utf-8"))
        found += await page.evaluate(_FINDINGS)
    return found
