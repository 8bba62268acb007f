"""Proposals of sensitive operations, and what a second person decided. Decisions are never changed or deleted."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text, Uuid

from exchange_db.tables.base import METADATA, TIME

#: ``content`` is what is proposed, signed; the other columns repeat what is searched for, or tell how far it is.
proposals = Table(
    "proposals",
    METADATA,
    Column("proposal_id", Uuid, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("expires_time", TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("done_count", BigInteger, nullable=False, server_default="0"),
    Column("total_count", BigInteger, nullable=False, server_default="0"),
    Column("is_abort_wanted", Boolean, nullable=False, server_default="false"),
    Column("result", Text, nullable=False, server_default=""),
    Column("begun_time", TIME),
    Column("ended_time", TIME),
    Index("ix_proposals_made_time", "made_time"),
)

#: One decision a proposal, whoever came first.
proposal_decisions = Table(
    "proposal_decisions",
    METADATA,
    Column("proposal_id", Uuid, primary_key=True),
    Column("decider", Text, nullable=False),
    Column("is_approved", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificates", LargeBinary, nullable=False),
    Column("decided_time", TIME, nullable=False),
)
