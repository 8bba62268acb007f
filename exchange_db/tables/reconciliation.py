"""What was exchanged over each link, marked record by record and summed by hour, and what comparing it showed.

``is_sent`` tells the direction: what this hub owes the neighbour, or what the neighbour handed in here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from exchange_db.tables.base import METADATA, TIME

#: One record on one link, once however often it travelled. ``state`` is 0 while its bytes are the ones that were
#: marked, 1 when they are gone from the log, 2 when they are others.
link_marks = Table(
    "link_marks",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("is_sent", Boolean, primary_key=True),
    Column("created_time", TIME, primary_key=True),
    Column("message_key", Uuid, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("partition", SmallInteger, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),
)

#: Count and hash of the marks of one hour (hours since 1970, UTC) whose bytes are there.
link_cells = Table(
    "link_cells",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("is_sent", Boolean, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True),
    Column("mark_count", BigInteger, nullable=False),
    Column("hash", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

#: How far each partition was marked: of the log (destination 0), and of what goes to each destination.
link_cursors = Table(
    "link_cursors",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("partition", SmallInteger, primary_key=True),
    Column("cursor_id", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

#: The figures of one day of a link, and what comparing it with the other side showed last.
link_days = Table(
    "link_days",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("is_sent", Boolean, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("own_count", BigInteger, nullable=False),
    Column("receipted_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    Column("gap_count", BigInteger, nullable=False),
    Column("age_p95_ms", BigInteger),
    Column("transit_p95_ms", BigInteger),
    Column("counted_time", TIME, nullable=False),
    Column("other_count", BigInteger),
    Column("difference_count", BigInteger, nullable=False, server_default="0"),
    Column("compared_time", TIME),
    Column("compared_by", Text, nullable=False, server_default=""),
)

#: A record that was not the same on both sides; ``settled_time`` is when a comparison no longer found it.
link_differences = Table(
    "link_differences",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("is_sent", Boolean, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("message_key", Uuid, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("found_time", TIME, nullable=False),
    Column("resent_time", TIME),
    Column("settled_time", TIME),
    Column("place", Text, nullable=False, server_default=""),
)

#: A row of a partner's database that both sides know, as it was when they last held the same: where it is summed up
#: there (``bucket``), and what the partner's engine made of it (``digest``), ``None`` before it was seen there. Rows
#: the hub wrote (``is_sent``) carry the number of their parcel, its version and a hash of what was written.
partner_rows = Table(
    "partner_rows",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("is_sent", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("content_hash", LargeBinary),
    Column("bucket", Integer),
    Column("digest", BigInteger),
    Column("noted_time", TIME, nullable=False),
    Index("ix_partner_rows_unseen", "peer_id", "table_name", postgresql_where="digest IS NULL"),
)
