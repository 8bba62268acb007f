"""Pages of partners' rows that are kept unread until they become records."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pickup_pages",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("page_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("kept_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "source", "page_no", "part_no", name=op.f("pk_pickup_pages")),
    )
    op.create_table(
        "pickup_bytes",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("page_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("piece_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "source", "page_no", "part_no", "piece_no", name=op.f("pk_pickup_bytes")),
    )
    # A piece fits into a page of the server: neither out of line nor compressed, which would cost four times as much.
    op.execute("ALTER TABLE pickup_bytes ALTER COLUMN content SET STORAGE PLAIN")


def downgrade() -> None:
    op.drop_table("pickup_bytes")
    op.drop_table("pickup_pages")
