"""Backups, restores, and what a restored ledger owes its links."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("backup_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("started_time", _TIME, nullable=False),
        sa.Column("ended_time", _TIME, nullable=True),
        _number("position"),
        _number("size_bytes"),
        _number("attachment_count"),
        _text("trouble"),
        sa.Column("verified_time", _TIME, nullable=True),
        _text("verify_result"),
        _text("verify_trouble"),
        sa.CheckConstraint("kind IN ('dump', 'base')", name=op.f("ck_backups_kind")),
        sa.CheckConstraint("state IN ('running', 'kept', 'failed', 'removed')", name=op.f("ck_backups_state")),
        sa.PrimaryKeyConstraint("backup_id", name=op.f("pk_backups")),
    )
    op.create_table(
        "incarnations",
        sa.Column("incarnation", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("backup_id", sa.Text(), nullable=False),
        sa.Column("backup_time", _TIME, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("restored_time", _TIME, nullable=False),
        sa.Column("is_asked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("closed_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("incarnation", name=op.f("pk_incarnations")),
    )
    op.create_table(
        "restored_links",
        sa.Column("destination_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("incarnation", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("is_numbered", sa.Boolean(), nullable=False, server_default=sa.false()),
        _number("returned_count"),
        _number("refused_count"),
        sa.Column("left_count", sa.BigInteger(), nullable=True),
        sa.Column("clean_time", _TIME, nullable=True),
        _text("trouble"),
        sa.PrimaryKeyConstraint("destination_id", "incarnation", name=op.f("pk_restored_links")),
    )
    op.create_table(
        "masked_returns",
        sa.Column("message_key", sa.Uuid(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_key", name=op.f("pk_masked_returns")),
    )


def downgrade() -> None:
    for table in ("masked_returns", "restored_links", "incarnations", "backups"):
        op.drop_table(table)
