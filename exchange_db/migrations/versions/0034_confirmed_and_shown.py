"""Whether a neighbour was ever confirmed, and when neighbours last showed their audit logs."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("peers", sa.Column("is_confirmed", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE peers SET is_confirmed = false WHERE state = 'waiting'")
    op.create_table(
        "audit_neighbours",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("shown_time", _TIME, nullable=True),
        sa.Column("renewed_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_audit_neighbours")),
    )


def downgrade() -> None:
    op.drop_table("audit_neighbours")
    op.drop_column("peers", "is_confirmed")
