"""Cases as they stand, the history of their sections, and their actions.

``home_region`` is the region of the platform that issued the case number; it never changes, so the tables can be
distributed by it. ``region`` is where the problem lies and may be corrected. No index stands on a column that changes
in the life of a case, so its updates stay inside their page.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, SmallInteger, Table, Text, Uuid

from exchange_db.tables.base import METADATA, TIME

cases = Table(
    "cases",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("issuer_id", Text, nullable=False),
    Column("case_no", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("class_key", Text, nullable=False),
    Column("source_code", Text, nullable=False),
    Column("authority_id", Text, nullable=False),
    Column("handler_id", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("grid_code", Text, nullable=False),
    Column("is_self_handled", Boolean, nullable=False),
    Column("is_supervised", Boolean, nullable=False),
    Column("is_ruled", Boolean, nullable=False),
    Column("extension_count", SmallInteger, nullable=False),
    Column("rework_count", SmallInteger, nullable=False),
    Column("return_count", SmallInteger, nullable=False),
    Column("check_levels", SmallInteger, nullable=False),
    Column("appeal_state", SmallInteger, nullable=False),
    Column("reported_time", TIME, nullable=False),
    Column("deadline_time", TIME),
    Column("dispatched_time", TIME),
    Column("dispatched_on_time", TIME),
    Column("close_requested_time", TIME),
    Column("closed_time", TIME),
    Column("suspended_time", TIME),
    Column("suspended_until_time", TIME),
    Column("resumed_deadline_time", TIME),
    Column("request_time", TIME),
    Column("accepted_time", TIME),
    Column("verified_time", TIME),
    Column("filed_time", TIME),
    Column("check_sent_time", TIME),
    Column("check_answered_time", TIME),
    Column("report_state", SmallInteger, nullable=False),
    Column("assignment_state", SmallInteger, nullable=False),
    Column("handling_state", SmallInteger, nullable=False),
    Column("verdict_state", SmallInteger, nullable=False),
    Column("handling_round", SmallInteger, nullable=False),
    Column("verdict_round", SmallInteger, nullable=False),
    Column("report_revision", Integer, nullable=False),
    Column("assignment_revision", Integer, nullable=False),
    Column("handling_revision", Integer, nullable=False),
    Column("verdict_revision", Integer, nullable=False),
    Column("report_inbox_id", BigInteger, nullable=False),
    Column("assignment_inbox_id", BigInteger, nullable=False),
    Column("handling_inbox_id", BigInteger, nullable=False),
    Column("verdict_inbox_id", BigInteger, nullable=False),
    Column("crs", SmallInteger, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Index("ix_cases_region_reported_time", "region", "reported_time", "case_id"),
    postgresql_with={"fillfactor": "80"},
)

#: Every revision that took effect: the inbox row that holds its bytes, the state of the case after it, and when the
#: step was taken. The intervals of both clocks are what lies between these rows (``hub.apply.clocks``).
case_sections = Table(
    "case_sections",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("section", SmallInteger, primary_key=True),
    Column("inbox_id", BigInteger, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("step_time", TIME, nullable=False),
    Column("origin_id", Text, nullable=False),
)

#: Steps of limits with several. Rows are never changed: those of the assignment in force are those of its revision.
case_milestones = Table(
    "case_milestones",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("deadline_time", TIME, nullable=False),
    Column("reached_time", TIME),
    Index("ix_case_milestones_deadline_time", "deadline_time"),
)

case_actions = Table(
    "case_actions",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("action_id", Uuid, primary_key=True),
    Column("action_time", TIME, nullable=False),
    Column("kind", Text, nullable=False),
    Column("platform_id", Text, nullable=False),
    Column("actor_ref", Text, nullable=False),
    Column("opinion", Text, nullable=False),
)
