"""Rounds of ownership confirmation, and what was asked and answered in them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ownership_rounds",
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_ownership_rounds")),
    )
    op.create_table(
        "ownership_items",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component_key", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("component_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("proposal", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("crs", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("x", sa.Float(), server_default="0", nullable=False),
        sa.Column("y", sa.Float(), server_default="0", nullable=False),
        sa.Column("to_unit_code", sa.Text(), server_default="", nullable=False),
        sa.Column("to_unit_name", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_time", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_time", sa.DateTime(timezone=True)),
        sa.Column("settled_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("carried_out_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("home_region", "component_key", "round_id", name=op.f("pk_ownership_items")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_ownership_items_round_unit", "ownership_items", ["round_id", "unit_code", "component_key"])


def downgrade() -> None:
    op.drop_table("ownership_items")
    op.drop_table("ownership_rounds")
