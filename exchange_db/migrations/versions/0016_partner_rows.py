"""What a partner's rows were when both sides were last the same, columns of its tables, and where a difference lies."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_rows",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("is_sent", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("bucket", sa.Integer(), nullable=True),
        sa.Column("digest", sa.BigInteger(), nullable=True),
        sa.Column("noted_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "table_name", "row_key", name=op.f("pk_partner_rows")),
    )
    op.create_index(
        "ix_partner_rows_unseen",
        "partner_rows",
        ["peer_id", "table_name"],
        postgresql_where="digest IS NULL",
    )
    op.add_column("link_differences", sa.Column("place", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("link_differences", "place")
    op.drop_table("partner_rows")
