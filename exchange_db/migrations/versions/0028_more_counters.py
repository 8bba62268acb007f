"""All counters the facts allow, by day as well as by month, and what they are counted from.

What is there is carried over: the first nine counters stay, changes not yet folded become changes of their month. The
other counters and the days begin with nothing; the duties noted here make the next check of the figures read what the
cases lack from the log (``refill``) and count all cases anew (``recount``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_FIRST = (
    "total", "dispatched_on", "done", "on_time", "suspended", "self_handled", "void", "reworked", "reported",
)  # fmt: skip
_MORE = (
    "valid_reported", "not_accepted", "duplicate", "verification_due", "verified_on_time", "accepted",
    "accepted_on_time", "filed", "filed_on_time", "dispatch_due", "dispatched", "dispatched_on_time", "misdispatched",
    "disputed", "extended", "fell_overdue", "disposed", "disposed_on_time", "disposed_overdue", "check_sent_on_time",
    "check_replied", "checked_on_time", "closed", "closed_on_time",
)  # fmt: skip
_TIMES = ("accepted_time", "verified_time", "filed_time", "check_sent_time", "check_answered_time")
_CELL = ("region", "unit_code", "class_key", "source_code")


def _counters() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in (*_FIRST, *_MORE)]


def upgrade() -> None:
    op.add_column("cases", sa.Column("grid_code", sa.Text(), server_default="", nullable=False))
    op.alter_column("cases", "grid_code", server_default=None)
    for name in _TIMES:
        op.add_column("cases", sa.Column(name, sa.DateTime(timezone=True)))
    for table, kind in (("figures", sa.Integer()), ("sheet_cells", sa.BigInteger())):
        for name in _MORE:
            op.add_column(table, sa.Column(name, kind, server_default="0", nullable=False))
            op.alter_column(table, name, server_default=None)
    _narrow("figures")
    op.drop_constraint("pk_figures", "figures")
    op.create_primary_key("pk_figures", "figures", ["month", *_CELL])
    op.alter_column("figure_deltas", "month", new_column_name="day")
    op.execute("UPDATE figure_deltas SET day = day * 100")
    for name in _FIRST:
        op.alter_column("figure_deltas", name, nullable=True)
    for name in _MORE:
        op.add_column("figure_deltas", sa.Column(name, sa.Integer()))
    _narrow("figure_deltas")
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=False),
        *_counters(),
        sa.PrimaryKeyConstraint("day", *_CELL, name=op.f("pk_figure_days")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "figure_totals",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        *_counters(),
        sa.PrimaryKeyConstraint("kind", "month", "region", "key", name=op.f("pk_figure_totals")),
        postgresql_with={"fillfactor": "80"},
    )
    _total_up()
    op.create_table(
        "figure_duties",
        sa.Column("duty", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("duty", name=op.f("pk_figure_duties")),
    )
    op.execute(
        "INSERT INTO figure_duties SELECT duty FROM unnest(ARRAY['refill', 'recount']) duty"
        " WHERE EXISTS (SELECT 1 FROM cases)"
    )


def _narrow(table: str) -> None:
    """A cell of one's own ledger never holds two thousand million cases, and sums of ``integer`` are cheaper."""
    op.execute(f"ALTER TABLE {table} {', '.join(f'ALTER {name} TYPE integer' for name in _FIRST)}")


def _total_up() -> None:
    sums = ", ".join(f"sum({name})" for name in (*_FIRST, *_MORE))
    for kind, key in enumerate(("''", "unit_code", "class_key", "source_code")):
        region = "region / 10000 * 10000" if kind else "region"
        op.execute(
            f"INSERT INTO figure_totals SELECT {kind}, month, {region}, {key}, {sums} FROM figures GROUP BY 2, 3, 4"  # noqa: S608
        )


def downgrade() -> None:
    for table in ("figure_duties", "figure_totals", "figure_days"):
        op.drop_table(table)
    # Days become their months again; the older fold adds them up.
    op.execute("UPDATE figure_deltas SET day = day / 100")
    op.alter_column("figure_deltas", "day", new_column_name="month")
    for name in _MORE:
        op.drop_column("figure_deltas", name)
    for name in _FIRST:
        op.execute(f"UPDATE figure_deltas SET {name} = 0 WHERE {name} IS NULL")  # noqa: S608 — constants
        op.alter_column("figure_deltas", name, nullable=False)
    op.drop_constraint("pk_figures", "figures")
    op.create_primary_key("pk_figures", "figures", ["region", "month", *_CELL[1:]])
    for table in ("figures", "figure_deltas"):
        op.execute(f"ALTER TABLE {table} {', '.join(f'ALTER {name} TYPE bigint' for name in _FIRST)}")
    for table in ("figures", "sheet_cells"):
        for name in _MORE:
            op.drop_column(table, name)
    for name in (*_TIMES, "grid_code"):
        op.drop_column("cases", name)
