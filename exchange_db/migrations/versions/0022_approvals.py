"""Proposals of sensitive operations, and what a second person decided."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


_MONTH = """
CREATE FUNCTION make_inbox_month(first_id bigint, end_id bigint, month text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF month !~ '^[0-9]{4}_[0-9]{2}$' THEN
        RAISE EXCEPTION '% is no month', month;
    END IF;
    EXECUTE format('CREATE TABLE IF NOT EXISTS public.%I PARTITION OF public.inbox FOR VALUES FROM (%s) TO (%s)',
                   'inbox_' || month, first_id, end_id);
END $$
"""


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("made_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_abort_wanted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("begun_time", sa.DateTime(timezone=True)),
        sa.Column("ended_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_made_time", "proposals", ["made_time"])
    op.create_table(
        "proposal_decisions",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("decided_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal_decisions")),
    )
    op.execute(
        "CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON proposal_decisions"
        " FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
    )
    op.execute(
        "CREATE TRIGGER whole BEFORE TRUNCATE ON proposal_decisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()"
    )


    # A hub may serve as a role that does not own the log; the one thing it must make is the table of a month.
    op.execute(_MONTH)
    op.execute("REVOKE ALL ON FUNCTION make_inbox_month(bigint, bigint, text) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION make_inbox_month(bigint, bigint, text)")
    op.drop_table("proposal_decisions")
    op.drop_table("proposals")
