"""PostgreSQL for tests: the embedded server and Debian's 15, each on its own temporary folder and socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from exchange_db import migrate
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import driver_url

DEBIAN_BIN = Path("/usr/lib/postgresql/15/bin")
_TEMPLATE = "template_ledger"
_EMPTY = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' STRATEGY file_copy"
#: Nobody pulls the plug on a test; what survives a crash is tested with servers of their own.
_SPEED = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "1GB"}


class Cluster:
    """A running server that hands out databases. ``url`` points at its maintenance database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = 0
        self._connection = psycopg.connect(driver_url(url), autocommit=True)
        self._set(_SPEED)
        self._has_template = False

    def _set(self, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            self._connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
        self._connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        """Closes the connection databases are made on."""
        self._connection.close()

    @contextmanager
    def durable(self) -> Iterator[None]:
        """Keeps what survives a crash like a server in service does, until the block ends."""
        self._set({"fsync": "on"})
        try:
            yield
        finally:
            self._set(_SPEED)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Yields the URL of an empty database, dropped afterwards."""
        with self._database(_EMPTY) as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """Yields the URL of a fresh ledger, copied from a template that was migrated once; dropped afterwards."""
        if not self._has_template:
            self._connection.execute(
                sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(_TEMPLATE), sql.SQL(_EMPTY))
            )
            migrate.upgrade(self._url_of(_TEMPLATE))
            self._has_template = True
        with self._database(f"TEMPLATE {_TEMPLATE} STRATEGY file_copy") as url:
            yield url

    @contextmanager
    def copied(self, url: str) -> Iterator[str]:
        """Yields the URL of a copy of a database of this server that nobody is connected to; dropped afterwards."""
        name = url.partition("?")[0].rpartition("/")[2]
        with self._database(f"TEMPLATE {name} STRATEGY file_copy") as copy:
            yield copy

    @contextmanager
    def _database(self, how: str) -> Iterator[str]:
        self._count += 1
        name = f"test_{self._count}"
        self._connection.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), sql.SQL(how)))
        try:
            yield self._url_of(name)
        finally:
            self._connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url_of(self, name: str) -> str:
        head, mark, options = self._url.partition("?")
        return head.rpartition("/")[0] + "/" + name + mark + options


@contextmanager
def embedded_cluster() -> Iterator[Cluster]:
    """Yields the PostgreSQL that ships with Sanji, on a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-pg-"))
    try:
        with EmbeddedServer(folder / "data") as server:
            cluster = Cluster(server.url())
            try:
                yield cluster
            finally:
                cluster.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def debian_cluster() -> Iterator[Cluster]:
    """Yields Debian's PostgreSQL 15, run as ``postgres`` when the tests run as root, reached by its socket."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-pg15-"))
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*command: str | Path) -> None:
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **owner)  # type: ignore[call-overload]

    data = folder / "data"
    run(DEBIAN_BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-N")
    options = (
        f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=60 -c timezone=UTC -c jit=off"
    )
    run(DEBIAN_BIN / "pg_ctl", "-D", data, "-w", "-s", "-l", folder / "log", "-o", options, "start")
    try:
        cluster = Cluster(f"postgresql://postgres@/postgres?host={folder}")
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        run(DEBIAN_BIN / "pg_ctl", "-D", data, "-w", "-s", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
