"""Answers of the evaluation contract, from what ``hub.evaluation`` speaks. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.evaluation_wire import score_fields, value_fields
from exchange_db.records import Violated, Violation
from exchange_db.regions import format_region
from exchange_db.score_runs import RunHead
from hub.evaluation.desk import Shown
from hub.evaluation.exchanging import scores_of, values_of
from hub.evaluation.schemes import CompositeScheme, Scheme
from hub.evaluation.sources import exact_text
from hub.evaluation.surveying import SurveyState
from hub.rpc import paging
from protos.evaluation.v1 import evaluation_pb2
from protos.evaluation.v1 import evaluation_service_pb2 as evaluation

_LONGEST_UNIT = 40


class RunPlace(NamedTuple):
    """Where a page of runs begins: the last one shown."""

    made_time: paging.Time
    run_id: paging.Text


def place_of(place: RunPlace) -> tuple[datetime, str]:
    """Returns the place in the ledger's terms."""
    try:
        return datetime.fromtimestamp(place.made_time / 1_000_000, UTC), place.run_id
    except (ValueError, OverflowError, OSError):
        raise Violated("ARGUMENT_INVALID", "page.token") from None


def unit_of(answer: evaluation.SurveyAnswer) -> str:
    """Returns the unit an answer is about.

    Raises:
        Violated: FIELD_INVALID, its code is too long.
    """
    if len(answer.unit_code) > _LONGEST_UNIT or not answer.unit_code.isprintable():
        raise Violated("FIELD_INVALID", "answers.unit_code", answer.unit_code)
    return answer.unit_code


def schemes_response(schemes: Iterable[Scheme]) -> evaluation.ListSchemesResponse:
    """Writes schemes."""
    return evaluation.ListSchemesResponse(schemes=[_scheme(one) for one in schemes])


def _scheme(scheme: Scheme) -> evaluation.SchemeSummary:
    is_composite = isinstance(scheme, CompositeScheme)
    return evaluation.SchemeSummary(
        scheme_id=scheme.scheme_id,
        version=scheme.version,
        name_zh=scheme.name_zh,
        name_en=scheme.name_en,
        source=scheme.source,
        kind="composite" if is_composite else "tree",
        is_ranked=scheme.is_ranked,
        entries=_entries(scheme),
    )


def _entries(scheme: Scheme) -> list[evaluation.SchemeEntry]:
    if not isinstance(scheme, CompositeScheme):
        return [
            evaluation.SchemeEntry(
                entry_id=one.node_id,
                parent_id=one.parent,
                name_zh=one.name_zh,
                name_en=one.name_en,
                weight="" if one.weight is None else exact_text(one.weight),
                inputs=list(one.inputs),
                metric_id=one.metric_id,
            )
            for one in scheme.nodes
        ]
    parts = [
        evaluation.SchemeEntry(
            entry_id=one.part_id,
            name_zh=one.name_zh,
            name_en=one.name_en,
            weight=exact_text(one.weight),
            inputs=[one.input],
            metric_id=one.metric_id,
        )
        for one in scheme.parts
    ]
    return parts + [
        evaluation.SchemeEntry(
            entry_id=one.item_id,
            name_zh=one.name_zh,
            name_en=one.name_en,
            weight=exact_text(one.points),
            inputs=["list"],
        )
        for one in scheme.items
    ]


def runs_response(heads: list[RunHead], size: int) -> evaluation.ListRunsResponse:
    """Writes one page of runs; one more than ``size`` says that there are more."""
    shown = heads[:size]
    token = ""
    if len(heads) > size:
        token = paging.write_token(RunPlace(_microseconds(shown[-1]), shown[-1].run_id))
    return evaluation.ListRunsResponse(runs=[_summary(head) for head in shown], next_page_token=token)


def run_response(shown: Shown, unit: str) -> evaluation.GetRunResponse:
    """Writes one run, or what it says of one unit."""
    return evaluation.GetRunResponse(
        run=_summary(shown.head),
        values=[evaluation_pb2.EvaluationValue(**value_fields(one)) for one in values_of(shown.kept, unit)],
        scores=[evaluation_pb2.EvaluationScore(**score_fields(one)) for one in scores_of(shown.kept, unit)],
    )


def answers_response(outcome: list[Violation | None]) -> evaluation.SubmitAnswersResponse:
    """Writes which answers were taken."""
    return evaluation.SubmitAnswersResponse(
        taken_count=sum(violation is None for violation in outcome),
        refusals=[
            evaluation.AnswerRefusal(
                index=index,
                reason=violation.reason,
                field_path=violation.field_path,
                message=f"{violation.message} {violation.message_zh}",
            )
            for index, violation in enumerate(outcome)
            if violation is not None
        ],
    )


def survey_response(state: SurveyState) -> evaluation.GetSurveyResponse:
    """Writes what the answers of a survey add up to."""
    return evaluation.GetSurveyResponse(
        counts=[evaluation.AnswerCount(**one._asdict()) for one in state.tallies],
        content_count=state.satisfaction.content,
        asked_count=state.satisfaction.asked,
    )


def _summary(head: RunHead) -> evaluation.RunSummary:
    return evaluation.RunSummary(
        run_id=head.run_id,
        region_code=format_region(head.region),
        scheme_id=head.scheme_id,
        scheme_version=head.scheme_version,
        period=head.period,
        revision=head.revision,
        code_version=head.code_version,
        scheme_digest=head.scheme_digest,
        input_digest=head.input_digest,
        result_digest=head.result_digest,
        made_time=_microseconds(head),
        reason=head.reason,
    )


def _microseconds(head: RunHead) -> int:
    return round(head.made_time.timestamp() * 1_000_000)
