"""Counters: changes not yet folded, folded figures of this ledger, and the sheets hubs have drawn."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from exchange_db.records import COUNTERS
from exchange_db.tables.base import METADATA, TIME


def _cell(*, key: bool) -> list[Column[object]]:
    return [
        Column("region", Integer, primary_key=key, autoincrement=False, nullable=False),
        Column("month", Integer, primary_key=key, autoincrement=False, nullable=False),
        Column("unit_code", Text, primary_key=key, nullable=False),
        Column("class_key", Text, primary_key=key, nullable=False),
        Column("source_code", Text, primary_key=key, nullable=False),
    ]


def _counters() -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in COUNTERS]


#: Signed changes, appended by apply and taken away by the fold.
figure_deltas = Table("figure_deltas", METADATA, *_cell(key=False), *_counters())

#: What this hub's own ledger says.
figures = Table("figures", METADATA, *_cell(key=True), *_counters(), postgresql_with={"fillfactor": "80"})

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
    *_cell(key=True),
    *_counters(),
)
