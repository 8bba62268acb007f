"""Canaries, one row a neighbour."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("is_able", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("told_time", _TIME, nullable=True),
        sa.Column("question_time", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sent_time", _TIME, nullable=True),
        sa.Column("returned_time", _TIME, nullable=True),
        sa.Column("last_returned_time", _TIME, nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("asked_time", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answered_time", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_canaries")),
    )


def downgrade() -> None:
    op.drop_table("canaries")
