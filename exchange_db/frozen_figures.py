"""Periods that are frozen: making the picture, finding it, locking it, and what was said of a period at a moment.

What was frozen is never changed; corrections stand beside it (``exchange_db.figure_corrections``). Called by
``hub.statistics``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from exchange_db.figures import Basis
from exchange_db.period_cells import CELL, KEPT, STOCKS, PeriodCell, Span, live_cells, span_of, summed
from exchange_db.regions import Subtree
from exchange_db.session import HotSession, ReadSession

Session = ReadSession | HotSession


class PeriodKey(NamedTuple):
    """Names a frozen period: region of the hub, kind, and first day as year*10000+month*100+day."""

    region: int
    kind: str
    first_day: int


class FrozenRow(NamedTuple):
    """A frozen period. ``cursors`` say up to where the log was applied when it was frozen or last corrected."""

    region: int
    kind: str
    first_day: int
    last_day: int
    due_time: datetime
    cutoff_time: datetime
    definition_ref: str
    basis: int
    counters: list[str]
    cell_count: int
    revision: int
    corrected_time: datetime
    cursors: list[int]
    looked_time: datetime
    is_locked: bool
    locked_time: datetime | None

    @property
    def key(self) -> PeriodKey:
        """What it is named by."""
        return PeriodKey(self.region, self.kind, self.first_day)


_COLUMNS = ", ".join(FrozenRow._fields)
#: Lock under which a period is frozen: the job and a person may want to at once.
_FREEZING = 0x53414E4A4929
_LEFT = " OR ".join(f"sum({name}) <> 0" for name in STOCKS)
_KEY = "region = %(hub)s AND kind = %(kind)s AND first_day = %(first_day)s"


async def cursors(session: Session) -> list[int]:
    """Returns up to where each partition of the log is applied, by partition."""
    cursor = await session.driver.execute("SELECT array_agg(cursor_id ORDER BY partition) FROM partitions")
    row = await cursor.fetchone()
    return list(row[0]) if row and row[0] else []


async def freeze(
    session: Session,
    key: PeriodKey,
    span: Span,
    basis: Basis,
    definition_ref: str,
    due_time: datetime,
    cutoff_time: datetime,
) -> int | None:
    """Takes the picture of a period; returns how many cells it has, ``None`` if it was frozen already.

    One statement: cells and cursors are of one moment.

    Args:
        session: a transaction.
        key: names the period.
        span: its days, and the regions.
        basis: whether sheets count where there are some.
        definition_ref: definitions the counters follow.
        due_time: when it was to be frozen.
        cutoff_time: now, by the hub's clock.
    """
    values = span_of(span) | _named(key) | {"counters": list(KEPT), "definition_ref": definition_ref}
    values |= {"due": due_time, "cutoff": cutoff_time, "last_day": span.last_day, "basis": int(basis)}
    await session.driver.execute("SELECT pg_advisory_xact_lock(%s)", (_FREEZING,))
    if await find(session, key) is not None:
        return None
    cursor = await session.driver.execute(
        f"WITH taken AS (INSERT INTO frozen_cells (kind, first_day, {CELL}, counts)"  # noqa: S608 — constants
        f" SELECT %(kind)s, %(first_day)s, {CELL}, {summed(KEPT)} FROM ({live_cells(span, basis)}) live"
        # Of what lies before the period only what is left of it is kept.
        f" GROUP BY {CELL} HAVING bool_or(is_inside) OR {_LEFT} ORDER BY {CELL} RETURNING 1)"
        f" INSERT INTO frozen_periods ({_COLUMNS}) SELECT %(hub)s, %(kind)s, %(first_day)s, %(last_day)s, %(due)s,"
        " %(cutoff)s, %(definition_ref)s, %(basis)s, %(counters)s, (SELECT count(*) FROM taken), 1, %(cutoff)s,"
        # What commits a little later may have begun before: looked for once more.
        " (SELECT array_agg(cursor_id ORDER BY partition) FROM partitions),"
        " clock_timestamp() - interval '1 hour', false, NULL RETURNING cell_count",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING always gives the row
    return int(row[0])


async def find(session: Session, key: PeriodKey, *, is_locked: bool = False) -> FrozenRow | None:
    """Returns a frozen period; ``is_locked`` keeps others from changing it until the transaction ends."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM frozen_periods WHERE {_KEY}{' FOR UPDATE' if is_locked else ''}",  # noqa: S608
        _named(key),
    )
    row = await cursor.fetchone()
    return FrozenRow(*row) if row else None


async def listing(session: Session, region: int, kinds: Sequence[str], limit: int) -> list[FrozenRow]:
    """Returns frozen periods of a hub, the latest first."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM frozen_periods WHERE region = %s AND kind = ANY(%s)"  # noqa: S608
        " ORDER BY last_day DESC, kind LIMIT %s",
        (region, list(kinds), limit),
    )
    return [FrozenRow(*row) for row in await cursor.fetchall()]


async def open_periods(session: Session, region: int) -> list[FrozenRow]:
    """Returns the frozen periods of a hub that are not locked, by their days."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM frozen_periods WHERE region = %s AND NOT is_locked ORDER BY first_day, kind",  # noqa: S608
        (region,),
    )
    return [FrozenRow(*row) for row in await cursor.fetchall()]


async def frozen_days(session: Session, region: int, kind: str) -> set[int]:
    """Returns the first days of the frozen periods of a kind."""
    cursor = await session.driver.execute(
        "SELECT first_day FROM frozen_periods WHERE region = %s AND kind = %s", (region, kind)
    )
    return {row[0] for row in await cursor.fetchall()}


async def first_known_month(session: Session, regions: Subtree) -> int | None:
    """Returns the first month anything is counted in, as year*100+month."""
    cursor = await session.driver.execute(
        "SELECT least((SELECT min(month) FROM figure_changes WHERE region BETWEEN %(first)s AND %(last)s),"
        " (SELECT min(month) FROM figure_sheets WHERE region BETWEEN %(first)s AND %(last)s))",
        {"first": regions.first, "last": regions.last},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def set_lock(session: Session, key: PeriodKey, moment: datetime | None) -> bool:
    """Locks a period at a moment, or unlocks it with ``None``; tells whether that changed anything."""
    cursor = await session.driver.execute(
        f"UPDATE frozen_periods SET is_locked = %(lock)s, locked_time = %(moment)s"  # noqa: S608
        f" WHERE {_KEY} AND is_locked <> %(lock)s",
        _named(key) | {"moment": moment, "lock": moment is not None},
    )
    return cursor.rowcount == 1


async def locked_months(session: Session, region: int) -> dict[int, FrozenRow]:
    """Returns the locked months of a hub, by year*100+month."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM frozen_periods WHERE region = %s AND kind = 'month' AND is_locked",  # noqa: S608
        (region,),
    )
    return {row.first_day // 100: row for row in (FrozenRow(*found) for found in await cursor.fetchall())}


async def make_due(session: Session, regions: Subtree, first_month: int, last_month: int) -> None:
    """Makes the sheets of some months due once more, whatever was sent of them."""
    await session.driver.execute(
        "UPDATE figure_changes SET changed_time = greatest(clock_timestamp(), changed_time + interval '1 microsecond')"
        " WHERE region BETWEEN %s AND %s AND month BETWEEN %s AND %s",
        (*regions, first_month, last_month),
    )


async def note_nothing(session: Session, regions: Subtree, month: int) -> int:
    """Makes a sheet due of every known region that has no figures in a month, so that nothing arrives as nothing."""
    cursor = await session.driver.execute(
        "INSERT INTO figure_changes (region, month, changed_time)"
        " SELECT DISTINCT region, %(month)s::int, clock_timestamp() FROM figure_changes"
        " WHERE region BETWEEN %(first)s AND %(last)s AND month < %(month)s ON CONFLICT DO NOTHING",
        {"first": regions.first, "last": regions.last, "month": month},
    )
    return cursor.rowcount


async def published(
    session: Session, key: PeriodKey, counters: Sequence[str], regions: Subtree, number: int
) -> dict[PeriodCell, tuple[int, ...]]:
    """Returns what was published of a period: the frozen numbers with the corrections up to ``number``."""
    cursor = await session.driver.execute(
        f"SELECT {CELL}, {_summed_arrays(len(counters))} FROM ({published_cells()}) said"  # noqa: S608 — constants
        f" GROUP BY {CELL} ORDER BY {CELL}",
        _named(key) | {"first": regions.first, "last": regions.last, "number": number},
    )
    return {row[:4]: tuple(row[4]) for row in await cursor.fetchall()}


def published_cells() -> str:
    """Returns the SQL of the frozen cells and the corrections up to ``%(number)s``, several rows a cell."""
    within = "kind = %(kind)s AND first_day = %(first_day)s AND region BETWEEN %(first)s AND %(last)s"
    return (
        f"SELECT {CELL}, counts FROM frozen_cells WHERE {within}"  # noqa: S608
        f" UNION ALL SELECT {CELL}, counts FROM correction_lines WHERE {within} AND number <= %(number)s"
    )


def _summed_arrays(length: int) -> str:
    return f"ARRAY[{', '.join(f'sum(counts[{index + 1}])::bigint' for index in range(length))}]"


def _named(key: PeriodKey) -> dict[str, Any]:
    return {"hub": key.region, "kind": key.kind, "first_day": key.first_day}
