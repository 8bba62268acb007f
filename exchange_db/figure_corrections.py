"""Corrections of frozen periods: what differs now from what was published, and publishing it with its causes.

Published corrections are numbered from 1 in each period and never changed. Called by ``hub.statistics``.
"""

from datetime import datetime
from typing import Any, NamedTuple

from exchange_db.figures import Basis
from exchange_db.frozen_figures import FrozenRow, PeriodKey, Session, published_cells
from exchange_db.period_cells import CELL, KEPT, PeriodCell, Span, live_cells, span_of, summed
from exchange_db.regions import Subtree
from exchange_db.session import ReadSession


class CorrectionRow(NamedTuple):
    """A published correction."""

    region: int
    kind: str
    first_day: int
    number: int
    published_time: datetime
    counters: list[str]
    actor: str
    purpose: str
    line_count: int
    case_count: int


class CorrectionLine(NamedTuple):
    """What a correction adds to a cell for one reason, in the order of its ``counters``."""

    cell: PeriodCell
    reason: str
    counts: tuple[int, ...]
    case_count: int


class CorrectionCase(NamedTuple):
    """What one case adds to a cell."""

    cell: PeriodCell
    home_region: int
    case_id: bytes
    reason: str
    counts: tuple[int, ...]


_COLUMNS = ", ".join(CorrectionRow._fields)
_PERIOD = "kind = %(kind)s AND first_day = %(first_day)s"


def known_counters(row: FrozenRow) -> list[str]:
    """Returns the counters a period was frozen with that are still counted."""
    return [name for name in row.counters if name in KEPT]


async def differences(session: Session, row: FrozenRow, span: Span) -> dict[PeriodCell, tuple[int, ...]]:
    """Returns by how much the cells of a frozen period differ now from what was published.

    The counts are in the order of the period's counters; those that are counted no more differ by 0.
    """
    places = {name: index + 1 for index, name in enumerate(row.counters)}
    known = known_counters(row)
    said = ", ".join(f"-counts[{places[name]}] AS {name}" for name in known)
    now = live_cells(span, Basis(row.basis), known)
    named = ", ".join(known)
    cursor = await session.driver.execute(
        f"SELECT {CELL}, {summed(known)} FROM (SELECT {CELL}, {named} FROM ({now}) counted UNION ALL"  # noqa: S608
        f" SELECT {CELL}, {said} FROM ({published_cells()}) said) cells GROUP BY {CELL}"
        f" HAVING {' OR '.join(f'sum({name}) <> 0' for name in known)} ORDER BY {CELL}",
        span_of(span) | {"kind": row.kind, "first_day": row.first_day, "number": row.revision - 1},
    )
    found: dict[PeriodCell, tuple[int, ...]] = {}
    for *cell, counts in await cursor.fetchall():
        by_name = dict(zip(known, counts, strict=True))
        found[cell[0], cell[1], cell[2], cell[3]] = tuple(by_name.get(name, 0) for name in row.counters)
    return found


async def changed_months(session: Session, regions: Subtree, since: datetime) -> dict[int, datetime]:
    """Returns the months in which anything was counted or sent after a moment, with the last time it was.

    Times are the database's clock.
    """
    cursor = await session.driver.execute(
        "SELECT month, max(moment) FROM (SELECT month, changed_time AS moment FROM figure_changes"
        " WHERE region BETWEEN %(first)s AND %(last)s AND changed_time > %(since)s"
        " UNION ALL SELECT month, taken_time FROM sheet_revisions"
        " WHERE region BETWEEN %(first)s AND %(last)s AND taken_time > %(since)s"
        " UNION ALL (SELECT DISTINCT day / 100, clock_timestamp() FROM figure_deltas)) changed GROUP BY 1",
        {"first": regions.first, "last": regions.last, "since": since},
    )
    return dict(await cursor.fetchall())


async def publish(
    session: Session,
    row: FrozenRow,
    published_time: datetime,
    author: tuple[str, str],
    lines: list[CorrectionLine],
    causes: list[CorrectionCase],
    cursors: list[int],
) -> int:
    """Publishes a correction of a period as it stands; returns its number.

    Args:
        session: a transaction.
        row: the period, as it was when the differences were read, and locked in this transaction.
        published_time: now, by the hub's clock.
        author: who published it, and why.
        lines: what it adds.
        causes: the cases behind them.
        cursors: up to where the log was applied when the differences were read.
    """
    number = row.revision
    key = (row.kind, row.first_day, number)
    await session.driver.execute(
        f"INSERT INTO figure_corrections ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
        (
            row.region, *key, published_time, row.counters, *author, len(lines),
            len({(one.home_region, one.case_id) for one in causes}),
        ),
    )  # fmt: skip
    async with session.driver.cursor() as adding:
        await adding.executemany(
            f"INSERT INTO correction_lines (kind, first_day, number, {CELL}, reason, counts, case_count)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(*key, *line.cell, line.reason, list(line.counts), line.case_count) for line in lines],
        )
        await adding.executemany(
            f"INSERT INTO correction_cases (kind, first_day, number, {CELL}, home_region, case_id, reason, counts)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::uuid, %s, %s)",
            [
                (*key, *one.cell, one.home_region, one.case_id.hex(), one.reason, list(one.counts))
                for one in causes
            ],
        )  # fmt: skip
    await session.driver.execute(
        "UPDATE frozen_periods SET revision = revision + 1, corrected_time = %s, cursors = %s"
        " WHERE region = %s AND kind = %s AND first_day = %s",
        (published_time, cursors, *row.key),
    )
    return number


async def note_looked(session: Session, row: FrozenRow, moment: datetime, cursors: list[int] | None) -> None:
    """Notes that a period was compared with what is counted, at a moment of the database's clock.

    Args:
        session: a transaction.
        row: the period as it was compared.
        moment: when.
        cursors: up to where the log was applied, if nothing differed: what came before need not be looked at again.
    """
    await session.driver.execute(
        "UPDATE frozen_periods SET looked_time = %(moment)s - interval '1 hour',"  # noqa: S608 — constants
        " cursors = CASE WHEN revision = %(revision)s THEN coalesce(%(cursors)s, cursors) ELSE cursors END"
        f" WHERE region = %(hub)s AND {_PERIOD}",
        _named(row.key) | {"moment": moment, "revision": row.revision, "cursors": cursors},
    )


async def listing(session: ReadSession, key: PeriodKey, until: datetime | None = None) -> list[CorrectionRow]:
    """Returns the corrections of a period in their order, up to a moment."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM figure_corrections WHERE region = %(hub)s AND {_PERIOD}"  # noqa: S608
        " AND (%(until)s::timestamptz IS NULL OR published_time <= %(until)s) ORDER BY number",
        _named(key) | {"until": until},
    )
    return [CorrectionRow(*row) for row in await cursor.fetchall()]


async def lines_of(session: ReadSession, key: PeriodKey, number: int, regions: Subtree) -> list[CorrectionLine]:
    """Returns the lines of a correction, by cell and reason."""
    cursor = await session.driver.execute(
        f"SELECT {CELL}, reason, counts, case_count FROM correction_lines WHERE {_PERIOD} AND number = %(number)s"  # noqa: S608
        f" AND region BETWEEN %(first)s AND %(last)s ORDER BY {CELL}, reason",
        _named(key) | {"number": number, "first": regions.first, "last": regions.last},
    )
    return [
        CorrectionLine((row[0], row[1], row[2], row[3]), row[4], tuple(row[5]), row[6])
        for row in await cursor.fetchall()
    ]


class CauseShown(NamedTuple):
    """A case behind a correction, with the number it goes by."""

    cell: PeriodCell
    issuer_id: str
    case_no: str
    reason: str
    counts: tuple[int, ...]


async def causes_of(
    session: ReadSession, key: PeriodKey, number: int, regions: Subtree, limit: int
) -> list[CauseShown]:
    """Returns the cases behind a correction, by cell."""
    cursor = await session.driver.execute(
        "SELECT o.region, o.unit_code, o.class_key, o.source_code, c.issuer_id, c.case_no, o.reason, o.counts"  # noqa: S608
        " FROM correction_cases o JOIN cases c USING (home_region, case_id)"
        f" WHERE o.{_PERIOD.replace('AND ', 'AND o.')} AND o.number = %(number)s"
        " AND o.region BETWEEN %(first)s AND %(last)s ORDER BY 1, 2, 3, 4, 5, 6 LIMIT %(limit)s",
        _named(key) | {"number": number, "first": regions.first, "last": regions.last, "limit": limit},
    )
    return [
        CauseShown((row[0], row[1], row[2], row[3]), row[4], row[5], row[6], tuple(row[7]))
        for row in await cursor.fetchall()
    ]


def _named(key: PeriodKey) -> dict[str, Any]:
    return {"hub": key.region, "kind": key.kind, "first_day": key.first_day}
