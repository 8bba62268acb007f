"""Lists of people that platforms bring, and accounts that are one person's."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "list_secrets",
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["upstreams.upstream_id"], name=op.f("fk_list_secrets_upstream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upstream_id", name=op.f("pk_list_secrets")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_list_secrets_secret_digest")),
    )
    op.create_table(
        "listed_people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("formatted", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_blocked_by_list", sa.Boolean(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("changed_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_listed_people_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_listed_people")),
    )
    op.create_index(
        "ux_listed_people_user_name", "listed_people", ["upstream_id", "user_name"], unique=True,
        postgresql_where=sa.text("NOT is_gone"),
    )  # fmt: skip
    op.create_index(
        "ux_listed_people_external_id", "listed_people", ["upstream_id", "external_id"], unique=True,
        postgresql_where=sa.text("NOT is_gone AND external_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "person_links",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("linked_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_person_links_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_links")),
    )
    op.create_index(op.f("ix_person_links_group_id"), "person_links", ["group_id"])
    op.add_column("sign_on_flows", sa.Column("linked_session", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("sign_on_flows", "linked_session")
    op.drop_table("person_links")
    op.drop_table("listed_people")
    op.drop_table("list_secrets")
