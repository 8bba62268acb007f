"""StatisticsService: takes the principal, hands on, answers."""

from typing import Any

from auth.permissions import visible_regions
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.rpc import figure_answers, period_answers
from hub.rpc.calls import principal_of
from hub.settings import Settings
from hub.statistics.as_of import PastReader, moment_in
from hub.statistics.calendar import HubCalendar
from hub.statistics.completeness import Completeness
from hub.statistics.indicators import IndicatorReader
from hub.statistics.reading import FigureReader
from protos.statistics.v1 import statistics_service_pb2 as statistics
from protos.statistics.v1 import statistics_service_pb2_grpc as statistics_grpc


class StatisticsServicer(statistics_grpc.StatisticsServiceServicer):
    """Serves the statistics contract.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: its clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._reader = FigureReader(ledger, settings)
        self._indicators = IndicatorReader(ledger, settings)
        self._calendar = HubCalendar(settings)
        self._past = PastReader(ledger, self._calendar, clock)
        self._completeness = Completeness(ledger, self._calendar, clock)

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

    async def GetFiguresAsOf(
        self, request: statistics.GetFiguresAsOfRequest, context: Any
    ) -> statistics.GetFiguresAsOfResponse:
        """Gives what was said of a period on a date."""
        visible = visible_regions(principal_of(context), self._reader.hub_region)
        period = self._calendar.parse(request.period)
        moment = moment_in(request.as_of, self._calendar.rules.zone)
        said = await self._past.as_of(visible, request.region_code, period, moment, request.group_by)
        return period_answers.past_response(said)

    async def GetCompleteness(
        self, request: statistics.GetCompletenessRequest, context: Any
    ) -> statistics.GetCompletenessResponse:
        """Tells which sheets have come and which are missing."""
        visible = visible_regions(principal_of(context), self._reader.hub_region)
        first, last = period_answers.months_of(request, self._calendar)
        return period_answers.completeness_response(
            await self._completeness.matrix(visible, request.region_code, first, last)
        )
