"""Folders link files lie in: written so that nobody sees half of one, and put away when they are dealt with.

A gap device (网闸) or a technician moves what is in ``out`` to the other side's ``in`` and never needs to ask whether a
file is whole: until it is, its name begins with a dot and ends in ``.part``.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from connectors.transports.files import ENDING, MAX_FILE_BYTES
from exchange_db.records import Violated, Violation

#: Where files go that were taken, and those that were not, each with a text beside it that says why.
DONE, REFUSED = "done", "refused"
_PART = ".part"
#: How long a file that is not whole may still be on its way: gap devices write under the last name, piece by piece.
ARRIVING_SECONDS = 120.0


class Written(NamedTuple):
    """A file that was written; ``first`` and ``last`` are 0 where it only answers."""

    path: Path
    first: int
    last: int


class Outcome(StrEnum):
    """What became of a file."""

    TAKEN = "taken"
    KNOWN = "known"  # all of it had come before
    WAITING = "waiting"  # numbers before it have not come, or its link is paused
    REFUSED = "refused"


class Imported(NamedTuple):
    """What became of one file, and of the records in it; ``violation`` says why it waits or was refused."""

    path: Path
    outcome: Outcome
    peer_id: str = ""
    first: int = 0
    last: int = 0
    new_count: int = 0
    known_count: int = 0
    refused_count: int = 0
    violation: Violation | None = None


def write_whole(folder: Path, name: str, data: bytes) -> Path:
    """Writes a file into a folder, which is made when missing; it appears there whole and on disk, or not at all.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / name, folder / f".{name}{_PART}"
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    _sync(folder)
    return target


def waiting_in(folder: Path) -> list[Path]:
    """Returns the link files in a folder, those of one stream in the order of their numbers; none where it is missing.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _is_whole(path))


def read_bytes(path: Path) -> bytes:
    """Returns what stands in a file.

    Raises:
        OSError: it cannot be read.
        Violated: FILE_TOO_LARGE, before any of it is read.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise Violated("FILE_TOO_LARGE", "file", f"{size} > {MAX_FILE_BYTES}")
    return path.read_bytes()


def put_away(one: Imported) -> Imported:
    """Moves a file to where it belongs after what became of it, and returns that; one that waits stays."""
    if one.outcome is Outcome.REFUSED and one.violation is not None:
        _put_refused(one.path, one.violation)
    elif one.outcome is not Outcome.WAITING:
        _put_done(one.path)
    return one


def _put_done(path: Path) -> None:
    """Moves a file that was taken out of the way; where that cannot be (a disk that takes no writing) it stays."""
    with suppress(OSError):
        _moved(path, path.parent / DONE)


def _put_refused(path: Path, violation: Violation) -> None:
    """Moves a file that was not taken out of the way, with a text beside it; where that cannot be, it stays."""
    with suppress(OSError):
        target = _moved(path, path.parent / REFUSED)
        field = violation.field_path or "-"
        text = (
            f"文件 file: {path.name}\n字段 field: {field}\n原因 reason: {violation.reason}\n\n"
            f"{violation.message_zh}\n{violation.message}\n"
        )
        target.with_name(f"{target.name}.txt").write_text(text, encoding="utf-8")


def judged_broken(path: Path, violation: Violation, now: int, patience_seconds: float) -> Imported:
    """Returns what becomes of a file that is not to be taken: one that is not whole waits while it may be arriving.

    Args:
        path: the file.
        violation: why it is not to be taken.
        now: microseconds since 1970.
        patience_seconds: how long it may be arriving after it was last written to; 0 where it is known to be whole.
    """
    outcome = Outcome.REFUSED
    if violation.reason == "FILE_DAMAGED" and patience_seconds:
        with suppress(OSError):
            if now / 1_000_000 - path.stat().st_mtime < patience_seconds:
                outcome = Outcome.WAITING
    return put_away(Imported(path, outcome, violation=violation))


def drop_old(folder: Path, before: float) -> int:
    """Deletes what was put away as taken before a moment (seconds since 1970); returns how many files that were."""
    done = folder / DONE
    count = 0
    for path in waiting_in(done):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
                count += 1
    return count


def files_at(place: Path) -> list[Path]:
    """Returns the files at a place: those in it when it is a folder, itself when it is a file.

    Raises:
        OSError: there is nothing, or it cannot be read.
    """
    if place.is_dir():
        return waiting_in(place)
    place.stat()
    return [place]


def _is_whole(path: Path) -> bool:
    return path.name.endswith(ENDING) and not path.name.startswith(".") and path.is_file()


def _moved(path: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for target in _names(folder, path.name):
        if not target.exists():
            path.replace(target)
            _sync(folder)
            return target
    raise FileExistsError(path.name)


def _names(folder: Path, name: str) -> Iterator[Path]:
    """Yields places for a file of that name; what was put away before is never written over."""
    yield folder / name
    for number in range(2, 1_000):
        yield folder / f"{name.removesuffix(ENDING)}.{number}{ENDING}"


def _sync(folder: Path) -> None:
    """Has a folder's entries on disk, where the file system knows such a thing."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
