"""Putting what is due to a neighbour into files, under the numbers it would have on the wire.

The numbers are given by ``hub.delivery.numbering`` as for a call, so a link may change its medium between two of them.
Where the writing stands is noted after a file is on disk: whatever moment a process ends at, a file is written twice at
most, and what comes twice is known there. Called by ``hub.files.work`` and ``sanji files export``.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from auth.envelope import LINK_STREAM
from connectors.transports.file_folders import Written, write_whole
from connectors.transports.files import (
    MAX_BATCH,
    MAX_BATCH_BYTES,
    FileBatch,
    LinkFile,
    Settled,
    Signing,
    StreamAnswer,
    batches_of,
    name_of,
    write_file,
)
from exchange_db import file_links, outbox, receipts
from exchange_db.file_links import FileLink, FileStream
from exchange_db.outbox import Progress
from exchange_db.peers import Peer
from exchange_db.receipts import QUARANTINED, SettledRange
from exchange_db.records import Refused
from exchange_db.seal_records import ANY_ALGORITHM, Sealing
from exchange_db.session import Dedicated, HotSession, Ledger
from hub.clock import Clock
from hub.delivery.fetcher import STREAM as FETCHED
from hub.delivery.numbering import numbered_after
from hub.veil import Veil

#: Most numbers of a stream one file answers, and most ranges of receipts it carries for it; the next file goes on.
_MOST_ANSWERED, _MOST_RANGES = 20_000, 10


class FileExport:
    """Writes the files of a hub.

    Args:
        ledger: the hub's database.
        hub_id: name of this hub.
        signing: signs files in its name.
        sealing: signs batches in its name.
        veil: how texts are shown to neighbours.
        clock: the hub's clock.
        max_bytes: most bytes of records in one file, about.
    """

    def __init__(
        self, ledger: Ledger, hub_id: str, signing: Signing, sealing: Sealing, veil: Veil, clock: Clock, max_bytes: int
    ) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._signing = signing
        self._sealing = sealing
        self._veil = veil
        self._clock = clock
        self._max_bytes = max_bytes

    async def write(
        self, peer: Peer, folder: Path, *, begin: int = 0, is_asked: bool = False, again: timedelta = timedelta.max
    ) -> list[Written]:
        """Writes everything that is due and was not put into a file yet, and what is to be answered.

        Args:
            peer: for whom.
            folder: where to; it is made when missing.
            begin: write again from this number on; 0 to go on where the last file ended.
            is_asked: write a file even if there is nothing new.
            again: after so long without an answer to what was written, write one too.

        Raises:
            OSError: a file cannot be written; those before it are.
            Violated: FILE_KEY_UNUSABLE.
        """
        written: list[Written] = []
        async with self._ledger.dedicated() as connection:
            standing = await file_links.standing(connection, peer.destination_id)
            progress = await outbox.progress(connection.driver, peer.destination_id)
            position = begin - 1 if begin else max(standing.exported_sequence, progress.acked_sequence)
            streams = await file_links.streams_of(connection, peer.peer_id)
            answers = [await _answer(connection, stream) for stream in streams]
            told = _told(streams, answers)
            must = is_asked or told != standing.told or _is_overdue(standing, progress, self._clock(), again)
            while True:
                batches = await self._batches(connection, peer, position)
                if not batches and not must:
                    return written
                last = batches[-1].first_sequence + len(batches[-1].payloads) - 1 if batches else position
                reached = max(last, standing.exported_sequence)
                file = LinkFile(
                    self._hub_id, peer.peer_id, self._clock(), LINK_STREAM, reached, progress.acked_sequence,
                    progress.receipted_sequence, batches, answers,
                )  # fmt: skip
                data = await asyncio.to_thread(write_file, file, self._signing)
                path = await asyncio.to_thread(write_whole, folder, name_of(file), data)
                await file_links.note_export(connection.driver, peer.destination_id, last, told)
                written.append(Written(path, *file.span))
                position, must, answers = last, False, []
                if not batches:
                    return written

    async def _batches(self, connection: Dedicated, peer: Peer, after: int) -> list[FileBatch]:
        """Returns the next parcels behind a number, as many as fit into a file, as the neighbour is to have them."""
        payloads: list[bytes] = []
        size, position = 0, after
        while size < self._max_bytes:
            room = min(MAX_BATCH_BYTES, self._max_bytes - size)
            found = await numbered_after(connection, peer.destination_id, position, MAX_BATCH, room)
            if not found:
                break
            shown = [self._veil.shown(peer.peer_id, parcel.payload) for parcel in found]
            payloads += shown
            size += sum(map(len, shown))
            position = found[-1].sequence
            await asyncio.sleep(0)
        return [self._sealed(peer.peer_id, batch) for batch in batches_of(after + 1, payloads)]

    def _sealed(self, receiver: str, batch: FileBatch) -> FileBatch:
        seals = self._sealing(receiver, LINK_STREAM, batch.first_sequence, batch.payloads, ANY_ALGORITHM)
        return batch._replace(seals=seals)


async def _answer(session: HotSession, stream: FileStream) -> StreamAnswer:
    """Returns what a stream's sender does not know yet: verdicts and receipts, as a push stream would give them."""
    driver, after = session.driver, stream.answered_sequence
    last = max(after, min(stream.last_sequence, after + _MOST_ANSWERED))
    refused = await file_links.refused_in(driver, stream.stream_id, after, last)
    known = await file_links.known_in(driver, stream.stream_id, after, last)
    settled: list[Settled] = []
    position = stream.settled_sequence
    while len(settled) < _MOST_RANGES:
        found = await receipts.settled_range(driver, stream.stream_id, position)
        if found is None or found.last > last:
            break
        settled.append(_settled(found))
        position = found.last
    # What a hub fetched from another is numbered there as its link, whatever it is called here.
    name = stream.name if stream.name != FETCHED else LINK_STREAM
    return StreamAnswer(name, after + 1, last, refused, frozenset(known), settled, stream.is_missing)


def _settled(found: SettledRange) -> Settled:
    held = [Refused(number, violation) for number, state, violation, _ in found.exceptions if state == QUARANTINED]
    stale = frozenset(number for number, state, _, _ in found.exceptions if state != QUARANTINED)
    return Settled(found.first, found.last, held, stale)


def _told(streams: Sequence[FileStream], answers: Sequence[StreamAnswer]) -> str:
    """Returns in short what answers say, to notice when there is something new to say."""
    return ";".join(
        f"{answer.stream} {answer.last} {answer.settled[-1].last if answer.settled else stream.settled_sequence}"
        f" {answer.is_missing:d}"
        for stream, answer in zip(streams, answers, strict=True)
    )


def _is_overdue(standing: FileLink, progress: Progress, now: int, again: timedelta) -> bool:
    """Tells whether what was put into files has not been answered for too long."""
    if standing.exported_time is None or standing.exported_sequence <= progress.acked_sequence:
        return False
    exported = standing.exported_time.timestamp()
    return now / 1_000_000 - exported > again.total_seconds()
