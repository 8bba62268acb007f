"""Bytes that are still arriving: one file for each neighbour and digest, locked, and synced from time to time.

A file belongs to the neighbour that sends it, so nobody can spoil what another one is sending. Everything here blocks;
``hub.evidence.reception`` calls it in a thread.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Self

from exchange_db.records import Violated
from hub.evidence.sniffing import HEAD_BYTES

_READ = 1024 * 1024


class Partial:
    """One file that grows. Made by ``open``; ``size`` is how far it is written, synced or not."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.size = 0
        self._file = file
        self._hashing = hashlib.sha256()
        self._head = bytearray()

    @classmethod
    def open(cls, folder: Path, peer_id: str, digest: str) -> Self:
        """Opens and locks the file, making it when missing; call ``resume`` next.

        Raises:
            Violated: ATTACHMENT_BUSY, the same upload is under way elsewhere.
            OSError: the file cannot be made.
        """
        path = folder / peer_id / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = path.open("a+b", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise Violated("ATTACHMENT_BUSY") from None
            # Whoever had the lock before may have taken the file away meanwhile.
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return cls(path, file)
            file.close()

    def resume(self, durable_offset: int) -> int:
        """Goes back to what is known to be on disk and reads it again; returns how much that is.

        What lies behind the last sync may be anything after a loss of power.
        """
        kept = min(durable_offset, self.path.stat().st_size)
        self._file.truncate(kept)
        self._file.seek(0)
        self.size, self._hashing, self._head = 0, hashlib.sha256(), bytearray()
        while piece := self._file.read(_READ):
            self._note(piece)
        return self.size

    def append(self, data: bytes) -> None:
        """Writes bytes behind the last ones."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._note(data)

    def sync(self) -> int:
        """Returns how much is on disk, which is now all of it."""
        os.fsync(self._file.fileno())
        return self.size

    @property
    def head(self) -> bytes:
        """The first bytes, by which the type is told."""
        return bytes(self._head)

    def digest(self) -> str:
        """Returns the SHA-256 of everything written, in hex."""
        return self._hashing.hexdigest()

    def discard(self) -> None:
        """Takes the file away and closes it."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Gives the lock back; what is synced stays."""
        self._file.close()

    def _note(self, piece: bytes) -> None:
        self._hashing.update(piece)
        self.size += len(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
