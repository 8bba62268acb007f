"""Counts over any span of days: weeks, evaluation weeks, months, quarters, years, or a span somebody names.

Whole months are taken from the months' cells, what is left at both ends from the days'. Beside the counts of the span
comes what was left at its end: overdue in disposal, and not yet dispatched. Called by ``hub.statistics``.
"""

from typing import Any, NamedTuple

from msgspec import Struct

from exchange_db.counting import date_of, day_number, days_of, last_day_of
from exchange_db.figure_totals import DIMENSIONS
from exchange_db.figures import Basis, month_cells, settled_basis
from exchange_db.records import COUNTERS, Counts
from exchange_db.regions import Subtree
from exchange_db.session import ReadSession

#: Names a breakdown of a span may use, and the column behind each.
SPAN_GROUPS = {
    "": "''::text",
    "month": "month::text",
    "day": "day::text",
    "region": "lpad(region::text, 6, '0')",
    "unit": "unit_code",
    "class": "class_key",
    "source": "source_code",
}
#: Breakdowns along time: what is left at the end of each of their lines runs on from line to line.
_OVER_TIME = ("month", "day")
#: Nothing is known before; the first month of the months before a span.
_FIRST_MONTH = 197001
_COLUMNS = "region, month, unit_code, class_key, source_code"
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in COUNTERS)
_LEFT = (
    "coalesce(sum(fell_overdue), 0)::bigint - coalesce(sum(disposed_overdue), 0)::bigint,"
    " coalesce(sum(dispatch_due), 0)::bigint - coalesce(sum(dispatched), 0)::bigint"
)


class SpanQuestion(Struct, frozen=True):
    """Which cells are asked for; empty texts and tuples mean all. Days are year*10000+month*100+day, inclusive."""

    regions: Subtree
    first_day: int
    last_day: int
    unit_code: str = ""
    class_keys: tuple[str, ...] = ()
    source_code: str = ""
    group_by: str = ""


class SpanKey(NamedTuple):
    """A line of a breakdown, and the source where the sources of each line are kept apart; else empty."""

    group: str
    source_code: str


class SpanCounts(NamedTuple):
    """Counts of a span, and what is left at its end."""

    counts: Counts
    overdue: int
    undispatched: int

    def of(self, name: str) -> int:
        """Returns a counter, one of ``COUNTERS`` or of ``exchange_db.counting_sql.STOCKS``, by its name.

        Raises:
            AttributeError: there is no such counter.
        """
        if name in ("disposal_due", "closing_due"):
            return self.counts.disposed + self.overdue
        return int(getattr(self if name in ("overdue", "undispatched") else self.counts, name))

    def plus(self, other: "SpanCounts") -> "SpanCounts":
        """Returns the sums of both."""
        sums = (getattr(self.counts, name) + getattr(other.counts, name) for name in COUNTERS)
        return SpanCounts(Counts(*sums), self.overdue + other.overdue, self.undispatched + other.undispatched)


class _Parts(NamedTuple):
    """A span as whole months, first and last (0 for none), and single days."""

    first_month: int
    last_month: int
    days: list[int]


def is_whole_months(first_day: int, last_day: int) -> bool:
    """Tells whether a span begins with a month and ends with one."""
    return first_day % 100 == 1 and last_day == last_day_of(last_day // 100)


def _parts(first_day: int, last_day: int) -> _Parts:
    first = first_day // 100 if first_day % 100 == 1 else _following(first_day // 100)
    last = last_day // 100 if last_day == last_day_of(last_day // 100) else _preceding(last_day // 100)
    if first > last:
        return _Parts(0, 0, days_of(first_day, last_day))
    days = [
        *(days_of(first_day, last_day_of(first_day // 100)) if first_day // 100 < first else ()),
        *(days_of(last_day // 100 * 100 + 1, last_day) if last_day // 100 > last else ()),
    ]
    return _Parts(first, last, days)


def _following(month: int) -> int:
    return month + 89 if month % 100 == 12 else month + 1


def _preceding(month: int) -> int:
    return month - 89 if month % 100 == 1 else month - 1


async def counts(
    session: ReadSession, question: SpanQuestion, basis: Basis = Basis.LEDGER, *, by_source: bool = False
) -> dict[SpanKey, SpanCounts]:
    """Returns the counts of a span by line and, where asked, by source.

    Args:
        session: a read session; the answer is of one moment, changes not yet folded included.
        question: what is asked for.
        basis: where the counts come from; sheets know whole months only.
        by_source: keep the sources of each line apart.

    Raises:
        ValueError: days of sheets are asked for, or there is no such day or breakdown.
    """
    is_by_day = question.group_by == "day"
    parts = _parts(question.first_day, question.last_day)
    if is_by_day:
        parts = _Parts(0, 0, days_of(question.first_day, question.last_day))
    if basis is not Basis.LEDGER and parts.days:
        raise ValueError("sheets say nothing about days")
    keys = _keys(question.group_by, by_source=by_source)
    found = {
        SpanKey(row[0], row[1]): Counts(*row[2:])
        for row in await _sums(session, question, basis, parts, f"{keys}, {_SUMS}", by_source=by_source)
    }
    before = await _left_before(session, question, basis, by_source=by_source)
    return _with_left(found, before, is_over_time=question.group_by in _OVER_TIME)


def _keys(group_by: str, *, by_source: bool) -> str:
    return f"{SPAN_GROUPS[group_by]} AS key, {SPAN_GROUPS['source' if by_source else '']} AS source"


def _with_left(
    found: dict[SpanKey, Counts], before: dict[SpanKey, tuple[int, int]], *, is_over_time: bool
) -> dict[SpanKey, SpanCounts]:
    """Adds what was left before the span to what it brought."""
    answer: dict[SpanKey, SpanCounts] = {}
    running = dict(before)
    wanted = found.keys() if is_over_time else found.keys() | {key for key, left in before.items() if any(left)}
    for key in sorted(wanted):
        line = found.get(key, Counts())
        place = SpanKey("", key.source_code) if is_over_time else key
        overdue, undispatched = running.get(place, (0, 0))
        overdue += line.fell_overdue - line.disposed_overdue
        undispatched += line.dispatch_due - line.dispatched
        running[place] = (overdue, undispatched)
        answer[key] = SpanCounts(line, overdue, undispatched)
    return answer


async def _left_before(
    session: ReadSession, question: SpanQuestion, basis: Basis, *, by_source: bool
) -> dict[SpanKey, tuple[int, int]]:
    last = day_number(date_of(question.first_day).replace(day=1))
    parts = _Parts(_FIRST_MONTH, _preceding(last // 100), days_of(last, question.first_day)[:-1])
    group = "" if question.group_by in _OVER_TIME else question.group_by
    keys = _keys(group, by_source=by_source)
    rows = await _sums(session, question, basis, parts, f"{keys}, {_LEFT}", by_source=by_source)
    return {SpanKey(row[0], row[1]): (row[2], row[3]) for row in rows}


async def _sums(
    session: ReadSession, question: SpanQuestion, basis: Basis, parts: _Parts, selected: str, *, by_source: bool
) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {
        "first": question.regions.first, "last": question.regions.last,
        "from": parts.first_month, "to": parts.last_month, "days": parts.days,
        "unit_code": question.unit_code, "class_keys": list(question.class_keys), "source_code": question.source_code,
    }  # fmt: skip
    filters = {
        "unit": ("unit_code = %(unit_code)s", bool(question.unit_code)),
        "class": ("class_key = ANY(%(class_keys)s)", bool(question.class_keys)),
        "source": ("source_code = %(source_code)s", bool(question.source_code)),
    }
    dimensions = {name for name in DIMENSIONS if filters[name][1] or question.group_by == name}
    if by_source:
        dimensions.add("source")
    if question.group_by == "region":
        dimensions.add("region")
    conditions = [condition for condition, is_set in filters.values() if is_set] or ["true"]
    arms = []
    if parts.last_month:
        basis = await settled_basis(session, basis, question.regions, (parts.first_month, parts.last_month))
        cells = month_cells(basis, dimensions, question.regions)
        arms.append(f"SELECT {_COLUMNS}, 0 AS day, {', '.join(COUNTERS)} FROM ({cells}) m")  # noqa: S608 — constants
    if parts.days:
        arms.append(_DAYS)
    if not arms:
        return []
    cursor = await session.driver.execute(
        f"SELECT {selected} FROM ({' UNION ALL '.join(arms)}) cells WHERE {' AND '.join(conditions)} GROUP BY 1, 2",  # noqa: S608
        values,
    )
    return await cursor.fetchall()


_DAYS = " UNION ALL ".join(
    f"SELECT region, day / 100 AS month, unit_code, class_key, source_code, day, {', '.join(COUNTERS)} FROM {table}"  # noqa: S608
    " WHERE day = ANY(%(days)s) AND region BETWEEN %(first)s AND %(last)s"
    for table in ("figure_days", "figure_deltas")
)
