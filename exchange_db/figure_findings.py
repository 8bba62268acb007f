"""What rules have found implausible in sheets and in this hub's own figures, and what they look at.

A finding is found once and stays until it is looked for again and not there; then it is gone, and kept. Called by
``hub.statistics``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from exchange_db.figures import Basis
from exchange_db.period_cells import CELL, PeriodCell, Span, live_cells, span_of
from exchange_db.regions import Subtree
from exchange_db.session import ReadSession

#: Rows read of one rule in SQL; whoever has more wrong than that has one thing wrong.
MOST_ROWS = 500


class Scope(NamedTuple):
    """What was looked at: a region, a period by kind and first day, and whose numbers; this hub's own by its name."""

    region: int
    kind: str
    first_day: int
    reporter_id: str


class Finding(NamedTuple):
    """What a rule found: ``counter`` with its value against ``other`` with its value. A doubt may have good causes."""

    region: int
    kind: str
    first_day: int
    reporter_id: str
    rule: str
    unit_code: str
    class_key: str
    source_code: str
    counter: str
    other: str
    value: int
    other_value: int
    revision: int
    is_doubt: bool


class FindingRow(NamedTuple):
    """A finding as it is kept; ``gone_time`` is when it was no longer there."""

    finding: Finding
    found_time: datetime
    gone_time: datetime | None


_COLUMNS = ", ".join(Finding._fields)
_KEY = "region, kind, first_day, reporter_id, rule, unit_code, class_key, source_code, counter"
_FRESH = ", ".join(f"{name} = excluded.{name}" for name in ("other", "value", "other_value", "revision", "is_doubt"))


async def put(session: ReadSession, scope: Scope, findings: Sequence[Finding], moment: datetime) -> None:
    """Keeps what was found in a scope; what was found there before and not now is gone."""
    await session.driver.execute(
        "UPDATE figure_findings SET gone_time = %s WHERE region = %s AND kind = %s AND first_day = %s"
        " AND reporter_id = %s AND gone_time IS NULL",
        (moment, *scope),
    )
    async with session.driver.cursor() as adding:
        await adding.executemany(
            f"INSERT INTO figure_findings AS f ({_COLUMNS}, found_time) VALUES ({', '.join(['%s'] * 15)})"  # noqa: S608
            f" ON CONFLICT ({_KEY}) DO UPDATE SET {_FRESH}, gone_time = NULL,"
            " found_time = CASE WHEN f.gone_time = excluded.found_time THEN f.found_time ELSE excluded.found_time END",
            [(*finding, moment) for finding in findings],
        )


async def open_regions(session: ReadSession, reporter_id: str, kind: str, first_day: int) -> set[int]:
    """Returns the regions in which a reporter's numbers of a period have findings that are not gone."""
    cursor = await session.driver.execute(
        "SELECT DISTINCT region FROM figure_findings WHERE reporter_id = %s AND kind = %s AND first_day = %s"
        " AND gone_time IS NULL",
        (reporter_id, kind, first_day),
    )
    return {row[0] for row in await cursor.fetchall()}


async def listing(
    session: ReadSession, regions: Subtree, first_day: int, last_day: int, rule: str, limit: int, *, is_open: bool
) -> list[FindingRow]:
    """Returns findings about periods that begin in some days, the clear ones before the doubts."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS}, found_time, gone_time FROM figure_findings WHERE region BETWEEN %(first)s AND %(last)s"  # noqa: S608
        " AND first_day BETWEEN %(from)s AND %(to)s AND (%(rule)s = '' OR rule = %(rule)s)"
        " AND (gone_time IS NULL OR NOT %(open)s)"
        f" ORDER BY is_doubt, first_day DESC, {_KEY} LIMIT %(limit)s",
        {
            "first": regions.first, "last": regions.last, "from": first_day, "to": last_day, "rule": rule,
            "open": is_open, "limit": limit,
        },
    )  # fmt: skip
    return [FindingRow(Finding(*row[:-2]), row[-2], row[-1]) for row in await cursor.fetchall()]


async def out_of_order(
    session: ReadSession, span: Span, order: Sequence[tuple[str, str]]
) -> list[tuple[PeriodCell, dict[str, int]]]:
    """Returns cells of this ledger in which a counter is negative or more than the one it may not be more than."""
    counters = list(dict.fromkeys(name for pair in order for name in pair))
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in counters)
    wrong = [f"{less} > {more}" for less, more in order] + [f"{name} < 0" for name in counters]
    cursor = await session.driver.execute(
        f"SELECT * FROM (SELECT {CELL}, {sums} FROM ({live_cells(span, Basis.LEDGER, counters)}) live"  # noqa: S608
        f" GROUP BY {CELL}) summed WHERE {' OR '.join(wrong)} ORDER BY {CELL} LIMIT {MOST_ROWS:d}",
        span_of(span),
    )
    return [
        ((row[0], row[1], row[2], row[3]), dict(zip(counters, row[4:], strict=True))) for row in await cursor.fetchall()
    ]


async def days_against_month(
    session: ReadSession, regions: Subtree, month: int, counters: Sequence[str]
) -> list[tuple[PeriodCell, dict[str, tuple[int, int]]]]:
    """Returns the cells of a month whose days do not add up to it, with both numbers of each counter."""
    pairs = ", ".join(f"sum(d_{name})::bigint, sum(m_{name})::bigint" for name in counters)
    wrong = " OR ".join(f"sum(d_{name}) <> sum(m_{name})" for name in counters)
    days = ", ".join(f"{name} AS d_{name}, 0 AS m_{name}" for name in counters)
    months = ", ".join(f"0, {name}" for name in counters)
    within = "region BETWEEN %(first)s AND %(last)s"
    cursor = await session.driver.execute(
        f"SELECT {CELL}, {pairs} FROM (SELECT {CELL}, {days} FROM figure_days WHERE {within}"  # noqa: S608
        f" AND day BETWEEN %(month)s * 100 AND %(month)s * 100 + 99 UNION ALL SELECT {CELL}, {months} FROM figures"
        f" WHERE {within} AND month = %(month)s) both_ GROUP BY {CELL} HAVING {wrong} ORDER BY {CELL}"
        f" LIMIT {MOST_ROWS:d}",
        {"first": regions.first, "last": regions.last, "month": month},
    )
    found = []
    for row in await cursor.fetchall():
        numbers: list[Any] = list(row[4:])
        pairs_of = {name: (numbers[2 * place], numbers[2 * place + 1]) for place, name in enumerate(counters)}
        found.append(((row[0], row[1], row[2], row[3]), pairs_of))
    return found
