"""Migrations: what they make is what the tables say, and they can be undone."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import NullPool

from exchange_db import migrate
from exchange_db.session import sqlalchemy_url
from exchange_db.tables import METADATA


def _connected(url: str) -> Connection:
    return create_engine(sqlalchemy_url(url), poolclass=NullPool).connect()


def _differences(url: str) -> list[object]:
    with _connected(url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and str(name).startswith("inbox_") and name not in METADATA.tables)
                ),
            },
        )
        return list(compare_metadata(context, METADATA))


def _tables(url: str) -> set[str]:
    with _connected(url) as connection:
        names = set(inspect(connection).get_table_names())
    return names - {"alembic_version"}


def test_the_migrations_are_one_chain_in_the_order_of_their_files() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    chain = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert chain[0] == migrate.head()
    assert chain == sorted(chain, reverse=True)
    assert all(map(migrate.is_known, chain))


def test_an_empty_database_becomes_what_the_tables_say(empty_database_url: str) -> None:
    assert migrate.current(empty_database_url) is None
    migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == migrate.head()
    assert _differences(empty_database_url) == []


def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == migrate.head()


def test_the_last_migration_can_be_undone_and_done_again(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    migrate.downgrade(empty_database_url, "-1")
    assert migrate.current(empty_database_url) != migrate.head()
    migrate.upgrade(empty_database_url)
    assert _differences(empty_database_url) == []


def test_everything_can_be_undone_and_done_again(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    made = _tables(empty_database_url)
    migrate.downgrade(empty_database_url, "base")
    assert _tables(empty_database_url) == set()
    migrate.upgrade(empty_database_url)
    assert _tables(empty_database_url) == made
