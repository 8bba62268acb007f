"""Releases of standards, their documents, and how far neighbours have come with them. Nothing here is ever deleted.

``standard_releases.number`` is the place in this hub's list, given under a lock, so that numbers are in commit order
and a cursor that has passed one has missed nothing.
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from exchange_db.tables.base import METADATA, TIME

#: Signed releases, published here or taken from above. The manifest is what counts; columns repeat what is asked for.
standard_releases = Table(
    "standard_releases",
    METADATA,
    Column("publisher_region", Integer, primary_key=True, autoincrement=False),
    Column("publisher_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("supersedes", Text, nullable=False),
    Column("withdraws", Text, nullable=False),
    Column("is_extension", Boolean, nullable=False),
    Column("published_time", TIME, nullable=False),
    Column("effective_time", TIME, nullable=False),
    Column("stages", JSONB, nullable=False),
    Column("document_digests", ARRAY(Text), nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("thumbprint", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("held_time", TIME, nullable=False),
    UniqueConstraint("number"),
    UniqueConstraint("digest"),
)

#: What is being prepared here: one draft a kind and name, unsigned.
standard_drafts = Table(
    "standard_drafts",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("saved_time", TIME, nullable=False),
)

#: Bytes by their SHA-256 in hex.
standard_documents = Table(
    "standard_documents",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("stored_time", TIME, nullable=False, server_default=func.now()),
)

#: Releases that were offered and not taken, with the reason and what was shown.
standard_refusals = Table(
    "standard_refusals",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("field_path", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("first_time", TIME, nullable=False),
    Column("last_time", TIME, nullable=False),
)

#: How far this hub has come with the list of the hub above. Everything up to ``held_number`` there is held here.
standard_pulls = Table(
    "standard_pulls",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("held_number", BigInteger, nullable=False, server_default="0"),
    Column("held_digest", Text, nullable=False, server_default=""),
    Column("newest_number", BigInteger, nullable=False, server_default="0"),
    Column("missing_count", Integer, nullable=False, server_default="0"),
    Column("begun_time", TIME),
    Column("pulled_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("trouble_time", TIME),
)

#: How far a neighbour below has come with this hub's list, by what it confirmed, and what it was told of.
standard_readers = Table(
    "standard_readers",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("confirmed_number", BigInteger, nullable=False, server_default="0"),
    Column("asked_time", TIME),
    Column("announced_number", BigInteger, nullable=False, server_default="0"),
    Column("announced_time", TIME),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("trouble_time", TIME),
)
