"""Somebody is woken at night: each trouble is found from the overview in at most three clicks."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, city: Shown) -> AsyncIterator[Page]:
    """A page of the operator, on a desk, with scripts, open at the overview."""
    context = await browser.new_context(base_url=city.url, viewport={"width": 1366, "height": 768})
    opened = await context.new_page()
    await opened.goto("/")
    yield opened
    await context.close()


async def test_a_certificate_that_ran_out_is_one_click_away(desk: Page) -> None:
    await desk.locator("#needs").get_by_role("link", name=re.compile("证书已过期.*会同县平台")).click()
    await expect(desk).to_have_url(re.compile(r"/links/show\?id=431225\.platform"))
    await expect(desk.locator("h1")).to_contain_text("会同县平台")


async def test_why_the_province_does_not_answer_and_since_when_is_two_clicks_away(desk: Page) -> None:
    await desk.locator("#needs").get_by_role("link", name=re.compile("湖南省枢纽")).first.click()
    await expect(desk.locator("main")).to_contain_text("对方拒绝连接")
    await desk.locator("main a[href^='/links/history']").first.click()
    await expect(desk.locator("figure")).to_have_count(4)


async def test_records_a_mapping_spoilt_are_listed_by_their_reason(desk: Page) -> None:
    await desk.locator("#needs").get_by_role("link", name=re.compile("隔离区.*CASE_UNKNOWN")).click()
    await expect(desk).to_have_url(re.compile(r"/quarantine\?reason=CASE_UNKNOWN"))
    await expect(desk.locator("main")).to_contain_text("CASE_UNKNOWN")
