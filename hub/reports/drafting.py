"""Drafting a report: putting figures, frequent problems and the ranking together, before any layout.

Every number comes from ``hub.statistics``, so it is the one the API gives. Regions are added up to those directly below
the one a report is about, classes to their business lines.
"""

from typing import NamedTuple

from exchange_db.counting import definition_of
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import Violated
from exchange_db.regions import Tier, format_region, tier_of
from hub.reports.asking import Answer, FigureDesk
from hub.reports.business import LINES, OTHER, Table, line_of
from hub.reports.calling import year_ago
from hub.reports.content import Breakdown, Compared, Heading, Line, Problem, Ranking, ReportData, ReportKind
from hub.reports.naming import Names
from hub.reports.wording import added_up, shortened
from hub.statistics.periods import Period

#: How long a report of each sort is about; a booklet may be about anything.
PERIOD_KINDS: dict[ReportKind, tuple[PeriodKind, ...]] = {
    ReportKind.DAILY: (PeriodKind.DAY,),
    ReportKind.WEEKLY: (PeriodKind.WEEK, PeriodKind.EVALUATION_WEEK),
    ReportKind.MONTHLY: (PeriodKind.MONTH,),
    ReportKind.YEARLY: (PeriodKind.YEAR,),
}
#: Most lines of a breakdown in a workbook.
MOST_LINES = 2_000
_DIMENSIONS: dict[ReportKind, tuple[str, ...]] = {
    ReportKind.DAILY: ("region", "unit", "class"),
    ReportKind.WEEKLY: ("region", "unit", "line", "class", "source"),
    ReportKind.MONTHLY: ("region", "unit", "line", "class", "source"),
    ReportKind.YEARLY: ("month", "region", "unit", "line", "class", "source"),
    ReportKind.BOOKLET: ("class",),
}
#: Digits of a region that those directly below it share.
_BELOW = {Tier.NATION: 10_000, Tier.PROVINCE: 100, Tier.CITY: 1, Tier.COUNTY: 1}


class Asked(NamedTuple):
    """Which report: its sort, region and span, and what it is about beside them."""

    kind: ReportKind
    region: int
    span: Period
    subject: str = ""


class Beside(NamedTuple):
    """What stands in a bulletin beside its figures."""

    problems: tuple[Problem, ...] = ()
    ranking: Ranking | None = None


class Draft:
    """Drafts bulletins and booklets.

    Args:
        figures: asks for them.
        names: what codes are called.
        table: the business line of each class.
    """

    def __init__(self, figures: FigureDesk, names: Names, table: Table) -> None:
        self._figures = figures
        self._names = names
        self._table = table

    async def data(self, asked: Asked, heading: Heading, beside: Beside) -> ReportData:
        """Returns what stands in a report.

        Raises:
            Violated: REPORT_SPAN_INVALID, REGION_INVALID or REGION_FORBIDDEN.
        """
        kinds = PERIOD_KINDS.get(asked.kind)
        if kinds is not None and asked.span.kind not in kinds:
            raise Violated("REPORT_SPAN_INVALID", "span", f"{asked.span.name} ({asked.kind})")
        answer = await self._figures.ask(asked.region, asked.span)
        return ReportData(
            kind=asked.kind,
            region=asked.region,
            region_name=self._names.region(asked.region),
            span=asked.span,
            subject=asked.subject,
            heading=heading,
            metrics=self._figures.metrics,
            definition_ref=definition_of(self._figures.rules),
            is_from_sheets=answer.is_from_sheets,
            whole=Compared(
                now=_whole(answer),
                before=_whole(await self._figures.ask(asked.region, asked.span.previous)),
                year_ago=await self._year_ago(asked),
            ),
            breakdowns=tuple([await self._breakdown(asked, one) for one in _DIMENSIONS[asked.kind]]),
            lines=await self._lines(asked) if asked.kind is ReportKind.BOOKLET else (),
            problems=beside.problems,
            ranking=beside.ranking,
            disagreements=answer.disagreements,
        )

    async def _year_ago(self, asked: Asked) -> Line | None:
        period = year_ago(asked.span)
        return _whole(await self._figures.ask(asked.region, period)) if period else None

    async def _breakdown(self, asked: Asked, dimension: str) -> Breakdown:
        if dimension == "line":
            by_line = await self._by_line(asked.region, asked.span)
            return Breakdown(dimension="line", lines=tuple(by_line.values()))
        lines = (await self._figures.ask(asked.region, asked.span, dimension)).lines
        if dimension == "region":
            lines = self._below(asked.region, lines)
        elif dimension != "month":
            lines.sort(key=lambda line: (-line.counts.total, -line.counts.reported, line.key))
        return shortened(Breakdown(dimension=dimension, lines=tuple(lines)), MOST_LINES)

    def _below(self, region: int, lines: list[Line]) -> list[Line]:
        """Adds lines up to the regions directly below a region; what lies in none of them stands for itself."""
        step = _BELOW[tier_of(region)]
        parts: dict[int, list[Line]] = {}
        for line in lines:
            parts.setdefault(int(line.key) // step * step, []).append(line)
        return [
            added_up(self._names.region(key), tuple(found), format_region(key)) if len(found) > 1 else found[0]
            for key, found in sorted(parts.items())
        ]

    async def _by_line(self, region: int, period: Period) -> dict[str, Line]:
        """Returns the business lines anything is known of, in their order."""
        parts: dict[str, list[Line]] = {}
        for line in (await self._figures.ask(region, period, "class")).lines:
            parts.setdefault(line_of(line.key, self._table), []).append(line)
        order = [*LINES, *sorted(parts.keys() - {*LINES, OTHER}), OTHER]
        return {
            name: added_up(self._names.of("line", name), tuple(parts[name]), name) for name in order if name in parts
        }

    async def _lines(self, asked: Asked) -> tuple[Compared, ...]:
        """Returns every business line of a booklet with the same of the periods it is compared with."""
        ago = year_ago(asked.span)
        now = await self._by_line(asked.region, asked.span)
        before = await self._by_line(asked.region, asked.span.previous)
        last_year = await self._by_line(asked.region, ago) if ago else {}
        names = [name for name in (*LINES, OTHER) if name in now or name in before]
        names += sorted((now.keys() | before.keys()) - set(names))
        some = next(iter((now or before).values()), None)
        if some is None:
            return ()

        def of(lines: dict[str, Line], name: str) -> Line:
            return lines.get(name) or none_of(some, self._names.of("line", name), name)

        return tuple(
            Compared(now=of(now, name), before=of(before, name), year_ago=of(last_year, name) if ago else None)
            for name in names
        )


def none_of(line: Line, name: str, key: str) -> Line:
    """Returns a line without any case, with the metrics of another one."""
    nothing = added_up(name, (), key)
    figures = tuple(
        type(one)(
            metric_id=one.metric_id, version=one.version, numerator=0, denominator=0, display="",
            cutoff_time=one.cutoff_time, revision=one.revision,
        )
        for one in line.figures
    )  # fmt: skip
    return Line(key=key, name=name, counts=nothing.counts, figures=figures)


def _whole(answer: Answer) -> Line:
    (line,) = answer.lines
    return line
