"""The page of the quarantine: groups, what would happen, replaying, correcting, discarding, and who may."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from auth.person import Person, Role
from exchange_db import audit, quarantine
from exchange_db.audit import Search
from exchange_db.quarantine import QuarantineRow
from exchange_db.records import HandlingState
from exchange_db.session import Ledger
from tests.pages.conftest import Ask
from tests.support.applied import a_dispatched_case, apply_records, apply_waiting, take_in
from tests.support.builders import COUNTY, DAY, a_case, a_handling, a_payload, a_principal, a_report
from tests.support.clock import NOON
from tests.support.people import a_person

Visiting = Callable[[Person], AbstractAsyncContextManager[Ask]]
_OPERATOR, _VIEWER = a_person((Role.OPERATOR, 431200)), a_person((Role.VIEWER, 431200))
_SPARE = 5


async def _fill(url: str) -> None:
    """Puts aside: a report without its standard (and spare ones), bytes that are none, a handling too early."""
    county = a_principal(COUNTY)
    bad = [
        a_payload(a_case(f"2020-S{n}", report=a_report(standard_ref="", description="来电 13812345678")))
        for n in range(_SPARE)
    ]
    early = a_payload(a_case("2020-E1", handling=a_handling(1, HandlingState.RECEIVED)))
    async with Ledger(url) as ledger:
        await take_in(ledger, [*bad, b"\xff\xfe<case>", early], sender=county, now=NOON + 366 * DAY)
        await apply_waiting(ledger)


@pytest.fixture(scope="module", autouse=True)
def _filled(url: str) -> None:
    asyncio.run(_fill(url))


async def _held(url: str, reason: str = "", stage: str = "intake") -> list[QuarantineRow]:
    async with Ledger(url) as ledger, ledger.read() as session:
        return [row for row in await quarantine.listing(session) if row.stage == stage and reason in row.reason]


async def _told(url: str, action: str) -> list[dict[str, object]]:
    async with Ledger(url) as ledger, ledger.read() as session:
        found = await audit.search(session, Search(action=action), limit=50)
    return [json.loads(line.content)["detail"] for line in found]


async def test_groups_lead_to_what_is_in_them(visiting: Visiting) -> None:
    async with visiting(_VIEWER) as ask:
        status, text = await ask("/quarantine")
        assert status == 200
        link = f"/quarantine?reason=STANDARD_REF_MISSING&amp;peer={COUNTY}"
        assert link in text
        _, text = await ask(link.replace("&amp;", "&"))
        assert "UNREADABLE" not in re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
        assert "全部重放" not in text, "who only looks is offered nothing"


async def test_the_original_stands_beside_the_fields_and_numbers_are_masked(visiting: Visiting, url: str) -> None:
    row = (await _held(url, "STANDARD_REF_MISSING"))[0]
    async with visiting(_OPERATOR) as ask:
        status, text = await ask(f"/quarantine/{row.quarantine_id}")
    assert status == 200
    assert "如何处理" in text
    assert "138****5678" in text
    assert "13812345678" not in text
    assert b"13812345678".hex(" ") not in text, "not in the bytes either"
    assert 'name="field:case.report.class_code.standard_ref"' in text
    assert 'name="field:case.key.case_no"' not in text, "whose record it is stays"


async def test_a_record_is_corrected_by_hand_after_a_dry_run(visiting: Visiting, url: str) -> None:
    row = (await _held(url, "STANDARD_REF_MISSING"))[0]
    page = f"/quarantine/{row.quarantine_id}/replay"
    async with visiting(_OPERATOR) as ask:
        _, text = await ask(page, {"dry_run": "1"})
        assert "仍将在收件环节被拒绝" in text
        form = {"how": "fields", "field:case.report.class_code.standard_ref": "GB/T-30428.2-2013"}
        status, text = await ask(page, {**form, "dry_run": "1"})
        assert (status, "将被接收并生效" in text) == (200, True), text
        assert len(await _held(url, "STANDARD_REF_MISSING")) == _SPARE, "nothing was written"
        assert (await ask(page, {**form, "field:case.report.state": "nonsense"}))[0] == 400
        assert (await ask(page, form))[0] == 303
        status, text = await ask(f"/quarantine/{row.quarantine_id}")
        assert (status, "已重放" in text) == (200, True)
    (detail,) = await _told(url, "quarantine.correct")
    assert detail["fields"] == ["case.report.class_code.standard_ref"]
    async with Ledger(url) as ledger:
        await apply_waiting(ledger)
    assert len(await _held(url, "STANDARD_REF_MISSING")) == _SPARE - 1


async def test_what_came_too_early_is_replayed_when_its_time_has_come(visiting: Visiting, url: str) -> None:
    (row,) = await _held(url, stage="apply")
    page = f"/quarantine/{row.quarantine_id}/replay"
    async with visiting(_OPERATOR) as ask:
        _, text = await ask(page, {"dry_run": "1"})
        assert "仍将在处理环节被拒绝" in text
        async with Ledger(url) as ledger:
            await apply_records(ledger, *a_dispatched_case("2020-E1"))
        _, text = await ask(page, {"dry_run": "1"})
        assert "将被接收并生效" in text
        assert (await ask(page, {}))[0] == 303


async def test_discarding_takes_a_reason(visiting: Visiting, url: str) -> None:
    (row,) = await _held(url, "UNREADABLE")
    page = f"/quarantine/{row.quarantine_id}/discard"
    async with visiting(_OPERATOR) as ask:
        assert (await ask(page, {"reason": "无"}))[0] == 400
        assert (await ask(page, {"reason": "对方测试数据，已核实"}))[0] == 303
    (detail,) = await _told(url, "quarantine.discard")
    assert detail["reason"] == "对方测试数据，已核实"


async def test_many_at_once_are_proposed_for_a_second_person(visiting: Visiting, url: str) -> None:
    form = {"reason": "STANDARD_REF_MISSING", "peer": COUNTY, "purpose": "标准已发布"}
    async with visiting(_OPERATOR) as ask:
        status, text = await ask("/quarantine/replay", {**form, "dry_run": "1"})
        assert (status, "条记录" in text) == (200, True)
        status, _ = await ask("/quarantine/replay", form)
        assert status == 400, "somebody the ledger does not know cannot propose"
    async with visiting(a_person((Role.OPERATOR, 431221))) as ask:
        assert (await ask("/quarantine/replay", form))[0] == 403, "a selection is of the whole hub"


@pytest.mark.parametrize("path", ["/quarantine/1/replay", "/quarantine/1/discard", "/quarantine/replay"])
async def test_who_only_looks_does_nothing(visiting: Visiting, path: str) -> None:
    async with visiting(_VIEWER) as ask:
        assert (await ask(path, {"reason": "没有这个权限"}))[0] == 403
