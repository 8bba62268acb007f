"""Signatures on batches: with which keys neighbours sign, and the seals of what was taken."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, func

from exchange_db.tables.base import METADATA, TIME

#: Public keys neighbours sign their batches with. Several of one neighbour may hold at once: that is how one follows
#: another without a pause. None is deleted, because seals made with it stay.
batch_keys = Table(
    "batch_keys",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("begin_time", TIME, nullable=False),
    Column("end_time", TIME, nullable=False),
    Column("card", LargeBinary, nullable=False),
    Column("added_time", TIME, nullable=False, server_default=func.now()),
    Column("withdrawn_time", TIME),
)

#: Seals that held, one row a batch and algorithm. ``leaves`` are the digests of all its parcels, 32 bytes each: with
#: them one record is proved from its own bytes alone, whatever became of the others.
batch_seals = Table(
    "batch_seals",
    METADATA,
    Column("stream_id", Integer, nullable=False),
    Column("first_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("kept_time", TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("stream_id", "first_sequence", "last_sequence", "algorithm"),
)
