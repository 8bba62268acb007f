"""Rounds of ownership confirmation (在线确权): what was asked of whom, what was answered, what both sides want."""

from sqlalchemy import Column, Float, Index, Integer, SmallInteger, Table, Text, Uuid, text

from exchange_db.tables.base import METADATA, TIME

ownership_rounds = Table(
    "ownership_rounds",
    METADATA,
    Column("round_id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_time", TIME, nullable=False, server_default=text("now()")),
    Column("closed_time", TIME),
)

#: One row is one component that one unit was asked about. ``revision`` is the one it was asked about at.
ownership_items = Table(
    "ownership_items",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("component_key", Uuid, primary_key=True),
    Column("round_id", Text, primary_key=True),
    Column("region", Integer, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("component_id", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("unit_name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="1"),
    Column("proposal", SmallInteger, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("crs", SmallInteger, nullable=False, server_default="0"),
    Column("x", Float, nullable=False, server_default="0"),
    Column("y", Float, nullable=False, server_default="0"),
    Column("to_unit_code", Text, nullable=False, server_default=""),
    Column("to_unit_name", Text, nullable=False, server_default=""),
    Column("answered_by", Text, nullable=False, server_default=""),
    Column("answered_time", TIME),
    Column("settled_by", Text, nullable=False, server_default=""),
    Column("settled_time", TIME),
    Column("settled_reason", Text, nullable=False, server_default=""),
    #: When the component was first seen to be as was agreed; what becomes of it later is another matter.
    Column("carried_out_time", TIME),
    Index("ix_ownership_items_round_unit", "round_id", "unit_code", "component_key"),
    postgresql_with={"fillfactor": "80"},
)
