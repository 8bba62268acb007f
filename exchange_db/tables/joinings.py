"""Platforms on their way in, from the invitation until they are on line."""

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: What people have settled so far; whether the neighbour came, and with which certificate, stands in ``peers``.
#: ``sample`` are rows to try the mapping on, kept until the platform is on line; ``kit_report`` is the signed report
#: of the last conformance run.
joinings = Table(
    "joinings",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("peer_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_time", TIME, nullable=False),
    Column("invited_until", TIME),
    Column("mapping", Text, nullable=False, server_default=""),
    Column("sample_name", Text, nullable=False, server_default=""),
    Column("sample", LargeBinary),
    Column("mapped_count", Integer, nullable=False, server_default="0"),
    Column("refused_count", Integer, nullable=False, server_default="0"),
    Column("mapped_time", TIME),
    Column("kit_state", Text, nullable=False, server_default="none"),
    Column("kit_groups", ARRAY(Text), nullable=False, server_default="{}"),
    Column("kit_asked", Integer, nullable=False, server_default="0"),
    Column("kit_report", LargeBinary),
    Column("kit_trouble", Text, nullable=False, server_default=""),
    Column("kit_time", TIME),
    Column("waiver", Text, nullable=False, server_default=""),
    Column("live_by", Text, nullable=False, server_default=""),
    Column("live_time", TIME),
    CheckConstraint("transport IN ('grpc', 'rest', 'database', 'file')", name="transport"),
    CheckConstraint(
        "kit_state IN ('none', 'wanted', 'running', 'stopping', 'passed', 'failed', 'stopped')", name="kit_state"
    ),
)
