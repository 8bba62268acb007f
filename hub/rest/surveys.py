"""Answers to surveys by REST, as ``SubmitAnswers`` takes them by gRPC."""

from typing import Annotated, Any

from msgspec import DecodeError, Meta, Struct, json

from auth.permissions import require_visible
from exchange_db.records import Name40, Text40, Violated
from exchange_db.regions import parse_region
from hub.evaluation.surveying import MOST_ANSWERS, AnswerGiven, SurveyDesk
from hub.rest import answers
from hub.rest.guard import Call


class _Answer(Struct, forbid_unknown_fields=True):
    respondent: str
    answers: dict[str, str]
    unit_code: Text40 = ""


class _Submitted(Struct, forbid_unknown_fields=True):
    region_code: str
    survey_id: Name40
    answers: Annotated[list[_Answer], Meta(max_length=MOST_ANSWERS)]


class SurveyCalls:
    """Serves the calls about surveys.

    Args:
        surveys: takes answers.
    """

    def __init__(self, surveys: SurveyDesk) -> None:
        self._surveys = surveys

    async def submit(self, call: Call) -> dict[str, Any]:
        """Takes answers that a platform brings; who answered is digested and not kept.

        Raises:
            Violated: JSON_INVALID, REGION_INVALID, REGION_FORBIDDEN, FIELD_INVALID or SURVEY_UNKNOWN; answers that
                were refused stand in the answer.
        """
        for name in call.query:
            raise Violated("ARGUMENT_INVALID", name, name)
        try:
            asked = json.decode(call.body, type=_Submitted)
        except (DecodeError, RecursionError):
            # The error's own text could repeat by what somebody is known.
            raise Violated("JSON_INVALID", value="answers") from None
        try:
            region = parse_region(asked.region_code)
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", asked.region_code) from None
        require_visible(call.caller, region, "region_code", self._surveys.hub_region)
        for one in asked.answers:
            if not one.unit_code.isprintable():
                raise Violated("FIELD_INVALID", "answers.unit_code", one.unit_code)
        given = [AnswerGiven(one.respondent, one.answers, one.unit_code) for one in asked.answers]
        outcome = await self._surveys.take(region, asked.survey_id, call.caller.peer_id, given)
        refusals = [{"index": index} | answers.error(violation) for index, violation in enumerate(outcome) if violation]
        return {"taken_count": len(outcome) - len(refusals), "refusals": refusals}
