"""What a platform has sent and received, kept beside its spool, so that both can be compared with the hub.

The spool forgets what is settled; this book does not. Nothing else relies on it: a line that a loss of power took away
is a difference that is found and repaired, so it is not forced to the disk line by line.
"""

import sqlite3
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from connectors.county.spool import SpoolInvalid
from connectors.reconciliation import ListedSide
from connectors.wire import mark_of
from exchange_db.keys import message_key
from exchange_db.marks import Mark, Standing

#: Seconds the bytes of a record are kept, so that it can be sent again: a year.
KEPT_SECONDS = 366 * 86_400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    is_sent INTEGER NOT NULL, message_key BLOB NOT NULL, created_time INTEGER NOT NULL, kind INTEGER NOT NULL,
    digest INTEGER NOT NULL, is_refused INTEGER NOT NULL DEFAULT 0, noted_time INTEGER NOT NULL, payload BLOB,
    PRIMARY KEY (is_sent, message_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrivals (arrival_id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL);
"""


class ExchangeBook:
    """One book, open. Call it from one thread.

    Args:
        path: the file; made when missing.

    Raises:
        SpoolInvalid: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
                self._file.execute(f"PRAGMA {pragma}")
            self._file.executescript(_SCHEMA)
            self._file.execute(
                "UPDATE records SET payload = NULL WHERE noted_time < ? AND payload IS NOT NULL",
                (int(time.time()) - KEPT_SECONDS,),
            )
        except sqlite3.Error as error:
            raise self._invalid(error) from None

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def note(self, payloads: Iterable[bytes], *, is_sent: bool) -> None:
        """Notes records that were sent, or received.

        Raises:
            SpoolInvalid: the disk is full or broken.
        """
        rows = [
            (is_sent, *mark, int(time.time()), payload if is_sent else None)
            for payload in payloads
            if (mark := mark_of(payload)) is not None
        ]
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(
                "INSERT OR IGNORE INTO records (is_sent, message_key, created_time, kind, digest, noted_time, payload)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._invalid(error) from None

    def refuse(self, message_keys: Iterable[bytes]) -> None:
        """Notes that the hub refused records that were sent."""
        self._file.executemany(
            "UPDATE records SET is_refused = 1 WHERE is_sent = 1 AND message_key = ?", [(key,) for key in message_keys]
        )

    def payload(self, message_key: bytes) -> bytes | None:
        """Returns the bytes of a record that was sent; ``None`` when they are kept no longer."""
        row = self._file.execute(
            "SELECT payload FROM records WHERE is_sent = 1 AND message_key = ?", (message_key,)
        ).fetchone()
        return row[0] if row else None

    def side(self, *, is_sent: bool) -> "BookSide":
        """Returns this end of the link, as comparing sees it."""
        rows = self._file.execute(
            "SELECT message_key, created_time, kind, digest, is_refused FROM records WHERE is_sent = ?", (is_sent,)
        ).fetchall()
        return BookSide([Mark(*row[:4]) for row in rows], {row[0] for row in rows if row[4]}, is_sent=is_sent)

    def queue(self, payloads: Iterable[bytes]) -> None:
        """Keeps records that were fetched again until they are dealt with."""
        self._file.executemany("INSERT INTO arrivals (payload) VALUES (?)", [(payload,) for payload in payloads])

    def sync(self) -> None:
        """Has on disk what was kept so far, before a hub is told that it is."""
        self._file.execute("PRAGMA wal_checkpoint(FULL)").fetchall()

    def queued(self) -> list[tuple[int, bytes]]:
        """Returns them, each with its number, in order."""
        return self._file.execute("SELECT arrival_id, payload FROM arrivals ORDER BY arrival_id").fetchall()

    def forget(self, arrival_id: int) -> None:
        """Drops one that was dealt with."""
        self._file.execute("DELETE FROM arrivals WHERE arrival_id = ?", (arrival_id,))

    def _invalid(self, error: sqlite3.Error) -> SpoolInvalid:
        return SpoolInvalid(f"无法使用 {self._path}（{error}），请检查目录权限和磁盘空间。 / cannot be used.")


class BookSide(ListedSide):
    """A platform's end of its link, in one direction.

    Args:
        marks: of all records.
        refused: keys of those the hub refused.
        is_sent: the direction.
    """

    def __init__(self, marks: list[Mark], refused: set[bytes], *, is_sent: bool) -> None:
        super().__init__(marks)
        self._known = {mark.message_key for mark in marks}
        self._refused = refused
        self._is_sent = is_sent

    async def standings(self, marks: list[Mark]) -> list[Standing]:
        """Returns where the platform stands with each."""
        return [self._standing(mark.message_key) for mark in marks]

    def _standing(self, key: bytes) -> Standing:
        if key not in self._known:
            return Standing.UNKNOWN
        if not self._is_sent:
            return Standing.HELD
        if key in self._refused:
            return Standing.REFUSED
        return Standing.DELIVERED


def key_of(platform_id: str, message_id: str) -> bytes:
    """Returns the key by which both sides know a message of a platform."""
    return message_key(platform_id, uuid.UUID(message_id).bytes)
