"""Pauses of links, what neighbours say of themselves, outages, and maintenance that is planned."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_PEERS = ("is_paused", "paused_time", "paused_by", "pause_reason")
_LINKS = ("heard_time", "their_waiting_count", "nudged_time", "resync_from", "contracts", "software")


def upgrade() -> None:
    op.add_column("peers", sa.Column("is_paused", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("peers", sa.Column("paused_time", _TIME, nullable=True))
    op.add_column("peers", sa.Column("paused_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("peers", sa.Column("pause_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("links", sa.Column("heard_time", _TIME, nullable=True))
    op.add_column("links", sa.Column("their_waiting_count", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("links", sa.Column("nudged_time", _TIME, nullable=True))
    op.add_column("links", sa.Column("resync_from", sa.BigInteger(), nullable=True))
    op.add_column("links", sa.Column("contracts", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("links", sa.Column("software", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "link_lags",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counted_time", _TIME, nullable=False),
        sa.Column("due_count", sa.BigInteger(), nullable=False),
        sa.Column("oldest_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("pk_link_lags")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "outages",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("start_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME, nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("destination_id", "direction", "start_time", name=op.f("pk_outages")),
        sa.CheckConstraint("direction IN ('out', 'in', 'hub')", name=op.f("ck_outages_direction")),
        sa.CheckConstraint("end_time >= start_time", name=op.f("ck_outages_order")),
    )
    op.create_index(
        "uq_outages_open",
        "outages",
        ["destination_id", "direction"],
        unique=True,
        postgresql_where=sa.text("end_time IS NULL"),
    )
    op.create_table(
        "maintenance_windows",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("planned_time", _TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("destination_id", "start_time", name=op.f("pk_maintenance_windows")),
        sa.CheckConstraint("end_time > start_time", name=op.f("ck_maintenance_windows_order")),
    )
    op.create_table(
        "hub_signs",
        sa.Column("sign_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_time", _TIME, nullable=False),
        sa.Column("since_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("sign_id", name=op.f("pk_hub_signs")),
        sa.CheckConstraint("sign_id = 1", name=op.f("ck_hub_signs_one")),
    )


def downgrade() -> None:
    for table in ("hub_signs", "maintenance_windows", "outages", "link_lags"):
        op.drop_table(table)
    for column in _LINKS:
        op.drop_column("links", column)
    for column in _PEERS:
        op.drop_column("peers", column)
