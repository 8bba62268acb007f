"""Answering with figures: counts from sheets or from the ledger, exact rates, and the cases behind a number.

A hub that draws sheets itself answers from its ledger. Every other one takes the sheet of a region and month where
there is one and its own ledger where there is none, and says where both exist and differ.
Called by ``hub.rpc``, ``hub.console`` and ``hub.cli``.
"""

from typing import NamedTuple

from exchange_db import case_members, figures
from exchange_db.cases import CaseRow
from exchange_db.counting import date_of, definition_of, month_of
from exchange_db.figures import GROUPS, Basis, Question, SheetHead
from exchange_db.records import Counts, Violated
from exchange_db.regions import Regions, Subtree, format_region, parse_region, spans_of, subtree
from exchange_db.session import Ledger, ReadSession
from hub.settings import Settings
from hub.statistics.definitions import MetricDefinition
from hub.statistics.disagreements import in_words
from hub.statistics.drilldown import members_of
from hub.statistics.rates import Rate, metrics_of, rate_of
from hub.statistics.registry import shipped_registry
from hub.statistics.sheets import draws_sheets


class FigureQuery(NamedTuple):
    """What is asked for: a region's six digits, months as year*100+month, inclusive; empty texts mean all.

    Of a breakdown ``most_lines`` are told after the first ``skipped_lines``; 0 for all.
    """

    region_code: str
    first_month: int
    last_month: int
    basis: int = Basis.CHOICE
    unit_code: str = ""
    class_key: str = ""
    source_code: str = ""
    group_by: str = ""
    skipped_lines: int = 0
    most_lines: int = 0


class CaseQuery(NamedTuple):
    """Which counter's cases are asked for, or those of a metric's ``part``, numerator or denominator.

    The span is of months, or of days where ``first_day`` is given. ``after`` is (reported_time, case_id) of the last
    row shown.
    """

    region_code: str
    first_month: int
    last_month: int
    counter: str
    unit_code: str = ""
    class_key: str = ""
    source_code: str = ""
    size: int = 100
    after: tuple[int, bytes] | None = None
    metric_id: str = ""
    part: str = ""
    first_day: int = 0
    last_day: int = 0


class Figure(NamedTuple):
    """A number with all that is needed to check it. ``revision`` is 0 when it comes from the ledger alone."""

    metric: MetricDefinition
    rate: Rate
    region: int
    first_month: int
    last_month: int
    cutoff_time: int
    revision: int


class FigureLine(NamedTuple):
    """One line of a breakdown; ``key`` is empty for the whole."""

    key: str
    counts: Counts
    figures: tuple[Figure, ...]


class FigureAnswer(NamedTuple):
    """The lines by key, where they come from, where sheets and ledger disagree, in words, and how many lines there are.

    ``line_count`` counts those that were not asked for too.
    """

    lines: tuple[FigureLine, ...]
    basis: Basis
    disagreements: tuple[str, ...]
    line_count: int


class CasePage(NamedTuple):
    """One page of the cases behind a counter, newest report first.

    ``after`` is where the next page begins. ``is_cut``: the page is not full, and there is more to look at from there.
    """

    rows: list[CaseRow]
    has_more: bool
    after: tuple[int, bytes] | None = None
    is_cut: bool = False


class _Provenance(NamedTuple):
    """The sheets behind an answer, and when the ledger was read if it is behind it as well."""

    sheets: list[SheetHead]
    ledger_time: int

    def of(self, group_by: str, key: str) -> tuple[int, int]:
        """Returns cut-off and revision of one line."""
        heads = [
            head
            for head in self.sheets
            if not (group_by == "month" and str(head.month) != key)
            and not (group_by == "region" and format_region(head.region) != key)
        ]
        cutoff_time = max((round(head.cutoff_time.timestamp() * 1_000_000) for head in heads), default=0)
        revision = max((head.revision for head in heads), default=0)
        return max(cutoff_time, self.ledger_time), revision


class FigureReader:
    """Answers questions about figures.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._hub_id = settings.hub.id
        self.rules = settings.figures.counting
        self._draws = draws_sheets(settings.figures.draws_sheets, settings.hub.region)
        self.hub_region = settings.hub.region
        self.metrics = metrics_of(is_suspended_excluded=settings.figures.is_suspended_excluded)

    async def figures(self, visible: Regions, query: FigureQuery) -> FigureAnswer:
        """Returns counts and rates.

        Args:
            visible: regions the asker may see.
            query: what is asked for.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN or ARGUMENT_INVALID.
        """
        regions = region_within(visible, query.region_code)
        _check_months(query.first_month, query.last_month)
        if query.group_by not in GROUPS:
            raise Violated("ARGUMENT_INVALID", "group_by", query.group_by)
        if query.basis not in list(Basis):
            raise Violated("ARGUMENT_INVALID", "basis", query.basis)
        question = Question(
            regions,
            query.first_month,
            query.last_month,
            query.unit_code,
            query.class_key,
            query.source_code,
            query.group_by,
        )
        basis = Basis(query.basis)
        if basis is Basis.CHOICE and self._draws:
            basis = Basis.LEDGER
        async with self._ledger.read() as session:
            found = await figures.counts(session, question, basis)
            heads = await figures.chosen_sheets(session, question)
            disagreements, is_partly_ledger = await self._compare(session, question, heads)
            now = await figures.database_time(session)
        if basis is Basis.CHOICE:
            basis = Basis.SHEETS if heads else Basis.LEDGER
        else:
            is_partly_ledger = False
        used = heads if basis is Basis.SHEETS else []
        provenance = _Provenance(used, now if is_partly_ledger or basis is Basis.LEDGER else 0)
        if not query.group_by and not found:
            found = {"": Counts()}
        keys = list(found)[query.skipped_lines :][: query.most_lines or None]
        lines = tuple(self._line(query, key, found[key], provenance) for key in keys)
        return FigureAnswer(lines, basis, disagreements, len(found))

    async def usual_span(self, now: int) -> tuple[int, int]:
        """Returns the year up to this month, or the last year before it that anything is known of.

        Args:
            now: microseconds since 1970.
        """
        this_month = month_of(now, self.rules)
        async with self._ledger.read() as session:
            last = await figures.latest_month(session, subtree(self.hub_region), this_month)
        last = last or this_month
        return last // 100 * 100 + 1, last

    async def _compare(
        self, session: ReadSession, question: Question, heads: list[SheetHead]
    ) -> tuple[tuple[str, ...], bool]:
        """Returns the disagreements, and whether the ledger knows months that no sheet is about."""
        foreign = [head for head in heads if head.reporter_id != self._hub_id]
        if not foreign:
            return (), await figures.knows_more(session, question)
        own = await figures.totals(session, question, Basis.LEDGER)
        sent = await figures.totals(session, question, Basis.SHEETS)
        is_partly_ledger = bool(own.keys() - {(head.region, head.month) for head in heads})
        return in_words(foreign, sent, own, definition_of(self.rules)), is_partly_ledger

    def _line(self, query: FigureQuery, key: str, counts: Counts, provenance: _Provenance) -> FigureLine:
        region, first, last = parse_region(query.region_code), query.first_month, query.last_month
        if query.group_by == "month":
            first = last = int(key)
        elif query.group_by == "region":
            region = parse_region(key)
        cutoff_time, revision = provenance.of(query.group_by, key)
        return FigureLine(
            key,
            counts,
            tuple(
                Figure(metric, rate_of(metric, counts), region, first, last, cutoff_time, revision)
                for metric in self.metrics
            ),
        )

    async def cases(self, visible: Regions, query: CaseQuery, *, is_bounded: bool = False) -> CasePage:
        """Returns the cases behind one counter or one part of a metric, from this hub's ledger.

        Args:
            visible: regions the asker may see.
            query: what is asked for.
            is_bounded: show what was found so far where cases that fit are few among very many.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN or ARGUMENT_INVALID.
        """
        regions = region_within(visible, query.region_code)
        what = (query.counter, query.metric_id, query.part)
        members = members_of(what, _span_of(query), self.rules, shipped_registry())
        condition, values = [f"({members.condition})"], members.values
        for name in ("unit_code", "class_key", "source_code"):
            if getattr(query, name):
                condition.append(f"{name} = %({name})s")
                values[name] = getattr(query, name)
        end_time = round(values["end"].timestamp() * 1_000_000)
        wanted = case_members.Wanted(regions, " AND ".join(condition), values, end_time, query.after)
        async with self._ledger.read() as session:
            found = await case_members.members(session, wanted, query.size, is_bounded=is_bounded)
        return CasePage(found.rows, found.after is not None, found.after, found.is_cut)


def region_within(visible: Regions, region_code: str) -> Subtree:
    """Returns the regions asked for; a figure of a part would pass for one of the whole, so all must be visible."""
    try:
        regions = subtree(parse_region(region_code))
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", region_code) from None
    if not any(regions.first in span and regions.last in span for span in spans_of(visible)):
        raise Violated("REGION_FORBIDDEN", "region_code", region_code)
    return regions


def _span_of(query: CaseQuery) -> tuple[int, int]:
    """Returns the span of a question, checked: days if it names any, else months."""
    if not query.first_day:
        _check_months(query.first_month, query.last_month)
        return query.first_month, query.last_month
    check_days(query.first_day, query.last_day)
    return query.first_day, query.last_day


def check_days(first: int, last: int) -> None:
    """Refuses a span of days that is none.

    Raises:
        Violated: ARGUMENT_INVALID.
    """
    for name, day in (("first_day", first), ("last_day", last)):
        try:
            is_known = 1990 <= date_of(day).year <= 2199
        except ValueError:
            is_known = False
        if not is_known:
            raise Violated("ARGUMENT_INVALID", name, day)
    if first > last:
        raise Violated("ARGUMENT_INVALID", "last_day", last)


def _check_months(first: int, last: int) -> None:
    for name, month in (("first_month", first), ("last_month", last)):
        if not (1 <= month % 100 <= 12 and 1990 <= month // 100 <= 2200):
            raise Violated("ARGUMENT_INVALID", name, month)
    if first > last:
        raise Violated("ARGUMENT_INVALID", "last_month", last)
