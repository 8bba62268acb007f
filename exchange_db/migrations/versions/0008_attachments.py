"""Evidence: held bytes, uploads, what cases name, and how far the log was searched for it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sniffed_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_uploader_id", sa.Text(), nullable=False),
        sa.Column("exif_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exif_x", sa.Float(), nullable=True),
        sa.Column("exif_y", sa.Float(), nullable=True),
        sa.Column("stored_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_checked_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('held', 'corrupt')", name=op.f("ck_attachments_state")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attachments")),
    )
    op.create_index("ix_attachments_last_checked_time", "attachments", ["last_checked_time"])
    op.create_index(
        "ix_attachments_corrupt", "attachments", ["digest"], postgresql_where=sa.text("state = 'corrupt'")
    )
    op.create_table(
        "attachment_uploads",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("durable_offset", sa.BigInteger(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("changed_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "digest", name=op.f("pk_attachment_uploads")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "attachment_refs",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("section", sa.SmallInteger(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("captured_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('missing', 'elsewhere', 'held')", name=op.f("ck_attachment_refs_state")),
        sa.PrimaryKeyConstraint("home_region", "case_id", "digest", "section", name=op.f("pk_attachment_refs")),
    )
    op.create_index("ix_attachment_refs_digest", "attachment_refs", ["digest"])
    op.create_index(
        "ix_attachment_refs_missing",
        "attachment_refs",
        ["home_region", "found_time"],
        postgresql_where=sa.text("state = 'missing'"),
    )
    op.create_table(
        "attachment_cursors",
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_attachment_cursors")),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute("INSERT INTO attachment_cursors SELECT partition, 0 FROM partitions")


def downgrade() -> None:
    op.drop_table("attachment_cursors")
    op.drop_table("attachment_refs")
    op.drop_table("attachment_uploads")
    op.drop_table("attachments")
