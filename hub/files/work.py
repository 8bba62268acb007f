"""The work of one link that goes by files: takes what lies in its folder, writes what is due, again and again.

It holds the lease ``deliver/<peer>``, as a dispatcher does: of several processes one looks after a link, whichever way
it goes. Called by ``hub.bootstrap``.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import sqlalchemy.exc

from connectors.transports.file_folders import Imported, Outcome, drop_old, waiting_in
from exchange_db import file_links, leases, wakeups
from exchange_db.errors import ExchangeDbError
from exchange_db.peers import Peer
from exchange_db.records import Violated, Violation
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.files.exporting import FileExport
from hub.files.importing import FileImport
from hub.listener import Listener
from hub.log_context import concern
from hub.sections.files import FilesPart

logger = logging.getLogger(__name__)

#: Looks a lease outlasts, and how long it holds at least.
_LEASE_LOOKS, _LEASE_SECONDS = 3.0, 60.0
_DATABASE_SILENT = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError)


class FileWork:
    """Works for one link until cancelled.

    Args:
        ledger: the hub's database.
        export: writes files.
        importing: takes files.
        clock: the hub's clock.
        part: the settings.
        holder: name of this process for leases.
        peer: the neighbour.
        listener: wake-ups of this process.
    """

    def __init__(
        self,
        ledger: Ledger,
        export: FileExport,
        importing: FileImport,
        clock: Clock,
        part: FilesPart,
        holder: str,
        peer: Peer,
        *,
        listener: Listener,
    ) -> None:
        self._ledger = ledger
        self._export = export
        self._import = importing
        self._clock = clock
        self._part = part
        self._holder = holder
        self._peer = peer
        self._listener = listener
        self._lease = f"deliver/{peer.peer_id}"
        self._inward, self._outward = folders_of(part.folder, peer.peer_id)

    async def run(self) -> None:
        """Looks, and tries again after every failure; gives its lease back when it ends."""
        concern(link=self._peer.peer_id)
        try:
            while True:
                seen = self._listener.version(wakeups.PEERS)
                try:
                    await self.look()
                except _DATABASE_SILENT as error:
                    logger.warning("files of %s: database does not answer: %s", self._peer.peer_id, error)
                await self._listener.wait(wakeups.PEERS, seen, self._part.every_seconds)
        finally:
            with suppress(*_DATABASE_SILENT):
                async with self._ledger.dedicated() as connection:
                    await asyncio.shield(leases.release(connection.driver, [self._lease], self._holder))

    async def look(self) -> bool:
        """Takes and writes once; tells whether this process was the one to do so."""
        async with self._ledger.watching() as connection:
            seconds = max(_LEASE_SECONDS, _LEASE_LOOKS * self._part.every_seconds)
            if not await leases.claim(connection.driver, [self._lease], self._holder, seconds):
                return False
        trouble: str | None = None
        try:
            await asyncio.to_thread(self._inward.mkdir, parents=True, exist_ok=True)
            taken = await self._import.take_all(
                await asyncio.to_thread(waiting_in, self._inward), of=self._peer.peer_id
            )
            trouble = _trouble_of(taken)
            await self._export.write(self._peer, self._outward, again=timedelta(hours=self._part.again_hours))
            before = self._clock() / 1_000_000 - self._part.keep_days * 86_400
            await asyncio.to_thread(drop_old, self._inward, before)
        except OSError as error:
            trouble = f"{error.filename}：{error.strerror} / folder cannot be used"
            logger.warning("files of %s: %s", self._peer.peer_id, trouble)
        except Violated as violated:
            trouble = told_of(violated.violation)
            logger.warning("files of %s: %s", self._peer.peer_id, trouble)
        if trouble is not None:
            async with self._ledger.watching() as connection:
                await file_links.note_trouble(connection.driver, self._peer.destination_id, trouble)
        return True


def folders_of(folder: Path, peer_id: str) -> tuple[Path, Path]:
    """Returns where files of a neighbour come into, and where those for it are written."""
    return folder / peer_id / "in", folder / peer_id / "out"


def _trouble_of(taken: list[Imported]) -> str | None:
    """Returns what is wrong after a look, empty for nothing any more; ``None`` when nothing is known to have changed.

    A file that waits is told before one that was refused: that one has its text beside it.
    """
    for outcome in (Outcome.WAITING, Outcome.REFUSED):
        for one in taken:
            if one.outcome is outcome and one.violation is not None:
                return f"{one.path.name}: {told_of(one.violation)}"
    return "" if taken else None


def told_of(violation: Violation) -> str:
    """Returns a violation in words: field, reason and what to do, in Chinese and English."""
    field = f"{violation.field_path}: " if violation.field_path else ""
    return f"{field}{violation.reason} {violation.message_zh} / {violation.message}"
