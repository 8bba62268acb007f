"""The audit log, its checkpoints, and what neighbours and this hub have signed of each other's logs.

Nothing here is ever changed or deleted but ``audit_head``, which only grows: triggers refuse it to everybody, and the
database role that serves has no right to it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: The end of the log; its row lock orders appends and makes their numbers gap-free.
audit_head = Table(
    "audit_head",
    METADATA,
    Column("is_head", Boolean, CheckConstraint("is_head", name="single"), primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("edge", ARRAY(LargeBinary), nullable=False),
)

#: One act a row. ``content`` is what is hashed; the columns before it repeat what is searched for.
audit_entries = Table(
    "audit_entries",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_time", TIME, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Index("ix_audit_entries_actor", "actor", "number"),
    Index("ix_audit_entries_action", "action", "number"),
    Index("ix_audit_entries_object", "object", "number"),
)

#: Complete subtrees of 256 leaves and more, so that a proof reads few rows however long the log is.
audit_nodes = Table(
    "audit_nodes",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

#: What this hub signed of its own log.
audit_checkpoints = Table(
    "audit_checkpoints",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("made_time", TIME, nullable=False),
)

#: What neighbours signed of this hub's log.
audit_countersignatures = Table(
    "audit_countersignatures",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("received_time", TIME, nullable=False, server_default=func.now()),
)

#: Checkpoints of neighbours' logs this hub has countersigned, and those it refused because they contradict one.
audit_witnessed = Table(
    "audit_witnessed",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("is_signed", Boolean, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("witnessed_time", TIME, nullable=False),
)

#: When a neighbour last showed a checkpoint of its log, and since when it is witnessed anew.
audit_neighbours = Table(
    "audit_neighbours",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("shown_time", TIME),
    Column("renewed_time", TIME),
)
