"""Somebody is woken at night and mends what is wrong from the pages, with running hubs behind them.

Three troubles at once: a county's certificate has ended, another county's mapping forgets the standard, the province is
gone. Each is found from the overview in at most three clicks, and mended without a shell.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from auth.certificates import Certified, end_time_of, issue, thumbprint
from auth.person import Person, Role
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import Target
from exchange_db import audit
from exchange_db.audit import Search
from exchange_db.audit_records import person_actor
from exchange_db.session import Ledger
from hub.demo.staging import Stage, StagedHub
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, PROVINCE, STANDARD, a_case, a_report, an_action
from tests.support.consoles import Seat, console_at
from tests.support.people import a_person
from tests.support.pushing import parcel_of, push_all
from tests.support.stages import change, quick, staged, target_of, until, until_value, value

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FOUND = 3
_CASES = "SELECT count(*) FROM cases WHERE issuer_id = %s"
_MILLISECONDS = 120_000
_OPERATOR, _OFFICER = a_person((Role.OPERATOR, 431200)), a_person((Role.SECURITY_OFFICER, 431200))


class Night(NamedTuple):
    """A city below a province, two counties of the city, and the certificate one of them will have."""

    city: StagedHub
    province: StagedHub
    ended: Target
    renewed: Target
    other: Target
    certificate: Path


class Hand(NamedTuple):
    """Whoever sits at the desk: a page at the overview, and how often was clicked since."""

    page: Page
    seat: Seat
    clicks: list[str]

    async def begin(self) -> None:
        """Opens the overview; from here on clicks are counted."""
        await self.page.goto("/")
        self.clicks.clear()

    async def click(self, where: Locator) -> None:
        """Clicks once."""
        self.clicks.append(str(where))
        await where.click()

    async def need(self, text: str) -> None:
        """Follows a line of what needs a person."""
        await self.click(self.page.locator("#needs").get_by_role("link", name=re.compile(text)).first)


async def _build(stage: Stage) -> Night:
    watched = "[links]\nwatch_seconds = 0.5\n\n"
    province = await stage.add_hub(PROVINCE, "湖南省枢纽", quick() + watched)
    city = await stage.add_hub(CITY, "怀化市枢纽", quick() + watched)
    province.start()
    await province.wait_until_open()
    await stage.join(province, city)
    city.start()
    await city.wait_until_open()
    county, other = [target_of(await stage.add_platform(city, name)) for name in (COUNTY, OTHER_COUNTY)]
    authority = Certified(*((stage.folder / f"authority.{end}").read_bytes() for end in ("pem", "key")))
    now = datetime.now(UTC)
    old, new = issue(authority, COUNTY, now - timedelta(days=3), days=2), issue(authority, COUNTY, now)
    ended, renewed = _shown(county, old, stage.folder / "old"), _shown(county, new, stage.folder / "new")
    change(
        city, "UPDATE peers SET thumbprint = %s, certificate_end_time = %s, name = '中方县智慧城管' WHERE peer_id = %s",
        thumbprint(old.certificate), end_time_of(old.certificate), COUNTY,
    )  # fmt: skip
    return Night(city, province, ended, renewed, other, renewed.certificate)


def _shown(target: Target, certified: Certified, folder: Path) -> Target:
    folder.mkdir()
    certificate, key = folder / "county.pem", folder / "county.key"
    certificate.write_bytes(certified.certificate)
    key.write_bytes(certified.key)
    return target._replace(certificate=certificate, key=key)


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    with staged() as stage:
        yield asyncio.run(_build(stage))


@pytest_asyncio.fixture(loop_scope="session")
async def hand(browser: Browser, night: Night) -> AsyncIterator[Hand]:
    """An operator at a desk, with scripts."""
    seat = Seat(_OPERATOR)
    settings = night.city.settings
    async with Ledger(night.city.url, pool_size=4) as ledger, console_at(ledger, seat, settings=settings) as (desk, _):
        base = f"http://127.0.0.1:{desk.port}"
        context = await browser.new_context(base_url=base, viewport={"width": 1366, "height": 768})
        yield Hand(await context.new_page(), seat, [])
        await context.close()


async def _shoot(hand: Hand, pictures: Path, name: str) -> None:
    await hand.page.screenshot(path=pictures / f"mending_{name}.png", full_page=True)


def _named(person: Person) -> str:
    return person_actor(person.issuer_id, person.subject)


async def _acts(night: Night, action: str) -> list[str]:
    """Returns who did something that is recorded as done."""
    async with Ledger(night.city.url, pool_size=0) as ledger, ledger.read() as session:
        lines = await audit.search(session, Search(action=action), limit=20)
    told = [json.loads(line.content) for line in lines]
    return [one["actor"] for one in told if one["outcome"] == "done"]


async def _wait_for_long(night: Night) -> None:
    """Has both ends wait for an hour before they try again; a try that is under way must be over for that."""
    waits = "UPDATE links SET retry_time = now() + interval '1 hour', failure_count = 9"
    change(night.province, waits)

    async def is_waiting() -> bool:
        change(night.city, f"{waits} WHERE failure_count > 0")
        await asyncio.sleep(2)
        query = "SELECT count(*) FROM links WHERE failure_count = 9 AND retry_time > now() + interval '30 minutes'"
        return bool(value(night.city, query) == 1)

    await until(is_waiting, "a link that waits")


async def test_a_certificate_that_ended_is_changed_and_the_county_is_heard_again(
    night: Night, hand: Hand, pictures: Path
) -> None:
    page, parcel = hand.page, parcel_of(COUNTY, a_case("2026-0001"))
    for target in (night.ended, night.renewed):
        with pytest.raises(ConnectorError):
            await push_all(target, "cases", [parcel])
    await hand.begin()
    await hand.need("证书已过期.*中方县智慧城管")
    await expect(page.locator("main")).to_contain_text("更换证书由安全管理员办理")
    hand.seat.person = _OFFICER
    await hand.begin()
    await hand.need("证书已过期.*中方县智慧城管")
    assert len(hand.clicks) <= _FOUND
    await expect(page.locator("main")).to_contain_text("对方的报送被拒绝")
    await _shoot(hand, pictures, "1_expired")
    await hand.click(page.get_by_role("link", name="换证书"))
    await page.get_by_label("或粘贴证书内容").fill(night.certificate.read_text())
    await hand.click(page.get_by_role("button", name="查看指纹"))
    shown = thumbprint(night.certificate.read_bytes())
    await expect(page.locator("code.print").last).to_contain_text(f"{shown[:4]} {shown[4:8]}")
    await _shoot(hand, pictures, "2_compare")
    await hand.click(page.get_by_label("已通过电话等另一途径"))
    await hand.click(page.get_by_role("button", name="登记新证书"))
    await expect(page).to_have_url(re.compile(r"/links/show\?id=431221\.platform"))
    await expect(page.locator("main")).not_to_contain_text("对方的报送被拒绝")
    await _shoot(hand, pictures, "3_changed")
    assert await push_all(night.renewed, "cases", [parcel]) == [OUTCOME_DURABLE]
    await hand.begin()
    await expect(page.locator("#needs")).not_to_contain_text("证书已过期")
    assert await _acts(night, "peer.certificate.add") == [_named(_OFFICER)]


async def test_records_a_mapping_spoilt_are_corrected_and_take_effect(night: Night, hand: Hand, pictures: Path) -> None:
    page, region = hand.page, "431222"
    spoilt = [
        a_case(f"2026-10{number:02d}", OTHER_COUNTY, report=a_report(region_code=region, standard_ref=""))
        for number in (1, 2)
    ]
    # What the county tells of these cases later finds no case.
    acted = [(an_action(number, platform_id=OTHER_COUNTY),) for number in (1, 2)]
    later = [a_case(case.case_no, OTHER_COUNTY, actions=told) for case, told in zip(spoilt, acted, strict=True)]
    await push_all(night.other, "cases", [parcel_of(OTHER_COUNTY, case) for case in (*spoilt, *later)])
    held, cases = "SELECT count(*) FROM quarantine WHERE resolution = 'open'", _CASES
    await until_value(night.city, 4, held)
    assert value(night.city, cases, OTHER_COUNTY) == 0
    for number in (1, 2):
        await hand.begin()
        await hand.need("隔离区.*STANDARD_REF_MISSING")
        await hand.click(page.locator("table").last.get_by_role("row").nth(1).get_by_role("link"))
        assert len(hand.clicks) <= _FOUND
        await expect(page.locator("tr.fault")).to_have_count(1)
        await page.locator("tr.fault input").fill(STANDARD)
        fields = page.locator("form.tall")
        await hand.click(fields.get_by_role("button", name="试运行"))
        await expect(page.get_by_role("status")).to_contain_text("将被接收并生效")
        await _shoot(hand, pictures, f"4_correct_{number}")
        await hand.click(fields.get_by_role("button", name="更正并重放"))
        await expect(page.locator("h1")).to_contain_text("已重放")
        await until_value(night.city, number, cases, OTHER_COUNTY)
    await hand.begin()
    await expect(page.locator("#needs")).not_to_contain_text("STANDARD_REF_MISSING")
    await hand.need("隔离区.*CASE_UNKNOWN")
    await expect(page.locator("table").last.locator("tbody tr")).to_have_count(2)
    await hand.click(page.get_by_role("button", name="试运行"))
    await expect(page.get_by_role("status")).to_contain_text("2")
    await _shoot(hand, pictures, "4_many")
    await hand.click(page.get_by_role("button", name="全部重放"))
    assert len(hand.clicks) <= _FOUND
    await until_value(night.city, 0, held)
    await until_value(night.city, 2, "SELECT count(*) FROM case_actions")
    await hand.begin()
    await expect(page.locator("#needs")).not_to_contain_text("隔离区")
    assert await _acts(night, "quarantine.correct") == [_named(_OPERATOR)] * 2


async def test_a_province_that_was_gone_is_tested_and_reached_again(night: Night, hand: Hand, pictures: Path) -> None:
    page = hand.page
    await hand.begin()
    night.province.kill()
    # What is on the screen changes by itself.
    await expect(page.locator("#needs")).to_contain_text("链路中断：湖南省枢纽", timeout=_MILLISECONDS)
    await _shoot(hand, pictures, "5_gone")
    # As after a night of failures at both ends: by themselves they would not try for an hour.
    await _wait_for_long(night)
    await hand.need("链路中断.*湖南省枢纽")
    assert len(hand.clicks) <= _FOUND
    await expect(page.locator("main")).to_contain_text("下次重试")
    await expect(page.locator("table").first).to_contain_text("中断")
    await hand.click(page.get_by_role("button", name="立即测试"))
    hops = page.locator("section", has_text="测试结果").first
    await expect(hops).to_contain_text("不通过")
    await _shoot(hand, pictures, "6_tested")
    night.province.start()
    await night.province.wait_until_open()
    await hand.click(page.get_by_role("button", name="立即重试"))
    outgoing = page.get_by_role("row", name=re.compile("发往")).first
    await expect(outgoing).to_contain_text("正常", timeout=_MILLISECONDS)
    await expect(page.locator("#outages")).not_to_contain_text("未恢复", timeout=_MILLISECONDS)
    await _shoot(hand, pictures, "7_back")
    assert len(hand.clicks) <= _FOUND
    await hand.begin()
    await expect(page.locator("#needs")).not_to_contain_text("湖南省枢纽", timeout=_MILLISECONDS)
    for act in ("link.test", "link.retry"):
        assert await _acts(night, act) == [_named(_OPERATOR)]
