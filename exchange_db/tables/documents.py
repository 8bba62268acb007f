"""Documents between platforms as they stand, every version that took effect, and the numbers given to one's own.

``home_region`` is the region of the issuer; it never changes, so the tables can be distributed by it. ``first_region``
and ``last_region`` are the regions the document is for: that of its addressee, or all below the region of a document
for everybody. They, the kind and what is
replaced never change, so indexes may stand on them.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from exchange_db.tables.base import METADATA, TIME

documents = Table(
    "documents",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("document_key", Uuid, primary_key=True),
    Column("issuer_id", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("addressee_id", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("first_region", Integer, nullable=False),
    Column("last_region", Integer, nullable=False),
    Column("first_issued_time", TIME, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("deadline_time", TIME),
    Column("is_withdrawn", Boolean, nullable=False),
    Column("supersedes_id", Text, nullable=False),
    #: The whole of each section as it was sent, as JSON lists of the records' fields.
    Column("content", JSONB, nullable=False),
    Column("answer_revision", Integer, nullable=False, server_default="0"),
    Column("answer_inbox_id", BigInteger),
    Column("answer_state", SmallInteger, nullable=False, server_default="0"),
    Column("answered_time", TIME),
    Column("answer", JSONB),
    Index("ix_documents_first_issued_time", "first_issued_time", "document_key"),
    Index(
        "ix_documents_supersedes", "home_region", "issuer_id", "supersedes_id", postgresql_where="supersedes_id <> ''"
    ),
    #: Duty calls, which are looked at every few seconds.
    Index("ix_documents_duty_calls", "first_issued_time", postgresql_where="kind = 7"),
    postgresql_with={"fillfactor": "80"},
)

#: Every version of a section that took effect; its bytes lie in the inbox row.
document_sections = Table(
    "document_sections",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("document_key", Uuid, primary_key=True),
    Column("section", SmallInteger, primary_key=True),
    Column("inbox_id", BigInteger, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("origin_id", Text, nullable=False),
    Column("applied_time", TIME, nullable=False, server_default=text("now()")),
)

#: The last number given in a series: one a hub, kind and year.
document_numbers = Table(
    "document_numbers",
    METADATA,
    Column("issuer_id", Text, primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("year", SmallInteger, primary_key=True),
    Column("last_number", Integer, nullable=False),
)
