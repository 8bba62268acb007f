"""The audit log: entries that are never changed, checkpoints, and neighbours' signatures on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_KEPT = ("audit_entries", "audit_nodes", "audit_checkpoints", "audit_countersignatures", "audit_witnessed")
#: SM3 of the text every log begins with, see ``exchange_db.audit_hashes``.
_BEGINNING = "43ab1cc97fa64a39e96aa6e24fa0109546910a74073a26121afdc76b9f20ed26"

_REFUSING = """
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the audit log is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
_GROWING = """
CREATE FUNCTION audit_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.size > 0 AND (NEW.size <= OLD.size OR NEW.algorithm <> OLD.algorithm) THEN
        RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=False),
        sa.Column("edge", ARRAY(sa.LargeBinary()), nullable=False),
        sa.CheckConstraint("is_head", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("is_head", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    for column in ("actor", "action", "object"):
        op.create_index(f"ix_audit_entries_{column}", "audit_entries", [column, "number"])
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("made_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_countersignatures",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("received_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "size", name=op.f("pk_audit_countersignatures")),
    )
    op.create_table(
        "audit_witnessed",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.LargeBinary(), nullable=False),
        sa.Column("witnessed_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "size", "root", "is_signed", name=op.f("pk_audit_witnessed")),
    )
    op.execute(
        "INSERT INTO audit_head (is_head, algorithm, size, chain_hash, edge)"
        f" VALUES (true, 'SM3', 0, '\\x{_BEGINNING}', '{{}}')"
    )
    _keep()


def _keep() -> None:
    """Lets nothing be changed or deleted, not even by who made the tables without meaning to."""
    op.execute(_REFUSING)
    op.execute(_GROWING)
    for table in (*_KEPT, "audit_head"):
        events = "DELETE" if table == "audit_head" else "UPDATE OR DELETE"
        op.execute(
            f"CREATE TRIGGER kept BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
        )
        op.execute(
            f"CREATE TRIGGER whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()"
        )
    op.execute(
        "CREATE TRIGGER grows BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_head_grows()"
    )


def downgrade() -> None:
    for table in ("audit_head", *_KEPT):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_is_kept()")
    op.execute("DROP FUNCTION audit_head_grows()")
