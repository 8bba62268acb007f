"""Questions and answers of the statistics contract, to and from what ``hub.statistics`` speaks. Pure."""

from fractions import Fraction

from connectors.wire import write_counts
from exchange_db.counting import CountingRules
from exchange_db.regions import format_region
from hub.rpc import paging
from hub.rpc.answers import summary
from hub.statistics.definitions import Quotient
from hub.statistics.indicators import Indicator, IndicatorAnswer, IndicatorLine, IndicatorQuery
from hub.statistics.reading import CasePage, CaseQuery, Figure, FigureAnswer, FigureLine, FigureQuery
from hub.statistics.rounding import USUAL
from protos.figure.v1 import figure_pb2
from protos.statistics.v1 import statistics_service_pb2 as statistics


def figure_query(request: statistics.GetFiguresRequest) -> FigureQuery:
    """Reads what is asked for; the reader checks it."""
    return FigureQuery(
        request.region_code,
        request.first_month,
        request.last_month,
        request.basis,
        request.unit_code,
        request.class_key,
        request.source_code,
        request.group_by,
    )


def case_query(request: statistics.ListFigureCasesRequest) -> CaseQuery:
    """Reads which cases are asked for.

    Raises:
        Violated: ARGUMENT_INVALID, the page cannot be read.
    """
    return CaseQuery(
        request.region_code,
        request.month,
        request.month,
        request.counter,
        request.unit_code,
        size=paging.read_size(request.page.size),
        after=paging.read_token(request.page.token, paging.CasePlace),
        class_key=request.class_key,
        source_code=request.source_code,
        metric_id=request.metric_id,
        part=request.part,
        first_day=request.first_day,
        last_day=request.last_day,
    )


def indicator_query(request: statistics.GetIndicatorsRequest) -> IndicatorQuery:
    """Reads which indicators are asked for; the reader checks it."""
    return IndicatorQuery(**{name: getattr(request, name) for name in IndicatorQuery._fields})


def indicators_response(answer: IndicatorAnswer) -> statistics.GetIndicatorsResponse:
    """Writes indicators."""
    return statistics.GetIndicatorsResponse(
        groups=[_indicator_group(line) for line in answer.lines],
        definition_ref=answer.definition_ref,
        basis=statistics.Basis.ValueType(int(answer.basis)),
    )


def _indicator_group(line: IndicatorLine) -> statistics.IndicatorGroup:
    return statistics.IndicatorGroup(
        group_key=line.key,
        counts=write_counts(line.counts.counts),
        overdue=line.counts.overdue,
        undispatched=line.counts.undispatched,
        indicators=[_indicator(one) for one in line.indicators],
    )


def _indicator(one: Indicator) -> statistics.Indicator:
    metric = one.quotient.metric
    return statistics.Indicator(
        metric_id=metric.metric_id,
        metric_version=metric.version,
        name=metric.name_zh,
        figure=_quotient(one.quotient),
        previous=_quotient(one.previous) if one.previous else None,
        last_year=_quotient(one.last_year) if one.last_year else None,
        change_previous=_percent(one.change_previous),
        change_last_year=_percent(one.change_last_year),
        is_untold=not one.is_told,
    )


def _quotient(quotient: Quotient) -> statistics.Quotient:
    return statistics.Quotient(
        numerator=int(quotient.numerator), denominator=int(quotient.denominator), display=quotient.display
    )


def _percent(change: Fraction | None) -> str:
    return "" if change is None else USUAL.text(change * 100)


def figures_response(answer: FigureAnswer) -> statistics.GetFiguresResponse:
    """Writes an answer."""
    return statistics.GetFiguresResponse(
        groups=[_group(line) for line in answer.lines],
        basis=statistics.Basis.ValueType(int(answer.basis)),
        disagreements=answer.disagreements,
    )


def _group(line: FigureLine) -> statistics.FigureGroup:
    return statistics.FigureGroup(
        group_key=line.key, counts=write_counts(line.counts), figures=[_figure(figure) for figure in line.figures]
    )


def _figure(figure: Figure) -> figure_pb2.Figure:
    return figure_pb2.Figure(
        metric_id=figure.metric.metric_id,
        metric_version=figure.metric.version,
        name=figure.metric.name_zh,
        region_code=format_region(figure.region),
        first_month=figure.first_month,
        last_month=figure.last_month,
        numerator=figure.rate.numerator,
        denominator=figure.rate.denominator,
        display=figure.rate.display,
        cutoff_time=figure.cutoff_time,
        revision=figure.revision,
    )


def cases_response(page: CasePage, rules: CountingRules) -> statistics.ListFigureCasesResponse:
    """Writes one page of cases."""
    last = page.rows[-1] if page.has_more else None
    return statistics.ListFigureCasesResponse(
        cases=[summary(row, rules) for row in page.rows],
        next_page_token=paging.write_token(paging.CasePlace(last.reported_time, last.case_id)) if last else "",
    )
