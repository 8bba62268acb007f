"""What is known of the rows partners write into their databases."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pickup_positions",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("saved_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "source", name=op.f("pk_pickup_positions")),
    )
    op.create_table(
        "pickup_rows",
        sa.Column("stream_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "sequence", "table_name", "row_key", name=op.f("pk_pickup_rows")),
    )
    op.create_table(
        "pickup_states",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "table_name", "row_key", name=op.f("pk_pickup_states")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "pickup_pauses",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("paused_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "table_name", name=op.f("pk_pickup_pauses")),
    )


def downgrade() -> None:
    op.drop_table("pickup_pauses")
    op.drop_table("pickup_states")
    op.drop_table("pickup_rows")
    op.drop_table("pickup_positions")
