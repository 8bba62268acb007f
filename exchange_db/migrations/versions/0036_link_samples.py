"""The past of links: samples folded into five minutes, hours and days."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "link_samples",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grain", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("begin_time", _TIME, nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("down_count", sa.Integer(), nullable=False),
        sa.Column("lag_records", sa.BigInteger(), nullable=False),
        sa.Column("lag_seconds", sa.Integer(), nullable=False),
        sa.Column("canary_ms", sa.Integer(), nullable=True),
        sa.Column("sent_number", sa.BigInteger(), nullable=False),
        sa.Column("received_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "grain", "begin_time", name=op.f("pk_link_samples")),
        postgresql_with={"fillfactor": "70"},
    )


def downgrade() -> None:
    op.drop_table("link_samples")
