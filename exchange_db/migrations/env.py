"""Alembic's entry point; ``exchange_db.migrate`` hands the connection in."""

from alembic import context

from exchange_db.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=True,
    include_name=lambda name, kind, _: not (kind == "table" and name is not None and name.startswith("inbox_2")),
)
with context.begin_transaction():
    context.run_migrations()
