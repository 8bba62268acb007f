"""Searching cases: by words of two letters and more, by place, time, state and class, page by page, bounded."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exchange_db.case_search import (
    Asked,
    Found,
    newest_statement,
    places_statement,
    search,
    span_statement,
    words_statement,
)
from exchange_db.case_texts import terms_of, waiting
from exchange_db.cases import CaseState
from exchange_db.regions import Subtree
from exchange_db.session import Ledger, ReadSession
from hub.apply.wording import CaseWording
from tests.support.applied import a_closed_case, a_filed_case, apply_records
from tests.support.builders import DAY
from tests.support.clock import NOON

_ALL = Subtree(0, 999_999)
_TEXTS = {
    "2020-A1": "人民路与解放路交叉口井盖破损，行人摔倒",
    "2020-A2": "路灯不亮，来电 13812345678",
    "2020-A3": "ＬＥＤ屏幕 Broken 井圈下沉",
    "2020-A4": "盖井不严",
}


async def _fill(url: str) -> None:
    async with Ledger(url) as ledger:
        for day, (case_no, text) in enumerate(_TEXTS.items()):
            await apply_records(ledger, *a_filed_case(case_no, description=text, reported_time=NOON - day * 40 * DAY))
        await apply_records(ledger, *a_closed_case("2019-Z9", reported_time=NOON - 600 * DAY))
        await CaseWording(ledger).run()


@pytest.fixture(scope="module", autouse=True)
def _filled(url: str) -> None:
    """A ledger with four open cases and a closed one, searchable."""
    asyncio.run(_fill(url))


@pytest.fixture
async def session(url: str) -> AsyncIterator[ReadSession]:
    """A transaction over it."""
    async with Ledger(url, pool_size=1) as ledger, ledger.read() as reading:
        yield reading


async def _numbers(session: ReadSession, words: str = "", **asked: Any) -> list[str]:
    found = await _found(session, words, **asked)
    return [row.case_no for row in found.rows]


async def _found(session: ReadSession, words: str = "", size: int = 10, **asked: Any) -> Found:
    return await search(session, Asked(**{"regions": _ALL, "terms": tuple(terms_of(words))} | asked), size, NOON + DAY)


async def test_chinese_words_of_two_letters_and_more_are_found(session: ReadSession) -> None:
    assert not await waiting(session)
    assert await _numbers(session, "井盖") == ["2020-A1"]
    assert await _numbers(session, "井盖破损") == ["2020-A1"]
    assert await _numbers(session, "解放路 摔倒") == ["2020-A1"]
    assert await _numbers(session, "破井") == []
    assert await _numbers(session, "led") == await _numbers(session, "LED屏幕 broken") == ["2020-A3"]
    assert await _numbers(session, "2020-a2") == ["2020-A2"]
    assert terms_of("井 盖") == []


async def test_nobody_finds_a_number_by_searching_for_it(session: ReadSession) -> None:
    assert await _numbers(session, "13812345678") == []
    assert await _numbers(session, "138****5678") == ["2020-A2"]


async def test_words_and_filters_go_together(session: ReadSession) -> None:
    assert await _numbers(session, "2020-a", state=CaseState.FILED) == ["2020-A1", "2020-A2", "2020-A3", "2020-A4"]
    assert await _numbers(session, "2020-a", state=CaseState.CLOSED) == []
    assert await _numbers(session, "2020-a", from_time=NOON - 50 * DAY) == ["2020-A1", "2020-A2"]
    assert await _numbers(session, "2020-a", before_time=NOON - 50 * DAY) == ["2020-A3", "2020-A4"]
    assert await _numbers(session, "2020-a", regions=Subtree(431222, 431222)) == []


async def test_pages_follow_one_another_with_words_and_without(session: ReadSession) -> None:
    for words in ("", "20"):
        seen, after = [], None
        while True:
            found = await _found(session, words, 2, after=after)
            seen += [row.case_no for row in found.rows]
            if (after := found.after) is None:
                break
        assert seen == [*_TEXTS, "2019-Z9"]


async def test_lists_are_narrowed(session: ReadSession) -> None:
    assert await _numbers(session, state=CaseState.CLOSED) == ["2019-Z9"]
    assert await _numbers(session, from_time=NOON - 50 * DAY) == ["2020-A1", "2020-A2"]
    assert await _numbers(session, handler_id="nobody") == []
    code = (await _found(session)).rows[0].class_key.split("|")[2]
    assert len(await _numbers(session, class_code=code[:2])) == 5
    assert await _numbers(session, class_code="99") == []
    assert await _numbers(session, regions=(Subtree(430000, 430000), Subtree(431221, 431221))) == [*_TEXTS, "2019-Z9"]


async def test_no_plan_reads_all_cases(session: ReadSession) -> None:
    asked = Asked(_ALL, state=CaseState.CLOSED, terms=("井盖",), after=(NOON, bytes(16)))
    await session.driver.execute("SET LOCAL enable_seqscan = off")
    for statement, values in (
        (places_statement(_ALL), {}),
        newest_statement(asked._replace(state=0), [431221], 51),
        span_statement(asked, [431221], 51),
        words_statement(asked, [202006, 202005], 51),
    ):
        cursor = await session.driver.execute("EXPLAIN " + statement, values)
        plan = "\n".join(row[0] for row in await cursor.fetchall())
        assert "Seq Scan" not in plan, plan
        assert "ix_cases_region_reported_time" in plan or "ix_case_texts_grams" in plan, plan


async def test_a_corrected_report_is_found_by_its_new_words(url: str) -> None:
    corrected = a_filed_case("2020-A1", revision=2, description="雨篦堵塞", reported_time=NOON)
    async with Ledger(url) as ledger:
        await apply_records(ledger, *corrected)
        assert await CaseWording(ledger).run() == 1
        async with ledger.read() as after:
            assert await _numbers(after, "井盖") == []
            assert await _numbers(after, "雨篦") == ["2020-A1"]
