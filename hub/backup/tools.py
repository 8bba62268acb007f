"""PostgreSQL's own programs, ``pg_dump`` and the like: where they are, and whether they fit the server.

The embedded server brings its own. For another server they are looked for in ``backup.tools``, in the folders
PostgreSQL is packaged into, and on the path. A program must not be older than its server.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg

from exchange_db.embedded import programs_folders
from exchange_db.session import driver_url

_PACKAGED = (Path("/usr/lib/postgresql"), Path("/usr/pgsql"))
_PIECE = 256 * 1024


class ToolMissing(Exception):
    """No fitting program was found."""

    def __init__(self, name: str, server: int, seen: list[str]) -> None:
        found = "、".join(seen) or "—"
        super().__init__(
            f"找不到适合 PostgreSQL {server} 的 {name}（找到：{found}）。请安装 postgresql-client-{server}，"
            f"或在 backup.tools 中指明其目录。 / No {name} for PostgreSQL {server}: install postgresql-client-{server}"
            " or name its folder in backup.tools."
        )


class ToolFailed(Exception):
    """A program ended with an error; the text is what it said last."""


def server_major(url: str) -> int:
    """Returns the major version of the server a database is on.

    Raises:
        psycopg.Error: it does not answer.
    """
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        return connection.info.server_version // 10_000


def tool(name: str, server: int, folder: Path | None = None) -> Path:
    """Returns the program of that name that fits a server.

    Args:
        name: ``pg_dump``, ``pg_restore`` or ``pg_basebackup``.
        server: major version of the server.
        folder: where to look before anywhere else.

    Raises:
        ToolMissing: there is none, or only older ones.
    """
    seen = []
    for place in _places(name, server, folder):
        if place.is_file() and os.access(place, os.X_OK):
            version = _version(place)
            if version >= server:
                return place
            seen.append(f"{place} {version}")
    raise ToolMissing(name, server, seen)


def _places(name: str, server: int, folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder / name
    for packaged in _PACKAGED:
        yield packaged / str(server) / "bin" / name
    yield from (own / name for own in programs_folders())
    found = shutil.which(name)
    if found:
        yield Path(found)


def _version(program: Path) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 — found above
    found = re.search(r"\) (\d+)", told.stdout)
    return int(found.group(1)) if found else 0


def output_of(program: Path, words: list[str], environment: dict[str, str]) -> Iterator[bytes]:
    """Yields what a program writes, in pieces.

    Raises:
        ToolFailed: it ended with an error.
    """
    with _started(program, words, environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        told = _Told(process)
        assert process.stdout is not None  # noqa: S101 — a pipe was asked for
        try:
            while piece := process.stdout.read(_PIECE):
                yield piece
        except GeneratorExit:
            process.kill()
            raise
        finally:
            process.wait()
            told.join()
        told.require_well(program)


def address_of(url: str) -> str:
    """Returns the address of a database without its password, which must not stand in the list of processes."""
    return psycopg.conninfo.make_conninfo(driver_url(url), password=None)


def environment_of(url: str) -> dict[str, str]:
    """Returns the password of a database as PostgreSQL's programs read it."""
    password = psycopg.conninfo.conninfo_to_dict(driver_url(url)).get("password")
    return {"PGPASSWORD": str(password)} if password else {}


def feed(program: Path, words: list[str], pieces: Iterable[bytes], environment: dict[str, str]) -> None:
    """Gives a program bytes to read, and waits for its end.

    Raises:
        ToolFailed: it ended with an error.
        Exception: whatever the pieces raised; the program is ended then.
    """
    with _started(program, words, environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        told = _Told(process)
        assert process.stdin is not None  # noqa: S101 — a pipe was asked for
        try:
            # A program that has ended says why below.
            with suppress(BrokenPipeError):
                for piece in pieces:
                    process.stdin.write(piece)
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(OSError):
                process.stdin.close()
            process.wait()
            told.join()
        told.require_well(program)


def _started(
    program: Path, words: list[str], environment: dict[str, str], *, stdin: int, stdout: int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 — a program of PostgreSQL's, with words of ours
        [program, *words],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_MESSAGES": "C", **environment},
    )


class _Told:
    """What a program says on its standard error, read beside its output so that neither waits for the other."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 — a pipe was asked for
        for line in self._process.stderr:
            self._lines = [*self._lines[-4:], line.decode(errors="replace").rstrip()]

    def join(self) -> None:
        """Waits until all was read."""
        self._thread.join()

    def require_well(self, program: Path) -> None:
        """Raises when the program ended with an error."""
        if self._process.returncode:
            raise ToolFailed(f"{program.name}: {'; '.join(self._lines) or self._process.returncode}")
