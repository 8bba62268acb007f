"""Signed deltas appended by apply, and the fold that makes cells of them: by month, by day, and the totals of both.

A delta is of a day; the fold adds it to the cell of the day and to that of its month, so that months are the sums of
their days. A day that ends in 00 stands for its month alone: corrections of a month's cell come so.

Called by ``hub.apply`` (add_deltas), ``hub.statistics`` (fold) and ``exchange_db.recount``.
"""

from functools import lru_cache
from struct import Struct

from exchange_db.bulk import CopyTarget, copy_rows, pack_text
from exchange_db.figure_totals import totals_of
from exchange_db.records import COUNTERS
from exchange_db.session import HotSession, WriteSession
from exchange_db.shares import Changes

_CELL = ("region", "day", "unit_code", "class_key", "source_code")
_KEYS = "region, unit_code, class_key, source_code"
_NAMES = ", ".join(COUNTERS)
_SUMS = ", ".join(f"sum({name})::int" for name in COUNTERS)
_DELTAS = CopyTarget.of("figure_deltas", (*_CELL, *COUNTERS))
_HEAD = Struct(">h ii ii")
_CHANGE = Struct(">ii")
_NULL = b"\xff\xff\xff\xff"
#: Only one fold, or whoever puts the folded figures right, at a time.
_LOCK = 0x53414E4A4903


@lru_cache(maxsize=65_536)
def _pack_place(*labels: str) -> bytes:
    return b"".join(map(pack_text, labels))


@lru_cache(maxsize=65_536)
def _pack_change(change: tuple[int, ...]) -> bytes:
    """Packs the counters of a delta, 0 as NULL. ``perf``: a few patterns make up nearly all of them."""
    return b"".join([_CHANGE.pack(4, count) if count else _NULL for count in change])


def pack_deltas(changes: Changes) -> list[bytes]:
    """Packs signed changes for binary COPY; those of nothing are left out."""
    head = 5 + len(COUNTERS)
    rows = []
    for (region, *labels), days in changes.items():
        place = _pack_place(*labels)
        rows += [
            _HEAD.pack(head, 4, region, 4, day) + place + _pack_change(tuple(change))
            for day, change in days.items()
            if any(change)
        ]
    return rows


async def add_deltas(session: HotSession, changes: Changes) -> None:
    """Appends signed changes by place and day; cells whose change is zero are left out."""
    await add_packed(session, pack_deltas(changes))


async def add_packed(session: HotSession, rows: list[bytes]) -> None:
    """Appends packed changes."""
    await copy_rows(session.driver, _DELTAS, rows)


async def alone(session: WriteSession | HotSession) -> None:
    """Waits until no other transaction folds, and keeps others from it until this one ends."""
    await session.driver.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def _upsert(table: str, key: str, source: str) -> str:
    added = ", ".join(f"{name} = f.{name} + excluded.{name}" for name in COUNTERS)
    return (
        f"INSERT INTO {table} AS f ({key}, {_NAMES}) SELECT {key}, {_NAMES} FROM {source} ORDER BY {key}"  # noqa: S608
        f" ON CONFLICT ({key}) DO UPDATE SET {added}"
    )


#: All of it sees one snapshot, so what is deleted is what is summed up. ``perf``: summing the table itself and deleting
#: beside it takes a seventh less than handing all rows on by ``RETURNING``.
_FOLD = (
    "WITH taken AS (DELETE FROM figure_deltas),"  # noqa: S608 — constants
    f" days (delta_count, day, {_KEYS}, {_NAMES}) AS MATERIALIZED"
    f" (SELECT count(*), day, {_KEYS}, {', '.join(f'coalesce(sum({name}), 0)::int' for name in COUNTERS)}"
    f" FROM figure_deltas GROUP BY day, {_KEYS}),"
    f" months (month, {_KEYS}, {_NAMES}) AS MATERIALIZED"
    f" (SELECT day / 100, {_KEYS}, {_SUMS} FROM days GROUP BY day / 100, {_KEYS}),"
    f" totals (kind, month, region, key, {_NAMES}) AS MATERIALIZED ({totals_of('months')}),"
    f" by_day AS ({_upsert('figure_days', f'day, {_KEYS}', '(SELECT * FROM days WHERE day % 100 > 0) d')}),"
    f" by_month AS ({_upsert('figures', f'month, {_KEYS}', 'months')}),"
    f" by_total AS ({_upsert('figure_totals', 'kind, month, region, key', 'totals')}),"
    " noted AS (INSERT INTO figure_changes AS c (region, month, changed_time)"
    " SELECT DISTINCT region, month, statement_timestamp() FROM months ORDER BY region, month"
    " ON CONFLICT (region, month) DO UPDATE"
    " SET changed_time = greatest(excluded.changed_time, c.changed_time + interval '1 microsecond'))"
    " SELECT coalesce(sum(delta_count), 0)::bigint FROM days"
)


async def fold(session: WriteSession | HotSession) -> int:
    """Moves the deltas into the cells and notes which months changed; returns how many deltas there were.

    One statement: whoever reads the cells sees whole transactions of apply, never half a move from cell to cell.
    """
    await alone(session)
    await session.driver.execute("SET LOCAL work_mem = '64MB'")
    cursor = await session.driver.execute(_FOLD)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
