"""Questions people have put together and kept."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from exchange_db.tables.base import METADATA, TIME

#: ``owner`` is the actor who kept it, as the audit log names them; ``region`` is what the question is about, so that
#: a shared one is offered to those who may see that region. ``question`` is JSON and carries no rights.
saved_questions = Table(
    "saved_questions",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("region", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("changed_time", TIME, nullable=False),
    Index("ix_saved_questions_region", "region", postgresql_where=text("is_shared")),
)
