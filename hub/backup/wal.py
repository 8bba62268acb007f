"""Archiving WAL sealed, and opening it again for a server that recovers.

The hub fetches the WAL itself (``pg_receivewal`` behind a replication slot), so nothing has to run inside the server,
no server is started anew, and none of it is lost while the hub is down: the slot keeps it. A segment lies in clear in
a folder of the hub's only until it is sealed, compressed. For a recovery segments are opened into the server's own
folder, where its ``restore_command`` is a plain copy. Called by the job ``archive-wal``, ``sanji backup wal`` and
``sanji restore``.
"""

import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from exchange_db.examination import SLOT
from exchange_db.session import driver_url
from hub.backup.cipher import CHUNK, SealBroken, opened, sealed
from hub.backup.tools import address_of, environment_of, output_of, server_major, tool

#: Folder in a recovering server's data folder from which it copies segments.
SPOOL = "sanji_wal"
RESTORE_COMMAND = f'cp {SPOOL}/%f "%p"'
_RECEIVING = ".receiving"
_ENDING = ".sealed"
_SEGMENT = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
_HISTORY = ".history"


class Archived(NamedTuple):
    """How many segments were sealed now, and the newest one in the archive."""

    segment_count: int
    newest: str


def archive(url: str, public_key: X25519PublicKey, folder: Path, tools: Path | None) -> Archived:
    """Brings an archive up to this moment.

    Args:
        url: the server; the role must be allowed to replicate.
        public_key: what segments are sealed to.
        folder: the archive; made when missing.
        tools: where to look for ``pg_receivewal`` first.

    Raises:
        ToolMissing, ToolFailed, OSError, psycopg.Error: it is not up to date; what was not sealed comes the next time.
    """
    receiving = folder / _RECEIVING
    receiving.mkdir(parents=True, exist_ok=True, mode=0o700)
    program = tool("pg_receivewal", server_major(url), tools)
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_create_physical_replication_slot(%(slot)s, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(slot)s)",
            {"slot": SLOT},
        )
        connection.execute("SELECT pg_switch_wal()")
        # The last byte of the last whole segment: behind it the stream is ended.
        row = connection.execute(
            "SELECT '0/0'::pg_lsn + div(pg_current_wal_lsn() - '0/0'::pg_lsn, s.size) * s.size - 1"
            " FROM (SELECT pg_size_bytes(current_setting('wal_segment_size'))::numeric AS size) s"
        ).fetchone()
    assert row is not None  # noqa: S101 — one row always
    words = [f"--directory={receiving}", f"--slot={SLOT}", "--no-loop", f"--endpos={row[0]}"]
    for _ in output_of(program, [*words, f"--dbname={address_of(url)}"], environment_of(url)):
        pass
    count = 0
    for path in sorted(receiving.iterdir()):
        if _SEGMENT.fullmatch(path.name):
            _seal(path, folder / f"{path.name}{_ENDING}", public_key)
            path.unlink()
            count += 1
    return Archived(count, newest(folder))


def newest(folder: Path) -> str:
    """Returns the name of the newest segment in an archive; empty for none."""
    names = (path.name.removesuffix(_ENDING) for path in folder.glob(f"*{_ENDING}"))
    return max((name for name in names if not name.endswith(_HISTORY)), default="")


def open_into(archive_folder: Path, key: X25519PrivateKey, data_folder: Path) -> int:
    """Opens what an archive has and a server's folder has not; returns how many segments that were.

    Raises:
        SealBroken: one was altered, cut off, or sealed to another key.
        OSError: it cannot be read or written.
    """
    spool, owner = data_folder / SPOOL, data_folder.stat()
    spool.mkdir(exist_ok=True, mode=0o700)
    os.chown(spool, owner.st_uid, owner.st_gid)
    count = 0
    for path in sorted(archive_folder.glob(f"*{_ENDING}")):
        name = path.name.removesuffix(_ENDING)
        target = spool / name
        if not target.exists():
            coming = spool / f"{name}.coming"
            with path.open("rb") as file, coming.open("wb") as plain:
                plain.writelines(_inflated(opened(file, key, name), name))
            os.chown(coming, owner.st_uid, owner.st_gid)
            coming.rename(target)
            count += 1
    return count


def forget(data_folder: Path) -> None:
    """Removes what was opened for a recovery that has ended."""
    shutil.rmtree(data_folder / SPOOL, ignore_errors=True)


def _seal(source: Path, target: Path, public_key: X25519PublicKey) -> None:
    """Writes a sealed copy, whole or not at all."""
    coming = target.with_suffix(".coming")
    with source.open("rb") as plain, coming.open("wb") as file:
        pieces = iter(lambda: plain.read(CHUNK), b"")
        file.writelines(sealed(_deflated(pieces), public_key, source.name))
        file.flush()
        os.fsync(file.fileno())
    coming.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _deflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    squeezing = zlib.compressobj(1)
    for piece in pieces:
        yield squeezing.compress(piece)
    yield squeezing.flush()


def _inflated(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    unfolding = zlib.decompressobj()
    for piece in pieces:
        yield unfolding.decompress(piece)
    yield unfolding.flush()
    if not unfolding.eof:
        raise SealBroken(name)
