"""Figures by month: sheets, and the questions asked of the folded cells and of the deltas not yet folded.

Called by ``hub.apply`` (put_sheet) and ``hub.statistics``. Spans of days are ``exchange_db.figure_spans``, the deltas
and their fold ``exchange_db.folding``.

A sheet's cut-off is the ``changed_time`` of its region and month, read in the same snapshot as its cells. That time
rises strictly from one fold to the next under the row's lock, so "changed later than the sheet" compares two values
of one column: nothing is missed, whenever a fold commits, and nothing is drawn twice.
"""

from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from msgspec import Struct as Record

from exchange_db.figure_totals import DIMENSIONS, cells_for
from exchange_db.records import COUNTERS, Counts, FigureCell, FigureSheet
from exchange_db.regions import Subtree
from exchange_db.session import POSTGRES_EPOCH, HotSession, ReadSession

_CELL = ("region", "month", "unit_code", "class_key", "source_code")
_NAMES = ", ".join((*_CELL, *COUNTERS))
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in COUNTERS)
_DELTA_NAMES = f"region, day / 100 AS month, unit_code, class_key, source_code, {', '.join(COUNTERS)}"
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"

#: Names a breakdown may use, and the column behind each.
GROUPS = {
    "": "''::text",
    "month": "month::text",
    "region": "lpad(region::text, 6, '0')",
    "unit": "unit_code",
    "class": "class_key",
    "source": "source_code",
}

_DELTA_SPAN = "region BETWEEN %(first)s AND %(last)s AND day / 100 BETWEEN %(from)s AND %(to)s"
_SPAN = "region BETWEEN %(first)s AND %(last)s AND month BETWEEN %(from)s AND %(to)s"
#: Of several sheets about one region and month the city's counts, because the city dispatches there; then one of a
#: hub above it, then the county's own.
_CHOSEN = (
    "SELECT DISTINCT ON (region, month) region, month, reporter_id, revision, definition_ref, cutoff_time"  # noqa: S608
    f" FROM figure_sheets WHERE {_SPAN} ORDER BY region, month,"
    " CASE WHEN substr(reporter_id, 5, 2) <> '00' THEN 4 WHEN substr(reporter_id, 3, 4) <> '0000' THEN 1"
    " WHEN substr(reporter_id, 1, 2) <> '00' THEN 2 ELSE 3 END, reporter_id"
)
_SENT = (
    f"SELECT {', '.join('c.' + name for name in (*_CELL, *COUNTERS))} FROM sheet_cells c JOIN ({_CHOSEN}) s"  # noqa: S608
    " ON s.reporter_id = c.reporter_id AND s.region = c.region AND s.month = c.month"
)


class Basis(IntEnum):
    """Where counts come from; the numbers are those of the contract.

    CHOICE takes the sheet of a region and month where there is one, and the ledger where there is none.
    """

    CHOICE = 0
    LEDGER = 1
    SHEETS = 2


def _own(dimensions: set[str], regions: Subtree) -> str:
    return (
        f"SELECT {_NAMES} FROM {cells_for(dimensions, regions)} WHERE {_SPAN}"  # noqa: S608 — constants
        f" UNION ALL SELECT {_DELTA_NAMES} FROM figure_deltas WHERE {_DELTA_SPAN}"
    )


def month_cells(basis: Basis, dimensions: set[str], regions: Subtree) -> str:
    """Returns the query of the cells a basis takes, fine enough for these dimensions and regions."""
    if basis is Basis.LEDGER:
        return _own(dimensions, regions)
    if basis is Basis.SHEETS:
        return _SENT
    return (
        f"{_SENT} UNION ALL SELECT o.* FROM ({_own({'region', *dimensions}, regions)}) o"  # noqa: S608 — constants
        f" WHERE NOT EXISTS (SELECT 1 FROM ({_CHOSEN}) s"
        " WHERE s.region = o.region AND s.month = o.month)"
    )


class Question(Record, frozen=True):
    """Which cells are asked for; empty texts mean all. Months are year*100+month, inclusive."""

    regions: Subtree
    first_month: int
    last_month: int
    unit_code: str = ""
    class_key: str = ""
    source_code: str = ""
    group_by: str = ""


class SheetHead(NamedTuple):
    """The sheet that counts for a region and month."""

    region: int
    month: int
    reporter_id: str
    revision: int
    definition_ref: str
    cutoff_time: datetime


class Draft(NamedTuple):
    """What the next sheet of a region and month says. ``cutoff_time`` is in microseconds since 1970."""

    revision: int
    cutoff_time: int
    cells: tuple[FigureCell, ...]


async def settled_basis(session: ReadSession, basis: Basis, regions: Subtree, months: tuple[int, int]) -> Basis:
    """Returns the basis without the choice where there is none: nobody has sent a sheet of these regions and months.

    ``perf``: the ledger alone is asked of its totals, a choice of each cell.
    """
    if basis is not Basis.CHOICE:
        return basis
    cursor = await session.driver.execute(
        "SELECT EXISTS (SELECT FROM figure_sheets WHERE region BETWEEN %s AND %s AND month BETWEEN %s AND %s)",
        (*regions, *months),
    )
    row = await cursor.fetchone()
    return Basis.CHOICE if row and row[0] else Basis.LEDGER


async def counts(session: ReadSession, question: Question, basis: Basis) -> dict[str, Counts]:
    """Returns counts by group; those of the ledger include deltas not yet folded."""
    values = _values(question)
    conditions = ["true"]
    for name in ("unit_code", "class_key", "source_code"):
        if getattr(question, name):
            conditions.append(f"{name} = %({name})s")
            values[name] = getattr(question, name)
    dimensions = {name for name, column in DIMENSIONS.items() if question.group_by == name or values.get(column)}
    if question.group_by == "region":
        dimensions.add("region")
    basis = await settled_basis(session, basis, question.regions, (question.first_month, question.last_month))
    cells = month_cells(basis, dimensions, question.regions)
    cursor = await session.driver.execute(
        f"SELECT {GROUPS[question.group_by]} AS key, {_SUMS} FROM ({cells}) cells"  # noqa: S608 — constants
        f" WHERE {' AND '.join(conditions)} GROUP BY 1 ORDER BY 1",
        values,
    )
    return {row[0]: Counts(*row[1:]) for row in await cursor.fetchall()}


async def knows_more(session: ReadSession, question: Question) -> bool:
    """Tells whether the ledger knows of a region and month of a question that no sheet is about."""
    unsent = "NOT EXISTS (SELECT FROM figure_sheets s WHERE s.region = {0}.region AND s.month = {0}.{1})"
    cursor = await session.driver.execute(
        f"SELECT EXISTS (SELECT FROM {cells_for(set(), question.regions)} WHERE {_SPAN}"  # noqa: S608 — constants
        f" AND {unsent.format('totals', 'month')}) OR EXISTS (SELECT FROM figure_deltas d WHERE {_DELTA_SPAN}"
        f" AND {unsent.format('d', 'day / 100')})",
        _values(question),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def totals(session: ReadSession, question: Question, basis: Basis) -> dict[tuple[int, int], Counts]:
    """Returns the counts of each region and month of a question, whatever else it asks for."""
    cells = month_cells(basis, set(), question.regions)
    cursor = await session.driver.execute(
        f"SELECT region, month, {_SUMS} FROM ({cells}) cells GROUP BY 1, 2 ORDER BY 1, 2",  # noqa: S608 — constants
        _values(question),
    )
    return {(row[0], row[1]): Counts(*row[2:]) for row in await cursor.fetchall()}


def _values(question: Question) -> dict[str, Any]:
    return {
        "first": question.regions.first,
        "last": question.regions.last,
        "from": question.first_month,
        "to": question.last_month,
    }


async def put_sheet(session: HotSession, sheet: FigureSheet, inbox_id: int) -> bool:
    """Makes a sheet the one in force if its revision is higher; tells whether it is."""
    driver = session.driver
    cursor = await driver.execute(
        "INSERT INTO figure_sheets AS f (region, month, reporter_id, revision, definition_ref, cutoff_time, is_locked,"
        " inbox_id) VALUES (%s, %s, %s, %s, %s,"
        " '1970-01-01Z'::timestamptz + %s * interval '1 microsecond', %s, %s)"
        " ON CONFLICT (region, month, reporter_id) DO UPDATE SET revision = excluded.revision,"
        " definition_ref = excluded.definition_ref, cutoff_time = excluded.cutoff_time,"
        " is_locked = excluded.is_locked, inbox_id = excluded.inbox_id WHERE f.revision < excluded.revision",
        (
            sheet.region, sheet.month, sheet.reporter_id, sheet.revision, sheet.definition_ref, sheet.cutoff_time,
            sheet.is_locked, inbox_id,
        ),
    )  # fmt: skip
    if cursor.rowcount != 1:
        return False
    await driver.execute(
        "DELETE FROM sheet_cells WHERE reporter_id = %s AND region = %s AND month = %s",
        (sheet.reporter_id, sheet.region, sheet.month),
    )
    async with driver.cursor() as inserting:
        await inserting.executemany(
            f"INSERT INTO sheet_cells (reporter_id, {_NAMES}) VALUES ({', '.join(['%s'] * (6 + len(COUNTERS)))})"  # noqa: S608
            " ON CONFLICT DO NOTHING",
            [
                (
                    sheet.reporter_id, sheet.region, sheet.month, cell.unit_code, cell.class_key, cell.source_code,
                    *(getattr(cell.counts, name) for name in COUNTERS),
                )
                for cell in sheet.cells
            ],
        )  # fmt: skip
    return True


async def chosen_sheets(session: ReadSession, question: Question) -> list[SheetHead]:
    """Returns the sheets that count, one a region and month, by region and month."""
    cursor = await session.driver.execute(_CHOSEN, _values(question))
    return [SheetHead(*row) for row in await cursor.fetchall()]


async def latest_month(session: ReadSession, regions: Subtree, until: int) -> int | None:
    """Returns the last month up to ``until`` that anything is known of, by fold or by sheet."""
    cursor = await session.driver.execute(
        "SELECT greatest((SELECT max(month) FROM figure_changes WHERE region BETWEEN %(first)s AND %(last)s"
        " AND month <= %(until)s), (SELECT max(month) FROM figure_sheets WHERE region BETWEEN %(first)s AND %(last)s"
        " AND month <= %(until)s))",
        {"first": regions.first, "last": regions.last, "until": until},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def sheets_due(session: ReadSession, reporter_id: str, regions: Subtree) -> list[tuple[int, int]]:
    """Returns (region, month) of what changed since this reporter's sheet."""
    cursor = await session.driver.execute(
        "SELECT c.region, c.month FROM figure_changes c LEFT JOIN figure_sheets s"
        " ON s.region = c.region AND s.month = c.month AND s.reporter_id = %s"
        " WHERE c.region BETWEEN %s AND %s AND (s.cutoff_time IS NULL OR c.changed_time > s.cutoff_time)"
        " ORDER BY c.region, c.month",
        (reporter_id, *regions),
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def draft_sheet(session: ReadSession, reporter_id: str, region: int, month: int, limit: int) -> Draft:
    """Returns what this reporter's next sheet of a region and month says, zeros included.

    At most ``limit`` cells are read; the caller decides what more of them mean. All of it is one snapshot.
    """
    head = await session.driver.execute(
        f"SELECT coalesce(max(s.revision), 0) + 1, {_MICROSECONDS.format('max(c.changed_time)')}"  # noqa: S608
        " FROM figure_changes c LEFT JOIN figure_sheets s"
        " ON s.region = c.region AND s.month = c.month AND s.reporter_id = %s"
        " WHERE c.region = %s AND c.month = %s",
        (reporter_id, region, month),
    )
    row = await head.fetchone()
    assert row is not None  # noqa: S101 — an aggregate gives one row
    cursor = await session.driver.execute(
        f"SELECT unit_code, class_key, source_code, {', '.join(COUNTERS)} FROM figures"  # noqa: S608 — constants
        " WHERE region = %s AND month = %s ORDER BY unit_code, class_key, source_code LIMIT %s",
        (region, month, limit),
    )
    cells = tuple(FigureCell(r[0], r[1], r[2], Counts(*r[3:])) for r in await cursor.fetchall())
    return Draft(row[0], row[1], cells)


async def database_time(session: ReadSession) -> int:
    """Returns the database's clock, microseconds since 1970; counts of the ledger are as of then."""
    cursor = await session.driver.execute(f"SELECT {_MICROSECONDS.format('clock_timestamp()')}")
    row = await cursor.fetchone()
    return int(row[0]) if row else POSTGRES_EPOCH
