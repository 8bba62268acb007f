"""A platform's files: its stream put into files for its hub, and what the hub sends taken from files.

The numbers are the spool's, as ``connectors.county.pusher`` would send them, so a platform may report by gRPC today,
by files tomorrow, and back. ``docs/files.md`` shows it at work. Where the writing stands is kept in a small file beside
the spool; losing that costs a file twice, never a record.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import convert

from connectors.county.canaries import answer_to
from connectors.county.client import CountyClient
from connectors.county.exchange_book import ExchangeBook
from connectors.county.packing import unpacked
from connectors.county.profile import Profile
from connectors.county.pusher import NumbersDisagree
from connectors.county.spool import Item, Spool
from connectors.errors import Unreachable
from connectors.transports.file_folders import (
    ARRIVING_SECONDS,
    Imported,
    Outcome,
    Written,
    judged_broken,
    put_away,
    read_bytes,
    waiting_in,
    write_whole,
)
from connectors.transports.files import (
    FileBatch,
    FileKeys,
    LinkFile,
    StreamAnswer,
    batches_of,
    name_of,
    open_file,
    read_content,
    write_file,
)
from exchange_db.records import Case, Component, Violated
from exchange_db.seal_records import ANY_ALGORITHM, LINK_STREAM, Judging, Sealing

logger = logging.getLogger(__name__)

#: Most bytes of records in one file, about, and most records.
MAX_BYTES, _MOST_PARCELS = 32_000_000, 100_000
#: After so long without an answer a file is written that brings nothing, so that the hub notices what was lost.
_AGAIN = 86_400 * 1_000_000


class _Standing(NamedTuple):
    """Stream and last number that was put into a file, what the newest said, when, and the last number known of."""

    stream: str
    exported: int = 0
    told: str = ""
    known: int = 0
    exported_time: int = 0


class CountyFiles:
    """Writes and takes the files of one spool. Call it from one thread; the spool and the book are open.

    Args:
        profile: who the platform and its hub are.
        spool: what is sent, and how far what comes down was taken.
        book: where what came down waits until it is dealt with.
        keys: sign and judge files.
        sealing: signs batches in the platform's name, where the hub wants that.
        judging: judges batches of the hub, where the profile names ``hub_cards``.
        clock: microseconds since 1970.
        max_bytes: most bytes of records in one file, about.
    """

    def __init__(
        self,
        profile: Profile,
        spool: Spool,
        book: ExchangeBook,
        keys: FileKeys,
        *,
        sealing: Sealing | None = None,
        judging: Judging | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._profile = profile
        self._spool = spool
        self._book = book
        self._keys = keys
        self._sealing = sealing
        self._judging = judging
        self._clock = clock
        self._max_bytes = max_bytes
        self._path = spool.path.with_name(f"{spool.path.name}.files")
        #: When files were made that wait and whose answers were noted: a gap they tell of is mended once.
        self._noted: set[int] = set()

    def export(self, folder: Path, *, begin: int = 0, is_asked: bool = False) -> list[Written]:
        """Writes what was not put into a file yet, and what the hub is to be answered.

        Args:
            folder: where to; it is made when missing.
            begin: write again from this number on, as far back as the hub has not answered yet; 0 to go on.
            is_asked: write a file even if there is nothing new.

        Raises:
            OSError: a file cannot be written; those before it are.
            Violated: FILE_KEY_UNUSABLE.
        """
        written: list[Written] = []
        standing, progress = self._standing(), self._spool.progress()
        position = max(begin - 1, progress.answered) if begin else max(standing.exported, progress.answered)
        told = f"{progress.taken} {standing.known > progress.taken:d}"
        is_overdue = standing.exported > progress.answered and self._clock() - standing.exported_time > _AGAIN
        must = is_asked or is_overdue or (told != standing.told and standing.known > 0)
        while True:
            payloads = self._spool.waiting_after(position, _MOST_PARCELS, self._max_bytes)
            if not payloads and not must:
                return written
            last = position + len(payloads)
            file = LinkFile(
                self._profile.platform_id, self._profile.hub_id, self._clock(), standing.stream,
                max(last, standing.exported), progress.answered, progress.settled,
                [self._sealed(standing.stream, batch) for batch in batches_of(position + 1, payloads)],
                [StreamAnswer(LINK_STREAM, 1, progress.taken, is_missing=standing.known > progress.taken)],
            )  # fmt: skip
            path = write_whole(folder, name_of(file), write_file(file, self._keys.sign))
            standing = standing._replace(exported=max(last, standing.exported), told=told, exported_time=file.made_time)
            self._keep(standing)
            written.append(Written(path, *file.span))
            position, must = last, False

    def _sealed(self, stream: str, batch: FileBatch) -> FileBatch:
        if self._sealing is None:
            return batch
        seals = self._sealing(self._profile.hub_id, stream, batch.first_sequence, batch.payloads, ANY_ALGORITHM)
        return batch._replace(seals=seals)

    def take_all(self, paths: list[Path], *, patience_seconds: float = 0.0) -> list[Imported]:
        """Takes files and puts them away; those that wait for others are tried again once those were taken.

        With ``patience_seconds`` a file that is not whole may be arriving for so long.
        """
        done: list[Imported] = []
        waiting = paths
        while waiting:
            results = [self.take(path, patience_seconds) for path in waiting]
            again = [one.path for one in results if one.outcome is Outcome.WAITING]
            if len(again) == len(waiting):
                return done + results
            done += [one for one in results if one.outcome is not Outcome.WAITING]
            waiting = again
        return done

    def take(self, path: Path, patience_seconds: float = 0.0) -> Imported:
        """Takes one file of the hub and puts it away; one that waits for another stays where it is.

        Raises:
            SpoolInvalid: the disk is full or broken; the file stays and can be taken again.
        """
        try:
            file = self._judged(path)
            first, last = file.span
            return put_away(self._taken(file, Imported(path, Outcome.TAKEN, file.sender_id, first, last)))
        except Violated as violated:
            return judged_broken(path, violated.violation, self._clock(), patience_seconds)
        except OSError as error:
            return Imported(path, Outcome.WAITING, violation=Violated("FILE_DAMAGED", "file", error.strerror).violation)

    def _judged(self, path: Path) -> LinkFile:
        signed = open_file(read_bytes(path))
        self._keys.judge(signed)
        file = read_content(signed.content)
        if file.sender_id != self._profile.hub_id:
            raise Violated("FILE_FOREIGN", "sender_id", file.sender_id)
        if file.receiver_id != self._profile.platform_id:
            raise Violated("FILE_FOR_OTHER", "receiver_id", file.receiver_id)
        for batch in file.batches if self._judging is not None else ():
            assert self._judging is not None  # noqa: S101 — asked a line above
            self._judging.require(file.stream, batch.first_sequence, batch.payloads, batch.seals)
        return file

    def _taken(self, file: LinkFile, began: Imported) -> Imported:
        if file.made_time not in self._noted:
            for answer in file.answers:
                self._note(answer)
        standing, taken = self._standing(), self._spool.progress().taken
        self._keep(standing._replace(known=max(standing.known, file.last_sequence, began.last)))
        if began.first > taken + 1:
            early = Violated("FILE_EARLY", "first_sequence", f"{taken + 1}–{began.first - 1}").violation
            self._noted.add(file.made_time)
            return began._replace(outcome=Outcome.WAITING, violation=early)
        self._noted.discard(file.made_time)
        payloads = [payload for batch in file.batches for payload in batch.payloads][max(0, taken + 1 - began.first) :]
        self._queue(payloads)
        if payloads:
            self._spool.take(began.last)
        known = max(0, began.last - began.first + 1 - len(payloads)) if file.batches else 0
        is_known = bool(file.batches) and not payloads
        return began._replace(
            outcome=Outcome.KNOWN if is_known else Outcome.TAKEN, new_count=len(payloads), known_count=known
        )

    def _queue(self, payloads: list[bytes]) -> None:
        """Keeps records until they are dealt with; the hub's own questions are answered at once."""
        answers: list[Item] = []
        records = []
        for payload in payloads:
            if unpacked(payload) is not None:
                records.append(payload)
            else:
                answers += answer_to(payload, self._profile.platform_id)
        if answers:
            self._spool.write(answers)
        self._book.note(payloads, is_sent=False)
        self._book.queue(records)
        self._book.sync()

    def _note(self, answer: StreamAnswer) -> None:
        """Records what the hub answered to our stream, as ``Pusher`` would."""
        if answer.stream != self._spool.stream:
            return
        progress = self._spool.progress()
        try:
            _require_agreement(answer, progress.written, progress.answered)
        except NumbersDisagree as error:
            logger.warning("序号不一致，改用新的报送流。 / Going on in a new stream: %s", error)
            self._spool.renumber()
            return
        if answer.first <= progress.answered + 1 and answer.last > progress.answered:
            self._spool.answer(answer.last, set(answer.known), list(answer.refused))
        progress = self._spool.progress()
        for settled in answer.settled:
            if settled.first <= progress.settled + 1 and progress.settled < settled.last <= progress.answered:
                self._spool.settle(settled.last, list(settled.quarantined), set(settled.stale))
                progress = self._spool.progress()
        if answer.is_missing:
            standing = self._standing()
            self._keep(standing._replace(exported=min(standing.exported, answer.last)))

    def _standing(self) -> _Standing:
        """Returns where the writing stands; at the beginning for a spool that wrote none, or has a new stream."""
        stream = self._spool.stream
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
            standing = convert(read, _Standing)
        except (OSError, ValueError):
            return _Standing(stream)
        return standing if standing.stream == stream else standing._replace(stream=stream, exported=0)

    def _keep(self, standing: _Standing) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(standing, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


class FileClient(CountyClient):
    """A platform's connection to its hub by files; use it as ``CountyClient``, in whose place it stands.

    What is reported goes into files in ``outward``; what lies in ``inward`` is taken. Evidence and questions to the hub
    need a line.

    Args:
        profile: as for ``CountyClient``.
        spool: as there; a spool that went by gRPC goes on here, and back.
        keys: sign and judge files; ``hub.federation.file_signing.platform_file_keys`` makes them.
        inward: folder files of the hub come into.
        outward: folder files for the hub are written into.
        every_seconds: time between looks at both.
        sealing: as there.
        judging: as there.
    """

    _has_line = False

    def __init__(
        self,
        profile: Profile | Path | str,
        spool: Path | str,
        keys: FileKeys,
        inward: Path,
        outward: Path,
        *,
        every_seconds: float = 60.0,
        sealing: Sealing | None = None,
        judging: Judging | None = None,
    ) -> None:
        super().__init__(profile, spool, sealing, judging)
        self._keys = keys
        self._inward, self._outward = inward, outward
        self._every_seconds = every_seconds
        self._files: CountyFiles | None = None

    async def exchange(self) -> tuple[list[Imported], list[Written]]:
        """Takes what came and writes what is due, now; returns what became of it.

        Raises:
            OSError: a folder cannot be read or written.
        """
        if self._files is None:
            self._files = CountyFiles(
                self.profile, self._spool, self._book, self._keys, sealing=self._sealing, judging=self._judging
            )
        taken = self._files.take_all(waiting_in(self._inward), patience_seconds=ARRIVING_SECONDS)
        written = self._files.export(self._outward)
        if taken:
            self._pusher.tell()
        return taken, written

    async def arrivals(self, *, stop_when_empty: bool = False) -> AsyncIterator[Case | Component]:
        """Yields what came in files, as ``CountyClient.arrivals`` does; each comes at least once."""
        while True:
            for record in self._fetched_again():
                yield record
            if stop_when_empty:
                return
            await self._changed()

    async def _send(self) -> None:
        while True:
            try:
                await self.exchange()
            except OSError as error:
                self._note_trouble(Unreachable(f"{error.filename}: {error.strerror}"), self._every_seconds)
            except Violated as violated:
                self._note_trouble(Unreachable(str(violated)), self._every_seconds)
            else:
                self._note_trouble(None, 0.0)
            await asyncio.sleep(self._every_seconds)


def _require_agreement(answer: StreamAnswer, written: int, answered: int) -> None:
    """Raises NumbersDisagree when the hub stands where this spool cannot go on from."""
    if answer.last > written or (answer.is_missing and answer.last < answered):
        raise NumbersDisagree(f"the hub has {answer.last}; {answered} of {written} were answered before")
    if any(item.violation.reason == NumbersDisagree.reason for item in answer.refused):
        raise NumbersDisagree("the hub had other content under these numbers")
