"""What apply needs to know of a record, beside its payload; rows from before are read from their payload."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("facts", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("inbox", "facts")
