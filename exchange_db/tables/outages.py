"""When links and the hub itself did not work, and when that was planned."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text, func, text

from exchange_db.tables.base import METADATA, TIME

#: A time in which a link did not work in a direction; without an end it still does not. Destination 0 and direction
#: ``hub`` are this hub itself. ``cause`` is a reason, ``trouble`` what it was in words.
outages = Table(
    "outages",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("direction", Text, primary_key=True),
    Column("start_time", TIME, primary_key=True),
    Column("end_time", TIME),
    Column("cause", Text, nullable=False),
    Column("trouble", Text, nullable=False, server_default=""),
    CheckConstraint("direction IN ('out', 'in', 'hub')", name="direction"),
    CheckConstraint("end_time >= start_time", name="order"),
    Index(
        "uq_outages_open",
        "destination_id",
        "direction",
        unique=True,
        postgresql_where=text("end_time IS NULL"),
    ),
)

#: Times in which a link may be away because somebody planned it; destination 0 are all links and the hub itself.
maintenance_windows = Table(
    "maintenance_windows",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("start_time", TIME, primary_key=True),
    Column("end_time", TIME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("planned_by", Text, nullable=False),
    Column("planned_time", TIME, nullable=False, server_default=func.now()),
    CheckConstraint("end_time > start_time", name="order"),
)

#: One row: when this hub was last seen at work, and since when without a break.
hub_signs = Table(
    "hub_signs",
    METADATA,
    Column("sign_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seen_time", TIME, nullable=False),
    Column("since_time", TIME, nullable=False),
    CheckConstraint("sign_id = 1", name="one"),
)
