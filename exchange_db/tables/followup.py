"""What follows from figures: letters that are proposed, and pairs of cases somebody has looked at.

A problem is a class in a grid or at a unit of one region. Its chain of letters has one proposal a step; ``state`` and
what comes after it change, the rest never does.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, SmallInteger, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from exchange_db.tables.base import METADATA, TIME

followup_proposals = Table(
    "followup_proposals",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("proposal_id", Uuid, primary_key=True),
    Column("chain_id", Uuid, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("class_key", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("is_by_unit", Boolean, nullable=False),
    Column("day", Date, nullable=False),
    Column("addressee_id", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("unit_name", Text, nullable=False),
    Column("cases", JSONB, nullable=False),
    Column("letter_kind", SmallInteger, nullable=False),
    Column("days", SmallInteger, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_time", TIME),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("document_id", Text, nullable=False, server_default=""),
    Column("deadline_time", TIME),
    Column("ended_time", TIME),
    CheckConstraint("state IN ('proposed', 'dismissed', 'sent', 'answered', 'returned', 'unanswered')", name="state"),
    Index("ux_followup_proposals_chain", "region", "chain_id", "step", unique=True),
    Index("ix_followup_proposals_made_time", "made_time", "proposal_id"),
    postgresql_with={"fillfactor": "80"},
)

#: Pairs of cases that were found to be alike and somebody judged not to be one problem; (first, second) by key.
followup_cleared_pairs = Table(
    "followup_cleared_pairs",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("first_case_id", Uuid, primary_key=True),
    Column("second_case_id", Uuid, primary_key=True),
    Column("cleared_time", TIME, nullable=False, server_default=text("now()")),
    Column("cleared_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
