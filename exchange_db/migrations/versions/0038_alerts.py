"""Alerts with their story, silences, contacts, and what was sent to whom."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert_states",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("since_time", _TIME, nullable=False),
        sa.Column("better_time", _TIME, nullable=True),
        sa.Column("closed_time", _TIME, nullable=True),
        sa.Column("reopenings", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("phase IN ('calm', 'pending', 'open')", name=op.f("ck_alert_states_phase")),
        sa.PrimaryKeyConstraint("region", "rule", "subject", name=op.f("pk_alert_states")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "alerts",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("opened_time", _TIME, nullable=False),
        sa.Column("closed_time", _TIME, nullable=True),
        sa.Column("acknowledged_time", _TIME, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), server_default="", nullable=False),
        sa.Column("told_level", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("told_to", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("severity IN ('notice', 'warning', 'critical')", name=op.f("ck_alerts_severity")),
        sa.PrimaryKeyConstraint("region", "alert_id", name=op.f("pk_alerts")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_alerts_opened_time", "alerts", ["opened_time", "alert_id"], unique=False)
    op.create_index(
        "ux_alerts_open",
        "alerts",
        ["region", "rule", "subject"],
        unique=True,
        postgresql_where=sa.text("closed_time IS NULL"),
    )
    op.create_table(
        "alert_events",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("event_time", _TIME, nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "event IN ('opened', 'acknowledged', 'escalated', 'silenced', 'closed')", name=op.f("ck_alert_events_event")
        ),
        sa.ForeignKeyConstraint(
            ["region", "alert_id"],
            ["alerts.region", "alerts.alert_id"],
            name=op.f("fk_alert_events_region_alert_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("region", "alert_id", "event", "level", name=op.f("pk_alert_events")),
    )
    op.create_table(
        "alert_silences",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("silence_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("until_time", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("ended_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("region", "silence_id", name=op.f("pk_alert_silences")),
    )
    op.create_table(
        "alert_rules",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("region", "rule", name=op.f("pk_alert_rules")),
    )
    op.create_table(
        "alert_looks",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_alert_looks")),
    )
    op.create_table(
        "contacts",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("robot", sa.Text(), nullable=False),
        sa.Column("duty_days", sa.Text(), nullable=False),
        sa.Column("duty_from", sa.SmallInteger(), nullable=False),
        sa.Column("duty_until", sa.SmallInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_time", _TIME, nullable=False),
        sa.CheckConstraint("role IN ('leader', 'officer', 'duty')", name=op.f("ck_contacts_role")),
        sa.CheckConstraint("duty_from BETWEEN 0 AND 23 AND duty_until BETWEEN 1 AND 24", name=op.f("ck_contacts_duty")),
        sa.CheckConstraint("level BETWEEN 1 AND 9", name=op.f("ck_contacts_level")),
        sa.PrimaryKeyConstraint("region", "contact_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "alert_notices",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("try_count", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_time", _TIME, nullable=False),
        sa.Column("ended_time", _TIME, nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'unsure', 'failed')", name=op.f("ck_alert_notices_state")
        ),
        sa.PrimaryKeyConstraint("region", "event_id", "channel", "address", name=op.f("pk_alert_notices")),
    )
    op.create_index(
        "ix_alert_notices_due_time",
        "alert_notices",
        ["due_time"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_index("ix_alert_notices_made_time", "alert_notices", ["made_time"], unique=False)
    op.create_index("ix_documents_duty_calls", "documents", ["first_issued_time"], postgresql_where=sa.text("kind = 7"))
    op.create_index("ix_quarantine_open_peer", "quarantine", ["peer_id"], postgresql_where=sa.text("resolution = 'open'"))
    op.create_index(
        "ix_figure_findings_open",
        "figure_findings",
        ["region", "reporter_id"],
        postgresql_where=sa.text("gone_time IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_figure_findings_open", "figure_findings")
    op.drop_index("ix_quarantine_open_peer", "quarantine")
    op.drop_index("ix_documents_duty_calls", "documents")
    for name in (
        "alert_notices",
        "contacts",
        "alert_looks",
        "alert_rules",
        "alert_silences",
        "alert_events",
        "alerts",
        "alert_states",
    ):
        op.drop_table(name)
