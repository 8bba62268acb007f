"""Evidence: the bytes that are held, who has handed in what, and which cases name it.

Bytes are known by their SHA-256, which spreads by itself; what cases name carries the region first like the cases.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from exchange_db.tables.base import METADATA, TIME

#: Bytes in the store, once however often they came. ``exif_…`` is what the camera wrote into the file.
attachments = Table(
    "attachments",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sniffed_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_uploader_id", Text, nullable=False),
    Column("exif_time", TIME),
    Column("exif_x", Float),
    Column("exif_y", Float),
    Column("stored_time", TIME, nullable=False),
    Column("last_checked_time", TIME, nullable=False),
    CheckConstraint("state IN ('held', 'corrupt')", name="state"),
    #: Moves once in a round of the scrub, which is weeks.
    Index("ix_attachments_last_checked_time", "last_checked_time"),
    Index("ix_attachments_corrupt", "digest", postgresql_where="state = 'corrupt'"),
)

#: Who has handed in which bytes, and how far one that is under way has come.
attachment_uploads = Table(
    "attachment_uploads",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("durable_offset", BigInteger, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("changed_time", TIME, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

#: Evidence that sections of cases name. It is ``held`` once its bytes were handed in for this very case, ``missing``
#: before, and ``elsewhere`` when they lie at the hub that sent the section and no rule asks for them. Section 0 stands
#: for bytes that came before any section named them.
attachment_refs = Table(
    "attachment_refs",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("section", SmallInteger, primary_key=True),
    Column("issuer_id", Text, nullable=False),
    Column("case_no", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("captured_time", TIME),
    Column("sender_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("found_time", TIME, nullable=False),
    Column("attempt_count", Integer, nullable=False, server_default="0"),
    Column("retry_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
    CheckConstraint("state IN ('missing', 'elsewhere', 'held')", name="state"),
    Index("ix_attachment_refs_digest", "digest"),
    #: Small: a reference leaves it when its bytes come, and normally never returns.
    Index("ix_attachment_refs_missing", "home_region", "found_time", postgresql_where="state = 'missing'"),
)

#: How far the log was searched for evidence, by partition.
attachment_cursors = Table(
    "attachment_cursors",
    METADATA,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("cursor_id", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
