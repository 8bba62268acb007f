"""Searching cases by their words, and looking at what is open in quarantine without reading the rest."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_OPEN = sa.text("resolution = 'open'")


def upgrade() -> None:
    op.create_table(
        "case_texts",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("reported_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "case_id", name=op.f("pk_case_texts")),
    )
    op.create_index("ix_case_texts_grams", "case_texts", ["grams"], postgresql_using="gin")
    op.create_table(
        "case_text_cursors",
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_case_text_cursors")),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute("INSERT INTO case_text_cursors SELECT partition, 0 FROM partitions")
    op.create_index("ix_quarantine_open", "quarantine", ["quarantine_id"], postgresql_where=_OPEN)
    op.create_index(
        "ix_quarantine_open_reason", "quarantine", ["reason", "peer_id", "quarantine_id"], postgresql_where=_OPEN
    )


def downgrade() -> None:
    op.drop_index("ix_quarantine_open_reason", "quarantine")
    op.drop_index("ix_quarantine_open", "quarantine")
    op.drop_table("case_text_cursors")
    op.drop_table("case_texts")
