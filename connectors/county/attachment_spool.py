"""What evidence a county still has to hand in: copies of the files, and a list of uploads, on its own disk.

A file is copied before the case that names it is reported, so whatever becomes of the original, what was named can be
sent. One process at a time: the list stays locked while it is open. Called by ``connectors.county.attachments``.
"""

import hashlib
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from connectors.county.spool import SpoolInvalid
from exchange_db.attachment_records import AttachmentKind, Offer

_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    upload_id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL, kind INTEGER NOT NULL, issuer_id TEXT NOT NULL, case_no TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', reason TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    UNIQUE (digest, issuer_id, case_no)
);
CREATE INDEX IF NOT EXISTS ix_uploads_waiting ON uploads (upload_id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS ix_uploads_refused ON uploads (upload_id) WHERE state = 'refused';
"""
_PIECE = 1024 * 1024
_OFFER = "digest, size_bytes, media_type, kind, issuer_id, case_no"


class Waiting(NamedTuple):
    """An upload that is not done."""

    upload_id: int
    offer: Offer


class RefusedUpload(NamedTuple):
    """An upload the hub refused, with its reason."""

    upload_id: int
    offer: Offer
    reason: str
    message: str


class AttachmentSpool:
    """The files and the list, open and locked.

    Args:
        path: the list; made when missing. The files lie in a folder beside it.

    Raises:
        SpoolInvalid: another process has it, it is damaged, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path.with_name(f"{path.name}.files")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._list = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise _invalid(path, error) from None
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._list.execute(f"PRAGMA {pragma}")
            self._list.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._list.close()
            raise _invalid(path, error) from None

    def close(self) -> None:
        """Closes and unlocks it."""
        self._list.close()

    def keep(self, path: Path) -> tuple[str, int]:
        """Copies a file; returns the digest of what was copied and its size. The copy is on the disk then.

        Raises:
            OSError: the file cannot be read, or the copy not be written.
        """
        copy = self.folder / f"{uuid.uuid4().hex}.new"
        hashing, size = hashlib.sha256(), 0
        try:
            with path.open("rb") as original, copy.open("xb") as file:
                while piece := original.read(_PIECE):
                    hashing.update(piece)
                    file.write(piece)
                    size += len(piece)
                file.flush()
                os.fsync(file.fileno())
            copy.replace(self.path_of(hashing.hexdigest()))
        finally:
            copy.unlink(missing_ok=True)
        return hashing.hexdigest(), size

    def path_of(self, digest: str) -> Path:
        """Returns where the copy of a file lies."""
        return self.folder / digest

    def add(self, offers: list[Offer]) -> None:
        """Puts uploads on the list, each once; one that was refused before is tried again."""
        with self._transaction():
            self._list.executemany(
                f"INSERT INTO uploads ({_OFFER}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 — constant
                " ON CONFLICT DO UPDATE SET state = 'waiting', reason = '', message = '' WHERE state = 'refused'",
                [(*offer[:3], int(offer.kind), *offer[4:]) for offer in offers],
            )

    def next(self) -> Waiting | None:
        """Returns the oldest upload that is not done."""
        row = self._list.execute(
            f"SELECT upload_id, {_OFFER} FROM uploads WHERE state = 'waiting' ORDER BY upload_id LIMIT 1"  # noqa: S608
        ).fetchone()
        return Waiting(row[0], _offer(row[1:])) if row else None

    def waiting_count(self) -> int:
        """Returns how many uploads are not done."""
        row = self._list.execute("SELECT count(*) FROM uploads WHERE state = 'waiting'").fetchone()
        return int(row[0])

    def finish(self, waiting: Waiting) -> None:
        """Notes that the hub has it; the copy goes when no other upload needs it."""
        with self._transaction():
            self._list.execute("UPDATE uploads SET state = 'done' WHERE upload_id = ?", (waiting.upload_id,))
        row = self._list.execute(
            "SELECT count(*) FROM uploads WHERE digest = ? AND state <> 'done'", (waiting.offer.digest,)
        ).fetchone()
        if not row[0]:
            self.path_of(waiting.offer.digest).unlink(missing_ok=True)

    def refuse(self, waiting: Waiting, reason: str, message: str) -> None:
        """Notes that the hub does not want it; the copy stays."""
        with self._transaction():
            self._list.execute(
                "UPDATE uploads SET state = 'refused', reason = ?, message = ? WHERE upload_id = ?",
                (reason, message[:1_000], waiting.upload_id),
            )

    def refused(self) -> list[RefusedUpload]:
        """Returns what the hub refused, oldest first."""
        found = self._list.execute(
            f"SELECT upload_id, reason, message, {_OFFER} FROM uploads WHERE state = 'refused'"  # noqa: S608 — constant
            " ORDER BY upload_id"
        )
        return [RefusedUpload(row[0], _offer(row[3:]), row[1], row[2]) for row in found]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._list.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._list.execute("ROLLBACK")
            raise
        self._list.execute("COMMIT")


def _offer(row: tuple[str, int, str, int, str, str]) -> Offer:
    return Offer(row[0], row[1], row[2], AttachmentKind(row[3]), row[4], row[5])


def _invalid(path: Path, error: Exception) -> SpoolInvalid:
    return SpoolInvalid(
        f"无法使用 {path}（{error}），请确认没有其他进程在用，并检查目录权限和磁盘空间。"
        " / cannot be used: is another process using it? Look at the folder's rights and the disk."
    )
