"""The log: what came in, how far each partition is applied, receipts, what was put aside."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("received_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message_key", sa.Uuid(), nullable=False),
        sa.Column("record_kind", sa.SmallInteger(), nullable=False),
        sa.Column("record_key", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "inbox_id", name=op.f("pk_inbox")),
        postgresql_partition_by="RANGE (inbox_id)",
    )
    op.create_table(
        "inbox_head",
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column("last_inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("is_head", name=op.f("pk_inbox_head")),
    )
    op.create_table(
        "inbox_keys",
        sa.Column("message_key", sa.Uuid(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_key", name=op.f("pk_inbox_keys")),
        sa.UniqueConstraint("stream_id", "sequence", name=op.f("uq_inbox_keys_stream_id_sequence")),
    )
    op.create_table(
        "job_runs",
        sa.Column("run_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("started_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_job_started", "job_runs", ["job", "started_time"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        postgresql_with={"fillfactor": "50"},
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "partitions",
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_partitions")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=True),
        sa.Column("destination_id", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Uuid(), nullable=True),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field_path", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resolution", sa.Text(), server_default="open", nullable=False),
        sa.Column("resolved_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.CheckConstraint("resolution IN ('open', 'replayed', 'discarded')", name=op.f("ck_quarantine_resolution")),
        sa.CheckConstraint("stage IN ('intake', 'apply', 'delivery')", name=op.f("ck_quarantine_stage")),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_record", "quarantine", ["record_key"], unique=False)
    op.create_index("ix_quarantine_stream", "quarantine", ["stream_id", "sequence"], unique=False)
    op.create_table(
        "receipt_exceptions",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field_path", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("settled_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "sequence", name=op.f("pk_receipt_exceptions")),
    )
    op.create_table(
        "receipts",
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("last_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("first_inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("settled_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partition", "last_inbox_id", name=op.f("pk_receipts")),
    )
    op.create_table(
        "streams",
        sa.Column("stream_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duplicate_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_streams")),
        sa.UniqueConstraint("sender_id", "name", name=op.f("uq_streams_sender_id_name")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "wakeups",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("is_sleeping", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_wakeups")),
        postgresql_with={"fillfactor": "50"},
        prefixes=["UNLOGGED"],
    )
    op.execute("CREATE TABLE inbox_default PARTITION OF inbox DEFAULT")
    op.execute("INSERT INTO inbox_head (is_head, last_inbox_id) VALUES (true, 0)")
    op.execute("INSERT INTO partitions (partition, cursor_id) SELECT p, 0 FROM generate_series(0, 63) p")
    op.execute(
        "INSERT INTO wakeups (channel, is_sleeping) VALUES ('inbox', false), ('outbox', false),"
        " ('settled', false), ('peers', false)"
    )


def downgrade() -> None:
    op.drop_table("wakeups")
    op.drop_table("streams")
    op.drop_table("receipts")
    op.drop_table("receipt_exceptions")
    op.drop_index("ix_quarantine_stream", table_name="quarantine")
    op.drop_index("ix_quarantine_record", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_table("partitions")
    op.drop_table("leases")
    op.drop_index("ix_job_runs_job_started", table_name="job_runs")
    op.drop_table("job_runs")
    op.drop_table("inbox_keys")
    op.drop_table("inbox_head")
    op.drop_table("inbox")
