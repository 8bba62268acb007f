"""Frozen periods, their corrections, the history of sheets, runs and findings."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TEXTS = postgresql.ARRAY(sa.Text())
_NUMBERS = postgresql.ARRAY(sa.BigInteger())


def _required(*named: tuple[str, TypeEngine[Any]]) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name, kind in named]


def _table(name: str, key: tuple[str, ...], *columns: SchemaItem) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")))


_PERIOD = (("region", sa.Integer()), ("kind", sa.Text()), ("first_day", sa.Integer()))
_CELL = (("unit_code", sa.Text()), ("class_key", sa.Text()), ("source_code", sa.Text()))
_PERIOD_KEY = tuple(name for name, _ in _PERIOD)
_CELL_KEY = tuple(name for name, _ in _CELL)


def upgrade() -> None:
    _sheets()
    _periods()
    _corrections()
    _work()
    _keep_sheets()


def _keep_sheets() -> None:
    """Keeps the sheets that are in force, as if they had come at their cut-off."""
    counters = ("total", "dispatched_on", "done", "on_time", "suspended", "self_handled", "void", "reworked", "reported")
    named = ", ".join(counters)
    op.execute(
        "INSERT INTO sheet_revisions (region, month, reporter_id, revision, definition_ref, cutoff_time, is_locked,"  # noqa: S608
        " taken_time, inbox_id, counters, cells) SELECT region, month, reporter_id, revision, definition_ref,"
        f" cutoff_time, is_locked, cutoff_time, inbox_id, '{{{named}}}', convert_to(coalesce((SELECT json_agg("
        f"json_build_array(unit_code, class_key, source_code, {named})) FROM sheet_cells c WHERE c.region = f.region"
        " AND c.month = f.month AND c.reporter_id = f.reporter_id)::text, '[]'), 'UTF8') FROM figure_sheets f"
    )


def _sheets() -> None:
    _table(
        "sheet_revisions",
        ("region", "month", "reporter_id", "revision"),
        *_required(
            ("region", sa.Integer()), ("month", sa.Integer()), ("reporter_id", sa.Text()), ("revision", sa.Integer()),
            ("definition_ref", sa.Text()), ("cutoff_time", _TIME), ("is_locked", sa.Boolean()), ("taken_time", _TIME),
        ),
        sa.Column("checked_time", _TIME, nullable=True),
        *_required(("inbox_id", sa.BigInteger()), ("counters", _TEXTS), ("cells", sa.LargeBinary())),
    )  # fmt: skip
    op.create_index(
        "ix_sheet_revisions_unchecked", "sheet_revisions", ["taken_time"],
        postgresql_where=sa.text("checked_time IS NULL"),
    )  # fmt: skip


def _periods() -> None:
    _table(
        "frozen_periods",
        _PERIOD_KEY,
        *_required(
            *_PERIOD, ("last_day", sa.Integer()), ("due_time", _TIME), ("cutoff_time", _TIME),
            ("definition_ref", sa.Text()), ("basis", sa.SmallInteger()), ("counters", _TEXTS),
            ("cell_count", sa.Integer()), ("revision", sa.Integer()), ("corrected_time", _TIME),
            ("cursors", _NUMBERS), ("looked_time", _TIME), ("is_locked", sa.Boolean()),
        ),
        sa.Column("locked_time", _TIME, nullable=True),
        sa.CheckConstraint("cardinality(cursors) = 64", name=op.f("ck_frozen_periods_cursors")),
    )  # fmt: skip
    _table("frozen_cells", (*_PERIOD_KEY, *_CELL_KEY), *_required(*_PERIOD, *_CELL, ("counts", _NUMBERS)))


def _corrections() -> None:
    number = ("number", sa.Integer())
    _table(
        "figure_corrections",
        (*_PERIOD_KEY, "number"),
        *_required(
            *_PERIOD, number, ("published_time", _TIME), ("counters", _TEXTS), ("actor", sa.Text()),
            ("purpose", sa.Text()), ("line_count", sa.Integer()), ("case_count", sa.Integer()),
        ),
    )  # fmt: skip
    _table(
        "correction_lines",
        (*_PERIOD_KEY, "number", *_CELL_KEY, "reason"),
        *_required(*_PERIOD, number, *_CELL, ("reason", sa.Text()), ("counts", _NUMBERS), ("case_count", sa.Integer())),
    )
    _table(
        "correction_cases",
        (*_PERIOD_KEY, "number", *_CELL_KEY, "home_region", "case_id"),
        *_required(
            *_PERIOD, number, *_CELL, ("home_region", sa.Integer()), ("case_id", sa.Uuid()), ("reason", sa.Text()),
            ("counts", _NUMBERS),
        ),
    )  # fmt: skip


def _work() -> None:
    _table(
        "figure_runs",
        ("run_id",),
        sa.Column("run_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_required(
            ("region", sa.Integer()), ("work", sa.Text()), ("kind", sa.Text()), ("first_day", sa.Integer()),
            ("planned_time", _TIME), ("started_time", _TIME),
        ),
        sa.Column("ended_time", _TIME, nullable=True),
        *_required(("inputs", postgresql.JSONB()), ("result", postgresql.JSONB()), ("trouble", sa.Text())),
    )  # fmt: skip
    op.create_index(op.f("ix_figure_runs_started_time"), "figure_runs", ["started_time"])
    _table(
        "figure_findings",
        (*_PERIOD_KEY, "reporter_id", "rule", *_CELL_KEY, "counter"),
        *_required(
            *_PERIOD, ("reporter_id", sa.Text()), ("rule", sa.Text()), *_CELL, ("counter", sa.Text()),
            ("other", sa.Text()), ("value", sa.BigInteger()), ("other_value", sa.BigInteger()),
            ("revision", sa.Integer()), ("is_doubt", sa.Boolean()), ("found_time", _TIME),
        ),
        sa.Column("gone_time", _TIME, nullable=True),
    )  # fmt: skip


def downgrade() -> None:
    for name in (
        "figure_findings", "figure_runs", "correction_cases", "correction_lines", "figure_corrections", "frozen_cells",
        "frozen_periods", "sheet_revisions",
    ):  # fmt: skip
        op.drop_table(name)
