"""Components as they stand, what changed in them, and the grids they stand in."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TEXTS_AFTER_STATE = (
    "accuracy_class",
    "supervisor_code",
    "supervisor_name",
    "proprietor_code",
    "proprietor_name",
    "maintainer_code",
    "maintainer_name",
)


def upgrade() -> None:
    op.create_table(
        "components",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component_key", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("component_id", sa.Text(), nullable=False),
        sa.Column("id_scheme", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("grid_code", sa.Text(), nullable=False),
        sa.Column("standard_ref", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("crs", sa.SmallInteger(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS_AFTER_STATE),
        sa.Column("initial_time", sa.DateTime(timezone=True)),
        sa.Column("changed_time", sa.DateTime(timezone=True)),
        sa.Column("data_source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "component_key", name=op.f("pk_components")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_components_region_component_key", "components", ["region", "component_key"])
    op.create_table(
        "component_changes",
        sa.Column("home_region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component_key", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("changed_time", sa.DateTime(timezone=True)),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("applied_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("home_region", "component_key", "revision", name=op.f("pk_component_changes")),
    )
    op.create_table(
        "grids",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("grid_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("imported_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outline", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("region", "version", "grid_code", name=op.f("pk_grids")),
    )


def downgrade() -> None:
    op.drop_table("grids")
    op.drop_table("component_changes")
    op.drop_table("components")
