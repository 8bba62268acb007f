"""Every metric of a profile that the ledger can tell, over any span of days, with its changes against other spans.

A figure comes with both its parts, exact; changes are against the span before (环比) and the same span a year before
(同比), and there is none where that one has no cases. Called by ``hub.rpc`` and by whoever draws reports.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from exchange_db import figure_spans, grid_counts
from exchange_db.counting import CountingRules, date_of, day_number, definition_of, last_day_of
from exchange_db.figure_spans import SPAN_GROUPS, SpanCounts, SpanKey, SpanQuestion, is_whole_months
from exchange_db.figures import Basis, Question, chosen_sheets
from exchange_db.records import Counts, Violated
from exchange_db.regions import Regions, Subtree
from exchange_db.session import Ledger, ReadSession
from hub.settings import Settings
from hub.statistics.definitions import MetricDefinition, Quotient, Term, change_of
from hub.statistics.derived import DAYS, Kept
from hub.statistics.lines import BusinessLines, shipped_lines
from hub.statistics.reading import check_days, region_within
from hub.statistics.registry import MetricRegistry, MetricUnknown, shipped_registry
from hub.statistics.sheets import draws_sheets

#: Names a breakdown may use.
GROUPS = (*SPAN_GROUPS, "grid", "line")
#: Longest span that is broken down by day, in days.
_MOST_DAYS = 400
_NOTHING = SpanCounts(Counts(), 0, 0)


class IndicatorQuery(NamedTuple):
    """What is asked for. Days are year*10000+month*100+day, inclusive; empty texts mean all.

    ``profile`` is one of the registry's; empty for the hub's own. ``line_code`` is a business line.
    """

    region_code: str
    first_day: int
    last_day: int
    profile: str = ""
    basis: int = Basis.CHOICE
    unit_code: str = ""
    class_key: str = ""
    source_code: str = ""
    line_code: str = ""
    group_by: str = ""
    has_changes: bool = False


class Indicator(NamedTuple):
    """A metric's figure, and the figures it is compared with; those are ``None`` where nobody asked.

    ``is_told`` is false where a sheet behind it follows other definitions, so that nothing can be said.
    """

    quotient: Quotient
    previous: Quotient | None
    last_year: Quotient | None
    is_told: bool = True

    @property
    def change_previous(self) -> Fraction | None:
        """环比: the change against the span before, as a part of it."""
        return self._change(self.previous)

    @property
    def change_last_year(self) -> Fraction | None:
        """同比: the change against the same span a year before, as a part of it."""
        return self._change(self.last_year)

    def _change(self, before: Quotient | None) -> Fraction | None:
        return change_of(self.quotient.value, before.value) if before else None


class IndicatorLine(NamedTuple):
    """One line of a breakdown; ``key`` is empty for the whole, or for what has none."""

    key: str
    counts: SpanCounts
    indicators: tuple[Indicator, ...]


class IndicatorAnswer(NamedTuple):
    """The lines by key, the definitions the counters follow, and where they come from."""

    lines: tuple[IndicatorLine, ...]
    definition_ref: str
    basis: Basis


#: Counts of a line by source.
_Line = dict[str, SpanCounts]


class IndicatorReader:
    """Answers questions about indicators.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        registry: metric definitions in force.
        lines: business lines in force.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        registry: MetricRegistry | None = None,
        lines: BusinessLines | None = None,
    ) -> None:
        self._ledger = ledger
        self._profile = settings.figures.profile
        self._draws = draws_sheets(settings.figures.draws_sheets, settings.hub.region)
        self._registry = registry or shipped_registry()
        self.lines = lines or shipped_lines()
        self.rules: CountingRules = settings.figures.counting

    def metrics(self, profile: str = "") -> tuple[MetricDefinition, ...]:
        """Returns the metrics of a profile the ledger can tell.

        Raises:
            Violated: ARGUMENT_INVALID, there is no such profile.
        """
        try:
            found = self._registry.of_profile(profile or self._profile)
        except MetricUnknown:
            raise Violated("ARGUMENT_INVALID", "profile", profile) from None
        return tuple(metric for metric in found if metric.is_kept)

    async def indicators(self, visible: Regions, query: IndicatorQuery) -> IndicatorAnswer:
        """Returns the indicators of a span.

        Args:
            visible: regions the asker may see.
            query: what is asked for.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN or ARGUMENT_INVALID.
        """
        regions = region_within(visible, query.region_code)
        metrics = self.metrics(query.profile)
        self._check(query)
        basis = self._basis_of(query)
        spans = [(query.first_day, query.last_day)]
        if query.has_changes:
            spans += [span_before(*spans[0]), span_last_year(*spans[0])]
        async with self._ledger.read() as session:
            found = [await self._lines(session, regions, query, basis, span, metrics) for span in spans]
            is_told = await self._is_told(session, regions, query, basis)
        now, *others = found
        keys = sorted(now) if query.group_by or now else [""]
        lines = []
        for key in keys:
            counted = now.get(key, {})
            compared = [other.get(_key_of(query, key, span), {}) for other, span in zip(others, spans[1:], strict=True)]
            whole = _sum(counted.values())
            lines.append(
                IndicatorLine(
                    key, whole, tuple(_indicator(metric, counted, compared, spans, is_told) for metric in metrics)
                )
            )
        return IndicatorAnswer(tuple(lines), definition_of(self.rules), basis)

    def _check(self, query: IndicatorQuery) -> None:
        check_days(query.first_day, query.last_day)
        if query.group_by not in GROUPS or (query.group_by == "day" and _length(query) > _MOST_DAYS):
            raise Violated("ARGUMENT_INVALID", "group_by", query.group_by)
        if query.basis not in list(Basis):
            raise Violated("ARGUMENT_INVALID", "basis", query.basis)
        if query.line_code and query.line_code not in self.lines.lines:
            raise Violated("ARGUMENT_INVALID", "line_code", query.line_code)
        if query.basis == Basis.SHEETS and not (
            is_whole_months(query.first_day, query.last_day) and query.group_by not in ("day", "grid")
        ):
            raise Violated("ARGUMENT_INVALID", "basis", "sheets know whole months only")

    def _basis_of(self, query: IndicatorQuery) -> Basis:
        """Sheets know whole months and no grids; else, or where the hub draws sheets itself, its ledger answers."""
        if query.basis == Basis.CHOICE and (
            self._draws or query.group_by in ("day", "grid") or not is_whole_months(query.first_day, query.last_day)
        ):
            return Basis.LEDGER
        return Basis(query.basis)

    async def _lines(
        self,
        session: ReadSession,
        regions: Subtree,
        query: IndicatorQuery,
        basis: Basis,
        span: tuple[int, int],
        metrics: tuple[MetricDefinition, ...],
    ) -> dict[str, _Line]:
        by_source = any(_names_sources(metric) for metric in metrics)
        group = "class" if query.group_by == "line" else query.group_by
        classes = (query.class_key,) if query.class_key else ()
        question = SpanQuestion(regions, *span, query.unit_code, classes, query.source_code, group)
        if query.line_code and not classes:
            asked = SpanQuestion(regions, *span, group_by="class")
            known = await figure_spans.counts(session, asked, basis)
            named = [key.group for key in known if self.lines.line_of(key.group) == query.line_code]
            # No class at all is one no case has: nothing is asked for, not everything.
            question = SpanQuestion(regions, *span, query.unit_code, tuple(named) or ("-",), query.source_code, group)
        if group == "grid":
            found = await grid_counts.counts(session, question, self.rules, by_source=by_source)
        else:
            found = await figure_spans.counts(session, question, basis, by_source=by_source)
        return self._grouped(found, query.group_by)

    def _grouped(self, found: Mapping[SpanKey, SpanCounts], group_by: str) -> dict[str, _Line]:
        lines: dict[str, _Line] = {}
        for key, counts in found.items():
            name = self.lines.line_of(key.group) if group_by == "line" else key.group
            line = lines.setdefault(name, {})
            known = line.get(key.source_code)
            line[key.source_code] = counts if known is None else known.plus(counts)
        return lines

    async def _is_told(self, session: ReadSession, regions: Subtree, query: IndicatorQuery, basis: Basis) -> bool:
        """Tells whether all sheets behind an answer count the way this hub does."""
        if basis is Basis.LEDGER:
            return True
        question = Question(regions, query.first_day // 100, query.last_day // 100)
        own = definition_of(self.rules)
        return all(head.definition_ref == own for head in await chosen_sheets(session, question))


def _length(query: IndicatorQuery) -> int:
    return (date_of(query.last_day) - date_of(query.first_day)).days + 1


def span_before(first_day: int, last_day: int) -> tuple[int, int]:
    """Returns the span of the same length before: as many months if it is of whole months, else as many days."""
    first, last = date_of(first_day), date_of(last_day)
    if is_whole_months(first_day, last_day):
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        index = first.year * 12 + first.month - 1 - months
        return (index // 12 * 100 + index % 12 + 1) * 100 + 1, day_number(first - timedelta(days=1))
    length = last - first + timedelta(days=1)
    return day_number(first - length), day_number(last - length)


def span_last_year(first_day: int, last_day: int) -> tuple[int, int]:
    """Returns the same span a year before; the last day of a February stays its last day."""
    return _year_before(first_day), _year_before(last_day)


def _year_before(day: int) -> int:
    before = day - 10_000
    if day == last_day_of(day // 100):
        return last_day_of(before // 100)
    return before


def _key_of(query: IndicatorQuery, key: str, span: tuple[int, int]) -> str:
    """Returns the key a line has in another span: of lines along time the one as far from its beginning."""
    if query.group_by == "month":
        index = int(key) // 100 * 12 + int(key) % 100 - _month_index(query.first_day) + _month_index(span[0]) - 1
        return str(index // 12 * 100 + index % 12 + 1)
    if query.group_by == "day":
        shifted = date_of(int(key)) - date_of(query.first_day) + date_of(span[0])
        return str(day_number(shifted))
    return key


def _month_index(day: int) -> int:
    found: date = date_of(day)
    return found.year * 12 + found.month


def _names_sources(metric: MetricDefinition) -> bool:
    return any(one is not None and one.sources for one in (*metric.numerator_kept, *metric.denominator_kept))


def _sum(parts: Iterable[SpanCounts]) -> SpanCounts:
    whole = _NOTHING
    for part in parts:
        whole = whole.plus(part)
    return whole


def _indicator(
    metric: MetricDefinition,
    counted: _Line,
    compared: list[_Line],
    spans: list[tuple[int, int]],
    is_told: bool,  # noqa: FBT001
) -> Indicator:
    if not is_told:
        nothing = Quotient(metric, Fraction(0), Fraction(0))
        return Indicator(nothing, None, None, is_told=False)
    now = quotient_of_line(metric, counted, spans[0])
    previous, last_year = (
        (quotient_of_line(metric, line, span) for line, span in zip(compared, spans[1:], strict=True))
        if compared
        else (None, None)
    )
    return Indicator(now, previous, last_year)


def quotient_of_line(metric: MetricDefinition, line: Mapping[str, SpanCounts], span: tuple[int, int]) -> Quotient:
    """Computes a metric that the ledger tells from a line's counts by source; days as year*10000+month*100+day."""
    return Quotient(
        metric,
        _weighted(metric.numerator, metric.numerator_kept, line, span),
        _weighted(metric.denominator, metric.denominator_kept, line, span),
    )


def _weighted(
    terms: tuple[Term, ...], counters: tuple[Kept | None, ...], line: Mapping[str, SpanCounts], span: tuple[int, int]
) -> Fraction:
    total = 0
    for (_, weight), counter in zip(terms, counters, strict=True):
        assert counter is not None  # noqa: S101 — only kept metrics are computed
        if counter.name == DAYS:
            total += weight * ((date_of(span[1]) - date_of(span[0])).days + 1)
            continue
        total += weight * sum(
            counts.of(counter.name)
            for source, counts in line.items()
            if not counter.sources or source in counter.sources
        )
    return Fraction(total)
