"""Who listens is seen from the connections; nobody writes down any more that they sleep."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("wakeups")


def downgrade() -> None:
    op.create_table(
        "wakeups",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("is_sleeping", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_wakeups")),
        postgresql_with={"fillfactor": "50"},
        prefixes=["UNLOGGED"],
    )
    op.execute(
        "INSERT INTO wakeups (channel, is_sleeping) VALUES ('inbox', false), ('outbox', false),"
        " ('settled', false), ('peers', false)"
    )
