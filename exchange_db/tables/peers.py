"""Neighbours, the links to them, and what waits or went there."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: The registry: who a certificate is, and what it may do. Beside the newest certificate of a neighbour the one before
#: may count until ``earlier_end_time``.
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
    #: Whether people have ever let it in; who was not waits again after a block.
    Column("is_confirmed", Boolean, nullable=False, server_default=true()),
    Column("thumbprint", Text, nullable=False, unique=True),
    Column("certificate_end_time", TIME, nullable=False),
    Column("joined_time", TIME, nullable=False, server_default=func.now()),
    Column("required_signatures", ARRAY(Text), nullable=False, server_default="{}"),
    Column("earlier_thumbprint", Text, unique=True),
    Column("earlier_end_time", TIME),
    #: Whether nothing goes over the link until somebody resumes it; who wanted that, since when and why.
    Column("is_paused", Boolean, nullable=False, server_default=false()),
    Column("paused_time", TIME),
    Column("paused_by", Text, nullable=False, server_default=""),
    Column("pause_reason", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('hub', 'platform')", name="kind"),
    CheckConstraint("relation IN ('parent', 'child')", name="relation"),
    CheckConstraint("state IN ('active', 'waiting', 'blocked')", name="state"),
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
#: ``contact_time`` is when the neighbour last answered us, ``heard_time`` when it last called of itself;
#: ``nudged_time`` when somebody wanted it tried now, ``resync_from`` from which day or number it is to be brought up to
#: date. ``contracts`` and ``software`` are what it said of itself in a Hello.
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
    Column("heard_time", TIME),
    Column("their_waiting_count", BigInteger, nullable=False, server_default="0"),
    Column("nudged_time", TIME),
    Column("resync_from", BigInteger),
    Column("contracts", ARRAY(Text), nullable=False, server_default="{}"),
    Column("software", Text, nullable=False, server_default=""),
    postgresql_with={"fillfactor": "50"},
)

#: What of a link has no number yet, as last counted: how many (bounded) and since when the oldest waits.
link_lags = Table(
    "link_lags",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("counted_time", TIME, nullable=False),
    Column("due_count", BigInteger, nullable=False),
    Column("oldest_time", TIME),
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
