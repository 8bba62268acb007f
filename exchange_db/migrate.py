"""Bringing a ledger's tables to the state this software needs. Called at start-up and by every command with a ledger.

Mostly there is nothing to do, so what tells that is quick, and Alembic is loaded only when there is something.
"""

import logging
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import Connection as DriverConnection
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from exchange_db.audit import append_now
from exchange_db.audit_records import AuditEntry
from exchange_db.errors import MigrationBlocked, SchemaOutdated
from exchange_db.session import driver_url, sqlalchemy_url

if TYPE_CHECKING:
    from alembic.config import Config

logger = logging.getLogger(__name__)

#: Key of the advisory lock under which migrations run, so that several processes may start at once.
_LOCK = 0x53414E4A49
_OPEN_TRANSACTIONS = (
    "SELECT pid, usename, extract(epoch FROM now() - xact_start)::float8 FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    " ORDER BY xact_start LIMIT 5"
)


class Patience(NamedTuple):
    """How long a change of the tables may hold others up, and how often it is tried.

    While it waits for a table, everything that comes to that table later waits behind it. So it gives up soon, lets
    the others go on, and comes again.
    """

    lock_seconds: float = 3.0
    statement_seconds: float = 3_600.0
    tries: int = 20
    pause_seconds: float = 2.0


PATIENCE = Patience()
_MIGRATIONS = Path(__file__).parent / "migrations"


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 — as the module says

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@cache
def _known() -> tuple[str, ...]:
    """Returns all revisions, oldest first: one chain, each file named by its own."""
    return tuple(sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """Returns the revision this software needs."""
    return _known()[-1]


def is_known(revision: str) -> bool:
    """Tells whether this software has a migration of that name."""
    return revision in _known()


def current(url: str) -> str | None:
    """Returns the revision a database has; ``None`` when it is empty."""
    with psycopg.connect(driver_url(url), autocommit=True) as driver:
        return _revision(driver)


def upgrade(url: str, revision: str = "head", *, actor: str = "hub", patience: Patience = PATIENCE) -> None:
    """Brings a database up to a revision; does nothing when it is there already.

    What changes a ledger that has an audit log is recorded there, by ``actor``, in the same transaction. It may be
    done while a hub serves: whoever waits behind a change waits no longer than ``patience`` says.

    Raises:
        SchemaOutdated: a newer software made its tables.
        MigrationBlocked: others held the tables at every try; nothing was changed.
    """
    found = current(url)
    if found is not None and not is_known(found):
        raise SchemaOutdated(found)
    if revision in {"head", found} and found == head():
        return
    from alembic import command  # noqa: PLC0415 — as the module says

    _run(url, lambda config: command.upgrade(config, revision), actor, patience)


def downgrade(url: str, revision: str, *, actor: str = "hub", patience: Patience = PATIENCE) -> None:
    """Takes a database back to a revision. For tests and for undoing an upgrade that went wrong.

    Raises:
        MigrationBlocked: as ``upgrade``.
    """
    from alembic import command  # noqa: PLC0415 — as the module says

    _run(url, lambda config: command.downgrade(config, revision), actor, patience)


def _run(url: str, act: "Callable[[Config], None]", actor: str, patience: Patience) -> None:
    engine = create_engine(sqlalchemy_url(url))
    try:
        for number in range(1, patience.tries + 1):
            try:
                _change(engine, act, actor, patience)
            except OperationalError as error:
                if not isinstance(error.orig, (LockNotAvailable, QueryCanceled)):
                    raise
                if number == patience.tries:
                    raise MigrationBlocked(number, _holders(engine)) from None
                logger.warning("tables are held by others, try %d of %d: %s", number, patience.tries, _holders(engine))
                time.sleep(patience.pause_seconds)
            else:
                return
    finally:
        engine.dispose()


def _holders(engine: Engine) -> str:
    """Names the sessions whose transactions are open longest: those a change of tables waits for."""
    with engine.connect() as connection:
        rows = connection.execute(text(_OPEN_TRANSACTIONS)).all()
    return ", ".join(f"pid {pid} {user} {seconds:.0f} s" for pid, user, seconds in rows)


def _change(engine: Engine, act: "Callable[[Config], None]", actor: str, patience: Patience) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        # After the lock of migrations themselves: another process may be at it, and that is waited for.
        for name, seconds in (("lock", patience.lock_seconds), ("statement", patience.statement_seconds)):
            connection.execute(text(f"SET LOCAL {name}_timeout = {int(seconds * 1_000)}"))
        before, had_log = _revision(_driver(connection)), _has_log(connection)
        act(_config(connection))
        after = _revision(_driver(connection))
        if had_log and before != after and _has_log(connection):
            entry = AuditEntry(actor=actor, action="database.migrate", object=after or "base", detail={"from": before})
            append_now(_driver(connection), entry)


def _revision(driver: "DriverConnection[Any]") -> str | None:
    known = driver.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    row = driver.execute("SELECT version_num FROM alembic_version").fetchone() if known == (True,) else None
    return None if row is None else str(row[0])


def _has_log(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT to_regclass('audit_head') IS NOT NULL")).scalar_one())


def _driver(connection: Connection) -> "DriverConnection[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, DriverConnection)  # noqa: S101 — the URL names the driver
    return driver
