"""Servers that can be stopped, crashed and filled up in the middle of a test, and what is needed to do so."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from exchange_db.embedded import EmbeddedServer
from tests.support.postgres import DEBIAN_BIN


class Breakable(EmbeddedServer):
    """The embedded server, with a hand on its switch."""

    @property
    def user(self) -> str | None:
        """Who runs it; ``None`` for whoever runs the tests."""
        name: str | None = self._server.system_user
        return name

    @property
    def _bin(self) -> Path:
        return Path(self._server.bin_path)

    def halt(self, mode: str) -> None:
        """Stops it: ``fast`` with a checkpoint, ``immediate`` as a crash; like an operator, one who loses patience."""
        try:
            self.control("stop", "-t", "15", "-m", mode)
        except subprocess.CalledProcessError:
            if mode != "fast":
                raise
            self.control("stop", "-m", "immediate")

    def resume(self) -> None:
        """Starts it again where it stood."""
        place = self._server.get_postmaster_info().socket_dir
        self.control("start", "-l", str(self.folder / "log"), "-o", f"-h '' -k {place}")

    def stop(self) -> None:
        """Ends it; it is not the process any more that its owner started."""
        with suppress(subprocess.CalledProcessError):
            self.halt("immediate")
        self._server._postmaster_info = None
        super().stop()

    def control(self, *words: str) -> None:
        """Runs pg_ctl on it; the server's log says why when that fails."""
        try:
            self.run_as_user(self._bin / "pg_ctl", "-w", "-s", "-D", self.folder, *words)
        except subprocess.CalledProcessError as error:
            told = (self.folder / "log").read_text(errors="replace").splitlines()
            error.add_note("\n".join(line for line in told if "database system is" not in line)[-3_000:])
            raise

    def run_as_user(self, *command: str | Path) -> None:
        """Runs a command as the server's user.

        By ``setpriv`` and not by ``subprocess``'s own ``user``, which makes it fork the slow way, past gRPC's handlers.
        """
        become = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if self.user else []
        subprocess.run([*become, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def lose_a_backend(self, database: str) -> None:
        """Kills -9 one server process of a database: the server throws everybody out and recovers by itself."""
        with self._connect() as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend' LIMIT 1",
                (database,),
            ).fetchone()
        if found is not None:
            with suppress(ProcessLookupError):
                os.kill(found[0], 9)

    @retry(retry=retry_if_exception_type(psycopg.OperationalError), stop=stop_after_delay(30), wait=wait_fixed(0.1))
    def _connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Connects once it has recovered from the blow before."""
        return psycopg.connect(self.url(), autocommit=True)


class OwnServer(Breakable):
    """Debian's PostgreSQL 15 as somebody's own server, reached by its socket."""

    @property
    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    @property
    def _bin(self) -> Path:
        return DEBIAN_BIN

    def start(self) -> "OwnServer":
        """Makes the data folder and starts it."""
        if not DEBIAN_BIN.exists():
            pytest.skip("needs postgresql-15")
        self.folder.mkdir(parents=True)
        if self.user:
            owner = pwd.getpwnam(self.user)
            self.folder.parent.chmod(0o755)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.run_as_user(DEBIAN_BIN / "initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "--no-sync")
        self.resume()
        return self

    def resume(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=100 -c jit=off"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.halt("immediate")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"


@contextmanager
def breakable(kind: type[Breakable]) -> Iterator[Breakable]:
    """Yields a running server of a test's own."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-outage-"))
    try:
        with kind(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class SmallDisk:
    """A file system of a few megabytes that can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, spare_bytes: int = 0) -> None:
        """Takes all space but a little, while others write too."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while (free := shutil.disk_usage(self.folder).free - spare_bytes) > 0:
                file.write(bytes(min(free, 1 << 20)))

    def relieve(self) -> None:
        """Gives the space back."""
        self._ballast.unlink()


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Yields a small disk; skips the test where this user may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-disk-"))
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        try:
            mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
            trouble = mounted.stderr.strip() if mounted.returncode else ""
        except FileNotFoundError:
            trouble = "no mount command"
        if trouble:
            pytest.skip(f"a small disk cannot be mounted here: {trouble}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_tablespace(server: Breakable, disk: SmallDisk, name: str) -> None:
    """Lets databases made from now on lie on the small disk, by default."""
    place = disk.folder / "tables"
    place.mkdir()
    disk.folder.chmod(0o755)
    if server.user:
        owner = pwd.getpwnam(server.user)
        os.chown(place, owner.pw_uid, owner.pw_gid)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(name), sql.Literal(str(place)))
        )
        connection.execute(sql.SQL("ALTER DATABASE template0 SET TABLESPACE {}").format(sql.Identifier(name)))
