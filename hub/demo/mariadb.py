"""MariaDB for the demonstration and the tests: Debian's server on a folder and socket of its own, without a port."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MARIADBD = Path("/usr/sbin/mariadbd")
_INSTALL, _CLIENT = "/usr/bin/mariadb-install-db", "/usr/bin/mariadb"
_START_SECONDS = 60


class MariadbServer:
    """A running server that hands out databases.

    Args:
        folder: its data and its socket.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s.sock"
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with (self.folder / "log").open("wb") as log:
            self._process = self._launched(log)
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(  # noqa: S603 — our own statement
            self._client("-e", "SELECT 1"), check=False, capture_output=True
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def _launched(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 — our own arguments
            [
                MARIADBD, "--no-defaults", f"--datadir={self.folder / 'data'}", f"--socket={self.socket}",
                # A server that starts clears its folder of temporary tables, also of another's.
                f"--pid-file={self.folder / 'pid'}", f"--tmpdir={self.folder}", "--skip-networking",
                "--skip-log-bin", *_as_user(), "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M",
                "--skip-name-resolve",
            ],
            stdout=subprocess.DEVNULL,
            stderr=log,
        )  # fmt: skip

    def kill(self) -> None:
        """Ends the server as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _client(self, *arguments: str) -> list[str]:
        return [_CLIENT, "--no-defaults", f"--socket={self.socket}", "-u", "root", *arguments]

    def run(self, database: str, statements: str) -> str:
        """Runs statements with the command-line client, as a vendor would, and returns what it prints."""
        done = subprocess.run(  # noqa: S603 — our own arguments
            self._client("--default-character-set=utf8mb4", "-B", *([database] if database else [])),
            input=statements.encode(), capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()

    def url_of(self, database: str) -> str:
        """Returns the URL of a database."""
        return f"mysql://root@localhost/{database}?unix_socket={self.socket}"

    @contextmanager
    def database(self, options: str = "CHARACTER SET utf8mb4") -> Iterator[str]:
        """Yields the name of an empty database, dropped afterwards."""
        self._count += 1
        name = f"test_{self._count}"
        self.run("", f"CREATE DATABASE {name} {options}")
        try:
            yield name
        finally:
            self.run("", f"DROP DATABASE {name}")


def _as_user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def mariadb_server() -> Iterator[MariadbServer]:
    """Yields a server of its own in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-my-"))
    try:
        subprocess.run(  # noqa: S603 — our own arguments
            [
                _INSTALL, "--no-defaults", f"--datadir={folder / 'data'}", "--skip-test-db",
                "--auth-root-authentication-method=normal", *_as_user(),
            ],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        server = MariadbServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
