"""Alerts with their story, silences, who is told, and what was sent to whom.

Everything carries the region first: that of what the alert is about, of the unit a contact belongs to, or the hub's
own.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from exchange_db.tables.base import METADATA, TIME

#: How a rule sees a subject that is not calm, or was not a moment ago; what is calm has no row.
alert_states = Table(
    "alert_states",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("since_time", TIME, nullable=False),
    Column("better_time", TIME),
    Column("closed_time", TIME),
    Column("reopenings", SmallInteger, nullable=False, server_default="0"),
    Column("alert_id", Uuid),
    CheckConstraint("phase IN ('calm', 'pending', 'open')", name="phase"),
    postgresql_with={"fillfactor": "70"},
)

alerts = Table(
    "alerts",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("alert_id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("opened_time", TIME, nullable=False),
    Column("closed_time", TIME),
    Column("acknowledged_time", TIME),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
    #: How far people were told: 0 nobody yet, else the level of contacts that was reached.
    Column("told_level", SmallInteger, nullable=False, server_default="0"),
    #: Channels and addresses that were told, as ``channel|address``: who was woken is told of the end as well.
    Column("told_to", ARRAY(Text), nullable=False, server_default="{}"),
    CheckConstraint("severity IN ('notice', 'warning', 'critical')", name="severity"),
    Index("ux_alerts_open", "region", "rule", "subject", unique=True, postgresql_where=text("closed_time IS NULL")),
    Index("ix_alerts_opened_time", "opened_time", "alert_id"),
    postgresql_with={"fillfactor": "80"},
)

#: The story of an alert, a line an event.
alert_events = Table(
    "alert_events",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("alert_id", Uuid, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False, server_default="0"),
    Column("event_time", TIME, nullable=False),
    Column("actor", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    ForeignKeyConstraint(["region", "alert_id"], ["alerts.region", "alerts.alert_id"], ondelete="CASCADE"),
    CheckConstraint("event IN ('opened', 'acknowledged', 'escalated', 'silenced', 'closed')", name="event"),
)

alert_silences = Table(
    "alert_silences",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("silence_id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("until_time", TIME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("ended_time", TIME),
)

#: What a hub's people changed about a shipped rule; the rest of the rule stays as shipped.
alert_rules = Table(
    "alert_rules",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True),
    Column("changes", JSONB, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_time", TIME, nullable=False),
)

#: When a hub last looked, to know how long nobody did.
alert_looks = Table(
    "alert_looks",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("looked_time", TIME, nullable=False),
)

#: Whom to turn to in a unit (D52: one leader and one 专干 each), in the order of their level.
contacts = Table(
    "contacts",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("contact_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("phone", Text, nullable=False),
    Column("mail", Text, nullable=False),
    Column("robot", Text, nullable=False),
    Column("duty_days", Text, nullable=False),
    Column("duty_from", SmallInteger, nullable=False),
    Column("duty_until", SmallInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_time", TIME, nullable=False),
    CheckConstraint("role IN ('leader', 'officer', 'duty')", name="role"),
    CheckConstraint("level BETWEEN 1 AND 9", name="level"),
    CheckConstraint("duty_from BETWEEN 0 AND 23 AND duty_until BETWEEN 1 AND 24", name="duty"),
)

#: What is to be sent, is being sent and was sent: a row an event, channel and address, for ever once.
alert_notices = Table(
    "alert_notices",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("try_count", SmallInteger, nullable=False, server_default="0"),
    Column("due_time", TIME, nullable=False),
    Column("ended_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("is_test", Boolean, nullable=False, server_default="false"),
    CheckConstraint("state IN ('waiting', 'sending', 'sent', 'unsure', 'failed')", name="state"),
    Index("ix_alert_notices_due_time", "due_time", postgresql_where=text("state IN ('waiting', 'sending')")),
    Index("ix_alert_notices_made_time", "made_time"),
)
