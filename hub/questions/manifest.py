"""The list of an archive's files: which files are the archive, what each holds, and how the facts were made.

A reader takes the files of one list and no others, so that it sees one moment of the ledger whatever is written
meanwhile. Files that were replaced stay for an hour, for readers that are at it.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from hub.questions.errors import QuestionInvalid

#: Form of the list and of the folders.
FORM = 1
_NAME = "manifest.json"


class ArchivedPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A file: the cases reported in one month (year*100+month) in one city, and the ledger's sum over them."""

    month: int
    city: int
    row_count: int
    row_sum: str
    file: str
    size_bytes: int


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The archive as it was written last; ``read_time`` is when the ledger was read, microseconds since 1970."""

    form: int
    hub_id: str
    version: str
    read_time: int
    parts: tuple[ArchivedPart, ...]


def read_manifest(folder: Path) -> Manifest | None:
    """Returns the list of an archive; ``None`` when there is none that this software understands."""
    try:
        found = msgspec.json.decode((folder / _NAME).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if found.form == FORM else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Puts a list in the place of the one before, at once and durably."""
    beside = folder / f".{_NAME}"
    with beside.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / _NAME)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_manifest(folder: Path | None, version: str) -> tuple[Path, Manifest]:
    """Returns the archive that can be asked.

    Raises:
        QuestionInvalid: nothing is archived, or it was made by other rules.
    """
    found = read_manifest(folder) if folder is not None else None
    if folder is None or found is None:
        raise QuestionInvalid(
            "source",
            "尚无归档：请设置 archive.path 并运行 sanji stats archive",
            "nothing is archived: set archive.path and run sanji stats archive",
        )
    if found.version != version:
        raise QuestionInvalid(
            "source",
            "归档按另一计数规则生成，请重新运行 sanji stats archive",
            "the archive was made by other rules of counting; run sanji stats archive again",
        )
    return folder, found
