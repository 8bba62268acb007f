"""A second certificate beside the first, and neighbours that wait to be confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("peers", sa.Column("earlier_thumbprint", sa.Text(), nullable=True))
    op.add_column("peers", sa.Column("earlier_end_time", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_peers_earlier_thumbprint"), "peers", ["earlier_thumbprint"])
    op.drop_constraint(op.f("ck_peers_state"), "peers")
    op.create_check_constraint(op.f("ck_peers_state"), "peers", "state IN ('active', 'waiting', 'blocked')")


def downgrade() -> None:
    # Who was not confirmed is not to be let in by going back.
    op.execute("UPDATE peers SET state = 'blocked' WHERE state = 'waiting'")
    op.drop_constraint(op.f("ck_peers_state"), "peers")
    op.create_check_constraint(op.f("ck_peers_state"), "peers", "state IN ('active', 'blocked')")
    op.drop_constraint(op.f("uq_peers_earlier_thumbprint"), "peers")
    op.drop_column("peers", "earlier_end_time")
    op.drop_column("peers", "earlier_thumbprint")
