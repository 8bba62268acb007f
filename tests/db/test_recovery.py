"""A whole server from a base backup and its archive: to a point in time, and following until it is cut over."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from exchange_db import migrate
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.backup import recovery, wal
from hub.backup.catching_up import StillFollowing, require_caught_up
from hub.backup.cipher import SealBroken, make_keys, read_private_key, read_public_key
from hub.backup.making import BackupMaker
from hub.backup.restoring import Kept, take, unpack_server
from hub.clock import system_clock
from hub.sections.backup import BackupPart
from hub.settings import HubPart, Settings, TlsPart
from tests.support.audit_logs import AUTHORITY, CITY, HUBS


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets lie in the servers' folders."""
    made = Path(tempfile.mkdtemp(prefix="sanji-pitr-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _settings(folder: Path) -> Settings:
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
    (folder / "hub.key").write_bytes(HUBS[CITY].key)
    make_keys(folder / "backup.pub", folder / "backup.key", b"")
    tls = TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key")
    part = BackupPart(
        folder=folder / "kept", public_key=folder / "backup.pub", recovery_key=folder / "backup.key", kind="base",
        wal_folder=folder / "wal", scratch=folder / "scratch",
    )  # fmt: skip
    return Settings(hub=HubPart(id=CITY, name="怀化"), tls=tls, backup=part)


def _write(url: str, name: str) -> datetime:
    """Writes a row, and returns a moment after it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO job_runs (job, started_time) VALUES (%s, now())",
            (name,),
        )
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment


def _jobs(url: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        return [row[0] for row in connection.execute("SELECT job FROM job_runs ORDER BY run_id").fetchall()]


async def _backed_up(folder: Path, settings: Settings) -> tuple[Kept, datetime]:
    """Runs a server that archives, backs it up between two rows, and writes a third; returns a moment before that."""
    part = settings.backup
    assert part.folder is not None
    assert part.wal_folder is not None
    assert part.public_key is not None
    public_key = read_public_key(part.public_key)
    with EmbeddedServer(folder / "old") as server:
        url = server.ensure_database("sanji")
        migrate.upgrade(url)
        _write(url, "first")
        wal.archive(url, public_key, part.wal_folder, None)
        async with Ledger(url, pool_size=0) as ledger:
            manifest = await BackupMaker(ledger, settings, system_clock).make()
        moment = _write(url, "second")
        _write(url, "third")
        archived = await asyncio.to_thread(wal.archive, url, public_key, part.wal_folder, None)
        assert archived.segment_count >= 1
        assert archived.newest == wal.newest(part.wal_folder)
        # Nothing was written since: nothing is archived, and nobody waits for it.
        again = await asyncio.to_thread(wal.archive, url, public_key, part.wal_folder, None)
        assert again.newest >= archived.newest
    sealed = sorted(part.wal_folder.glob("*.sealed"))
    assert sealed
    assert all(b"third" not in path.read_bytes() for path in sealed)
    key = read_private_key(folder / "backup.key", b"")
    return take(part.folder / manifest.backup_id, AUTHORITY.certificate, key, CITY), moment


async def test_a_server_goes_to_a_point_in_time_and_another_follows_until_it_is_cut_over(folder: Path) -> None:
    settings = _settings(folder)
    assert settings.backup.wal_folder is not None
    kept, moment = await _backed_up(folder, settings)
    back = folder / "back"
    unpack_server(kept, back)
    assert wal.open_into(settings.backup.wal_folder, kept.key, back) >= 1
    recovery.prepare(back, until=moment)
    with EmbeddedServer(back) as server:
        recovery.wait_until_open(server.url("sanji"))
        assert _jobs(server.url("sanji")) == ["first", "second"]

    new = folder / "new"
    unpack_server(kept, new)
    recovery.prepare(new, follows=True)
    with EmbeddedServer(new) as server:
        url = server.url("sanji")
        standing = recovery.following(url, settings.backup.wal_folder)
        assert standing.is_following
        async with Ledger(url, pool_size=0) as ledger:
            with pytest.raises(StillFollowing):
                await require_caught_up(ledger)
        # While it follows: what comes into the archive is opened for it.
        wal.open_into(settings.backup.wal_folder, kept.key, new)
        recovery.cut_over(url)
        assert not recovery.following(url, settings.backup.wal_folder).is_following
        assert _jobs(url) == ["first", "second", "third"]
        assert _write(url, "fourth") > datetime(2020, 1, 1, tzinfo=UTC)


def test_a_segment_that_was_cut_is_not_opened(folder: Path) -> None:
    settings = _settings(folder)
    assert settings.backup.public_key is not None
    (folder / "wal").mkdir()
    (folder / "data").mkdir()
    source, target = folder / "0000000100000000000000AB", folder / "wal" / "0000000100000000000000AB.sealed"
    source.write_bytes(b"page" * 100)
    wal._seal(source, target, read_public_key(settings.backup.public_key))
    key = read_private_key(folder / "backup.key", b"")
    written = target.read_bytes()
    target.write_bytes(written[:-1])
    with pytest.raises(SealBroken):
        wal.open_into(folder / "wal", key, folder / "data")
    target.write_bytes(written)
    assert wal.open_into(folder / "wal", key, folder / "data") == 1
    assert wal.open_into(folder / "wal", key, folder / "data") == 0
    assert (folder / "data" / wal.SPOOL / source.name).read_bytes() == source.read_bytes()
    wal.forget(folder / "data")
    assert list((folder / "data").iterdir()) == []
