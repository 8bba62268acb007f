"""EvaluationService: takes the principal, hands on, answers."""

from typing import Any

from auth.permissions import narrowed, require_visible, visible_regions
from exchange_db.records import Violated
from exchange_db.regions import Subtree, parse_region
from hub.evaluation.desk import ScoreDesk, Shown
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.surveying import AnswerGiven, SurveyDesk
from hub.rpc import evaluation_answers, paging
from hub.rpc.calls import principal_of
from protos.evaluation.v1 import evaluation_service_pb2 as evaluation
from protos.evaluation.v1 import evaluation_service_pb2_grpc as evaluation_grpc

_LONGEST_ID = 32
_LONGEST_GROUNDS = 2_000


class EvaluationServicer(evaluation_grpc.EvaluationServiceServicer):
    """Serves the contract of evaluation.

    Args:
        scores: gives schemes and runs.
        surveys: takes answers.
        objections: takes objections.
    """

    def __init__(self, scores: ScoreDesk, surveys: SurveyDesk, objections: ObjectionDesk) -> None:
        self._scores = scores
        self._surveys = surveys
        self._objections = objections

    async def ListSchemes(self, request: evaluation.ListSchemesRequest, context: Any) -> evaluation.ListSchemesResponse:
        """Names the schemes in force."""
        region = self._visible_region(request.region_code)
        found = await self._scores.definitions(region)
        return evaluation_answers.schemes_response(found.schemes.values())

    async def ListRuns(self, request: evaluation.ListRunsRequest, context: Any) -> evaluation.ListRunsResponse:
        """Gives one page of runs."""
        size = paging.read_size(request.page.size)
        after = paging.read_token(request.page.token, evaluation_answers.RunPlace)
        heads = await self._scores.listing(
            self._visible_span(request.region_code),
            scheme_id=request.scheme_id,
            period=request.period,
            after=None if after is None else evaluation_answers.place_of(after),
            limit=size + 1,
        )
        return evaluation_answers.runs_response(heads, size)

    async def GetRun(self, request: evaluation.GetRunRequest, context: Any) -> evaluation.GetRunResponse:
        """Gives one run."""
        return evaluation_answers.run_response(await self._found(request.run_id), request.unit_code)

    async def SubmitAnswers(
        self, request: evaluation.SubmitAnswersRequest, context: Any
    ) -> evaluation.SubmitAnswersResponse:
        """Takes answers to a survey."""
        region = self._visible_region(request.region_code)
        given = [
            AnswerGiven(one.respondent, dict(one.answers), evaluation_answers.unit_of(one)) for one in request.answers
        ]
        outcome = await self._surveys.take(region, request.survey_id, principal_of(context).peer_id, given)
        return evaluation_answers.answers_response(outcome)

    async def GetSurvey(self, request: evaluation.GetSurveyRequest, context: Any) -> evaluation.GetSurveyResponse:
        """Tells what the answers add up to."""
        region = self._visible_region(request.region_code)
        return evaluation_answers.survey_response(
            await self._surveys.state(region, request.survey_id, request.unit_code)
        )

    async def RaiseObjection(
        self, request: evaluation.RaiseObjectionRequest, context: Any
    ) -> evaluation.RaiseObjectionResponse:
        """Keeps a unit's objection."""
        if len(request.grounds) > _LONGEST_GROUNDS:
            raise Violated("FIELD_INVALID", "grounds", f"{len(request.grounds)} > {_LONGEST_GROUNDS}")
        shown = await self._found(request.run_id)
        row = await self._objections.object_to(shown, request.unit_code, request.entry_id, request.grounds)
        return evaluation.RaiseObjectionResponse(objection_id=str(row.objection_id))

    async def _found(self, run_id: str) -> Shown:
        if len(run_id) != _LONGEST_ID:
            raise Violated("RUN_NOT_FOUND", "run_id", run_id)
        return await self._scores.find(visible_regions(principal_of(), self._scores.hub_region), run_id)

    def _visible_region(self, code: str) -> int:
        region = _region_in(code)
        require_visible(principal_of(), region, "region_code", self._scores.hub_region)
        return region

    def _visible_span(self, code: str) -> Subtree:
        span = narrowed(principal_of(), self._scores.hub_region, _region_in(code))
        if span is None:
            raise Violated("REGION_FORBIDDEN", "region_code", code)
        return span


def _region_in(code: str) -> int:
    try:
        return parse_region(code)
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", code) from None
