"""Bringing a backup back: into a database that holds nothing yet, or, of a whole server, into an empty folder.

Everything is checked before the first byte is written: the manifest's signature, every part's digest. A restored
ledger is marked (``exchange_db.restores``), and does not serve before its neighbours were asked for what it lost.
"""

import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from exchange_db.embedded import hand_over
from exchange_db.session import driver_url
from exchange_db.snapshots import Contents, contents_of, exported
from hub.backup import manifest as manifests
from hub.backup.cipher import SealBroken, opened
from hub.backup.making import evidence_place
from hub.backup.manifest import ATTACHMENTS, FILES, LEDGER, Manifest
from hub.backup.tools import address_of, environment_of, feed, server_major, tool
from hub.evidence.store import EvidenceStore


class NotEmpty(Exception):
    """The place a backup is to be restored to holds something already."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} 不是空的。恢复只写入空库或空目录：请先把原库改名或另指定数据库。"
            f" / {place} is not empty: rename what is there, or name another place."
        )


class Kept(NamedTuple):
    """A backup on disk that was found whole, and the key that opens it."""

    folder: Path
    manifest: Manifest
    key: X25519PrivateKey

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yields the bytes of a part.

        Raises:
            SealBroken: it was altered, cut off, or sealed to another key.
        """
        with (self.folder / f"{name}.sealed").open("rb") as file:
            yield from opened(file, self.key, self.manifest.label(name))


def take(folder: Path, authorities: bytes, key: X25519PrivateKey, hub_id: str) -> Kept:
    """Returns a backup after its manifest and all parts were checked.

    Raises:
        ManifestInvalid: it is not whole, was altered, or is another hub's.
    """
    manifest = manifests.read(folder, authorities)
    if manifest.hub_id != hub_id:
        raise manifests.ManifestInvalid(f"{folder}: 是 {manifest.hub_id} 的备份 / is a backup of {manifest.hub_id}")
    manifests.require_whole(manifest, folder)
    return Kept(folder, manifest, key)


def newest(folder: Path) -> Path | None:
    """Returns the newest backup in a folder; their names rise with time."""
    return max((path.parent for path in folder.glob(f"*/{manifests.NAME}")), default=None)


def restore_ledger(kept: Kept, url: str, tools: Path | None) -> Contents:
    """Restores a dump into an empty database and returns what is in it now.

    Raises:
        NotEmpty, ToolMissing: nothing was written.
        SealBroken, ToolFailed: it failed; the database was left empty, because all of it is one transaction.
    """
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if found is None or found[0]:
        raise NotEmpty(f"{url.rpartition('@')[2]}")
    program = tool("pg_restore", max(server_major(url), kept.manifest.dumped_by), tools)
    words = [
        "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
        f"--dbname={address_of(url)}",
    ]  # fmt: skip
    feed(program, words, kept.pieces(LEDGER), environment_of(url))
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute("ANALYZE")
    return contents_in(url)


def contents_in(url: str) -> Contents:
    """Returns what a ledger holds now."""
    with exported(url) as (connection, _):
        return contents_of(connection)


def unpack_server(kept: Kept, folder: Path) -> None:
    """Unpacks a whole server into an empty folder.

    Raises:
        NotEmpty: the folder holds something.
        SealBroken: the backup was altered or cut off.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty(str(folder))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(fileobj=_Reader(kept.pieces(LEDGER)), mode="r|") as tar:
        tar.extractall(folder, filter=_plain)  # noqa: S202 — the filter lets nothing out of the folder
    (folder / "log").unlink(missing_ok=True)
    folder.chmod(0o700)
    hand_over(folder)


def files_of(kept: Kept, folder: Path) -> list[Path]:
    """Writes the files of the host a backup holds into a folder of their own, each readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(b"".join(kept.pieces(FILES)))) as tar:
        tar.extractall(folder, filter="data")
    found = sorted(folder.iterdir())
    for path in found:
        path.chmod(0o600)
    return found


def digests_of(kept: Kept) -> list[str]:
    """Returns the digests of the evidence that belongs to a backup."""
    return b"".join(kept.pieces(ATTACHMENTS)).decode().split()


async def restore_evidence(kept: Kept, store: EvidenceStore, scratch: Path) -> tuple[int, list[str]]:
    """Puts evidence back into the store; returns how much, and the digests no backup has or that do not open."""
    missing, count = [], 0
    scratch.mkdir(parents=True, exist_ok=True)
    for digest in [] if kept.manifest.attachment_bucket else digests_of(kept):
        place = evidence_place(kept.folder.parent, digest)
        coming = scratch / f"{digest}.restored"
        try:
            with place.open("rb") as file, coming.open("wb") as target:
                for piece in opened(file, kept.key, digest):
                    target.write(piece)
            await store.put(digest, coming)
            count += 1
        except (OSError, SealBroken):
            missing.append(digest)
        finally:
            coming.unlink(missing_ok=True)
    return count, missing


def now_utc() -> datetime:
    """Returns the time of this machine: a restore has no other clock yet."""
    return datetime.now(UTC)


def _plain(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """Lets nothing out of the folder, and leaves owners of another machine aside."""
    checked = tarfile.tar_filter(member, path)
    return checked.replace(uid=None, gid=None, uname=None, gname=None, deep=False)  # type: ignore[arg-type]


class _Reader(io.RawIOBase):
    """Pieces as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = b""

    def readable(self) -> bool:
        """Tells that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes, fewer only at the end."""
        held = bytearray(self._waiting)
        while size < 0 or len(held) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            held += piece
        self._waiting = bytes(held[size:]) if size >= 0 else b""
        return bytes(held if size < 0 else held[:size])
