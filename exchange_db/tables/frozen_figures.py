"""What figures said and when: history of sheets, frozen periods, corrections with their causes, runs, findings.

``counts`` are in the order of the ``counters`` named in the head beside them, so what was said once stays readable
when counters are added. Days are year*10000+month*100+day.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from exchange_db.tables.base import METADATA, TIME


def _period() -> list[Column[object]]:
    """Region of the hub, kind and first day."""
    return [
        Column("region", Integer, primary_key=True, autoincrement=False),
        Column("kind", Text, primary_key=True),
        Column("first_day", Integer, primary_key=True, autoincrement=False),
    ]


def _cell() -> list[Column[object]]:
    return [
        Column("unit_code", Text, primary_key=True),
        Column("class_key", Text, primary_key=True),
        Column("source_code", Text, primary_key=True),
    ]


#: Every sheet that was in force here once; after some days the last revision of each day and the very first are left.
sheet_revisions = Table(
    "sheet_revisions",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("reporter_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("definition_ref", Text, nullable=False),
    Column("cutoff_time", TIME, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Column("taken_time", TIME, nullable=False),
    Column("checked_time", TIME),
    Column("inbox_id", BigInteger, nullable=False),
    Column("counters", ARRAY(Text), nullable=False),
    #: JSON: a list of [unit, class, source, counts…].
    Column("cells", LargeBinary, nullable=False),
    Index("ix_sheet_revisions_unchecked", "taken_time", postgresql_where="checked_time IS NULL"),
)

#: ``cursors`` says up to where each partition of the log was applied when the period was frozen or last corrected.
frozen_periods = Table(
    "frozen_periods",
    METADATA,
    *_period(),
    Column("last_day", Integer, nullable=False),
    Column("due_time", TIME, nullable=False),
    Column("cutoff_time", TIME, nullable=False),
    Column("definition_ref", Text, nullable=False),
    Column("basis", SmallInteger, nullable=False),
    Column("counters", ARRAY(Text), nullable=False),
    Column("cell_count", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("corrected_time", TIME, nullable=False),
    Column("cursors", ARRAY(BigInteger), nullable=False),
    Column("looked_time", TIME, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Column("locked_time", TIME),
    CheckConstraint("cardinality(cursors) = 64", name="cursors"),
)

#: The numbers as they were frozen; ``region`` is that of the cell.
frozen_cells = Table(
    "frozen_cells",
    METADATA,
    *_period(),
    *_cell(),
    Column("counts", ARRAY(BigInteger), nullable=False),
)

#: Published corrections; ``number`` counts from 1 in each period.
figure_corrections = Table(
    "figure_corrections",
    METADATA,
    *_period(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("published_time", TIME, nullable=False),
    Column("counters", ARRAY(Text), nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("case_count", Integer, nullable=False),
)

#: What a correction adds to a cell for one reason; ``region`` is that of the cell.
correction_lines = Table(
    "correction_lines",
    METADATA,
    *_period(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_cell(),
    Column("reason", Text, primary_key=True),
    Column("counts", ARRAY(BigInteger), nullable=False),
    Column("case_count", Integer, nullable=False),
)

#: The cases behind a line, each with what it adds.
correction_cases = Table(
    "correction_cases",
    METADATA,
    *_period(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_cell(),
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("counts", ARRAY(BigInteger), nullable=False),
)

#: Runs of the work on periods, with what they worked on and what came of it.
figure_runs = Table(
    "figure_runs",
    METADATA,
    Column("run_id", BigInteger, Identity(always=True), primary_key=True),
    Column("region", Integer, nullable=False),
    Column("work", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("planned_time", TIME, nullable=False),
    Column("started_time", TIME, nullable=False),
    Column("ended_time", TIME),
    Column("inputs", JSONB, nullable=False),
    Column("result", JSONB, nullable=False),
    Column("trouble", Text, nullable=False),
    Index("ix_figure_runs_started_time", "started_time"),
)

#: What a rule found implausible; what is found no more has ``gone_time``.
figure_findings = Table(
    "figure_findings",
    METADATA,
    *_period(),
    Column("reporter_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    *_cell(),
    Column("counter", Text, primary_key=True),
    Column("other", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("other_value", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_doubt", Boolean, nullable=False),
    Column("found_time", TIME, nullable=False),
    Column("gone_time", TIME),
    Index("ix_figure_findings_open", "region", "reporter_id", postgresql_where="gone_time IS NULL"),
)
