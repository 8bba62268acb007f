"""Counters: changes not yet folded, folded figures of this ledger, and the sheets hubs have drawn."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, SmallInteger, Table, Text

from exchange_db.records import COUNTERS
from exchange_db.tables.base import METADATA, TIME


def _cell(moment: str, *, key: bool) -> list[Column[object]]:
    return [
        Column(moment, Integer, primary_key=key, autoincrement=False, nullable=False),
        Column("region", Integer, primary_key=key, autoincrement=False, nullable=False),
        Column("unit_code", Text, primary_key=key, nullable=False),
        Column("class_key", Text, primary_key=key, nullable=False),
        Column("source_code", Text, primary_key=key, nullable=False),
    ]


def _counters() -> list[Column[int]]:
    return [Column(name, Integer, nullable=False) for name in COUNTERS]


_FULL = {"fillfactor": "80"}

#: Signed changes, appended by apply and taken away by the fold; empty means no change. A day ends in 00 where a change
#: is of the month alone and of no day.
figure_deltas = Table(
    "figure_deltas", METADATA, *_cell("day", key=False), *(Column(name, Integer) for name in COUNTERS)
)

#: What this hub's own ledger says, by month (year*100+month) and by day (year*10000+month*100+day).
figures = Table("figures", METADATA, *_cell("month", key=True), *_counters(), postgresql_with=_FULL)
figure_days = Table("figure_days", METADATA, *_cell("day", key=True), *_counters(), postgresql_with=_FULL)

#: Sums of ``figures`` over all but one dimension (``exchange_db.figure_totals.Kind``), so that a month's sheet of many
#: regions need not be added up of a million cells.
figure_totals = Table(
    "figure_totals",
    METADATA,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    *_counters(),
    postgresql_with=_FULL,
)

#: What the figures still owe after an upgrade: ``refill`` cases from the log, then ``recount`` them.
figure_duties = Table("figure_duties", METADATA, Column("duty", Text, primary_key=True))

#: When the figures of a region and month last changed: what is newer than its sheet needs a new one.
figure_changes = Table(
    "figure_changes",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("changed_time", TIME, nullable=False),
)

#: The sheet in force of each reporter, region and month.
figure_sheets = Table(
    "figure_sheets",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("reporter_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("definition_ref", Text, nullable=False),
    Column("cutoff_time", TIME, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
)

sheet_cells = Table(
    "sheet_cells",
    METADATA,
    Column("reporter_id", Text, primary_key=True),
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("unit_code", Text, primary_key=True),
    Column("class_key", Text, primary_key=True),
    Column("source_code", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in COUNTERS),
)
