"""The console in a browser, without scripts: every page says what the ledger says."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.builders import COUNTY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _shown(page: Page, folder: Path, name: str) -> None:
    picture = await page.screenshot(full_page=True, path=folder / f"{name}.png")
    assert len(picture) > 10_000


async def test_the_overview_shows_the_hub_its_links_and_what_needs_a_person(page: Page, tmp_path: Path) -> None:
    await page.goto("/")
    await expect(page.locator("h1")).to_have_text("总览")
    await expect(page.locator("svg.map .node")).to_have_count(6)
    await page.locator("#map details summary").click()
    await expect(page.get_by_role("row", name=re.compile("431224.hub"))).to_contain_text("已停用")
    await expect(page.get_by_role("row", name=re.compile("431225.platform"))).to_contain_text("中断")
    await expect(page.locator(".tiles")).to_contain_text(re.compile(r"隔离区未处理\s*5"))
    needs = page.locator("#needs li")
    await expect(needs.first).to_contain_text("会同县平台")
    await expect(page.locator("#needs")).to_contain_text("邮件服务器无响应")
    await _shown(page, tmp_path, "overview")


async def test_a_number_of_the_figures_leads_to_its_cases_and_to_one_case(page: Page, tmp_path: Path) -> None:
    await page.goto("/figures?region=431221&from=2020-01&to=2020-12")
    await expect(page.get_by_role("row", name=re.compile("2020-12"))).to_contain_text("66.67")
    whole = page.locator("tfoot")
    await expect(whole).to_contain_text("78")
    await expect(page.locator("svg .bar")).to_have_count(36)
    await _shown(page, tmp_path, "figures")
    late_month = page.get_by_role("row", name=re.compile("2020-05"))
    await late_month.get_by_role("link", name="5", exact=True).first.click()
    await expect(page.locator("h1")).to_contain_text("案件总数")
    await expect(page.locator("tbody tr")).to_have_count(5)
    await _shown(page, tmp_path, "cases_behind")
    await page.get_by_role("link", name="2020-0505").click()
    await expect(page.locator("h1")).to_contain_text("2020-0505")
    await expect(page.locator("h1")).to_contain_text("已结案")
    await expect(page.locator("h1")).to_contain_text("超时")
    await expect(page.locator(".sections").first.locator(".card")).to_have_count(4)
    await expect(page.locator("main")).to_contain_text("已清理")
    await _shown(page, tmp_path, "case")


async def test_figures_break_down_by_what_is_asked(page: Page, tmp_path: Path) -> None:
    await page.goto("/figures")
    await expect(page.locator("table").first.locator("tbody tr")).to_have_count(12)
    await page.get_by_label("起始月份").fill("2020-04")
    await page.get_by_label("分组").select_option("unit")
    await page.get_by_role("button", name="查询").click()
    await expect(page.locator("table").first.locator("tbody tr")).to_have_count(3)
    await page.get_by_role("row", name=re.compile("hw03")).get_by_role("link").first.click()
    await expect(page.locator("h1")).to_contain_text("hw03")
    await _shown(page, tmp_path, "by_unit")


async def test_the_list_of_cases_is_turned_page_by_page(page: Page, tmp_path: Path) -> None:
    await page.goto("/cases?state=closed")
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.get_by_role("link", name="下一页").click()
    await expect(page.locator("tbody tr")).to_have_count(20)
    await expect(page.get_by_role("link", name="首页")).to_be_visible()
    await page.goto("/cases")
    await page.get_by_label("编号平台").fill(COUNTY)
    await page.get_by_label("案件编号").fill("2020-0101")
    await page.get_by_role("button", name="查找案件").click()
    await expect(page.get_by_role("heading", name="办理过程")).to_be_visible()
    await _shown(page, tmp_path, "told_case")


async def test_the_quarantine_shows_reason_field_and_original(page: Page, tmp_path: Path) -> None:
    await page.goto("/quarantine")
    await expect(page.locator("table").last.locator("tbody tr")).to_have_count(5)
    await _shown(page, tmp_path, "quarantine")
    await (
        page.locator("table")
        .last.get_by_role("row", name=re.compile("STANDARD_REF_MISSING"))
        .get_by_role("link")
        .first.click()
    )
    await expect(page.locator("main")).to_contain_text("必须注明所属标准")
    await expect(page.get_by_role("row", name=re.compile("case.report.region_code"))).to_contain_text("431222")
    await expect(page.locator("tr.fault")).to_have_count(1)
    await _shown(page, tmp_path, "record")
    await page.goto("/quarantine")
    await page.locator("table").last.get_by_role("row", name=re.compile("UNREADABLE")).get_by_role("link").first.click()
    await expect(page.locator("pre").first).to_contain_text("ff fe 3c 63")


async def test_every_page_speaks_english_too_and_stays_in_it(page: Page, tmp_path: Path) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="English").click()
    for name in ("Figures", "Cases", "Quarantine", "Jobs", "Overview"):
        await page.get_by_role("link", name=name, exact=True).click()
        await expect(page.locator("h1")).to_have_text(name)
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await _shown(page, tmp_path, "english")
    await page.goto("/figures?lang=en&from=2020-01&to=2020-12&group=source")
    await _shown(page, tmp_path, "english_figures")
    await page.get_by_role("link", name="中文").click()
    await expect(page.locator("h1")).to_have_text("指标")


async def test_a_mistake_is_answered_in_words(page: Page, tmp_path: Path) -> None:
    await page.goto("/figures?region=43")
    await expect(page.get_by_role("alert")).to_contain_text("43 不是六位行政区划代码")
    await page.goto("/case?issuer=431221.platform&no=unheard-of")
    await expect(page.get_by_role("alert")).to_contain_text("没有这个页面或记录")
    await _shown(page, tmp_path, "mistake")
