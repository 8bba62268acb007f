"""Partners' database servers that can be killed, put back to a backup, and reached over a line that can be cut."""

import os
import pwd
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psycopg

from hub.demo.mariadb import MariadbServer
from hub.demo.staging import free_port
from tests.support.outages import OwnServer


class Killable(Protocol):
    """A server with a hand on its plug. ``address`` is the URL of the partner's database."""

    @property
    def address(self) -> str:
        """URL of the partner's database."""

    def kill(self) -> None:
        """Ends all its processes at once."""

    def resume(self) -> None:
        """Starts it again."""


class PartnerPostgresql(OwnServer):
    """Debian's PostgreSQL 15 as a partner's server, durable, reached by a port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._backup = folder.with_name("backup")

    @property
    def address(self) -> str:
        return self.address_at(self.port)

    def address_at(self, port: int) -> str:
        """Returns the URL of the partner's database by way of another port."""
        return f"postgresql://postgres@127.0.0.1:{port}/partner"

    def start(self) -> "PartnerPostgresql":
        super().start()
        self.make_database()
        return self

    def make_database(self) -> None:
        """Makes the partner's database, empty."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS partner WITH (FORCE)")
            connection.execute("CREATE DATABASE partner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'")

    def resume(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c jit=off"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """Ends all its processes at once, as a power cut would (SIGKILL)."""
        postmaster = int((self.folder / "postmaster.pid").read_text().split()[0])
        # Stopped first, so that it brings no more children into the world.
        os.kill(postmaster, signal.SIGSTOP)
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in (*map(int, children), postmaster):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for process in (*map(int, children), postmaster):
            while _is_alive(process):
                time.sleep(0.001)
        # Where nobody buries the dead, the next server would take its number for a living one.
        (self.folder / "postmaster.pid").unlink()

    def back_up(self) -> None:
        """Copies its folder as it stands; the server is stopped meanwhile."""
        self.halt("fast")
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self.folder, self._backup, ignore=shutil.ignore_patterns(".s.*"))
        self.resume()

    def go_back(self) -> None:
        """Puts the backup in place of the folder; the server must have ended, and stays so."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._backup, self.folder)
        self.folder.chmod(0o700)
        if self.user:
            owner = pwd.getpwnam(self.user)
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)


class PartnerMariadb:
    """Debian's MariaDB as a partner's server. What it has committed survives its own end, if not the machine's."""

    def __init__(self, server: MariadbServer, database: str) -> None:
        self._server = server
        self.address = server.url_of(database)

    def kill(self) -> None:
        """Ends it at once."""
        self._server.kill()

    def resume(self) -> None:
        """Starts it again."""
        self._server.start()


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", maxsplit=1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
