"""Counts per month, what changed in them, and the sheets of those below."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_changes",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("region", "month", name=op.f("pk_figure_changes")),
    )
    op.create_table(
        "figure_deltas",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("dispatched_on", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("on_time", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.BigInteger(), nullable=False),
        sa.Column("self_handled", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.BigInteger(), nullable=False),
        sa.Column("reworked", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "figure_sheets",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reporter_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("definition_ref", sa.Text(), nullable=False),
        sa.Column("cutoff_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "month", "reporter_id", name=op.f("pk_figure_sheets")),
    )
    op.create_table(
        "figures",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("dispatched_on", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("on_time", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.BigInteger(), nullable=False),
        sa.Column("self_handled", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.BigInteger(), nullable=False),
        sa.Column("reworked", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "month", "unit_code", "class_key", "source_code", name=op.f("pk_figures")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "sheet_cells",
        sa.Column("reporter_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("dispatched_on", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("on_time", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.BigInteger(), nullable=False),
        sa.Column("self_handled", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.BigInteger(), nullable=False),
        sa.Column("reworked", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "reporter_id", "region", "month", "unit_code", "class_key", "source_code", name=op.f("pk_sheet_cells")
        ),
    )


def downgrade() -> None:
    op.drop_table("sheet_cells")
    op.drop_table("figures")
    op.drop_table("figure_sheets")
    op.drop_table("figure_deltas")
    op.drop_table("figure_changes")
