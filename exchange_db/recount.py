"""Counting once more: what the figures would be if they were made anew from the cases, and putting them right.

Everything is read in one snapshot. A correction is appended as one more delta, so it commutes with what apply and the
fold do meanwhile. Called by ``hub.statistics``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from exchange_db.cases import CaseRow
from exchange_db.counting import CellKey, CountingRules, shares
from exchange_db.figures import add_deltas
from exchange_db.records import COUNTERS, Counts
from exchange_db.session import POSTGRES_EPOCH, Dedicated, HotSession

_LOCK = 0x53414E4A4902
_ROWS = 5_000
_CELL = "region, month, unit_code, class_key, source_code"
_TIMES = ("reported_time", "deadline_time", "dispatched_on_time", "close_requested_time", "closed_time")
_WHAT_COUNTS = ("region", "state", "class_key", "source_code", "unit_code", "is_self_handled", "rework_count")


class Difference(NamedTuple):
    """A cell whose figures are not what its cases say."""

    cell: CellKey
    stored: Counts
    counted: Counts


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
    """Makes the transaction see one moment only; must be its first statement."""
    await session.driver.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


async def differences(session: HotSession, rules: CountingRules) -> tuple[int, list[Difference]]:
    """Counts all cases and compares with the figures and the deltas not yet folded.

    Args:
        session: a transaction that is held still, on a connection of its own.
        rules: how cases are counted.

    Returns:
        Number of cases, and the cells that differ, by cell.
    """
    nothing = [0] * len(COUNTERS)
    case_count, counted = await _count(session, rules)
    cursor = await session.driver.execute(
        f"SELECT {_CELL}, {', '.join(f'sum({name})::bigint' for name in COUNTERS)}"  # noqa: S608 — constants
        " FROM (SELECT * FROM figures UNION ALL SELECT * FROM figure_deltas) cells GROUP BY 1, 2, 3, 4, 5"
    )
    stored: dict[CellKey, list[int]] = {row[:5]: list(row[5:]) for row in await cursor.fetchall()}
    found = []
    for cell in sorted(stored.keys() | counted.keys()):
        was, now = stored.get(cell, nothing), counted.get(cell, nothing)
        if was != now:
            found.append(Difference(cell, Counts(*was), Counts(*now)))
    return case_count, found


async def _count(session: HotSession, rules: CountingRules) -> tuple[int, dict[CellKey, list[int]]]:
    counted: dict[CellKey, list[int]] = {}
    case_count = 0
    async with session.driver.cursor("recount", binary=True) as cursor:
        cursor.itersize = _ROWS
        await cursor.execute(f"SELECT {', '.join((*_WHAT_COUNTS, *_TIMES))} FROM cases")  # noqa: S608 — constants
        async for row in cursor:
            case_count += 1
            facts = dict(zip(_WHAT_COUNTS, row, strict=False))
            for name, moment in zip(_TIMES, row[len(_WHAT_COUNTS) :], strict=True):
                facts[name] = moment + POSTGRES_EPOCH if moment is not None else 0
            for cell, counts in shares(CaseRow(0, b"", "", "", **facts), rules):
                sums = counted.setdefault(cell, [0] * len(COUNTERS))
                for index, count in enumerate(counts):
                    sums[index] += count
    return case_count, counted


async def correct(session: HotSession, found: list[Difference]) -> None:
    """Appends what is missing or too much as deltas; the next fold takes them in and new sheets follow."""
    await add_deltas(
        session,
        {
            difference.cell: [getattr(difference.counted, name) - getattr(difference.stored, name) for name in COUNTERS]
            for difference in found
        },
    )
