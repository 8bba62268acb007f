"""Counts by grid: from the cases themselves, because grids are too many to be kept apart in every cell.

A county of 20,000 cases takes some tenths of a second. Called by ``hub.statistics``.
"""

from exchange_db.counting import CountingRules, date_of, day_bounds
from exchange_db.counting_sql import days_in_sql
from exchange_db.figure_spans import SpanCounts, SpanKey, SpanQuestion
from exchange_db.records import COUNTERS, Counts
from exchange_db.session import ReadSession

_SUMS = ", ".join(f"coalesce(sum(d.{name}) FILTER (WHERE d.day >= %(from)s), 0)::bigint" for name in COUNTERS)
_LEFT = (
    "coalesce(sum(d.fell_overdue), 0)::bigint - coalesce(sum(d.disposed_overdue), 0)::bigint,"
    " coalesce(sum(d.dispatch_due), 0)::bigint - coalesce(sum(d.dispatched), 0)::bigint"
)


async def counts(
    session: ReadSession, question: SpanQuestion, rules: CountingRules, *, by_source: bool = False
) -> dict[SpanKey, SpanCounts]:
    """Returns the counts of a span by grid (the duty grid, else the unit grid), and by source where asked."""
    conditions = ["region BETWEEN %(first)s AND %(last)s", "d.day <= %(to)s", "reported_time < %(end)s"]
    if question.unit_code:
        conditions.append("unit_code = %(unit_code)s")
    if question.class_keys:
        conditions.append("class_key = ANY(%(class_keys)s)")
    if question.source_code:
        conditions.append("source_code = %(source_code)s")
    source = "source_code" if by_source else "''::text"
    cursor = await session.driver.execute(
        f"SELECT grid_code, {source}, {_LEFT}, {_SUMS} FROM cases CROSS JOIN LATERAL {days_in_sql(rules)}"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} GROUP BY 1, 2",
        {
            "first": question.regions.first, "last": question.regions.last,
            "from": date_of(question.first_day), "to": date_of(question.last_day),
            "end": day_bounds(question.first_day, question.last_day, rules)[1],
            "unit_code": question.unit_code, "class_keys": list(question.class_keys),
            "source_code": question.source_code,
        },
    )  # fmt: skip
    return {
        SpanKey(row[0], row[1]): SpanCounts(Counts(*row[4:]), row[2], row[3])
        for row in await cursor.fetchall()
        if any(row[2:])
    }
