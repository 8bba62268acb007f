"""Neighbours, the links to them, and what waits or went there."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: The registry: who a certificate is, and what it may do.
peers = Table(
    "peers",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("destination_id", Integer, Identity(always=True), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("thumbprint", Text, nullable=False, unique=True),
    Column("certificate_end_time", TIME, nullable=False),
    Column("joined_time", TIME, nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('hub', 'platform')", name="kind"),
    CheckConstraint("relation IN ('parent', 'child')", name="relation"),
    CheckConstraint("state IN ('active', 'blocked')", name="state"),
)

invitations = Table(
    "invitations",
    METADATA,
    Column("code_digest", Text, primary_key=True),
    Column("peer_id", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("expires_time", TIME, nullable=False),
    Column("used_time", TIME),
)

#: What goes to whom, as decided by apply. ``position`` is the id of the inbox row that caused it, times 16, plus an
#: ordinal: rising inside a partition in commit order, so that a cursor per partition misses nothing.
outbox = Table(
    "outbox",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("partition", SmallInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("inbox_id", BigInteger, nullable=False),
)

#: State of the link to one destination. ``cursors[p + 1]`` is the last position of partition p that has a number.
links = Table(
    "links",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("cursors", ARRAY(BigInteger), nullable=False),
    Column("last_sequence", BigInteger, nullable=False, server_default="0"),
    Column("acked_sequence", BigInteger, nullable=False, server_default="0"),
    Column("receipted_sequence", BigInteger, nullable=False, server_default="0"),
    Column("failure_count", Integer, nullable=False, server_default="0"),
    Column("retry_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("trouble_time", TIME),
    Column("contact_time", TIME),
    Column("clock_skew_ms", BigInteger, nullable=False, server_default="0"),
    postgresql_with={"fillfactor": "50"},
)

#: Numbered parcels of a link, without gap, kept so that any of them can be sent again.
parcels = Table(
    "parcels",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("partition", SmallInteger, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Index("ix_parcels_inbox", "partition", "inbox_id"),
)

#: Technical receipts of a link, one row an answered batch.
deliveries = Table(
    "deliveries",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("last_sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("first_sequence", BigInteger, nullable=False),
    Column("accepted_time", TIME, nullable=False),
    UniqueConstraint("destination_id", "first_sequence"),
)
