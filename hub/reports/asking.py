"""Asking for the figures of a report: the ones the API gives, by line, with their names.

What is made of months comes from ``FigureReader``, days and weeks from ``PastReader``, which says what a frozen period
said. Called by ``hub.reports.drafting``.
"""

from typing import NamedTuple

from exchange_db.figures import Basis
from exchange_db.records import Counts, Violated
from exchange_db.regions import Regions, format_region
from hub.clock import Clock
from hub.reports.content import Line, Metric, ReportFigure
from hub.reports.naming import Names
from hub.statistics.as_of import PastReader
from hub.statistics.calendar import moment_of
from hub.statistics.definitions import MetricDefinition
from hub.statistics.periods import Period
from hub.statistics.rates import Rate, rate_of
from hub.statistics.reading import FigureQuery, FigureReader

#: What reports show.
_METRICS = ("F1", "F2", "F3")


class Answer(NamedTuple):
    """Lines by key, and where they come from."""

    lines: list[Line]
    is_from_sheets: bool
    disagreements: tuple[str, ...]


class FigureDesk:
    """Asks for one report.

    Args:
        reader: answers about months.
        past: answers about days and weeks.
        visible: regions whoever asks may see.
        names: what codes are called.
        clock: the hub's clock.
    """

    def __init__(self, reader: FigureReader, past: PastReader, visible: Regions, names: Names, clock: Clock) -> None:
        self._reader = reader
        self._past = past
        self._visible = visible
        self._names = names
        self._clock = clock
        self._definitions = tuple(one for one in reader.metrics if one.metric_id.partition(".")[0] in _METRICS)
        self.rules = reader.rules

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """How the rates of every line are computed, in their order."""
        return tuple(
            Metric(
                metric_id=one.metric_id,
                version=one.version,
                name=one.name_zh,
                numerator=one.numerator,
                denominator=one.denominator,
                source=one.source,
            )
            for one in self._definitions
        )

    async def ask(self, region: int, period: Period, group_by: str = "") -> Answer:
        """Returns the lines of a region and period.

        Raises:
            Violated: REPORT_SPAN_INVALID, REGION_INVALID or REGION_FORBIDDEN.
        """
        if period.months is None:
            return await self._of_days(region, period, group_by)
        first, last = period.months
        query = FigureQuery(format_region(region), first, last, group_by=group_by)
        answer = await self._reader.figures(self._visible, query)
        lines = [
            self._line(
                region, group_by, line.key, line.counts,
                [
                    _figure(one.metric, one.rate, one.cutoff_time, one.revision)
                    for one in line.figures
                    if one.metric in self._definitions
                ],
            )
            for line in answer.lines
        ]  # fmt: skip
        return Answer(lines, answer.basis is Basis.SHEETS, answer.disagreements)

    async def _of_days(self, region: int, period: Period, group_by: str) -> Answer:
        if group_by == "month":
            raise Violated("REPORT_SPAN_INVALID", "span", period.name)
        moment = moment_of(self._clock())
        said = await self._past.as_of(self._visible, format_region(region), period, moment, group_by)
        cutoff_time = round(said.cutoff_time.timestamp() * 1_000_000)
        lines = [
            self._line(
                region, group_by, key, found.counts,
                [_figure(one, rate_of(one, found.counts), cutoff_time, said.revision) for one in self._definitions],
            )
            for key, found in said.counts.items()
        ]  # fmt: skip
        return Answer(lines, is_from_sheets=False, disagreements=())

    def _line(self, region: int, group_by: str, key: str, counts: Counts, figures: list[ReportFigure]) -> Line:
        name = self._names.of(group_by, key) if group_by else self._names.region(region)
        return Line(key=key, name=name, counts=counts, figures=tuple(figures))


def _figure(metric: MetricDefinition, rate: Rate, cutoff_time: int, revision: int) -> ReportFigure:
    return ReportFigure(
        metric_id=metric.metric_id,
        version=metric.version,
        numerator=rate.numerator,
        denominator=rate.denominator,
        display=rate.display,
        cutoff_time=cutoff_time,
        revision=revision,
    )
