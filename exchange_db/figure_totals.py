"""Sums of the monthly cells: of each region over everything else, and of each province by unit, class and source.

Most questions ask for one of these, and they are a thousand times fewer than the cells. Kept by the fold beside the
cells, read by ``exchange_db.figures`` wherever a question allows.
"""

from enum import IntEnum
from typing import Final

from exchange_db.records import COUNTERS
from exchange_db.regions import Subtree
from exchange_db.session import HotSession, WriteSession

#: The dimensions of a cell beside region and time, and their columns.
DIMENSIONS: Final = {"unit": "unit_code", "class": "class_key", "source": "source_code"}
_PROVINCE = 10_000


class Kind(IntEnum):
    """What is kept apart in a total; the numbers are stored. ``REGION`` is of a county, the others of a province."""

    REGION = 0
    UNIT = 1
    CLASS = 2
    SOURCE = 3


_KINDS: Final = {"unit": Kind.UNIT, "class": Kind.CLASS, "source": Kind.SOURCE}
_NAMES = ", ".join(COUNTERS)
_SUMS = ", ".join(f"sum({name})::int" for name in COUNTERS)
_KEY = "kind, month, region, key"


def cells_for(dimensions: set[str], regions: Subtree) -> str:
    """Returns the table, or the query, that holds monthly cells fine enough for these dimensions and regions.

    Args:
        dimensions: names of ``DIMENSIONS``, and ``region`` where counties must be told apart.
        regions: what is asked for.
    """
    is_of_provinces = regions.first % _PROVINCE == 0 and (regions.last + 1) % _PROVINCE == 0
    if not dimensions - {"region"}:
        kind = Kind.REGION
    elif len(dimensions) == 1 and is_of_provinces:
        kind = _KINDS[next(iter(dimensions))]
    else:
        return "figures"
    columns = ", ".join(
        ("key" if _KINDS[name] is kind else "''::text") + f" AS {column}" for name, column in DIMENSIONS.items()
    )
    return f"(SELECT region, month, {columns}, {_NAMES} FROM figure_totals WHERE kind = {kind:d}) totals"  # noqa: S608


def totals_of(cells: str) -> str:
    """Returns the query that sums monthly cells into the rows of ``figure_totals``."""
    province = f"region / {_PROVINCE} * {_PROVINCE}"
    arms = [
        f"SELECT {Kind.REGION:d} AS kind, month, region, '' AS key, {_SUMS} FROM {cells} GROUP BY 2, 3"  # noqa: S608
    ]
    arms += (
        f"SELECT {kind:d}, month, {province}, {DIMENSIONS[name]}, {_SUMS} FROM {cells} GROUP BY 2, 3, 4"  # noqa: S608
        for name, kind in _KINDS.items()
    )
    return " UNION ALL ".join(arms)


def _wanted() -> str:
    return f"wanted ({_KEY}, {_NAMES}) AS MATERIALIZED ({totals_of('figures')})"


async def wrong_count(session: HotSession) -> int:
    """Returns how many totals are not the sums of their cells."""
    same, meant = (", ".join(f"{table}.{name}" for name in COUNTERS) for table in "tw")
    cursor = await session.driver.execute(
        f"WITH {_wanted()} SELECT count(*) FROM wanted w FULL JOIN figure_totals t"  # noqa: S608 — constants
        f" USING ({_KEY}) WHERE ({meant}) IS DISTINCT FROM ({same})"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def put_right(session: HotSession | WriteSession) -> None:
    """Makes the totals anew from the cells; must run alone beside the fold (``exchange_db.folding.alone``)."""
    await session.driver.execute("DELETE FROM figure_totals")
    await session.driver.execute(f"INSERT INTO figure_totals ({_KEY}, {_NAMES}) {totals_of('figures')}")
