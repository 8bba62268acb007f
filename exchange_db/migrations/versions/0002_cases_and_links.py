"""Cases with their history, the neighbours, and what is due to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_actions",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("action_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Text(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "case_id", "action_id", name=op.f("pk_case_actions")),
    )
    op.create_table(
        "case_sections",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.SmallInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "case_id", "section", "inbox_id", name=op.f("pk_case_sections")),
    )
    op.create_table(
        "cases",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("handler_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("is_self_handled", sa.Boolean(), nullable=False),
        sa.Column("is_supervised", sa.Boolean(), nullable=False),
        sa.Column("extension_count", sa.SmallInteger(), nullable=False),
        sa.Column("rework_count", sa.SmallInteger(), nullable=False),
        sa.Column("reported_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_on_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_requested_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report_state", sa.SmallInteger(), nullable=False),
        sa.Column("assignment_state", sa.SmallInteger(), nullable=False),
        sa.Column("handling_state", sa.SmallInteger(), nullable=False),
        sa.Column("verdict_state", sa.SmallInteger(), nullable=False),
        sa.Column("handling_round", sa.SmallInteger(), nullable=False),
        sa.Column("verdict_round", sa.SmallInteger(), nullable=False),
        sa.Column("report_revision", sa.Integer(), nullable=False),
        sa.Column("assignment_revision", sa.Integer(), nullable=False),
        sa.Column("handling_revision", sa.Integer(), nullable=False),
        sa.Column("verdict_revision", sa.Integer(), nullable=False),
        sa.Column("report_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("assignment_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("handling_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("crs", sa.SmallInteger(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "case_id", name=op.f("pk_cases")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_cases_region_reported_time", "cases", ["region", "reported_time", "case_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("accepted_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "last_sequence", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "destination_id", "first_sequence", name=op.f("uq_deliveries_destination_id_first_sequence")
        ),
    )
    op.create_table(
        "invitations",
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code_digest", name=op.f("pk_invitations")),
    )
    op.create_table(
        "links",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cursors", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("acked_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("receipted_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failure_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("trouble_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_skew_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("pk_links")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "outbox",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "partition", "position", name=op.f("pk_outbox")),
    )
    op.create_table(
        "parcels",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "sequence", name=op.f("pk_parcels")),
    )
    op.create_index("ix_parcels_inbox", "parcels", ["partition", "inbox_id"], unique=False)
    op.create_table(
        "peers",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("certificate_end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('hub', 'platform')", name=op.f("ck_peers_kind")),
        sa.CheckConstraint("relation IN ('parent', 'child')", name=op.f("ck_peers_relation")),
        sa.CheckConstraint("state IN ('active', 'blocked')", name=op.f("ck_peers_state")),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_peers")),
        sa.UniqueConstraint("destination_id", name=op.f("uq_peers_destination_id")),
        sa.UniqueConstraint("thumbprint", name=op.f("uq_peers_thumbprint")),
    )


def downgrade() -> None:
    op.drop_table("peers")
    op.drop_index("ix_parcels_inbox", table_name="parcels")
    op.drop_table("parcels")
    op.drop_table("outbox")
    op.drop_table("links")
    op.drop_table("invitations")
    op.drop_table("deliveries")
    op.drop_index("ix_cases_region_reported_time", table_name="cases")
    op.drop_table("cases")
    op.drop_table("case_sections")
    op.drop_table("case_actions")
