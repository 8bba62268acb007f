"""Marks of what was exchanged over each link, their sums, and the days that were compared."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _link(*columns: "sa.Column[Any]") -> list["sa.Column[Any]"]:
    return [
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_sent", sa.Boolean(), nullable=False),
        *columns,
    ]


def upgrade() -> None:
    op.create_table(
        "link_marks",
        *_link(
            sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
            sa.Column("message_key", sa.Uuid(), nullable=False),
            sa.Column("kind", sa.SmallInteger(), nullable=False),
            sa.Column("state", sa.SmallInteger(), server_default="0", nullable=False),
            sa.Column("partition", sa.SmallInteger(), nullable=False),
            sa.Column("inbox_id", sa.BigInteger(), nullable=False),
            sa.Column("digest", sa.BigInteger(), nullable=False),
        ),
        sa.PrimaryKeyConstraint(
            "destination_id", "is_sent", "created_time", "message_key", name=op.f("pk_link_marks")
        ),
    )
    op.create_table(
        "link_cells",
        *_link(
            sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("kind", sa.SmallInteger(), nullable=False),
            sa.Column("mark_count", sa.BigInteger(), nullable=False),
            sa.Column("hash", sa.BigInteger(), nullable=False),
        ),
        sa.PrimaryKeyConstraint("destination_id", "is_sent", "hour", "kind", name=op.f("pk_link_cells")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "link_cursors",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("cursor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "partition", name=op.f("pk_link_cursors")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "link_days",
        *_link(
            sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("own_count", sa.BigInteger(), nullable=False),
            sa.Column("receipted_count", sa.BigInteger(), nullable=False),
            sa.Column("refused_count", sa.BigInteger(), nullable=False),
            sa.Column("gap_count", sa.BigInteger(), nullable=False),
            sa.Column("age_p95_ms", sa.BigInteger()),
            sa.Column("transit_p95_ms", sa.BigInteger()),
            sa.Column("counted_time", sa.DateTime(timezone=True), nullable=False),
            sa.Column("other_count", sa.BigInteger()),
            sa.Column("difference_count", sa.BigInteger(), server_default="0", nullable=False),
            sa.Column("compared_time", sa.DateTime(timezone=True)),
            sa.Column("compared_by", sa.Text(), server_default="", nullable=False),
        ),
        sa.PrimaryKeyConstraint("destination_id", "is_sent", "day", name=op.f("pk_link_days")),
    )
    op.create_table(
        "link_differences",
        *_link(
            sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("message_key", sa.Uuid(), nullable=False),
            sa.Column("kind", sa.SmallInteger(), nullable=False),
            sa.Column("cause", sa.Text(), nullable=False),
            sa.Column("found_time", sa.DateTime(timezone=True), nullable=False),
            sa.Column("resent_time", sa.DateTime(timezone=True)),
            sa.Column("settled_time", sa.DateTime(timezone=True)),
        ),
        sa.PrimaryKeyConstraint(
            "destination_id", "is_sent", "day", "message_key", name=op.f("pk_link_differences")
        ),
    )


def downgrade() -> None:
    for table in ("link_differences", "link_days", "link_cursors", "link_cells", "link_marks"):
        op.drop_table(table)
