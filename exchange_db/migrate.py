"""Bringing a ledger's tables to the state this software needs. Called at start-up and by ``sanji database``."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from exchange_db.errors import SchemaOutdated
from exchange_db.session import sqlalchemy_url

#: Key of the advisory lock under which migrations run, so that several processes may start at once.
_LOCK = 0x53414E4A49


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Returns the revision this software needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 — the folder is never empty
    return revision


def is_known(revision: str) -> bool:
    """Tells whether this software has a migration of that name."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def current(url: str) -> str | None:
    """Returns the revision a database has; ``None`` when it is empty."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def upgrade(url: str, revision: str = "head") -> None:
    """Brings a database up to a revision; does nothing when it is there already.

    Raises:
        SchemaOutdated: a newer software made its tables.
    """
    found = current(url)
    if found is not None and not is_known(found):
        raise SchemaOutdated(found)
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Takes a database back to a revision. For tests and for undoing an upgrade that went wrong."""
    _run(url, lambda config: command.downgrade(config, revision))


def _run(url: str, act: Callable[[Config], None]) -> None:
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            act(_config(connection))
    finally:
        engine.dispose()
