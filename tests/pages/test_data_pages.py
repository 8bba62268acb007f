"""Pages of cases, components and standards: found, shown, exported, answered, and only for who may."""

import asyncio
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import openpyxl
import pytest

from auth.person import Person, Role
from exchange_db import audit
from exchange_db.audit import Search
from exchange_db.session import Ledger
from hub.apply.wording import CaseWording
from hub.clock import system_clock
from hub.console.sheets import as_xlsx
from hub.evaluation.releases import VALIDATORS
from hub.settings import Settings
from hub.standards.publishing import Publisher
from tests.pages.conftest import Ask
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import CITY, COUNTY, a_component
from tests.support.people import a_person
from tests.support.signed_releases import CODES, STANDARD, a_plan

Visiting = Callable[[Person], AbstractAsyncContextManager[Ask]]
_OPERATOR = a_person((Role.OPERATOR, 431200))
_VIEWER, _BESIDE = a_person((Role.VIEWER, 431221)), a_person((Role.VIEWER, 431222))
_LINES = CODES.decode().splitlines(keepends=True)
_SECOND = "".join([line for line in _LINES if ",0204," not in line] + [f"event,06,其他事件,{STANDARD}\n"]).encode()


async def _fill(url: str, settings: Settings) -> None:
    async with Ledger(url) as ledger:
        told = "=人民路井盖破损，来电 13812345678"
        await apply_records(ledger, *a_filed_case("2020-A1", description=told), *a_closed_case("2020-C1"))
        await apply_records(ledger, *a_dispatched_case("2020-D1"))
        await CaseWording(ledger).run()
        await apply_records(ledger, *(a_component(number, proprietor_code="qs01") for number in range(1, 4)))
        publisher = Publisher(ledger, CITY, 431200, settings.tls, VALIDATORS, system_clock)
        await publisher.publish(a_plan("2026.1"))
        await publisher.publish(a_plan("2026.2", _SECOND))
        await publisher.save_draft(a_plan("2026.3"), "li")


@pytest.fixture(scope="module", autouse=True)
def _filled(url: str, settings: Settings) -> None:
    asyncio.run(_fill(url, settings))


async def test_cases_are_searched_by_words_and_what_is_shown_stays_masked(visiting: Visiting) -> None:
    async with visiting(_VIEWER) as ask:
        status, text = await ask(f"/cases?q={quote('井盖')}")
        assert (status, "2020-A1" in text, "2020-C1" in text) == (200, True, False)
        assert "导出" not in text, "a viewer exports nothing"
        assert (await ask("/cases/export?format=csv"))[0] == 403
        status, text = await ask(f"/cases?q={quote('井')}")
        assert (status, "两个字以上" in text) == (400, True)
        _, text = await ask("/cases?q=13812345678")
        assert "2020-A1" not in text
        assert (await ask("/cases?from=2020-13-01"))[0] == 400
    async with visiting(_BESIDE) as ask:
        status, text = await ask(f"/cases?q={quote('井盖')}&region=431222")
        assert (status, "2020-A1" in text) == (200, False)


async def test_what_was_found_is_a_file_and_an_entry_of_the_log(visiting: Visiting, url: str) -> None:
    async with visiting(_OPERATOR) as ask:
        status, text = await ask(f"/cases/export?format=csv&q={quote('井盖')}&region=431200")
    assert status == 200
    (_, line, *rest) = text.strip().splitlines()
    assert rest == []
    assert "2020-A1" in line
    assert "138****5678" in line
    assert ",=" not in line, "no cell acts as a formula"
    async with Ledger(url) as ledger, ledger.read() as session:
        (entry, *_) = await audit.search(session, Search(action="case.export"), limit=5)
    assert b'"rows":1' in entry.content
    assert "井盖".encode() not in entry.content, "what was searched may be somebody's name"


def test_a_workbook_has_the_same_lines() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(["a", "b"], [["=1+1", "x"]]))).active
    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["a", "b"], ["'=1+1", "x"]]


async def test_a_case_tells_who_holds_it_its_clocks_and_the_way_to_the_tiers_above(visiting: Visiting) -> None:
    async with visiting(_VIEWER) as ask:
        status, text = await ask(f"/case?issuer={COUNTY}&no=2020-D1")
        assert status == 200
        assert "目前承办" in text
        assert "处置计时" in text
        assert "计时</td>" in text
        assert "已办结" in (await ask(f"/case?issuer={COUNTY}&no=2020-C1"))[1]
        status, text = await ask(f"/case/tiers?issuer={COUNTY}&no=2020-D1")
        assert (status, "没有上级枢纽可问" in text) == (200, True)
        assert (await ask(f"/case/file?issuer={COUNTY}&no=2020-D1&digest={'0' * 64}"))[0] == 404
    async with visiting(_BESIDE) as ask:
        for path in ("/case/tiers", "/case/file"):
            assert (await ask(f"{path}?issuer={COUNTY}&no=2020-D1&digest={'0' * 64}"))[0] == 404


async def test_components_are_listed_drawn_and_told(visiting: Visiting) -> None:
    async with visiting(_VIEWER) as ask:
        status, text = await ask("/components?region=431221")
        assert (status, text.count("/component?owner=")) == (200, 3)
        status, text = await ask("/components/map.svg?region=431221")
        assert (status, text.count("<circle")) == (200, 4), "three signs and one in the legend"
        component = a_component(1)
        status, text = await ask(f"/component?owner={component.owner_id}&id={component.component_id}")
        assert (status, "变更记录" in text) == (200, True)
        assert (await ask("/components/map.svg?class=9999&region=431221"))[0] == 404
    async with visiting(_BESIDE) as ask:
        assert (await ask("/components?region=431221"))[0] == 400
        assert (await ask(f"/component?owner={component.owner_id}&id={component.component_id}"))[0] == 404


async def test_a_round_is_opened_answered_and_ended(visiting: Visiting) -> None:
    component = a_component(1)
    item = {"id": "R1", "party": "qs01", "owner": component.owner_id, "component": component.component_id}
    async with visiting(_OPERATOR) as ask:
        form = {"name": "R1", "title": "井盖确权", "region": "431221", "role": "proprietor"}
        assert (await ask("/components/rounds", form))[0] == 303
        assert (await ask("/components/rounds", form))[0] == 400, "the name is taken"
        status, text = await ask("/components/round?id=R1&party=qs01")
        assert (status, text.count('action="/components/round/answer"')) == (200, 3)
        status, text = await ask("/components/round/answer", {**item, "answer": "dispute"})
        assert (status, 'role="alert"' in text) == (400, True), "a dispute says why"
        assert (await ask("/components/round/answer", {**item, "answer": "dispute", "reason": "非我单位"}))[0] == 303
        assert (await ask("/components/round/confirm", item))[0] == 303
        _, text = await ask("/components/round?id=R1&party=qs01")
        assert (text.count("<td>已确认</td>"), text.count("<td>待对方</td>")) == (2, 1)
        assert (await ask("/components/round/close", item))[0] == 303
        assert (await ask("/components/round/confirm", item))[0] == 400
    async with visiting(_VIEWER) as ask:
        assert (await ask("/components/rounds", form))[0] == 403
        assert "开轮次" not in (await ask("/components/rounds"))[1]


async def test_standards_show_what_is_in_force_what_changed_and_what_a_draft_would_do(visiting: Visiting) -> None:
    async with visiting(_OPERATOR) as ask:
        status, text = await ask("/standards")
        assert (status, text.count("生效中</span>"), "已被取代" in text) == (200, 1, True)
        assert "/standards/diff?from=1&amp;to=2" in text
        status, text = await ask("/standards/diff?from=1&to=2")
        assert status == 200
        for told in ("代码消失", "新增"):
            assert told in text
        status, text = await ask(f"/standards/impact?kind=code_list&name={quote(STANDARD)}")
        assert (status, "在办案件" in text) == (200, True), text
        assert (await ask("/standards/diff?from=1&to=77"))[0] == 400
        assert (await ask("/standards/impact?kind=code_list&name=none"))[0] == 400
    async with visiting(_VIEWER) as ask:
        assert (await ask("/standards"))[0] == 200
        assert (await ask(f"/standards/impact?kind=code_list&name={quote(STANDARD)}"))[0] == 403


@pytest.mark.parametrize("path", ["/components", "/components/rounds", "/standards", "/cases"])
async def test_pages_speak_english_too(visiting: Visiting, path: str) -> None:
    async with visiting(_OPERATOR) as ask:
        status, text = await ask(f"{path}?lang=en")
    assert (status, 'lang="en"' in text) == (200, True)
