"""Writing the archive: facts of cases as Parquet files, one a month of report and city; only what changed is written.

What changed is found by a count and a sum the ledger makes over each partition, so that nothing is missed, whatever
way a case was changed or moved, and nothing has to be remembered when cases change. All of a run is one picture of
the ledger. Called by the job ``archive-facts`` and by ``sanji stats archive``.
"""

import asyncio
import os
import shutil
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import duckdb

from exchange_db import question_facts
from exchange_db.counting import month_of
from exchange_db.figures import database_time
from exchange_db.question_facts import FACTS, Part
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.questions.manifest import FORM, ArchivedPart, Manifest, read_manifest, write_manifest
from hub.settings import Settings

_WORK = ".work"
#: How long files that were replaced are left for readers that began before.
_LEFT_SECONDS = 3_600.0
_DUCKDB_KINDS = {"text": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT"}


class ArchiveBusy(Exception):
    """Another run is writing the archive of this ledger."""


class ArchiveBroken(Exception):
    """A file does not hold what the ledger gave."""


class ArchiveRun(NamedTuple):
    """What a run did: files of the archive now, those written anew, those taken out, and cases in all."""

    part_count: int
    written_count: int
    removed_count: int
    row_count: int


class Archive:
    """Writes the archive of one ledger.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        folder: where the archive lies.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, folder: Path, clock: Clock) -> None:
        self._ledger = ledger
        self._hub_id = settings.hub.id
        self._rules = settings.figures.counting
        self._months = settings.archive.months
        self._folder = folder
        self._clock = clock

    async def run(self) -> ArchiveRun:
        """Brings the archive up to the ledger.

        Raises:
            ArchiveBusy, ArchiveBroken: see there; the archive is as it was.
        """
        version = question_facts.version(self._rules)
        async with self._ledger.read() as session:
            if not await question_facts.try_alone(session):
                raise ArchiveBusy
            self._folder.mkdir(parents=True, exist_ok=True)
            work = self._folder / _WORK
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            before = read_manifest(self._folder)
            known = {}
            if before is not None and before.version == version and before.hub_id == self._hub_id:
                known = {(one.month, one.city): one for one in before.parts}
            read_time = await database_time(session)
            archived, written_count = [], 0
            with duckdb.connect(":memory:", config={"threads": 1}) as converter:
                for part in self._kept(await question_facts.parts(session, self._rules)):
                    one = known.get((part.month, part.city))
                    if one is None or not self._holds(one, part):
                        one = await self._write(session, part, version, work, converter)
                        written_count += 1
                    archived.append(one)
        manifest = Manifest(FORM, self._hub_id, version, read_time, tuple(archived))
        write_manifest(self._folder, manifest)
        shutil.rmtree(work, ignore_errors=True)
        self._clear(manifest, before)
        removed = len(known.keys() - {(one.month, one.city) for one in archived})
        return ArchiveRun(len(archived), written_count, removed, sum(one.row_count for one in archived))

    def _kept(self, parts: list[Part]) -> list[Part]:
        if not self._months:
            return parts
        year, month = divmod(month_of(self._clock(), self._rules), 100)
        first = year * 12 + month - self._months
        return [part for part in parts if part.month // 100 * 12 + part.month % 100 > first]

    def _holds(self, one: ArchivedPart, part: Part) -> bool:
        is_same = (one.row_count, one.row_sum) == (part.row_count, part.row_sum)
        path = self._folder / one.file
        return is_same and path.is_file() and path.stat().st_size == one.size_bytes

    async def _write(
        self, session: ReadSession, part: Part, version: str, work: Path, converter: duckdb.DuckDBPyConnection
    ) -> ArchivedPart:
        rows, made = work / "part.csv", work / "part.parquet"
        with rows.open("wb") as file:
            async for piece in question_facts.copy_out(session, part, self._rules):
                file.write(piece)
        count = await asyncio.to_thread(_convert, converter, rows, made)
        if count != part.row_count:
            raise ArchiveBroken(f"{part.month} {part.city:06d}: {count} of {part.row_count} rows")
        place = Path(f"year={part.month // 100}", f"month={part.month % 100:02d}", f"city={part.city:06d}")
        digest = sha256(f"{version} {part.row_count} {part.row_sum}".encode()).hexdigest()[:16]
        (self._folder / place).mkdir(parents=True, exist_ok=True)
        final = place / f"{digest}.parquet"
        size = made.stat().st_size
        made.replace(self._folder / final)
        return ArchivedPart(part.month, part.city, part.row_count, part.row_sum, str(final), size)

    def _clear(self, manifest: Manifest, before: Manifest | None) -> None:
        """Deletes files no list names any more; those replaced just now are only marked, for who still reads them."""
        named = {self._folder / one.file for one in manifest.parts}
        replaced = {self._folder / one.file for one in before.parts} - named if before else set()
        oldest = time.time() - _LEFT_SECONDS
        for path in set(self._folder.glob("year=*/month=*/city=*/*.parquet")) - named:
            if path in replaced:
                os.utime(path)
            elif path.stat().st_mtime < oldest:
                path.unlink()


def _convert(converter: duckdb.DuckDBPyConnection, rows: Path, made: Path) -> int:
    """Makes a Parquet file of CSV and returns how many rows it has; the file is on the disk afterwards."""
    columns = ", ".join(f"'{name}': '{_DUCKDB_KINDS[kind]}'" for name, kind in FACTS.items())
    converter.execute(
        "COPY (SELECT * FROM read_csv($rows, header = true, auto_detect = false, delim = ',', quote = '\"',"  # noqa: S608
        f" escape = '\"', nullstr = '', allow_quoted_nulls = false, parallel = false, columns = {{{columns}}}))"
        " TO $made (FORMAT parquet, COMPRESSION zstd)",
        {"rows": str(rows), "made": str(made)},
    )
    found = converter.execute("SELECT count(*) FROM read_parquet($made)", {"made": str(made)}).fetchone()
    descriptor = os.open(made, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return int(found[0]) if found else 0
