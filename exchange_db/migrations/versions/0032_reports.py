"""Reports and letters that were made, with their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_KEY = ["region", "kind", "span", "subject", "version"]


def _key() -> list[sa.Column[object]]:
    return [
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "report_runs",
        *_key(),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_digest", sa.LargeBinary(), nullable=False),
        sa.Column("template_digest", sa.LargeBinary(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("document_id", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_report_runs")),
    )
    op.create_index(op.f("ix_report_runs_made_time"), "report_runs", ["made_time"])
    op.create_table(
        "report_files",
        *_key(),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            _KEY, [f"report_runs.{name}" for name in _KEY], name=op.f("fk_report_files_region"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*_KEY, "format", name=op.f("pk_report_files")),
    )
    # The files are compressed already.
    op.execute("ALTER TABLE report_files ALTER COLUMN content SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("report_files")
    op.drop_table("report_runs")
