"""Who reported a case, sealed; the keys for it; and who sees it unmasked."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "personal_keys",
        sa.Column("key_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key_number", name=op.f("pk_personal_keys")),
    )
    op.create_table(
        "reporters",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("key_number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kept_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_number"], ["personal_keys.key_number"], name=op.f("fk_reporters_key_number")
        ),
        sa.PrimaryKeyConstraint("home_region", "case_id", name=op.f("pk_reporters")),
    )
    op.create_index("ix_reporters_key_number", "reporters", ["key_number"])
    op.create_index("ix_reporters_kept_time", "reporters", ["kept_time"])
    op.create_table(
        "unmaskings",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("until_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "home_region", "case_id", name=op.f("pk_unmaskings")),
    )


def downgrade() -> None:
    op.drop_table("unmaskings")
    op.drop_table("reporters")
    op.drop_table("personal_keys")
