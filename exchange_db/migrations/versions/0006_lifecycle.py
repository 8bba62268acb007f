"""What the whole life cycle needs to know of a case, and the steps its clocks are counted by."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTS = ("return_count", "check_levels", "appeal_state")
_TIMES = ("suspended_time", "suspended_until_time", "resumed_deadline_time", "request_time")


def upgrade() -> None:
    op.add_column("cases", sa.Column("is_ruled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column("cases", "is_ruled", server_default=None)
    for name in _COUNTS:
        op.add_column("cases", sa.Column(name, sa.SmallInteger(), server_default="0", nullable=False))
        op.alter_column("cases", name, server_default=None)
    for name in _TIMES:
        op.add_column("cases", sa.Column(name, sa.DateTime(timezone=True)))
    # Steps from before are dated by when they came in, and have no state: better is not known.
    op.add_column("case_sections", sa.Column("state", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column(
        "case_sections",
        sa.Column("step_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.execute("UPDATE case_sections s SET step_time = i.received_time FROM inbox i WHERE i.inbox_id = s.inbox_id")
    op.alter_column("case_sections", "state", server_default=None)
    op.alter_column("case_sections", "step_time", server_default=None)


def downgrade() -> None:
    for name in ("step_time", "state"):
        op.drop_column("case_sections", name)
    for name in (*_TIMES, *_COUNTS, "is_ruled"):
        op.drop_column("cases", name)
