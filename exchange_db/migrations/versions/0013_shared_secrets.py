"""Secrets of neighbours that call by REST, and the nonces they have used."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_secrets",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("made_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", name=op.f("pk_shared_secrets")),
    )
    op.create_table(
        "used_nonces",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("peer_id", "nonce", name=op.f("pk_used_nonces")),
    )


def downgrade() -> None:
    op.drop_table("used_nonces")
    op.drop_table("shared_secrets")
