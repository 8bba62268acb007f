"""A simulated platform's own book: what it has written for the hub, what it has taken from it, in a SQLite file."""

import sqlite3
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS written (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS taken (only INTEGER PRIMARY KEY CHECK (only = 1), sequence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS task (
    case_no TEXT PRIMARY KEY, deadline_time INTEGER NOT NULL, given_on INTEGER NOT NULL DEFAULT 0,
    requested_time INTEGER NOT NULL DEFAULT 0, round INTEGER NOT NULL DEFAULT 0, is_closed INTEGER NOT NULL DEFAULT 0
);
INSERT OR IGNORE INTO taken VALUES (1, 0);
"""


class Book:
    """The book of one platform. Every method is one step; ``commit`` makes the steps since the last one durable."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path)
        self._file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def commit(self) -> None:
        """Makes everything since the last commit durable."""
        self._file.commit()

    def write(self, payloads: list[bytes]) -> None:
        """Adds parcels for the hub, in order."""
        self._file.executemany("INSERT INTO written (payload) VALUES (?)", [(payload,) for payload in payloads])

    def written_after(self, sequence: int, limit: int) -> list[bytes]:
        """Returns parcels behind a number."""
        rows = self._file.execute(
            "SELECT payload FROM written WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit)
        )
        return [row[0] for row in rows]

    def written_count(self) -> int:
        """Returns how many parcels were written for the hub."""
        return int(self._file.execute("SELECT coalesce(max(sequence), 0) FROM written").fetchone()[0])

    def taken_sequence(self) -> int:
        """Returns the last number taken from the hub."""
        return int(self._file.execute("SELECT sequence FROM taken").fetchone()[0])

    def take(self, sequence: int) -> None:
        """Notes that everything up to a number was taken."""
        self._file.execute("UPDATE taken SET sequence = ?", (sequence,))

    def receive(self, case_no: str, deadline_time: int) -> None:
        """Notes a task, or its new deadline."""
        self._file.execute(
            "INSERT INTO task (case_no, deadline_time) VALUES (?, ?)"
            " ON CONFLICT (case_no) DO UPDATE SET deadline_time = excluded.deadline_time",
            (case_no, deadline_time),
        )

    def strike(self, case_no: str) -> None:
        """Strikes a task that was voided."""
        self._file.execute("DELETE FROM task WHERE case_no = ?", (case_no,))

    def give_on(self, case_no: str) -> None:
        """Notes that a task was given to a department."""
        self._file.execute("UPDATE task SET given_on = 1 WHERE case_no = ?", (case_no,))

    def request(self, case_no: str, requested_time: int, work_round: int) -> None:
        """Notes that the check was asked for."""
        self._file.execute(
            "UPDATE task SET requested_time = ?, round = ? WHERE case_no = ?", (requested_time, work_round, case_no)
        )

    def close_task(self, case_no: str) -> None:
        """Notes that the check was passed."""
        self._file.execute("UPDATE task SET is_closed = 1 WHERE case_no = ?", (case_no,))

    def figures(self) -> dict[str, int]:
        """Counts this platform's own year: received, given on, done, in time."""
        row = self._file.execute(
            "SELECT count(*), sum(given_on), sum(is_closed), sum(is_closed AND requested_time <= deadline_time)"
            " FROM task"
        ).fetchone()
        return dict(zip(("total", "dispatched_on", "done", "on_time"), (int(n or 0) for n in row), strict=True))
