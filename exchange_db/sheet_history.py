"""Every revision of a sheet that was in force here: what was said when, by whom, and whether it was looked at.

Called by ``hub.apply`` (keep), when a sheet takes effect, and by ``hub.statistics``. ``taken_time`` is the
database's clock.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from exchange_db.period_cells import SHEET_RANK
from exchange_db.records import COUNTERS, FigureSheet
from exchange_db.regions import Subtree
from exchange_db.session import HotSession, ReadSession

Session = ReadSession | HotSession
#: Unit, class and source.
SheetKey = tuple[str, str, str]

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(list[tuple[Any, ...]]).decode
_SPAN = "region BETWEEN %(first)s AND %(last)s AND month BETWEEN %(from)s AND %(to)s"


class SheetRevision(NamedTuple):
    """One revision of a sheet as it was taken. ``cells`` are read with ``cells_of``."""

    region: int
    month: int
    reporter_id: str
    revision: int
    definition_ref: str
    cutoff_time: datetime
    is_locked: bool
    taken_time: datetime
    counters: list[str]
    cells: bytes


class SheetTrail(NamedTuple):
    """How the sheets of a reporter about a region and month came in.

    ``definition_ref``, ``is_locked`` and ``cutoff_time`` are those of the last one; ``taken_times`` are in the order
    of the revisions.
    """

    region: int
    month: int
    reporter_id: str
    revision: int
    definition_ref: str
    is_locked: bool
    cutoff_time: datetime
    taken_times: list[datetime]


_COLUMNS = ", ".join(SheetRevision._fields)


async def keep(session: HotSession, sheet: FigureSheet, inbox_id: int) -> None:
    """Keeps a sheet that has taken effect."""
    cells = _write(
        [
            (cell.unit_code, cell.class_key, cell.source_code, *(getattr(cell.counts, name) for name in COUNTERS))
            for cell in sheet.cells
        ]
    )
    await session.driver.execute(
        "INSERT INTO sheet_revisions (region, month, reporter_id, revision, definition_ref, cutoff_time, is_locked,"
        " taken_time, inbox_id, counters, cells) VALUES (%s, %s, %s, %s, %s,"
        " '1970-01-01Z'::timestamptz + %s * interval '1 microsecond', %s, clock_timestamp(), %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (
            sheet.region, sheet.month, sheet.reporter_id, sheet.revision, sheet.definition_ref, sheet.cutoff_time,
            sheet.is_locked, inbox_id, list(COUNTERS), cells,
        ),
    )  # fmt: skip


def cells_of(sheet: SheetRevision) -> dict[SheetKey, dict[str, int]]:
    """Returns what a sheet says, by cell and counter."""
    return {row[:3]: dict(zip(sheet.counters, row[3:], strict=True)) for row in _read(sheet.cells)}


async def in_force(
    session: Session, regions: Subtree, first_month: int, last_month: int, moment: datetime
) -> list[SheetRevision]:
    """Returns the sheets that counted at a moment, one a region and month."""
    cursor = await session.driver.execute(
        f"SELECT DISTINCT ON (region, month) {_COLUMNS} FROM ("  # noqa: S608 — constants
        f"SELECT DISTINCT ON (region, month, reporter_id) {_COLUMNS} FROM sheet_revisions"
        f" WHERE {_SPAN} AND taken_time <= %(moment)s ORDER BY region, month, reporter_id, revision DESC) known"
        f" ORDER BY region, month, {SHEET_RANK}",
        _values(regions, first_month, last_month) | {"moment": moment},
    )
    return [SheetRevision(*row) for row in await cursor.fetchall()]


async def unchecked(session: Session, limit: int) -> list[SheetRevision]:
    """Returns sheets nobody has checked for plausibility, oldest first."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM sheet_revisions WHERE checked_time IS NULL ORDER BY taken_time, region LIMIT %s",  # noqa: S608
        (limit,),
    )
    return [SheetRevision(*row) for row in await cursor.fetchall()]


async def before(session: Session, sheet: SheetRevision) -> SheetRevision | None:
    """Returns the revision a reporter sent before this one."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM sheet_revisions WHERE region = %s AND month = %s AND reporter_id = %s"  # noqa: S608
        " AND revision < %s ORDER BY revision DESC LIMIT 1",
        (sheet.region, sheet.month, sheet.reporter_id, sheet.revision),
    )
    row = await cursor.fetchone()
    return SheetRevision(*row) if row else None


async def latest(
    session: Session, regions: Subtree, first_month: int, last_month: int, reporter_id: str = ""
) -> list[SheetRevision]:
    """Returns the last revision of each reporter, region and month."""
    cursor = await session.driver.execute(
        f"SELECT DISTINCT ON (region, month, reporter_id) {_COLUMNS} FROM sheet_revisions WHERE {_SPAN}"  # noqa: S608
        " AND (%(reporter)s = '' OR reporter_id = %(reporter)s)"
        " ORDER BY region, month, reporter_id, revision DESC",
        _values(regions, first_month, last_month) | {"reporter": reporter_id},
    )
    return [SheetRevision(*row) for row in await cursor.fetchall()]


async def note_checked(session: Session, sheets: Iterable[SheetRevision]) -> None:
    """Notes that sheets were checked."""
    keys = [(one.region, one.month, one.reporter_id, one.revision) for one in sheets]
    async with session.driver.cursor() as noting:
        await noting.executemany(
            "UPDATE sheet_revisions SET checked_time = clock_timestamp()"
            " WHERE region = %s AND month = %s AND reporter_id = %s AND revision = %s",
            keys,
        )


async def trails(session: Session, regions: Subtree, first_month: int, last_month: int) -> list[SheetTrail]:
    """Returns how the sheets of a span of months came in, by region, month and reporter."""
    cursor = await session.driver.execute(
        "SELECT region, month, reporter_id, max(revision), (array_agg(definition_ref ORDER BY revision DESC))[1],"  # noqa: S608
        " (array_agg(is_locked ORDER BY revision DESC))[1], (array_agg(cutoff_time ORDER BY revision DESC))[1],"
        " array_agg(taken_time ORDER BY revision)"
        f" FROM sheet_revisions WHERE {_SPAN} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        _values(regions, first_month, last_month),
    )
    return [SheetTrail(*row) for row in await cursor.fetchall()]


async def reporters(session: Session, regions: Subtree) -> list[tuple[int, str, int]]:
    """Returns every region with whoever has ever sent a sheet about it, and the first month it was about."""
    cursor = await session.driver.execute(
        "SELECT region, reporter_id, min(month) FROM figure_sheets WHERE region BETWEEN %s AND %s GROUP BY 1, 2",
        regions,
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def thin(session: Session, until: datetime, zone: str) -> int:
    """Forgets revisions between the first of all and the last of each day, before a moment; returns how many.

    Locked ones and those not yet checked stay.
    """
    cursor = await session.driver.execute(
        "DELETE FROM sheet_revisions r USING (SELECT region, month, reporter_id, revision,"
        " row_number() OVER (PARTITION BY region, month, reporter_id ORDER BY revision) AS place,"
        " row_number() OVER (PARTITION BY region, month, reporter_id, (taken_time AT TIME ZONE %(zone)s)::date"
        " ORDER BY revision DESC) AS from_end FROM sheet_revisions WHERE taken_time < %(until)s) o"
        " WHERE o.region = r.region AND o.month = r.month AND o.reporter_id = r.reporter_id"
        " AND o.revision = r.revision AND o.place > 1 AND o.from_end > 1 AND NOT r.is_locked"
        " AND r.checked_time IS NOT NULL",
        {"zone": zone, "until": until},
    )
    return cursor.rowcount


def _values(regions: Subtree, first_month: int, last_month: int) -> dict[str, Any]:
    return {"first": regions.first, "last": regions.last, "from": first_month, "to": last_month}


class SheetName(NamedTuple):
    """Names one revision of a sheet."""

    region: int
    month: int
    reporter_id: str
    revision: int


async def heads(session: Session, regions: Subtree, first_month: int, last_month: int) -> list[SheetName]:
    """Returns the revisions that are in force, of every reporter."""
    cursor = await session.driver.execute(
        f"SELECT region, month, reporter_id, revision FROM figure_sheets WHERE {_SPAN} ORDER BY 1, 2, 3",  # noqa: S608
        _values(regions, first_month, last_month),
    )
    return [SheetName(*row) for row in await cursor.fetchall()]
