"""Pushes a sheet: reads it once, row by row, into a spool beside it, from which the pusher sends.

A row is in the spool, with its number in the stream and the position in the file, before it is sent; so after a kill
the next run goes on behind the last row that was written there. The digests of file and mapping are noted in the spool,
so a run never goes on in another file than the one it began with. Called by ``sanji push``.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from connectors.county.packing import pack
from connectors.county.profile import Profile
from connectors.county.pusher import BATCH, WINDOW, NumbersDisagree, Pusher, told, way_of
from connectors.county.spool import Item, Progress, Spool
from connectors.errors import ConnectorError
from connectors.mapping import map_row
from connectors.mapping_model import Mapping
from connectors.sheets import SheetRow, read_rows
from exchange_db.records import Violation
from exchange_db.seal_records import Sealing

#: Rows written ahead of the hub's answers, at most; what bounds memory and the spool.
_AHEAD = 2 * WINDOW * BATCH
_BLOCK = 1 << 20
_COUNTED_AT_ONCE = 5_000


class PushStopped(Exception):
    """A push cannot begin or go on; says why and what to do, in Chinese and English."""


class Watcher(Protocol):
    """Who is told how a push goes; everything is called from the event loop."""

    def checking(self, rows: int) -> None:
        """The file is being checked; so many rows were read."""

    def moved(self, progress: Progress, rows: int) -> None:
        """The push has come this far; the file has so many rows."""

    def troubled(self, error: ConnectorError | None, seconds: float) -> None:
        """The hub cannot be reached and is tried again in some seconds; ``None``: it has been reached."""

    def noted(self, text: str) -> None:
        """Something a person should know."""


class Refusals(NamedTuple):
    """Rows refused for one reason: where (``State``), why, the first of them and how many."""

    state: str
    violation: Violation
    first_row: int
    row_count: int


class Summary(NamedTuple):
    """What became of all rows of a file; ``accepted + refused = rows``.

    ``known`` of the accepted the hub had before, ``stale`` of them changed nothing because it has the same or a newer
    revision, ``pending`` of them it has not settled yet.
    """

    rows: int
    accepted: int
    known: int
    stale: int
    refused: int
    refusals: list[Refusals]
    pending: int


def spool_path_of(path: Path) -> Path:
    """Returns where the spool of a file lies: beside it."""
    return path.with_name(path.name + ".sanji-push")


class SheetPush:
    """One file on its way to one hub.

    Args:
        path: the file.
        mapping: how its rows become cases or components.
        profile: who sends, and where to.
        watcher: who is told.
        sealing: signs batches in the platform's name; ``None`` where it has no key for that.
    """

    def __init__(
        self, path: Path, mapping: Mapping, profile: Profile, watcher: Watcher, sealing: Sealing | None = None
    ) -> None:
        self._sealing = sealing
        self._path = path
        self._mapping = mapping
        self._profile = profile
        self._watcher = watcher
        self._row_count = 0
        self._spool: Spool | None = None
        self._stamp = (0, 0)

    @property
    def spool(self) -> Spool:
        """The spool; there is one after ``open``."""
        assert self._spool is not None  # noqa: S101 — open() comes first
        return self._spool

    async def open(self, *, is_restart: bool = False) -> None:
        """Opens the spool, or makes one after reading the file once to see that all of it can be read.

        Args:
            is_restart: forget an earlier push that did not end.

        Raises:
            SheetInvalid: the file cannot be read.
            SpoolInvalid: the spool cannot be used.
            PushStopped: file, mapping or hub are not those the unfinished push began with.
        """
        stamp = self._stamp = self._stamp_now()
        digest = await asyncio.to_thread(_digest_of, self._path)
        begun = {
            "file": digest,
            "mapping": self._mapping.digest,
            "platform": self._profile.platform_id,
            "hub": self._profile.hub_id,
        }
        # A file that cannot be read leaves nothing behind.
        is_new = not spool_path_of(self._path).exists()
        rows = await self._count() if is_new else 0
        self._spool = Spool(spool_path_of(self._path))
        notes = self.spool.notes()
        changed = [name for name, value in begun.items() if notes.get(name) != value]
        if not is_restart and not changed:
            self._row_count = int(notes["rows"])
            self._tell_resumed()
            return
        if "rows" in notes and not is_restart:
            self._require_finished(changed, int(notes["rows"]))
        self._row_count = rows or await self._count()
        self.spool.begin_again(**begun, rows=str(self._row_count))
        if self._stamp_now() != stamp:
            raise PushStopped("文件正在被修改，请稍后重试。 / The file is being changed; try again later.")

    def close(self, *, is_done: bool = False) -> None:
        """Closes the spool; removes it when there is nothing left to do."""
        if self._spool is not None:
            self._spool.remove() if is_done else self._spool.close()
            self._spool = None

    async def run(self, *, wait_seconds: float, patience_seconds: float | None) -> Summary:
        """Sends everything and waits for receipts.

        Args:
            wait_seconds: longest time to wait for the next business receipt when everything is sent.
            patience_seconds: longest time without contact to the hub; ``None`` to try for ever.

        Raises:
            ConnectorError: as ``Pusher.run``.
            SheetInvalid: the file can no longer be read.
            PushStopped: the file was changed meanwhile.
        """
        while True:
            pusher = Pusher(
                way_of(self._profile, self._sealing),
                self.spool,
                self._watcher.troubled,
                patience_seconds=patience_seconds,
            )
            try:
                async with asyncio.TaskGroup() as tasks:
                    pushing = tasks.create_task(pusher.run())
                    await self._read(pusher)
                    await self._finish(pusher, wait_seconds)
                    pushing.cancel()
            except BaseExceptionGroup as group:
                error = told(group)
                if not isinstance(error, NumbersDisagree):
                    raise error from None
                self._watcher.noted(
                    "枢纽的接收序号与本机记录不一致（一方可能由备份恢复），从第一行重新报送，已收到的不会重复。\n"
                    "The hub's numbers do not fit (one side was restored from a backup?): sending the file again from"
                    " its first row; what the hub has is not doubled."
                )
                self.spool.begin_again(**self.spool.notes())
                continue
            return self.summary()

    def summary(self) -> Summary:
        """Returns what became of the rows so far."""
        progress = self.spool.progress()
        refusals = [Refusals(*found) for found in self.spool.refusal_counts()]
        return Summary(
            rows=self._row_count,
            accepted=progress.accepted,
            known=progress.known,
            stale=progress.stale,
            refused=sum(found.row_count for found in refusals),
            refusals=refusals,
            pending=progress.written - progress.settled,
        )

    def _tell_resumed(self) -> None:
        progress = self.spool.progress()
        self._watcher.noted(
            f"接续上次的报送：{self._row_count:,} 行中已处理 {progress.rows_read:,} 行。\n"
            f"Going on with the earlier push: {progress.rows_read:,} of {self._row_count:,} rows were done."
        )

    def _require_finished(self, changed: list[str], rows: int) -> None:
        progress = self.spool.progress()
        chinese = "、".join(_NAMES[name][0] for name in changed)
        english = ", ".join(_NAMES[name][1] for name in changed)
        if progress.rows_read < rows or progress.answered < progress.written:
            raise PushStopped(
                f"上次报送尚未完成（{rows:,} 行中已处理 {progress.rows_read:,} 行），而{chinese}已改变。"
                "如要报送改变后的内容，请加 --restart 从第一行重新报送，枢纽已收到的不会重复；"
                "如要完成上次的报送，请恢复原状后重试。\n"
                f"An earlier push is not finished ({progress.rows_read:,} of {rows:,} rows), and since then these have"
                f" changed: {english}. Add --restart to push everything as it is now (nothing the hub has is doubled),"
                " or put back what was there to finish the earlier push."
            )
        self._watcher.noted(
            f"{chinese}与上次报送时不同，作为新的报送处理。\n"
            f"Changed since the last push: {english}. This is a new push."
        )

    async def _count(self) -> int:
        """Reads the whole file once: what is damaged is found before the first row is sent."""
        rows = read_rows(self._path, self._mapping.encoding)
        count = 0
        while found := await asyncio.to_thread(_count_some, rows):
            count += found
            self._watcher.checking(count)
        return count

    async def _read(self, pusher: Pusher) -> None:
        """Writes the rows that are not in the spool yet into it, as fast as the hub answers."""
        progress = self.spool.progress()
        if progress.rows_read == self._row_count:
            return
        rows = read_rows(self._path, self._mapping.encoding)
        last_row = progress.last_row
        while True:
            progress = self.spool.progress()
            self._watcher.moved(progress, self._row_count)
            if progress.written - progress.answered >= _AHEAD:
                await pusher.changed()
                continue
            chunk = await asyncio.to_thread(self._map_some, rows, last_row)
            if not chunk.rows_read:
                break
            self.spool.write(chunk.items, chunk.unmapped, rows_read=chunk.rows_read, last_row=chunk.last_row)
            pusher.wake()
        if self.spool.progress().rows_read != self._row_count or self._stamp_now() != self._stamp:
            raise PushStopped(
                "文件在报送过程中被修改，请再次执行，并按提示处理。\n"
                "The file was changed while it was being pushed: run the command again and do as it says."
            )

    async def _finish(self, pusher: Pusher, wait_seconds: float) -> None:
        """Returns when everything is answered, and settled or waited for long enough."""
        while (progress := self.spool.progress()).answered < progress.written:
            self._watcher.moved(progress, self._row_count)
            await pusher.changed()
        settled, since = progress.settled, time.monotonic()
        while (progress := self.spool.progress()).settled < progress.written:
            self._watcher.moved(progress, self._row_count)
            if progress.settled > settled:
                settled, since = progress.settled, time.monotonic()
            left = since + wait_seconds - time.monotonic()
            if left <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(pusher.changed(), left)
        self._watcher.moved(progress, self._row_count)

    def _map_some(self, rows: Iterator[SheetRow], last_row: int) -> "_Chunk":
        items, unmapped = [], []
        count = number = 0
        for row in rows:
            if row.number <= last_row:
                continue
            count, number = count + 1, row.number
            mapped = map_row(self._mapping, row)
            cells = json.dumps(mapped.values)
            if mapped.record is not None:
                packed = pack(self._profile.platform_id, mapped.record)
                items.append(Item(*packed, row=row.number, cells=cells))
            elif mapped.violation is not None:
                unmapped.append((row.number, cells, mapped.violation))
            if count == BATCH:
                break
        return _Chunk(items, unmapped, count, number)

    def _stamp_now(self) -> tuple[int, int]:
        with suppress(OSError):
            found = self._path.stat()
            return found.st_size, found.st_mtime_ns
        return (0, 0)


class _Chunk(NamedTuple):
    """Rows that were read together: parcels, (row, cells, violation) of the refused, how many, the last number."""

    items: list[Item]
    unmapped: list[tuple[int, str, Violation]]
    rows_read: int
    last_row: int


_NAMES = {
    "file": ("文件内容", "the file"),
    "mapping": ("映射文件", "the mapping"),
    "platform": ("报送平台", "the platform"),
    "hub": ("目的枢纽", "the hub"),
}


def _count_some(rows: Iterator[SheetRow]) -> int:
    return sum(1 for _ in islice(rows, _COUNTED_AT_ONCE))


def _digest_of(path: Path) -> str:
    """SHA-256 of a file; of one that cannot be read, nothing: reading it says why."""
    digest = hashlib.sha256()
    with suppress(OSError), path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
