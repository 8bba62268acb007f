"""People, grants, sessions, sign-ons under way, platforms they sign on at, and administrators of the host."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_time", _TIME, nullable=False),
        sa.Column("last_time", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'admitted', 'blocked')", name=op.f("ck_people_state")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
        sa.UniqueConstraint("issuer_id", "subject", name=op.f("uq_people_issuer_id_subject")),
    )
    op.create_table(
        "person_grants",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_person_grants_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "role", "region", name=op.f("pk_person_grants")),
    )
    op.create_table(
        "sessions",
        sa.Column("session_digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_time", _TIME, nullable=False),
        sa.Column("seen_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME, nullable=False),
        sa.Column("auth_time", _TIME, nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("hops", sa.Text(), nullable=False),
        sa.Column("upstream_session", sa.Text(), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_sessions_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_digest", name=op.f("pk_sessions")),
        sa.UniqueConstraint("session_id", name=op.f("uq_sessions_session_id")),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])
    op.create_index("ix_sessions_upstream_session", "sessions", ["upstream_session"])
    op.create_table(
        "sign_on_flows",
        sa.Column("state_digest", sa.LargeBinary(), nullable=False),
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("return_path", sa.Text(), nullable=False),
        sa.Column("max_age", sa.Integer(), nullable=True),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("created_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_sign_on_flows")),
    )
    op.create_table(
        "upstreams",
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("added_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("upstream_id", name=op.f("pk_upstreams")),
    )
    op.create_table(
        "used_logout_tokens",
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("end_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("upstream_id", "token_id", name=op.f("pk_used_logout_tokens")),
    )
    op.create_table(
        "local_administrators",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=False),
        sa.Column("recovery_digests", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('active', 'blocked')", name=op.f("ck_local_administrators_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_local_administrators")),
    )
    op.create_table(
        "local_attempts",
        sa.Column("name_digest", sa.LargeBinary(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("failed_time", _TIME, nullable=False),
        sa.Column("locked_until_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("name_digest", name=op.f("pk_local_attempts")),
    )


def downgrade() -> None:
    for table in (
        "local_attempts",
        "local_administrators",
        "used_logout_tokens",
        "upstreams",
        "sign_on_flows",
        "sessions",
        "person_grants",
        "people",
    ):
        op.drop_table(table)
