"""Releases of standards, their documents, and how far neighbours have come with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standard_releases",
        sa.Column("publisher_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Text(), nullable=False),
        sa.Column("withdraws", sa.Text(), nullable=False),
        sa.Column("is_extension", sa.Boolean(), nullable=False),
        sa.Column("published_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stages", postgresql.JSONB(), nullable=False),
        sa.Column("document_digests", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("held_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "publisher_region", "publisher_id", "kind", "name", "version", name=op.f("pk_standard_releases")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_standard_releases_number")),
        sa.UniqueConstraint("digest", name=op.f("uq_standard_releases_digest")),
    )
    op.create_table(
        "standard_drafts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_standard_drafts")),
    )
    op.create_table(
        "standard_documents",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stored_time", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_standard_documents")),
    )
    # Uncompressed outside the row: a piece of a document is read without reading all of it.
    op.execute("ALTER TABLE standard_documents ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "standard_refusals",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field_path", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "digest", name=op.f("pk_standard_refusals")),
    )
    op.create_table(
        "standard_pulls",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("held_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("newest_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("missing_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("begun_time", sa.DateTime(timezone=True)),
        sa.Column("pulled_time", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("trouble_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_standard_pulls")),
    )
    op.create_table(
        "standard_readers",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("confirmed_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_time", sa.DateTime(timezone=True)),
        sa.Column("announced_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("announced_time", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("trouble_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_standard_readers")),
    )


def downgrade() -> None:
    op.drop_table("standard_readers")
    op.drop_table("standard_pulls")
    op.drop_table("standard_refusals")
    op.drop_table("standard_documents")
    op.drop_table("standard_drafts")
    op.drop_table("standard_releases")
