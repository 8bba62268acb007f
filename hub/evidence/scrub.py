"""Reading stored bytes again from time to time, so that damage is noticed while somebody still has the original."""

from pathlib import Path
from typing import NamedTuple

from exchange_db import attachments
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evidence.giving import EvidenceReader

#: Bytes are not read again within a day, however small the store.
_REST = 24 * 3_600 * 1_000_000
#: How long an upload that nobody goes on with is kept.
KEPT_UPLOAD = 7 * 24 * 3_600 * 1_000_000
_BATCH = 100


class Scrubbed(NamedTuple):
    """What a scrub has read, and how many attachments it found damaged."""

    attachment_count: int
    byte_count: int
    corrupt_count: int


class EvidenceScrub:
    """Checks a share of the store.

    Args:
        ledger: the hub's database.
        reader: reads and checks the bytes.
        spool_folder: where unfinished uploads lie.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, reader: EvidenceReader, spool_folder: Path, clock: Clock) -> None:
        self._ledger = ledger
        self._reader = reader
        self._spool_folder = spool_folder
        self._clock = clock

    async def run(self, most_bytes: int | None, *, rest: int = _REST) -> Scrubbed:
        """Reads what was not read for longest, and forgets uploads nobody goes on with.

        Args:
            most_bytes: stop after about so many bytes; ``None`` for the whole store.
            rest: microseconds for which what was checked is left alone.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        await self._forget()
        began = self._clock()
        done = Scrubbed(0, 0, 0)
        while most_bytes is None or done.byte_count < most_bytes:
            async with self._ledger.read() as session:
                due = await attachments.due_for_check(session, began - rest, _BATCH)
            for stored in due:
                is_whole = await self._reader.is_whole(stored)
                done = Scrubbed(
                    done.attachment_count + 1, done.byte_count + stored.size_bytes, done.corrupt_count + (not is_whole)
                )
                if most_bytes is not None and done.byte_count >= most_bytes:
                    break
            if not due:
                break
        return done

    async def _forget(self) -> None:
        before = self._clock() - KEPT_UPLOAD
        async with self._ledger.write() as session:
            await attachments.forget_stale_uploads(session, before)
        for file in self._spool_folder.glob("*/*"):
            # The ledger has forgotten it, so an upload would begin anew in any case.
            if file.stat().st_mtime * 1_000_000 < before:
                file.unlink(missing_ok=True)
