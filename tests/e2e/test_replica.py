"""The console's pages are read from a streaming replica while it answers, and from the server while it does not."""

import asyncio
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
import pytest

from exchange_db import replica
from exchange_db.embedded import EmbeddedServer
from exchange_db.replica import ReplicaLedger
from exchange_db.session import Ledger
from hub.demo.staging import free_port
from tests.support.stages import until


def _program(server: EmbeddedServer, name: str) -> Path:
    """Returns a program of the embedded server's own version."""
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT setting FROM pg_config() WHERE name = 'BINDIR'").fetchone()
    assert row is not None
    return Path(row[0]) / name


def _as_owner(folder: Path) -> dict[str, Any]:
    """PostgreSQL runs as whoever owns its folder, never as root."""
    owner = pwd.getpwuid(folder.stat().st_uid)
    return {"user": owner.pw_name} if os.geteuid() == 0 else {}


@contextmanager
def _standby(server: EmbeddedServer) -> Iterator[str]:
    """Yields the URL of a replica of the whole server; stops it when the block ends."""
    port, running = free_port(), _as_owner(server.folder)
    folder = Path(tempfile.mkdtemp(prefix="sanji-replica-"))
    data = folder / "data"
    try:
        if running:
            shutil.chown(folder, running["user"])
        base: list[str | Path] = [
            _program(server, "pg_basebackup"),
            "--pgdata",
            data,
            "--write-recovery-conf",
            "--checkpoint=fast",
        ]
        subprocess.run([*base, "--dbname", server.url()], check=True, capture_output=True, **running)
        address = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        control: list[str | Path] = [_program(server, "pg_ctl"), "--pgdata", data]
        subprocess.run(
            [*control, "--wait", "--log", folder / "log", "--options", address, "start"],
            check=True, stdout=subprocess.DEVNULL, **running,
        )  # fmt: skip
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            subprocess.run([*control, "--mode=immediate", "stop"], check=True, stdout=subprocess.DEVNULL, **running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _asked(ledger: Ledger) -> tuple[bool, int]:
    """Returns whether a replica answered, and how many notes it knows."""
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT pg_is_in_recovery(), (SELECT count(*) FROM notes)")
        row = await cursor.fetchone()
    assert row is not None
    return bool(row[0]), int(row[1])


async def test_pages_read_the_replica_and_the_server_when_it_is_gone(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "PAUSE_SECONDS", 0.0)
    url = await asyncio.to_thread(server.ensure_database, "replicated")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (note int)")
    async with Ledger(url, pool_size=1) as ledger:
        with _standby(server) as address:
            async with ReplicaLedger(ledger, f"{address}/replicated") as reading:
                async with reading.write() as session:
                    await session.driver.execute("INSERT INTO notes VALUES (1)")

                async def has_arrived() -> bool:
                    return await _asked(reading) == (True, 1)

                await until(has_arrived, "the note at the replica")
                assert await _asked(ledger) == (False, 1)
        # Gone: a pool that still has a connection to it notices as well.
        async with ReplicaLedger(ledger, f"{address}/replicated") as reading:
            assert await _asked(reading) == (False, 1)


async def test_a_replica_that_goes_away_between_two_questions_is_noticed(server: EmbeddedServer) -> None:
    url = await asyncio.to_thread(server.ensure_database, "replicated_later")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (note int)")
    async with Ledger(url, pool_size=1) as ledger, ReplicaLedger(ledger, url) as reading:
        assert await _asked(reading) == (False, 0)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await _asked(reading) == (False, 0)
