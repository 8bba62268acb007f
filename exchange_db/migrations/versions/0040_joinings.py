"""Platforms on their way in, the plan of the scheduled jobs, and how much the ledger holds."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "joinings",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_time", _TIME, nullable=False),
        sa.Column("invited_until", _TIME, nullable=True),
        sa.Column("mapping", sa.Text(), nullable=False, server_default=""),
        sa.Column("sample_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("sample", sa.LargeBinary(), nullable=True),
        sa.Column("mapped_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("refused_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("mapped_time", _TIME, nullable=True),
        sa.Column("kit_state", sa.Text(), nullable=False, server_default="none"),
        sa.Column("kit_groups", sa.dialects.postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("kit_asked", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kit_report", sa.LargeBinary(), nullable=True),
        sa.Column("kit_trouble", sa.Text(), nullable=False, server_default=""),
        sa.Column("kit_time", _TIME, nullable=True),
        sa.Column("waiver", sa.Text(), nullable=False, server_default=""),
        sa.Column("live_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("live_time", _TIME, nullable=True),
        sa.CheckConstraint(
            "transport IN ('grpc', 'rest', 'database', 'file')", name=op.f("ck_joinings_transport")
        ),
        sa.CheckConstraint(
            "kit_state IN ('none', 'wanted', 'running', 'stopping', 'passed', 'failed', 'stopped')",
            name=op.f("ck_joinings_kit_state"),
        ),
        sa.PrimaryKeyConstraint("region", "peer_id", name=op.f("pk_joinings")),
    )
    op.create_table(
        "job_plans",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("planned_time", _TIME, nullable=False),
        sa.Column("wanted_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_plans")),
    )
    op.create_table(
        "storage_samples",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "month", name=op.f("pk_storage_samples")),
    )


def downgrade() -> None:
    op.drop_table("storage_samples")
    op.drop_table("job_plans")
    op.drop_table("joinings")
