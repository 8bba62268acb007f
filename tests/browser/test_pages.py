"""The pages about figures and what follows from them, on a phone: both languages, nothing cut off, nothing fetched."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from auth.person import Role
from tests.browser.conftest import Shown
from tests.support.people import a_person

_WIDTH = 390
_ASKED = "from=2020&to=2020&group=unit&group=month&pivot=month&measure=count&measure=F1"
#: Address to its headings, Chinese and English.
_PAGES = {
    "/figures?from=2020-05&to=2020-06": ("指标", "Figures"),
    "/figures/completeness?from=2020-04&to=2020-07": ("报表齐全情况", "Who has sent what"),
    "/evaluation": ("评价", "Evaluation"),
    "/evaluation/run?id={run}&unit=hw01": ("城市管理月度考核 · 2020-06", "Monthly score of a unit · 2020-06"),
    "/followup": ("督办", "Follow-up"),
    "/followup?list=overdue": ("督办", "Follow-up"),
    "/reports": ("报告", "Reports"),
    "/questions": ("自定义查询", "Questions"),
    f"/questions?{_ASKED}": ("自定义查询", "Questions"),
}


async def _look(page: Page, address: str, heading: str) -> None:
    answer = await page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    await expect(page.locator("h1")).to_have_text(heading)
    assert await page.evaluate("document.documentElement.scrollWidth") <= _WIDTH, address


def _strange(url: str, host: str) -> list[str]:
    return [] if url.startswith(f"{host}/") else [url]


@pytest.mark.asyncio(loop_scope="session")
async def test_the_pages_of_figures_stand_on_a_phone_in_both_languages(browser: Browser, reckoned: Shown) -> None:
    seat, run, person = reckoned.seat, reckoned.names["run"], reckoned.seat.person
    host = reckoned.url
    context = await browser.new_context(
        base_url=host, viewport={"width": _WIDTH, "height": 844}, java_script_enabled=False, color_scheme="dark"
    )
    page = await context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("request", lambda request: told.extend(_strange(request.url, host)))
    for address, (chinese, english) in _PAGES.items():
        path = address.format(run=run)
        await _look(page, path, chinese)
        await _look(page, f"{path}{'&' if '?' in path else '?'}lang=en", english)
    # A metric's numerator opens the cases it is made of.
    await page.goto("/figures?region=431200&from=2020-06&to=2020-06")
    line = page.get_by_role("row", name=re.compile("^结案率"))
    await line.get_by_role("link").first.click()
    await expect(page.locator("h1")).to_contain_text("结案率 · 分子")
    await expect(page.locator("tbody tr")).to_have_count(13)
    # Who may only look is not offered what they may not do.
    await page.goto("/followup")
    await expect(page.get_by_role("button", name="确认并发出")).to_have_count(1)
    seat.person = a_person((Role.VIEWER, 431200))
    await page.goto("/followup")
    await expect(page.get_by_role("button", name="确认并发出")).to_have_count(0)
    await context.close()
    assert told == []
    seat.person = person
