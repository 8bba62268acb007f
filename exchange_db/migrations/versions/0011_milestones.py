"""Steps of limits with several, so that each can be told when it comes near or has passed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_milestones",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("deadline_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reached_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("home_region", "case_id", "revision", "position", name=op.f("pk_case_milestones")),
    )
    op.create_index("ix_case_milestones_deadline_time", "case_milestones", ["deadline_time"])


def downgrade() -> None:
    op.drop_table("case_milestones")
