"""The cells of a period as they stand, as SQL: of this ledger by months or days, or of sheets where there are some.

A fragment gives ``is_inside, region, unit_code, class_key, source_code`` and counters, several rows a cell, and takes
the values of ``span_of``. What is left at the end of a period is a sum over everything before it, too. Called by
``exchange_db.frozen_figures``, ``exchange_db.figure_corrections`` and ``exchange_db.figure_findings``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from exchange_db.figures import Basis
from exchange_db.records import COUNTERS
from exchange_db.regions import Subtree
from exchange_db.session import HotSession, ReadSession

#: Region, unit, class and source.
PeriodCell = tuple[int, str, str, str]
CELL = "region, unit_code, class_key, source_code"


#: What is left at the end of a period (``exchange_db.figure_spans``): what came, less what went, since the beginning.
STOCKS: dict[str, tuple[str, str]] = {
    "overdue": ("fell_overdue", "disposed_overdue"),
    "undispatched": ("dispatch_due", "dispatched"),
}
#: What is kept of a period.
KEPT: tuple[str, ...] = (*COUNTERS, *STOCKS)
_IN_REGIONS = "region BETWEEN %(first)s AND %(last)s"
#: Of several sheets about one region and month the city's counts, because the city dispatches there; then one of a
#: hub above it, then the county's own.
SHEET_RANK = (
    "CASE WHEN substr(reporter_id, 5, 2) <> '00' THEN 4 WHEN substr(reporter_id, 3, 4) <> '0000' THEN 1"
    " WHEN substr(reporter_id, 1, 2) <> '00' THEN 2 ELSE 3 END, reporter_id"
)


class Span(NamedTuple):
    """Days and regions: ``first_day`` and ``last_day`` as year*10000+month*100+day, both part of it."""

    regions: Subtree
    first_day: int
    last_day: int
    is_whole_months: bool


def span_of(span: Span) -> dict[str, Any]:
    """Returns the values a fragment needs."""
    return {
        "first": span.regions.first,
        "last": span.regions.last,
        "from": span.first_day // 100,
        "to": span.last_day // 100,
        "from_day": span.first_day,
        "to_day": span.last_day,
    }


def live_cells(span: Span, basis: Basis, counters: Sequence[str] = KEPT) -> str:
    """Returns the fragment of a span's cells with some of ``KEPT``.

    Raises:
        ValueError: a name is none of them; or sheets are of months, and the span is not made of months.
    """
    if unknown := set(counters) - set(KEPT):
        raise ValueError(", ".join(sorted(unknown)))
    stocks = [name for name in counters if name in STOCKS]
    plain = [name for name in counters if name not in STOCKS]
    read = list(dict.fromkeys([*plain, *(part for name in stocks for part in STOCKS[name])]))
    if span.is_whole_months:
        rows = _month_rows(basis, read, "0" if stocks else "%(from)s")
    elif basis is Basis.LEDGER:
        rows = _day_rows(read, has_past=bool(stocks))
    else:
        raise ValueError(basis)
    inside = [f"CASE WHEN is_inside THEN {name} END AS {name}" for name in plain]
    left = [f"coalesce({STOCKS[name][0]}, 0) - coalesce({STOCKS[name][1]}, 0) AS {name}" for name in stocks]
    return f"SELECT {', '.join(['is_inside', CELL, *inside, *left])} FROM ({rows}) counted"  # noqa: S608 — constants


def _month_rows(basis: Basis, read: list[str], since: str) -> str:
    named = ", ".join([CELL, *read])
    within = f"{_IN_REGIONS} AND month BETWEEN {since} AND %(to)s"
    own = (
        f"SELECT month >= %(from)s AS is_inside, month, {named} FROM figures WHERE {within}"  # noqa: S608 — constants
        f" UNION ALL SELECT day / 100 >= %(from)s, day / 100, {named} FROM figure_deltas"
        f" WHERE {_IN_REGIONS} AND day / 100 BETWEEN {since} AND %(to)s"
    )
    if basis is Basis.LEDGER:
        return own
    chosen = (
        "SELECT DISTINCT ON (region, month) region, month, reporter_id FROM figure_sheets"  # noqa: S608 — constants
        f" WHERE {within} ORDER BY region, month, {SHEET_RANK}"
    )
    sent = (
        f"SELECT c.month >= %(from)s AS is_inside, c.month, {', '.join(f'c.{name}' for name in named.split(', '))}"  # noqa: S608
        f" FROM sheet_cells c JOIN ({chosen}) s"
        " ON s.reporter_id = c.reporter_id AND s.region = c.region AND s.month = c.month"
    )
    if basis is Basis.SHEETS:
        return sent
    return (
        f"{sent} UNION ALL SELECT o.* FROM ({own}) o WHERE NOT EXISTS"  # noqa: S608 — constants
        f" (SELECT 1 FROM ({chosen}) s WHERE s.region = o.region AND s.month = o.month)"
    )


def _day_rows(read: list[str], *, has_past: bool) -> str:
    named, since = ", ".join([CELL, *read]), "%(from)s * 100 + 1" if has_past else "%(from_day)s"
    before = f"SELECT false AS is_inside, {named} FROM figures WHERE {_IN_REGIONS} AND month < %(from)s UNION ALL "  # noqa: S608
    # Changes of a month alone (day 00) count in the months before, as the months' cells do.
    past = " OR day < %(from)s * 100" if has_past else ""
    return (
        f"{before if has_past else ''}SELECT day >= %(from_day)s AS is_inside, {named} FROM figure_days"  # noqa: S608
        f" WHERE {_IN_REGIONS} AND day BETWEEN {since} AND %(to_day)s"
        f" UNION ALL SELECT day >= %(from_day)s, {named} FROM figure_deltas"
        f" WHERE {_IN_REGIONS} AND (day BETWEEN {since} AND %(to_day)s{past})"
    )


def summed(counters: Sequence[str]) -> str:
    """Returns the SQL of an array of sums in the order of some counters."""
    return f"ARRAY[{', '.join(f'coalesce(sum({name}), 0)::bigint' for name in counters)}]"


async def cells(
    session: ReadSession | HotSession, span: Span, basis: Basis, counters: Sequence[str] = KEPT
) -> dict[PeriodCell, tuple[int, ...]]:
    """Returns the cells of a span as they stand, in the order of some of ``KEPT``."""
    live = live_cells(span, basis, counters)
    cursor = await session.driver.execute(
        f"SELECT {CELL}, {summed(counters)} FROM ({live}) live GROUP BY {CELL} ORDER BY {CELL}",  # noqa: S608
        span_of(span),
    )
    return {row[:4]: tuple(row[4]) for row in await cursor.fetchall()}
