"""Signatures on batches: what a link demands, the keys of neighbours, the seals of what was taken."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "peers",
        sa.Column("required_signatures", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_table(
        "batch_keys",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("begin_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("added_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("peer_id", "key_id", name=op.f("pk_batch_keys")),
    )
    op.create_table(
        "batch_seals",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("kept_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "stream_id", "first_sequence", "last_sequence", "algorithm", name=op.f("pk_batch_seals")
        ),
    )
    # Digests do not get smaller by packing; trying costs more than writing them.
    op.execute("ALTER TABLE batch_seals ALTER COLUMN leaves SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("batch_seals")
    op.drop_table("batch_keys")
    op.drop_column("peers", "required_signatures")
