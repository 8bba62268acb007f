"""A browser opens the printable sheet: its Chinese is text, its signs are where they belong, and it asks nobody."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from hub.components.map_sheet import SheetText, draw_sheet
from tests.support.builders import a_component

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_sheet_opens_in_a_browser_without_any_network(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "map.svg"
    components = [a_component(n, x=109.9 + n / 1_000, y=27.4 + n / 2_000) for n in range(50)]
    path.write_text(draw_sheet(components, [], SheetText("部件分布图", "区划 431221", "2026-11-21")), encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(path.as_uri())
    seen = await page.evaluate("[...document.querySelectorAll('text')].map(one => one.textContent).join('|')")
    assert "部件分布图" in seen
    assert "图例（共 50 个部件）" in seen
    boxes = await page.evaluate(
        "[...document.querySelectorAll('g circle')].map(one => one.getBoundingClientRect()).map(b => [b.x, b.y])"
    )
    assert len(boxes) == len({tuple(box) for box in boxes}) == 50
    assert asked == [path.as_uri()]
