"""Acts of several callers in one transaction, each with its entry in the audit log.

An append to the audit log holds the log's end until its commit (``exchange_db.audit``), so acts that are committed one
by one wait for the disk one after the other. Here whoever comes while a commit is under way goes into the next one, and
a hundred cost as much waiting as one. Nobody is told that an act is done before it is on disk, as ever. Called by
whatever is done many times a second: ``auth.oidc_provider`` gives its codes so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import psycopg
import sqlalchemy.exc

from exchange_db.session import HotSession, Ledger

_Act = TypeVar("_Act")
#: The server is in trouble, or it is not known whether the commit happened: nothing is tried again.
_LOST = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError)
_Waiting = tuple[_Act, asyncio.Future[None]]
#: Most acts of one transaction.
_MOST = 500


class JointActs(Generic[_Act]):
    """Does one kind of act.

    Args:
        ledger: the hub's database.
        write: writes some acts and their entries in the transaction it is given; what it raises fails all of them.
    """

    def __init__(self, ledger: Ledger, write: Callable[[HotSession, Sequence[_Act]], Awaitable[object]]) -> None:
        self._ledger = ledger
        self._write = write
        self._waiting: list[_Waiting[_Act]] = []
        self._turn = asyncio.Lock()

    async def do(self, act: _Act) -> None:
        """Returns when the act and its entry are on disk.

        Raises:
            Exception: whatever kept this act from being written; then it was not done.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((act, done))
        try:
            async with self._turn:
                # Whoever comes first writes for all that wait; mostly somebody before has done it meanwhile.
                while not done.done():
                    await self._write_some()
        except asyncio.CancelledError:
            done.cancel()
            raise
        await done

    async def _write_some(self) -> None:
        taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        wanted = [one for one in taken if not one[1].done()]
        if not wanted:
            return
        failure = await self._tried(wanted)
        if failure is None or isinstance(failure, _LOST) or len(wanted) == 1:
            _answer(wanted, failure)
            return
        # One that cannot be written is not to fail the others.
        for one in wanted:
            _answer([one], await self._tried([one]))

    async def _tried(self, wanted: Sequence[_Waiting[_Act]]) -> Exception | None:
        """Writes some acts; returns why they could not be written."""
        try:
            async with self._ledger.brisk() as session:
                await self._write(session, [act for act, _ in wanted])
        except asyncio.CancelledError:
            for _, done in wanted:
                done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 — raised again at each that waits for it
            return error
        return None


def _answer(wanted: Sequence[_Waiting[_Act]], failure: Exception | None) -> None:
    """Tells those who still wait how it went."""
    for _, done in wanted:
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
