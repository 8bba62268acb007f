"""StatisticsService: takes the principal, hands on, answers."""

from typing import Any

from auth.permissions import visible_regions
from hub.rpc import figure_answers
from hub.rpc.calls import principal_of
from hub.statistics.indicators import IndicatorReader
from hub.statistics.reading import FigureReader
from protos.statistics.v1 import statistics_service_pb2 as statistics
from protos.statistics.v1 import statistics_service_pb2_grpc as statistics_grpc


class StatisticsServicer(statistics_grpc.StatisticsServiceServicer):
    """Serves the statistics contract."""

    def __init__(self, reader: FigureReader, indicators: IndicatorReader) -> None:
        self._reader = reader
        self._indicators = indicators

    async def GetFigures(self, request: statistics.GetFiguresRequest, context: Any) -> statistics.GetFiguresResponse:
        """Gives counts and rates."""
        visible = visible_regions(principal_of(context), self._reader.hub_region)
        return figure_answers.figures_response(
            await self._reader.figures(visible, figure_answers.figure_query(request))
        )

    async def GetIndicators(
        self, request: statistics.GetIndicatorsRequest, context: Any
    ) -> statistics.GetIndicatorsResponse:
        """Gives every metric of a profile that the ledger can tell."""
        visible = visible_regions(principal_of(context), self._reader.hub_region)
        return figure_answers.indicators_response(
            await self._indicators.indicators(visible, figure_answers.indicator_query(request))
        )

    async def ListFigureCases(
        self, request: statistics.ListFigureCasesRequest, context: Any
    ) -> statistics.ListFigureCasesResponse:
        """Names the cases behind a counter or a part of a metric."""
        visible = visible_regions(principal_of(context), self._reader.hub_region)
        page = await self._reader.cases(visible, figure_answers.case_query(request))
        return figure_answers.cases_response(page, self._reader.rules)
