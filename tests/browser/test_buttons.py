"""Every button an administrator has, pressed in the browser on a hub that has something behind each of them."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from auth.person import Person, Role
from exchange_db import alerts, jobs, people, sessions
from exchange_db.alert_records import Alert, Severity
from exchange_db.people import LOCAL
from exchange_db.records import ReportState
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.doors import PAGE_DOORS
from hub.followup.making import make_followup
from hub.settings import HubPart, Settings
from tests.browser.conftest import Shown, open_console
from tests.browser.page_table import SOFTWARE
from tests.support import bulletins
from tests.support.applied import apply_records
from tests.support.builders import CITY, COUNTY, PROVINCE, a_case, a_report
from tests.support.clock import FakeClock
from tests.support.filled import be_refused
from tests.support.hand import Hand
from tests.support.neighbours import enrolled
from tests.support.people import a_person
from tests.support.postgres import Cluster
from tests.support.sources import ROOT

_SHEET = str(ROOT / "docs" / "examples" / "generic.csv")
#: Doors behind which something from outside must have come first; the tests of those do it with real ones.
_ELSEWHERE = {
    "POST /joining/confirm": "a platform that came with its certificate: tests/e2e/test_administration.py",
    "POST /joining/kit": "the same",
    "POST /links/certificate": "a certificate that ended, and its next one: tests/browser/test_mending.py",
    "POST /alerts/test": "a channel that is set up: tests/alerts",
    "POST /alerts/answer": "a duty call from above: tests/e2e/test_duty_calls.py",
    "POST /case/unmask": "a reporter who is kept: tests/db/test_personal.py",
}
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    """A hub of these tests' own."""
    async with open_console(cluster, tmp_path_factory.mktemp("busy"), is_reckoned=True) as shown:
        await _fill(shown.ledger)
        yield shown


async def _fill(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    await enrolled(ledger, PROVINCE, "parent", name="湖南省枢纽", address="127.0.0.1:9")
    await be_refused(ledger)
    again = (
        a_case(f"G-{number}", report=a_report(state=ReportState.FILED, grid_code="431221001001002"))
        for number in range(3)
    )
    await apply_records(ledger, *again)
    settings = Settings(hub=HubPart(id=CITY, name="怀化"))
    assert await make_followup(settings, ledger, FakeClock(bulletins.JULY)).letters.propose(date(2020, 6, 15)) == 1
    county = Alert(
        region=431221, alert_id=uuid4(), rule="link.down", subject=COUNTY, since=now,
        severity=Severity.CRITICAL, text=f"与 {COUNTY} 的链路中断", text_en="down",
    )  # fmt: skip

    async with ledger.write() as session:
        await jobs.plan(session.driver, "test", {"make-months": 60.0}, system_clock())
        await alerts.open_new(session, [county])
        row, _ = await people.arrive(session, LOCAL, "yi", name="乙", unit="指挥中心", region=431200, now=now)
        await people.set_state(session, row.person_id, "admitted")
        await people.grant(session, row.person_id, Role.SECURITY_OFFICER, 431200, granted_by="host:test", now=now)
        later = now.replace(year=now.year + 1)
        held = (b"1" * 32, UUID(int=99), row.person_id, now, now, later, now, "", "[]", "", "", "Firefox")
        await sessions.keep(session, sessions.SessionRow(*held))
        await people.arrive(session, LOCAL, "bing", name="丙", unit="指挥中心", region=431200, now=now)


@pytest_asyncio.fixture(loop_scope="session")
async def hand(browser: Browser, busy: Shown) -> AsyncIterator[Hand]:
    """A hand at a page, on a desk, with scripts; the browser may complain of nothing."""
    context = await browser.new_context(base_url=busy.url, viewport={"width": 1366, "height": 768})
    at_work = await Hand.at(context, busy.url)
    busy.seat.person = a_person((Role.OPERATOR, 431200))
    yield at_work
    await context.close()
    _PRESSED.update(at_work.pressed)
    assert at_work.complaints == []


_PRESSED: set[str] = set()


async def _one_of(shown: Shown, subject: str) -> Person:
    """Returns somebody of the ledger, with their rights."""
    async with shown.ledger.read() as session:
        row = await people.of_identity(session, LOCAL, subject)
    assert row is not None
    return msgspec.structs.replace(a_person((Role.SECURITY_OFFICER, 431200), subject=subject), person_id=row.person_id)


async def test_a_link_is_tried_paused_and_put_right(hand: Hand) -> None:
    await hand.go(f"/links/show?id={PROVINCE}")
    await hand.press("/links/test", "不通过")
    await hand.go(f"/links/show?id={PROVINCE}")
    await hand.press("/links/retry", "湖南省枢纽")
    await hand.press("/links/pause", "机房搬迁", reason="机房搬迁")
    await hand.press("/links/resume", "湖南省枢纽")
    await hand.press("/links/maintenance", "升级", minutes="60", reason="升级")
    await hand.press("/links/calloff", "湖南省枢纽")
    assert (await hand.take("/links/bundle"))[:2] == b"PK"


async def test_a_platform_is_let_in_step_by_step(hand: Hand, busy: Shown) -> None:
    busy.seat.person = a_person((Role.SECURITY_OFFICER, 431200), subject="an")
    await hand.go("/joining")
    await hand.press("/joining", "邀请函", peer_id="431229.platform", name="靖州县平台")
    assert (await hand.take("/joining/letter")).startswith(b"ey")
    await hand.go("/joining")
    await hand.press("/joining", "生成密钥", peer_id="431230.platform", name="通道县平台", transport="rest")
    await hand.go("/joining/platform?peer=431230.platform")
    await hand.press("/joining/secret", "密钥", days="30")
    busy.seat.person = a_person((Role.OPERATOR, 431200))
    await hand.go("/joining/platform?peer=431230.platform&template=generic")
    await hand.press("/joining/mapping", "可报送", sample=_SHEET)
    busy.seat.person = a_person((Role.SECURITY_OFFICER, 431200), subject="an")
    await hand.go("/joining/platform?peer=431230.platform")
    await hand.press("/joining/live", "已上线", waiver="人工试报三条")
    await hand.go("/joining/platform?peer=431229.platform")
    await hand.press("/joining/withdraw", "通道县平台")


async def test_a_partner_with_a_database_is_let_in(hand: Hand, busy: Shown) -> None:
    busy.seat.person = a_person((Role.SECURITY_OFFICER, 431200), subject="an")
    await hand.go("/joining")
    await hand.press("/joining", "链路文件", peer_id="431228.platform", name="芷江县", transport="database")
    busy.seat.person = a_person((Role.OPERATOR, 431200))
    await hand.go("/joining/platform?peer=431228.platform")
    field = hand.page.locator("textarea[name=link]")
    text = re.sub(r'url = ".*"', 'url = "sqlite:////nowhere/exchange.sqlite"', await field.input_value())
    await hand.press("/joining/link", "已有链路文件：sqlite", link=text)
    busy.seat.person = a_person((Role.SECURITY_OFFICER, 431200), subject="an")
    await hand.go("/joining/platform?peer=431228.platform")
    await hand.press("/joining/database", "上线", button="登记并开始交换")


async def test_two_people_decide(hand: Hand, busy: Shown) -> None:
    address = f"/proposals/{busy.names['proposal']}"
    busy.seat.person = await _one_of(busy, "yi")
    await hand.go(address)
    await hand.press(f"{address}/approve", "已批准", comment="同意")
    busy.seat.person = await _one_of(busy, "jia")
    await hand.go(address)
    await hand.press(f"{address}/run", "已完成")
    for deed, who, told in (("abort", "jia", "已中止"), ("refuse", "yi", "已拒绝")):
        busy.seat.person = await _one_of(busy, "jia")
        await hand.go("/proposals")
        await hand.press("/proposals", "待批准", operation="peer.block", object=COUNTY, purpose=f"演练 {deed}")
        made = re.sub(r"\?.*", "", hand.page.url.removeprefix(busy.url))
        busy.seat.person = await _one_of(busy, who)
        await hand.go(made)
        await hand.press(f"{made}/{deed}", told)


async def test_people_are_admitted_and_sent_away(hand: Hand, busy: Shown) -> None:
    busy.seat.person = a_person((Role.SECURITY_OFFICER, 431200), subject="an")
    await hand.go("/people")
    await hand.press("/people/admit", "丙", near="丙")
    await hand.press("/people/grant", "查看", near="丙", role="viewer")
    await hand.press("/people/revoke", "丙", near="丙")
    await hand.press("/people/block", "丙", near="丙")
    await hand.go(f"/people/person?id={(await _one_of(busy, 'yi')).person_id}")
    await hand.press("/people/session", "暂无数据")
    busy.seat.person = a_person((Role.AUDITOR, 431200), subject="shen")
    await hand.go("/audit")
    assert (await hand.take("/audit/export")).startswith(b'{"form":"sanji audit log 1"')


async def test_alerts_are_taken_on_and_contacts_kept(hand: Hand) -> None:
    await hand.go("/alerts")
    await hand.press("/alerts/acknowledge", "李雷", note="已联系")
    await hand.go("/alerts?list=silences")
    await hand.press("/alerts/silence", "搬迁", reason="搬迁")
    await hand.press("/alerts/unsilence", "没有生效中的静默")
    await hand.go("/alerts?list=contacts")
    await hand.press("/alerts/contact", "张三", name="张三", phone="0745-1")
    await hand.press("/alerts/remove", "还没有联系人")
    await hand.go("/alerts?list=rules")
    await hand.press("/alerts/rule", "恢复", near="link.down")
    await hand.go("/alerts?list=duty")
    await hand.press("/alerts/call", "查岗", addressee=COUNTY)


async def test_what_was_refused_is_tried_again_or_closed(hand: Hand) -> None:
    await hand.go("/quarantine?reason=STANDARD_REF_MISSING")
    await hand.press("/quarantine/replay", "STANDARD_REF_MISSING", button="试运行")
    await hand.go("/quarantine?reason=STANDARD_REF_MISSING")
    number = await hand.page.locator("tbody th.number a").first.inner_text()
    await hand.go(f"/quarantine/{number}")
    await hand.press(f"/quarantine/{number}/replay", "仍将", button="试运行")
    await hand.press(f"/quarantine/{number}/discard", "已丢弃", reason="对方已另行补报")


async def test_figures_lead_to_letters_reports_and_rulings(hand: Hand, busy: Shown) -> None:
    run = busy.names["run"]
    busy.seat.person = a_person((Role.EVALUATOR, 431200), subject="ping")
    await hand.go(f"/evaluation/run?id={run}&unit=hw01")
    await hand.press("/evaluation/rulings", "依据充分", button="成立", ruling="依据充分", value="95")
    await hand.press("/evaluation/objections", "已按期办结", grounds="已按期办结", unit="hw01")
    busy.seat.person = a_person((Role.OPERATOR, 431200))
    await hand.go("/reports")
    await hand.press("/reports", "2020-05", span="2020-05")
    await hand.go("/questions?from=2020&to=2020&group=unit&measure=count")
    await hand.press("/questions/save", "单位一览", name="单位一览")
    await hand.press("/questions/delete", "自定义查询", near="单位一览")
    await hand.go("/followup")
    await hand.press("/followup/confirm", "督办")
    await hand.go("/followup")
    await hand.press("/followup/dismiss", "督办", reason="同一处施工，已并案")


async def test_components_and_jobs(hand: Hand, busy: Shown) -> None:
    await hand.go("/components/rounds")
    await hand.press("/components/rounds", "路灯确权", name="R2", title="路灯确权")
    await hand.go("/components/round?id=R1&party=qs01")
    await hand.press("/components/round/answer", "非我单位", answer="dispute", reason="非我单位")
    await hand.press("/components/round/confirm", "已确认")
    await hand.press("/components/round/close", "已结束")
    await hand.go("/jobs")
    await hand.press("/jobs/run", "已请求运行", near="建立月表")
    assert busy.seat.person is not None


async def test_no_button_was_left_out() -> None:
    """Holds once the others of this file have run."""
    offered = {door for door in PAGE_DOORS if door.startswith("POST ")}
    software = tuple(prefix.replace("GET", "POST") for prefix in SOFTWARE)
    people_press = {door for door in offered if not door.startswith((*software, "POST /sso/"))}
    assert people_press - _ELSEWHERE.keys() - _PRESSED == set()
