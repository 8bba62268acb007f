"""Counting once more: what the figures would be if they were made anew from the cases, and putting them right.

Everything is counted by the database, in one snapshot. A correction is appended as one more delta, so it commutes with
what apply and the fold do meanwhile. Called by ``hub.statistics``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from exchange_db import figure_totals
from exchange_db.counting import CountingRules
from exchange_db.counting_sql import counted_cells
from exchange_db.records import COUNTERS, Counts
from exchange_db.session import Dedicated, HotSession
from exchange_db.shares import CellKey

_LOCK = 0x53414E4A4902
#: Differences that are told one by one; all of them are counted and put right.
MOST_TOLD = 1_000
_KEYS = ("region", "unit_code", "class_key", "source_code")
_CELL = f"day, {', '.join(_KEYS)}"
_NAMES = ", ".join(COUNTERS)
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::int AS {name}" for name in COUNTERS)
_ZEROS = ", ".join("0" for _ in COUNTERS)


class Difference(NamedTuple):
    """A cell whose figures are not what its cases say; its second part is a day, or a month for a month's cell."""

    cell: CellKey
    stored: Counts
    counted: Counts


class Found(NamedTuple):
    """How many cases were counted, how many cells differ, how many totals over cells do, and the first of the cells."""

    case_count: int
    cell_count: int
    total_count: int
    differences: list[Difference]

    @property
    def is_right(self) -> bool:
        """Whether the figures are what the cases say."""
        return not self.cell_count and not self.total_count


@asynccontextmanager
async def exclusive(connection: Dedicated) -> AsyncIterator[bool]:
    """Yields whether nobody else recounts this ledger until the block ends."""
    cursor = await connection.driver.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
    row = await cursor.fetchone()
    is_alone = bool(row and row[0])
    try:
        yield is_alone
    finally:
        if is_alone and not connection.driver.broken:
            await connection.driver.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


async def hold_still(session: HotSession) -> None:
    """Makes the transaction see one moment only, and gives its sorting room; must be its first statement."""
    await session.driver.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await session.driver.execute("SET LOCAL work_mem = '256MB'")


async def differences(session: HotSession, rules: CountingRules) -> Found:
    """Counts all cases and compares with the figures and the deltas not yet folded.

    Args:
        session: a transaction that is held still, on a connection of its own.
        rules: how cases are counted.

    Returns:
        Number of cases, and the cells that differ: months first, then days, each by cell.
    """
    driver = session.driver
    await driver.execute("DROP TABLE IF EXISTS counted_days, counted_months, different")
    await driver.execute(
        f"CREATE TEMP TABLE counted_days ON COMMIT DROP AS SELECT {_day_number('day')} AS day, {', '.join(_KEYS)},"  # noqa: S608
        f" {_NAMES} FROM ({counted_cells(rules)}) counted"
    )
    await driver.execute(
        f"CREATE TEMP TABLE counted_months ON COMMIT DROP AS SELECT day / 100 AS day, {', '.join(_KEYS)}, {_SUMS}"  # noqa: S608
        f" FROM counted_days GROUP BY 1, {', '.join(_KEYS)}"
    )
    await driver.execute("ANALYZE counted_days")
    await driver.execute("ANALYZE counted_months")
    days = _compared("counted_days", "figure_days", "day", "day", "day % 100 > 0")
    months = _compared("counted_months", "figures", "month", "day / 100", "true")
    await driver.execute(f"CREATE TEMP TABLE different ON COMMIT DROP AS {months} UNION ALL {days}")
    cursor = await driver.execute("SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM different)")
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — two numbers
    return Found(row[0], row[1], await figure_totals.wrong_count(session), await _told(session))


def _day_number(column: str) -> str:
    year, month, day = (f"extract({part} FROM {column})::int" for part in ("year", "month", "day"))
    return f"(({year} * 100 + {month}) * 100 + {day})"


def _compared(counted: str, stored: str, moment: str, delta_moment: str, delta_condition: str) -> str:
    """Returns the query of the cells that differ: cell, the counters stored, and those counted."""
    names = ", ".join(f"coalesce(s.{name}, 0) + coalesce(d.{name}, 0) AS {name}" for name in COUNTERS)
    cell = ", ".join(("day", *_KEYS))
    return (
        f"SELECT {cell}, {', '.join(f'coalesce(s.{name}, 0) AS was_{name}' for name in COUNTERS)},"  # noqa: S608
        f" {', '.join(f'coalesce(c.{name}, 0) AS {name}' for name in COUNTERS)} FROM"
        f" (SELECT {cell}, {names} FROM (SELECT {moment} AS day, {', '.join(_KEYS)}, {_NAMES} FROM {stored}) s"
        f" FULL JOIN (SELECT {delta_moment} AS day, {', '.join(_KEYS)}, {_SUMS} FROM figure_deltas"
        f" WHERE {delta_condition} GROUP BY {delta_moment}, {', '.join(_KEYS)}) d USING ({cell})) s"
        f" FULL JOIN {counted} c USING ({cell})"
        f" WHERE {' OR '.join(f'coalesce(s.{name}, 0) <> coalesce(c.{name}, 0)' for name in COUNTERS)}"
    )


async def _told(session: HotSession) -> list[Difference]:
    cursor = await session.driver.execute(
        f"SELECT region, day, unit_code, class_key, source_code, {', '.join(f'was_{name}' for name in COUNTERS)},"  # noqa: S608
        f" {_NAMES} FROM different ORDER BY day > 999999, region, day, unit_code, class_key, source_code"
        f" LIMIT {MOST_TOLD:d}"
    )
    middle = 5 + len(COUNTERS)
    return [Difference(row[:5], Counts(*row[5:middle]), Counts(*row[middle:])) for row in await cursor.fetchall()]


async def correct(session: HotSession) -> None:
    """Appends what is missing or too much as deltas; the next fold takes them in and new sheets follow.

    Needs what ``differences`` left in the same transaction. What a month's cell is wrong by beyond its days comes as a
    delta of the month alone.
    """
    keys = ", ".join(_KEYS)
    missing = ", ".join(f"{name} - was_{name} AS {name}" for name in COUNTERS)
    rest = ", ".join(f"sum({name})" for name in COUNTERS)
    less = ", ".join(f"-{name}" for name in COUNTERS)
    given = ", ".join(f"nullif({name}, 0)" for name in COUNTERS)
    await session.driver.execute(
        f"WITH days AS (SELECT day, {keys}, {missing} FROM different WHERE day > 999999),"  # noqa: S608 — constants
        f" months AS (SELECT day * 100 AS day, {keys}, {missing} FROM different WHERE day <= 999999),"
        f" alone AS (SELECT day, {keys}, {rest} FROM (SELECT * FROM months UNION ALL"
        f" SELECT day / 100 * 100, {keys}, {less} FROM days) parts GROUP BY day, {keys}),"
        f" named (day, {keys}, {_NAMES}) AS (SELECT * FROM days UNION ALL SELECT * FROM alone)"
        f" INSERT INTO figure_deltas (day, {keys}, {_NAMES}) SELECT day, {keys}, {given} FROM named"
        f" WHERE ({_NAMES}) IS DISTINCT FROM ({_ZEROS})"
    )
