"""The page of alerts: who may act does so by its forms, who may not is offered nothing, and everything is recorded."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from auth.person import Role
from exchange_db import alerts
from exchange_db.alert_records import Alert, Severity
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.alerts.desk import AlertDesk
from hub.clock import system_clock
from hub.settings import HubPart, Settings
from tests.support.builders import CITY
from tests.support.consoles import Ask, Seat, console_at
from tests.support.people import a_person

TABS = ("open", "history", "silences", "contacts", "rules", "channels", "duty")


@pytest.fixture
def desk(ledger: Ledger) -> AlertDesk:
    return AlertDesk(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), system_clock)


@pytest.fixture
async def opened(ledger: Ledger, desk: AlertDesk) -> list[Alert]:
    """Two open alerts of two counties."""
    found = [
        Alert(
            region=region, alert_id=uuid4(), rule="link.down", subject=f"{region}.platform", since=desk.now(),
            severity=Severity.CRITICAL, text=f"与 {region}.platform 的链路中断", text_en="down",
        )
        for region in (431221, 431222)
    ]  # fmt: skip
    async with ledger.write() as session:
        await alerts.open_new(session, found)
    return found


@pytest.fixture
def seat() -> Seat:
    return Seat(a_person((Role.OPERATOR, 431200)))


@pytest.fixture
async def ask(ledger: Ledger, seat: Seat) -> AsyncIterator[Ask]:
    async with console_at(ledger, seat) as (_, asking):
        yield asking


async def test_every_tab_is_shown_in_both_languages(ask: Ask, opened: list[Alert]) -> None:
    for tab in TABS:
        for language in ("", "&lang=en"):
            status, page = await ask(f"/alerts?list={tab}{language}")
            assert (status, "StrictUndefined" in page) == (200, False), tab
    status, page = await ask("/alerts")
    assert all(one.subject in page for one in opened)
    assert (await ask("/alerts?list=history&before=never"))[0] == 200


async def test_an_alert_is_taken_on_once_and_the_log_names_who(
    ask: Ask, desk: AlertDesk, ledger: Ledger, opened: list[Alert]
) -> None:
    form = {"alert": str(opened[0].alert_id), "note": "已联系"}
    assert (await ask("/alerts/acknowledge", "POST", data=form))[0] == 303
    status, page = await ask("/alerts/acknowledge", "POST", data=form)
    assert (status, "已由 李雷 受理" in page) == (400, True)
    assert (await ask("/alerts/acknowledge", "POST", data={"alert": "7"}))[0] == 400
    assert "李雷" in (await ask("/alerts"))[1]
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT actor, outcome FROM audit_entries WHERE action = 'alert.acknowledge' ORDER BY number"
        )
        assert await cursor.fetchall() == [("person:local/li", "done"), ("person:local/li", "refused")]
    assert [one.acknowledged_by for one in await desk.open(subtree(431200), 9)] == ["", "李雷"]


async def test_who_may_not_act_is_offered_nothing_and_refused(ask: Ask, seat: Seat, opened: list[Alert]) -> None:
    number = str(opened[0].alert_id)
    seat.person = a_person((Role.VIEWER, 431200))
    for tab in TABS:
        page = (await ask(f"/alerts?list={tab}"))[1]
        assert re.findall(r'<form[^>]+action="/alerts', page) == [], tab
    assert (await ask("/alerts/acknowledge", "POST", data={"alert": number}))[0] == 403
    seat.person = a_person((Role.OPERATOR, 431222))
    page = (await ask("/alerts"))[1]
    assert (opened[0].subject in page, opened[1].subject in page) == (False, True)
    assert (await ask("/alerts/acknowledge", "POST", data={"alert": number}))[0] == 400
    for act in ("rule", "test", "call", "answer"):
        assert (await ask(f"/alerts/{act}", "POST", data={"rule": "link.down"}))[0] == 400, act
    seat.person = None
    assert (await ask("/alerts"))[0] == 401


async def test_contacts_silences_and_rules_are_changed_by_forms(ask: Ask, seat: Seat, desk: AlertDesk) -> None:
    contact = {
        "name": "张三", "unit": "中方县城管局", "region": "431221", "role": "officer", "level": "1", "phone": "0745-1",
        "mail": "zhang@example.gov.cn", "duty_days": "12345", "duty_from": "8", "duty_until": "18",
    }  # fmt: skip
    assert (await ask("/alerts/contact", "POST", data=contact))[0] == 303
    (kept,) = await desk.contacts(subtree(431200))
    assert (kept.name, kept.region, kept.duty_days, kept.duty_until) == ("张三", 431221, "12345", 18)
    status, page = await ask("/alerts/contact", "POST", data={**contact, "mail": "张三"})
    assert (status, "请更正" in page) == (400, True)
    changed = {**contact, "contact": str(kept.contact_id), "name": "李四"}
    assert (await ask("/alerts/contact", "POST", data=changed))[0] == 303
    assert [one.name for one in await desk.contacts(subtree(431200))] == ["李四"]
    assert "0745-1" in (await ask("/alerts?list=contacts"))[1]
    assert 'value="李四"' in (await ask(f"/alerts?list=contacts&edit={kept.contact_id}"))[1]
    seat.person = a_person((Role.VIEWER, 431200))
    page = (await ask(f"/alerts?list=contacts&edit={kept.contact_id}"))[1]
    assert ("李四" in page, "0745-1" in page, "zhang@" in page) == (True, False, False)
    seat.person = a_person((Role.OPERATOR, 431200))
    assert (await ask("/alerts/remove", "POST", data={"contact": str(kept.contact_id)}))[0] == 303
    assert await desk.contacts(subtree(431200)) == []

    silence = {"rule": "link.*", "subject": "*", "hours": "2", "reason": "检修", "region": "431221"}
    assert (await ask("/alerts/silence", "POST", data=silence))[0] == 303
    (found,) = await desk.silences(subtree(431200))
    assert (found.region, found.made_by) == (431221, "李雷")
    assert (await ask("/alerts/silence", "POST", data={**silence, "hours": "nan"}))[0] == 400
    assert (await ask("/alerts/silence", "POST", data={**silence, "region": "430000"}))[0] == 400
    assert (await ask("/alerts/unsilence", "POST", data={"silence": str(found.silence_id)}))[0] == 303

    rule = {
        "rule": "link.slow", "is_on": "on", "severity": "critical", "raise_at": "600", "clear_at": "300",
        "raise_seconds": "5", "clear_seconds": "5",
    }  # fmt: skip
    assert (await ask("/alerts/rule", "POST", data=rule))[0] == 303
    assert (await desk.rules())["link.slow"].raise_at == 600
    status, page = await ask("/alerts/rule", "POST", data={**rule, "raise_at": "10"})
    assert (status, "阈值" in page) == (400, True)
    assert (await ask("/alerts/rule", "POST", data={"rule": "link.slow", "reset": "1"}))[0] == 303
    assert (await desk.rules())["link.slow"].raise_at == 900
    assert (await ask("/alerts/test", "POST", data={"channel": "群"}))[0] == 400
    assert (await ask("/alerts/call", "POST", data={"addressee": "430000.hub", "minutes": "5"}))[0] == 400
