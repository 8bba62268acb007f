"""Reports and letters that were made: every version with what it says, and its files.

``region`` is the region a report is about. ``subject`` is empty, or what it is about beside region and span: a unit, a
score run. ``data`` is all that stands in it, as JSON; the digests say whether another making would give another file.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from exchange_db.tables.base import METADATA, TIME

_KEY = ("region", "kind", "span", "subject", "version")


def _key() -> list[Column[object]]:
    return [
        Column("region", Integer, primary_key=True, autoincrement=False),
        Column("kind", Text, primary_key=True),
        Column("span", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
    ]


report_runs = Table(
    "report_runs",
    METADATA,
    *_key(),
    Column("title", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("data_digest", LargeBinary, nullable=False),
    Column("template_digest", LargeBinary, nullable=False),
    Column("data", JSONB, nullable=False),
    #: The last document it was sent as; empty when it was not.
    Column("document_id", Text, nullable=False, server_default=""),
    Index("ix_report_runs_made_time", "made_time"),
)

report_files = Table(
    "report_files",
    METADATA,
    *_key(),
    Column("format", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(_KEY, [f"report_runs.{name}" for name in _KEY], ondelete="CASCADE"),
)
