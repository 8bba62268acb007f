"""Documents between platforms, and the letters and registers that follow from figures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document_key", sa.Uuid(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("addressee_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("first_region", sa.Integer(), nullable=False),
        sa.Column("last_region", sa.Integer(), nullable=False),
        sa.Column("first_issued_time", _TIME, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("deadline_time", _TIME, nullable=True),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("supersedes_id", sa.Text(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("answer_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer_inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("answer_state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("answered_time", _TIME, nullable=True),
        sa.Column("answer", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("home_region", "document_key", name=op.f("pk_documents")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(op.f("ix_documents_first_issued_time"), "documents", ["first_issued_time", "document_key"])
    op.create_index(
        "ix_documents_supersedes", "documents", ["home_region", "issuer_id", "supersedes_id"],
        postgresql_where=sa.text("supersedes_id <> ''"),
    )  # fmt: skip
    op.create_table(
        "document_sections",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document_key", sa.Uuid(), nullable=False),
        sa.Column("section", sa.SmallInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("applied_time", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "home_region", "document_key", "section", "inbox_id", name=op.f("pk_document_sections")
        ),
    )
    op.create_table(
        "document_numbers",
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_id", "kind", "year", name=op.f("pk_document_numbers")),
    )
    _make_followup()


def _make_followup() -> None:
    op.create_table(
        "followup_proposals",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("is_by_unit", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("addressee_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("cases", JSONB(), nullable=False),
        sa.Column("letter_kind", sa.SmallInteger(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_time", _TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("document_id", sa.Text(), server_default="", nullable=False),
        sa.Column("deadline_time", _TIME, nullable=True),
        sa.Column("ended_time", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'dismissed', 'sent', 'answered', 'returned', 'unanswered')",
            name=op.f("ck_followup_proposals_state"),
        ),
        sa.PrimaryKeyConstraint("region", "proposal_id", name=op.f("pk_followup_proposals")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "ux_followup_proposals_chain", "followup_proposals", ["region", "chain_id", "step"], unique=True
    )
    op.create_index(
        op.f("ix_followup_proposals_made_time"), "followup_proposals", ["made_time", "proposal_id"]
    )
    op.create_table(
        "followup_cleared_pairs",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_case_id", sa.Uuid(), nullable=False),
        sa.Column("second_case_id", sa.Uuid(), nullable=False),
        sa.Column("cleared_time", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "region", "first_case_id", "second_case_id", name=op.f("pk_followup_cleared_pairs")
        ),
    )


def downgrade() -> None:
    for table in (
        "followup_cleared_pairs", "followup_proposals", "document_numbers", "document_sections", "documents"
    ):  # fmt: skip
        op.drop_table(table)
