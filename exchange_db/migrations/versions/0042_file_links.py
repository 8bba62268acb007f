"""Links that go by files."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "file_links",
        sa.Column("destination_id", sa.Integer(), nullable=False, autoincrement=False),
        _number("exported_sequence"),
        sa.Column("told", sa.Text(), nullable=False, server_default=""),
        sa.Column("exported_time", _TIME, nullable=True),
        sa.Column("imported_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("pk_file_links")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "file_streams",
        sa.Column("stream_id", sa.Integer(), nullable=False, autoincrement=False),
        _number("answered_sequence"),
        _number("settled_sequence"),
        _number("known_sequence"),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_file_streams")),
        postgresql_with={"fillfactor": "70"},
    )


def downgrade() -> None:
    for table in ("file_streams", "file_links"):
        op.drop_table(table)
