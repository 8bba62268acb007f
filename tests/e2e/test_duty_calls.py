"""查岗 between two real hubs: asked above, an alert below, answered by a person, late ones an alert above."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from exchange_db.document_records import AnswerState
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.alerts.duty import DutyDesk
from hub.alerts.making import make_duty_desk
from hub.clock import Clock, system_clock
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import CITY, PROVINCE
from tests.support.evidence import quick_with_evidence
from tests.support.stages import staged, until_value

OPEN = "SELECT count(*) FROM alerts WHERE rule = %s AND subject = %s AND closed_time IS NULL"
ANSWERED = "SELECT answer_state FROM documents WHERE document_id = %s"


class Line(NamedTuple):
    """A province over a city."""

    province: StagedHub
    city: StagedHub


@pytest.fixture(scope="module")
def line(server: EmbeddedServer) -> Iterator[Line]:
    async def build(stage: Stage) -> Line:
        extra = quick_with_evidence() + "\n[alerts]\nwatch_seconds = 0.5\n"
        province = await stage.add_hub(PROVINCE, "湖南省枢纽", extra)
        city = await stage.add_hub(CITY, "怀化市枢纽", extra)
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        return Line(province, city)

    with staged(server) as stage:
        yield asyncio.run(build(stage))


@asynccontextmanager
async def _desk(hub: StagedHub, clock: Clock = system_clock) -> AsyncIterator[DutyDesk]:
    async with Ledger(hub.url, pool_size=0) as ledger:
        yield make_duty_desk(hub.settings, ledger, clock)


async def test_the_person_on_duty_below_answers_with_their_name(line: Line) -> None:
    async with _desk(line.province) as above, _desk(line.city) as here:
        call = await above.call(CITY, 30, "省平台 王五")
        await until_value(line.city, 1, OPEN, "duty.waiting", PROVINCE)
        (waiting,) = await here.waiting()
        assert "王五" in waiting.content.text
        with pytest.raises(Violated, match="DUTY_CALL_INVALID"):
            await here.answer(PROVINCE, call.document_id, " ")
        with pytest.raises(Violated, match="DUTY_CALL_UNKNOWN"):
            await here.answer(PROVINCE, "none", "张三")
        await here.answer(PROVINCE, call.document_id, "张三", "一切正常")
        await until_value(line.province, AnswerState.ANSWERED, ANSWERED, call.document_id)
        await until_value(line.city, 0, OPEN, "duty.waiting", PROVINCE)
        (row,) = [one for one in await above.calls(None) if one.document_id == call.document_id]
        assert row.answer is not None
        assert row.answer.text == "值班人：张三；一切正常"
        assert row.answer.answered_time > row.content.issued_time
        with pytest.raises(Violated, match="DUTY_CALL_UNKNOWN"):
            await here.answer(PROVINCE, call.document_id, "李四")


async def test_a_call_nobody_answers_in_time_is_an_alert_above_until_it_is_answered(line: Line) -> None:
    # Asked ten minutes ago, for a minute.
    async with _desk(line.province, lambda: system_clock() - 600_000_000) as above, _desk(line.city) as here:
        call = await above.call(CITY, 1, "省平台")
        await until_value(line.province, 1, OPEN, "duty.overdue", CITY)
        await until_value(line.city, 1, OPEN, "duty.waiting", PROVINCE)
        await here.answer(PROVINCE, call.document_id, "张三")
        await until_value(line.province, 0, OPEN, "duty.overdue", CITY)


async def test_only_who_is_below_is_called_and_for_a_day_at_most(line: Line) -> None:
    async with _desk(line.city) as here:
        for addressee, minutes, reason in (
            (PROVINCE, 10, "ADDRESSEE_FORBIDDEN"),
            ("nobody", 10, "PLATFORM_ID_INVALID"),
            (CITY, 0, "DUTY_CALL_INVALID"),
            (CITY, 9_999, "DUTY_CALL_INVALID"),
        ):
            with pytest.raises(Violated, match=reason):
                await here.call(addressee, minutes, "市平台")
