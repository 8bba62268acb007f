"""Who runs what: leases, the plan and the log of scheduled jobs; and how much the tables hold."""

from sqlalchemy import BigInteger, Column, Date, Double, Identity, Index, Integer, Table, Text

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

#: What the processes that run jobs have told of their plan; ``wanted_time`` is set while somebody waits for a run
#: before its time.
job_plans = Table(
    "job_plans",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("seconds", Double, nullable=False),
    Column("holder", Text, nullable=False),
    Column("planned_time", TIME, nullable=False),
    Column("wanted_time", TIME),
)

#: How many bytes the ledger's tables held at the end of a day, with their indexes; ``month`` is that of the log's
#: month (202006), 0 for tables without months.
storage_samples = Table(
    "storage_samples",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("byte_count", BigInteger, nullable=False),
)
