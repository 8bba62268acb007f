"""What a county still has to send and what became of what it sent, in a SQLite file that survives every kill.

A parcel gets its number when it is written here, in the stream whose name was drawn when the spool was made. It is
sent until the hub has answered it, and forgotten when the hub has settled it. Every method is one transaction on the
disk, so whatever moment a process ends at, the next one finds numbers, parcels and outcomes that fit together. One
process at a time: the file stays locked while it is open.

Called by ``connectors.county.pusher`` (sends), ``sheet_push`` and ``client`` (write).
"""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from exchange_db.records import Refused, Violation

_VERSION = 1
_SCHEMA = """
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE parcels (
    sequence INTEGER PRIMARY KEY, row INTEGER NOT NULL, message_id TEXT NOT NULL, case_no TEXT NOT NULL,
    cells TEXT NOT NULL, payload BLOB, is_known INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE outcomes (
    outcome_id INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL, message_id TEXT NOT NULL,
    case_no TEXT NOT NULL, cells TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, field_path TEXT NOT NULL,
    message TEXT NOT NULL, message_zh TEXT NOT NULL
);
CREATE TABLE progress (
    written INTEGER NOT NULL, answered INTEGER NOT NULL, settled INTEGER NOT NULL, accepted INTEGER NOT NULL,
    known INTEGER NOT NULL, stale INTEGER NOT NULL, rows_read INTEGER NOT NULL, last_row INTEGER NOT NULL,
    taken INTEGER NOT NULL
);
CREATE VIEW refusals AS SELECT * FROM outcomes WHERE state IN ('unmapped', 'refused', 'quarantined');
INSERT INTO progress VALUES (0, 0, 0, 0, 0, 0, 0, 0, 0);
"""
_ADD_OUTCOME = (
    "INSERT INTO outcomes (row, message_id, case_no, cells, state, reason, field_path, message, message_zh)"
    " SELECT row, message_id, case_no, cells, {state}, ?, ?, ?, ? FROM parcels WHERE sequence > ? AND sequence <= ?"
)
#: Good news kept for a caller that does not ask for it; bad news is kept until it is read.
_MOST_GOOD_NEWS = 100_000


class State(StrEnum):
    """What became of a record."""

    UNMAPPED = "unmapped"  # refused here, by the mapping
    REFUSED = "refused"  # refused by the hub's check at intake
    ACCEPTED = "accepted"  # on the hub's disk
    KNOWN = "known"  # was on the hub's disk before
    APPLIED = "applied"  # took effect
    STALE = "stale"  # the hub had the same or a newer revision
    QUARANTINED = "quarantined"  # breaks a rule of the life cycle; held at the hub


class SpoolInvalid(Exception):
    """The spool cannot be used; says why and what to do, in Chinese and English."""


class Item(NamedTuple):
    """A parcel to be sent; ``row`` and ``cells`` (JSON) say which row of a file it is, if it is one."""

    message_id: str
    case_no: str
    payload: bytes
    row: int = 0
    cells: str = ""


class Outcome(NamedTuple):
    """What became of one record, with the violation when it was refused."""

    outcome_id: int
    row: int
    message_id: str
    case_no: str
    cells: str
    state: State
    violation: Violation


class Progress(NamedTuple):
    """How far everything is.

    ``written``, ``answered`` and ``settled`` are the last numbers of the stream that were written here, that have the
    hub's verdict, and that have its business receipt. ``accepted`` counts the records the hub took and did not put
    into quarantine, ``known`` those of them it said it had before, ``stale`` those that changed nothing because it
    has the same or a newer revision. ``rows_read`` and ``last_row`` say how far a file was read. ``taken`` is the last
    number pulled from the hub.
    """

    written: int
    answered: int
    settled: int
    accepted: int
    known: int
    stale: int
    rows_read: int
    last_row: int
    taken: int


class Spool:
    """One spool, open and locked. Call it from one thread at a time.

    Args:
        path: the file; made when missing.
        keeps_all: whether parcels are kept until they are settled, and good outcomes told as well as bad ones. A
            file needs neither: it can be read again.

    Raises:
        SpoolInvalid: another process has it, it is damaged, or it cannot be written.
    """

    def __init__(self, path: Path, *, keeps_all: bool = False) -> None:
        self.path = path
        self._keeps_all = keeps_all
        try:
            self._file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _invalid(path, error) from None
        try:
            self._open()
        except sqlite3.Error as error:
            self._file.close()
            raise _invalid(path, error) from None
        except SpoolInvalid:
            self._file.close()
            raise

    def _open(self) -> None:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            self._file.execute(f"PRAGMA {pragma}")
        with self._transaction():
            version = int(self._file.execute("PRAGMA user_version").fetchone()[0])
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._file.execute(statement)
                self._file.execute(f"PRAGMA user_version = {_VERSION}")
                self._note("stream", _new_stream())
            elif version != _VERSION:
                raise SpoolInvalid(
                    f"{self.path} 由其他版本的 sanji 写成，请用原版本完成，或移走后重新报送（不会重复）。"
                    " / is of another version of sanji; finish with that one, or move it away and push again."
                )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._file.execute("BEGIN IMMEDIATE")
            yield
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise _invalid(self.path, error) from None
        finally:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")

    def close(self) -> None:
        """Closes the file and lets others have it."""
        self._file.close()

    def remove(self) -> None:
        """Closes the file and deletes it."""
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @property
    def stream(self) -> str:
        """Name of the stream at the hub."""
        return self.notes()["stream"]

    def notes(self) -> dict[str, str]:
        """Returns what was noted about this spool."""
        return dict(self._file.execute("SELECT name, value FROM notes").fetchall())

    def _note(self, name: str, value: str) -> None:
        self._file.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def progress(self) -> Progress:
        """Returns how far everything is."""
        return Progress(*self._file.execute("SELECT * FROM progress").fetchone())

    def write(
        self,
        items: Iterable[Item],
        unmapped: Iterable[tuple[int, str, Violation]] = (),
        *,
        rows_read: int = 0,
        last_row: int = 0,
    ) -> None:
        """Writes parcels to be sent, the refused rows among them, and how far the file was read.

        Args:
            items: parcels, in order; they get the next numbers.
            unmapped: (row, cells, violation) of rows refused here.
            rows_read: rows that were read for this, refused ones included.
            last_row: number of the last of them; 0 when there is no file.
        """
        with self._transaction():
            written = self.progress().written
            numbered = [
                (written + n, i.row, i.message_id, i.case_no, i.cells, i.payload) for n, i in enumerate(items, 1)
            ]
            self._file.executemany(
                "INSERT INTO parcels (sequence, row, message_id, case_no, cells, payload) VALUES (?, ?, ?, ?, ?, ?)",
                numbered,
            )
            self._file.executemany(
                "INSERT INTO outcomes (row, message_id, case_no, cells, state, reason, field_path, message, message_zh)"
                " VALUES (?, '', '', ?, 'unmapped', ?, ?, ?, ?)",
                [(row, cells, *_texts(violation)) for row, cells, violation in unmapped],
            )
            self._file.execute(
                "UPDATE progress SET written = written + ?, rows_read = rows_read + ?, last_row = max(last_row, ?)",
                (len(numbered), rows_read, last_row),
            )

    def waiting_after(self, sequence: int, limit: int, max_bytes: int) -> list[bytes]:
        """Returns the next parcels behind a number, at least one if there is one."""
        payloads: list[bytes] = []
        size = 0
        for (payload,) in self._file.execute(
            "SELECT payload FROM parcels WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit)
        ):
            size += len(payload)
            if payloads and size > max_bytes:
                break
            payloads.append(payload)
        return payloads

    def answer(self, last: int, known: set[int], refused: list[Refused]) -> None:
        """Records the hub's verdicts up to a number; what was recorded before stays as it was.

        Args:
            last: last number the hub has taken.
            known: numbers of the records it had before.
            refused: what it refused.
        """
        with self._transaction():
            first = self.progress().answered
            for item in refused:
                if first < item.sequence <= last:
                    self._refuse(item, State.REFUSED)
            span = (first, last)
            self._file.executemany(
                "UPDATE parcels SET is_known = 1 WHERE sequence = ?", [(n,) for n in known if first < n <= last]
            )
            accepted, known_count = self._file.execute(
                "SELECT count(*), coalesce(sum(is_known), 0) FROM parcels WHERE sequence > ? AND sequence <= ?", span
            ).fetchone()
            if self._keeps_all:
                state = f"CASE WHEN is_known THEN '{State.KNOWN}' ELSE '{State.ACCEPTED}' END"
                self._file.execute(_ADD_OUTCOME.format(state=state), ("", "", "", "", *span))
            else:
                self._file.execute("UPDATE parcels SET payload = NULL WHERE sequence > ? AND sequence <= ?", span)
            self._file.execute(
                "UPDATE progress SET answered = max(answered, ?), accepted = accepted + ?, known = known + ?",
                (last, accepted, known_count),
            )

    def settle(self, last: int, quarantined: list[Refused], stale: set[int]) -> None:
        """Records the business receipts up to a number, all of them answered before.

        Args:
            last: last number that is settled.
            quarantined: what the hub's life cycle refused.
            stale: numbers of what changed nothing.
        """
        with self._transaction():
            first = self.progress().settled
            count = sum([self._refuse(item, State.QUARANTINED) for item in quarantined if first < item.sequence])
            news = 0
            for number in stale:
                span = (max(first, number - 1), number)
                if self._keeps_all:
                    self._file.execute(_ADD_OUTCOME.format(state=f"'{State.STALE}'"), ("", "", "", "", *span))
                news += self._file.execute(
                    "DELETE FROM parcels WHERE sequence > ? AND sequence <= ? AND NOT is_known", span
                ).rowcount
                self._file.execute("DELETE FROM parcels WHERE sequence > ? AND sequence <= ?", span)
            if self._keeps_all:
                self._file.execute(_ADD_OUTCOME.format(state=f"'{State.APPLIED}'"), ("", "", "", "", first, last))
                self._file.execute(
                    "DELETE FROM outcomes WHERE outcome_id <= (SELECT max(outcome_id) FROM outcomes) - ?"
                    " AND outcome_id NOT IN (SELECT outcome_id FROM refusals)",
                    (_MOST_GOOD_NEWS,),
                )
            self._file.execute("DELETE FROM parcels WHERE sequence > ? AND sequence <= ?", (first, last))
            self._file.execute(
                "UPDATE progress SET settled = max(settled, ?), accepted = accepted - ?, stale = stale + ?",
                (last, count, news),
            )

    def _refuse(self, item: Refused, state: State) -> int:
        span = (item.sequence - 1, item.sequence)
        self._file.execute(_ADD_OUTCOME.format(state=f"'{state}'"), (*_texts(item.violation), *span))
        return self._file.execute("DELETE FROM parcels WHERE sequence = ?", (item.sequence,)).rowcount

    def take(self, sequence: int) -> None:
        """Notes that everything up to a number was pulled from the hub and dealt with."""
        with self._transaction():
            self._file.execute("UPDATE progress SET taken = ?", (sequence,))

    def renumber(self) -> None:
        """Gives everything that is not settled new numbers in a new stream; the hub tells what it has already."""
        with self._transaction():
            numbers = [row[0] for row in self._file.execute("SELECT sequence FROM parcels ORDER BY sequence")]
            again, again_known = self._file.execute(
                "SELECT count(*), coalesce(sum(is_known), 0) FROM parcels WHERE sequence <= ?",
                (self.progress().answered,),
            ).fetchone()
            # Upwards from 1 in order: no number is taken that is still in use.
            self._file.executemany(
                "UPDATE parcels SET sequence = ?, is_known = 0 WHERE sequence = ?", enumerate(numbers, 1)
            )
            self._file.execute(
                "UPDATE progress SET written = ?, answered = 0, settled = 0, accepted = accepted - ?,"
                " known = known - ?",
                (len(numbers), again, again_known),
            )
            self._note("stream", _new_stream())

    def begin_again(self, **notes: str) -> None:
        """Forgets parcels, outcomes and positions: the file is read and sent again from its first row.

        Args:
            notes: what is noted about the spool from now on; the stream gets a new name.
        """
        with self._transaction():
            for table in ("parcels", "outcomes"):
                self._file.execute(f"DELETE FROM {table}")  # noqa: S608 — names of our own
            self._file.execute(
                "UPDATE progress SET written = 0, answered = 0, settled = 0, accepted = 0, known = 0, stale = 0,"
                " rows_read = 0, last_row = 0"
            )
            for name, value in (notes | {"stream": _new_stream()}).items():
                self._note(name, value)

    def outcomes_after(self, outcome_id: int, limit: int = 1_000) -> list[Outcome]:
        """Returns outcomes in the order they came."""
        found = self._file.execute(
            "SELECT * FROM outcomes WHERE outcome_id > ? ORDER BY outcome_id LIMIT ?", (outcome_id, limit)
        )
        return list(map(_outcome, found))

    def forget_outcomes(self, outcome_id: int) -> None:
        """Drops the outcomes up to one that the caller has dealt with."""
        with self._transaction():
            self._file.execute("DELETE FROM outcomes WHERE outcome_id <= ?", (outcome_id,))

    def refusals(self) -> Iterator[Outcome]:
        """Yields everything refused, by row."""
        yield from map(_outcome, self._file.execute("SELECT * FROM refusals ORDER BY row, outcome_id"))

    def refusal_counts(self) -> list[tuple[State, Violation, int, int]]:
        """Returns (state, first violation, first row, count) by state, reason and field, the most frequent first."""
        found = self._file.execute(
            "SELECT state, reason, field_path, message, message_zh, min(row), count(*) FROM refusals"
            " GROUP BY state, reason, field_path ORDER BY count(*) DESC, min(row)"
        )
        return [(State(row[0]), Violation(*row[1:5]), row[5], row[6]) for row in found]


def _texts(violation: Violation) -> tuple[str, str, str, str]:
    return violation.reason, violation.field_path, violation.message, violation.message_zh


def _outcome(row: tuple[Any, ...]) -> Outcome:
    outcome_id, number, message_id, case_no, cells, state, *texts = row
    return Outcome(outcome_id, number, message_id, case_no, cells, State(state), Violation(*texts))


def _new_stream() -> str:
    return f"county-{uuid.uuid4().hex}"


def _invalid(path: Path, error: sqlite3.Error) -> SpoolInvalid:
    text = str(error)
    if "locked" in text or "busy" in text:
        return SpoolInvalid(f"{path} 正被另一个进程使用，请等待其完成。 / is in use by another process; wait for it.")
    if isinstance(error, sqlite3.OperationalError):
        return SpoolInvalid(
            f"无法写入 {path}（{text}），请检查目录权限和磁盘空间。"
            " / cannot be written; look at the folder's rights and the space on the disk."
        )
    return SpoolInvalid(
        f"{path} 已损坏（{text}），请移走后重新报送（不会重复）。"
        " / is damaged; move it away and push again, nothing will be doubled."
    )
