"""What this hub signs tokens with."""

from sqlalchemy import Column, LargeBinary, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: A key pair: it signs from ``use_time`` on until a later one does, and is published until ``end_time``.
signing_keys = Table(
    "signing_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("use_time", TIME, nullable=False),
    Column("end_time", TIME),
)
