"""Personal data that a hub keeps: who reported a case, sealed; the keys; and who sees it unmasked until when."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, Uuid

from exchange_db.tables.base import METADATA, TIME

#: Keys that seal, wrapped by one that is not in the ledger.
personal_keys = Table(
    "personal_keys",
    METADATA,
    Column("key_number", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_time", TIME, nullable=False),
)

#: Who reported a case. Never in the log, so it can be deleted, and it goes to no neighbour.
reporters = Table(
    "reporters",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("key_number", Integer, ForeignKey("personal_keys.key_number"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("kept_time", TIME, nullable=False),
    Index("ix_reporters_key_number", "key_number"),
    Index("ix_reporters_kept_time", "kept_time"),
)

#: A person sees the personal data of one case until a time.
unmaskings = Table(
    "unmaskings",
    METADATA,
    Column("person_id", Uuid, primary_key=True),
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("until_time", TIME, nullable=False),
)
