"""The log every record enters through, what proves its completeness, and what was refused.

``inbox`` is partitioned by month: the month stands in the high bits of ``inbox_id`` (see ``exchange_db.inbox``), so
ids keep their order and a month can be detached. Uniqueness for ever therefore lives in the narrow ``inbox_keys``.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from exchange_db.tables.base import METADATA, TIME

#: One row: the lock that orders appends, and the last id given. Ids are therefore in commit order.
inbox_head = Table(
    "inbox_head",
    METADATA,
    Column("is_head", Boolean, CheckConstraint("is_head", name="single"), primary_key=True),
    Column("last_inbox_id", BigInteger, nullable=False),
)

#: A sender's stream and its proof: last_sequence = accepted + refused + duplicate.
streams = Table(
    "streams",
    METADATA,
    Column("stream_id", Integer, Identity(always=True), primary_key=True),
    Column("sender_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_sequence", BigInteger, nullable=False, server_default="0"),
    Column("accepted_count", BigInteger, nullable=False, server_default="0"),
    Column("refused_count", BigInteger, nullable=False, server_default="0"),
    Column("duplicate_count", BigInteger, nullable=False, server_default="0"),
    Column("last_time", TIME),
    UniqueConstraint("sender_id", "name"),
    postgresql_with={"fillfactor": "50"},
)

inbox = Table(
    "inbox",
    METADATA,
    Column("partition", SmallInteger, primary_key=True),
    Column("inbox_id", BigInteger, primary_key=True),
    Column("received_time", TIME, nullable=False),
    Column("stream_id", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("message_key", Uuid, nullable=False),
    Column("record_kind", SmallInteger, nullable=False),
    Column("record_key", Uuid, nullable=False),
    Column("region", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    #: What apply needs to know of a case record (see ``exchange_db.facts``).
    Column("facts", LargeBinary),
    postgresql_partition_by="RANGE (inbox_id)",
)

#: Each message and each number of a stream once, for ever.
inbox_keys = Table(
    "inbox_keys",
    METADATA,
    Column("message_key", Uuid, primary_key=True),
    Column("stream_id", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    UniqueConstraint("stream_id", "sequence"),
)

#: Records that were refused (stage intake), broke a rule (apply) or were refused by a neighbour (delivery), with the
#: original bytes. ``stream_id`` and ``sequence`` name the place in the sender's stream; for stage delivery
#: ``destination_id`` and ``sequence`` name the place on the link.
quarantine = Table(
    "quarantine",
    METADATA,
    Column("quarantine_id", BigInteger, Identity(always=True), primary_key=True),
    Column("stage", Text, nullable=False),
    Column("stream_id", Integer),
    Column("destination_id", Integer),
    Column("sequence", BigInteger, nullable=False),
    Column("inbox_id", BigInteger),
    Column("peer_id", Text, nullable=False),
    Column("origin_id", Text, nullable=False),
    Column("record_key", Uuid),
    Column("region", Integer),
    Column("reason", Text, nullable=False),
    Column("field_path", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_time", TIME, nullable=False, server_default=func.now()),
    Column("resolution", Text, nullable=False, server_default="open"),
    Column("resolved_time", TIME),
    Column("resolved_by", Text),
    CheckConstraint("stage IN ('intake', 'apply', 'delivery')", name="stage"),
    CheckConstraint("resolution IN ('open', 'replayed', 'discarded')", name="resolution"),
    Index("ix_quarantine_stream", "stream_id", "sequence"),
    Index("ix_quarantine_record", "record_key"),
    #: What people look at: the open ones, newest first, and those of a reason and neighbour. A record leaves both once.
    Index("ix_quarantine_open", "quarantine_id", postgresql_where="resolution = 'open'"),
    Index("ix_quarantine_open_reason", "reason", "peer_id", "quarantine_id", postgresql_where="resolution = 'open'"),
    Index("ix_quarantine_open_peer", "peer_id", postgresql_where="resolution = 'open'"),
)

#: How far each partition is applied. The compare-and-set on ``cursor_id`` is what makes an effect happen once.
partitions = Table(
    "partitions",
    METADATA,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("cursor_id", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

#: Business receipts, one row a run: everything of the partition from first to last took effect at ``settled_time``,
#: except what ``receipt_exceptions`` names.
receipts = Table(
    "receipts",
    METADATA,
    Column("partition", SmallInteger, primary_key=True),
    Column("last_inbox_id", BigInteger, primary_key=True),
    Column("first_inbox_id", BigInteger, nullable=False),
    Column("settled_time", TIME, nullable=False),
)

receipt_exceptions = Table(
    "receipt_exceptions",
    METADATA,
    Column("stream_id", Integer, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("field_path", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("settled_time", TIME, nullable=False),
)
