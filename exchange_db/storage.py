"""How much the ledger's tables hold, day by day, and how it grows.

Only the catalogue of the database is asked (sizes of files), never the rows. Called by the job that measures and by
the console.
"""

import re
from datetime import date
from typing import NamedTuple

from exchange_db.session import ReadSession, WriteSession

#: Days of samples that are kept, and those a forecast looks at.
KEPT_DAYS, LOOKED_DAYS = 800, 90
_MONTHLY = re.compile(r"(?P<table>.+?)_p?(?P<year>20\d\d)_(?P<month>[01]\d)\Z")
#: Ordinary tables with indexes and what was too long for a row; a table of parts is the sum of its parts.
_SIZES = (
    "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname = 'public'"
)


class Kept(NamedTuple):
    """What a table held on a day, in bytes; ``month`` as 202006, 0 for a table without months."""

    kind: str
    month: int
    byte_count: int


class Forecast(NamedTuple):
    """How the ledger grows: bytes now, bytes a day (may be negative), and days until the cap.

    ``days_left`` is none without a cap, without growth, or with samples of fewer than two days.
    """

    byte_count: int
    bytes_a_day: float
    days_left: int | None


def kind_of(table: str) -> tuple[str, int]:
    """Returns what a table holds and the month its name tells: ``inbox_2020_06`` is ("inbox", 202006)."""
    match = _MONTHLY.match(table)
    return (match["table"], int(match["year"] + match["month"])) if match else (table, 0)


def forecast(totals: list[tuple[date, int]], cap: int) -> Forecast | None:
    """Draws the line of least squares through the totals of days, oldest first; none without samples.

    Args:
        totals: day and bytes.
        cap: bytes there is room for; 0 for no cap.
    """
    if not totals:
        return None
    last = totals[-1][1]
    if len(totals) == 1:
        return Forecast(last, 0.0, None)
    first_day = totals[0][0]
    days = [float((day - first_day).days) for day, _ in totals]
    sizes = [float(size) for _, size in totals]
    middle, mean = sum(days) / len(days), sum(sizes) / len(sizes)
    spread = sum((day - middle) ** 2 for day in days)
    slope = sum((day - middle) * (size - mean) for day, size in zip(days, sizes, strict=True)) / spread
    if not cap or slope <= 0:
        return Forecast(last, slope, None)
    return Forecast(last, slope, max(0, int((cap - last) / slope)))


async def measure(session: WriteSession, today: date) -> int:
    """Notes what every table holds; the last measure of a day counts. Returns the bytes of all."""
    cursor = await session.driver.execute(_SIZES)
    sums: dict[tuple[str, int], int] = {}
    for table, size in await cursor.fetchall():
        place = kind_of(table)
        sums[place] = sums.get(place, 0) + int(size)
    await session.driver.execute(
        "INSERT INTO storage_samples (day, kind, month, byte_count)"
        " SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::bigint[])"
        " ON CONFLICT (day, kind, month) DO UPDATE SET byte_count = excluded.byte_count",
        (today, [kind for kind, _ in sums], [month for _, month in sums], list(sums.values())),
    )
    await session.driver.execute("DELETE FROM storage_samples WHERE day < %s::date - %s::int", (today, KEPT_DAYS))
    return sum(sums.values())


async def totals(session: ReadSession) -> list[tuple[date, int]]:
    """Returns day and bytes of the last ``LOOKED_DAYS`` days, oldest first."""
    cursor = await session.driver.execute(
        "SELECT day, sum(byte_count)::bigint FROM storage_samples"
        " WHERE day > (SELECT max(day) FROM storage_samples) - %s::int GROUP BY day ORDER BY day",
        (LOOKED_DAYS,),
    )
    return list(await cursor.fetchall())


async def largest(session: ReadSession, limit: int) -> list[Kept]:
    """Returns what holds most by the last sample, largest first."""
    cursor = await session.driver.execute(
        "SELECT kind, month, byte_count FROM storage_samples WHERE day = (SELECT max(day) FROM storage_samples)"
        " ORDER BY byte_count DESC, kind, month LIMIT %s",
        (limit,),
    )
    return [Kept(*row) for row in await cursor.fetchall()]
