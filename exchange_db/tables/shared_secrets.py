"""What the REST transport knows callers by."""

from sqlalchemy import Column, Table, Text, func

from exchange_db.tables.base import METADATA, TIME

#: The secret a neighbour signs its calls with. An HMAC needs the secret itself, so it cannot be kept as a digest.
shared_secrets = Table(
    "shared_secrets",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("secret", Text, nullable=False),
    Column("made_time", TIME, nullable=False, server_default=func.now()),
    Column("end_time", TIME, nullable=False),
)

#: Nonces that were used; one may be forgotten after ``end_time``, when its call would be too old anyway.
used_nonces = Table(
    "used_nonces",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("end_time", TIME, nullable=False),
)
