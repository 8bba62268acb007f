"""Backups that were made and how their trial restores went; and what a restored ledger still owes its links."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
)

from exchange_db.tables.base import METADATA, TIME

#: One row is one backup. ``position`` is the last inbox id in it.
backups = Table(
    "backups",
    METADATA,
    Column("backup_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("started_time", TIME, nullable=False),
    Column("ended_time", TIME),
    Column("position", BigInteger, nullable=False, server_default="0"),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("attachment_count", BigInteger, nullable=False, server_default="0"),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("verified_time", TIME),
    Column("verify_result", Text, nullable=False, server_default=""),
    Column("verify_trouble", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('dump', 'base')", name="kind"),
    CheckConstraint("state IN ('running', 'kept', 'failed', 'removed')", name="state"),
)

#: One row is one time this ledger was restored. It is open until every link was compared without a difference.
incarnations = Table(
    "incarnations",
    METADATA,
    Column("incarnation", Integer, primary_key=True, autoincrement=False),
    Column("backup_id", Text, nullable=False),
    Column("backup_time", TIME, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("restored_time", TIME, nullable=False),
    Column("is_asked", Boolean, nullable=False, server_default=false()),
    Column("closed_time", TIME),
)

#: One row is one link of a restored ledger. ``is_numbered``: its numbers go on behind those the neighbour has.
restored_links = Table(
    "restored_links",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", Integer, primary_key=True, autoincrement=False),
    Column("is_numbered", Boolean, nullable=False, server_default=false()),
    Column("returned_count", BigInteger, nullable=False, server_default="0"),
    Column("refused_count", BigInteger, nullable=False, server_default="0"),
    Column("left_count", BigInteger),
    Column("clean_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
)

#: A record that came back with masked texts, and the SHA-256 of what its origin wrote, which is taken in its place.
masked_returns = Table(
    "masked_returns",
    METADATA,
    Column("message_key", Uuid, primary_key=True),
    Column("original_sha256", LargeBinary, nullable=False),
)
