"""Who runs what: leases, and the log of scheduled jobs."""

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: Leases are not worth a durable commit: after a crash of the server the table is empty, and filled anew.
leases = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_time", TIME, nullable=False),
    prefixes=["UNLOGGED"],
    postgresql_with={"fillfactor": "50"},
)

job_runs = Table(
    "job_runs",
    METADATA,
    Column("run_id", BigInteger, Identity(always=True), primary_key=True),
    Column("job", Text, nullable=False),
    Column("started_time", TIME, nullable=False),
    Column("ended_time", TIME),
    Column("result", Text, nullable=False, server_default=""),
    Column("trouble", Text, nullable=False, server_default=""),
    Index("ix_job_runs_job_started", "job", "started_time"),
)
