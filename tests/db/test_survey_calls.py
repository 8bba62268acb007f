"""Answers to surveys by REST: taken as by gRPC, each refusal with its place, nothing of who answered told or kept."""

from collections.abc import AsyncIterator

import pytest

from exchange_db.session import Ledger
from hub.evaluation.surveying import SurveyDesk
from hub.evaluation.surveys import read_survey
from hub.settings import HubPart, Settings
from tests.db.test_evaluation import SURVEY
from tests.support.builders import CITY
from tests.support.clock import FakeClock
from tests.support.rest import Caller, enter, rest_edge

_PATH = "/v1/survey-answers"
_REGION = 431221


@pytest.fixture
async def surveys(ledger: Ledger, clock: FakeClock) -> SurveyDesk:
    desk = SurveyDesk(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), clock)
    for region in (_REGION, 431222):
        await desk.open_survey(region, read_survey("s", SURVEY.encode()))
    return desk


@pytest.fixture
async def caller(ledger: Ledger, clock: FakeClock, surveys: SurveyDesk) -> AsyncIterator[Caller]:
    await enter(ledger)
    async with rest_edge(ledger, clock) as caller:
        yield caller


def _asked(*answers: tuple[str, str], region: str = "431221", survey: str = "toilets-2020") -> dict[str, object]:
    given = [{"respondent": name, "answers": {"content": option}} for name, option in answers]
    return {"region_code": region, "survey_id": survey, "answers": given}


async def test_answers_are_taken_and_each_refusal_has_its_place(
    ledger: Ledger, caller: Caller, surveys: SurveyDesk
) -> None:
    names = ("138-0000-0001", "b", "138-0000-0001", "c", "")
    options = ("yes", "no", "no", "?", "yes")
    answered = await caller.ask("POST", _PATH, _asked(*zip(names, options, strict=True)))
    assert answered.status == 200
    assert answered.value["taken_count"] == 2
    assert [(one["index"], one["reason"]) for one in answered.value["refusals"]] == [
        (2, "ANSWER_DUPLICATE"), (3, "ANSWER_INVALID"), (4, "FIELD_MISSING"),
    ]  # fmt: skip
    assert all(one["message"] and one["message_zh"] for one in answered.value["refusals"])
    # Again, as after an answer that was lost: nobody counts twice.
    again = await caller.ask("POST", _PATH, _asked(("138-0000-0001", "yes")))
    assert (again.value["taken_count"], again.value["refusals"][0]["reason"]) == (0, "ANSWER_DUPLICATE")
    state = await surveys.state(_REGION, "toilets-2020")
    assert (state.satisfaction.content, state.satisfaction.asked) == (1, 2)
    async with ledger.read() as session:
        kept = await session.driver.execute("SELECT count(*) FROM survey_answers a WHERE a::text LIKE '%0000-0001%'")
        assert await kept.fetchone() == (0,)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (_asked(("a", "yes"), region="431222"), 403, "REGION_FORBIDDEN"),
        (_asked(("a", "yes"), region="somewhere"), 400, "REGION_INVALID"),
        (_asked(("a", "yes"), survey="none"), 404, "SURVEY_UNKNOWN"),
        ({"region_code": "431221", "survey_id": "toilets-2020", "answers": [{"respondent": 13800000001}]}, 400,
         "JSON_INVALID"),
        (_asked(("a", "yes")) | {"day": "2020-06-15"}, 400, "JSON_INVALID"),
        (_asked() | {"answers": [{"respondent": "a", "answers": {}, "unit_code": "a\u0000"}]}, 400, "FIELD_INVALID"),
    ],
    ids=["another region", "no region", "no survey", "a number", "a field nobody reads", "a letter nobody sees"],
)  # fmt: skip
async def test_what_cannot_be_taken_is_refused_whole(
    caller: Caller, surveys: SurveyDesk, body: dict[str, object], status: int, reason: str
) -> None:
    refused = await caller.ask("POST", _PATH, body)
    assert (refused.status, refused.reason) == (status, reason)
    assert b"13800000001" not in refused.body
    assert (await surveys.state(_REGION, "toilets-2020")).satisfaction.asked == 0
