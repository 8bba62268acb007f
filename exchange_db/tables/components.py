"""Components as they stand, and what changed in them.

``home_region`` is the region of the platform that keeps the component; it never changes, so the tables can be
distributed by it. ``region`` is where the component stands and may be corrected. A position is stored as it was given,
with its reference system.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, Text, Uuid, text

from exchange_db.tables.base import METADATA, TIME

components = Table(
    "components",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("component_key", Uuid, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("component_id", Text, nullable=False),
    Column("id_scheme", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("region", Integer, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("grid_code", Text, nullable=False),
    Column("standard_ref", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("crs", SmallInteger, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("accuracy_class", Text, nullable=False),
    Column("supervisor_code", Text, nullable=False),
    Column("supervisor_name", Text, nullable=False),
    Column("proprietor_code", Text, nullable=False),
    Column("proprietor_name", Text, nullable=False),
    Column("maintainer_code", Text, nullable=False),
    Column("maintainer_name", Text, nullable=False),
    Column("initial_time", TIME),
    Column("changed_time", TIME),
    Column("data_source", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Index("ix_components_region_component_key", "region", "component_key"),
    postgresql_with={"fillfactor": "80"},
)

#: Every revision that took effect. ``fields`` names what it changed, joined by blanks; empty for the first one.
component_changes = Table(
    "component_changes",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("component_key", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("origin_id", Text, nullable=False),
    Column("changed_time", TIME),
    Column("fields", Text, nullable=False),
    Column("applied_time", TIME, nullable=False, server_default=text("now()")),
)
