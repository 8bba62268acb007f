"""Proving the figures: counting all cases anew and comparing; where asked, putting right what differs."""

from typing import NamedTuple

from exchange_db import recount
from exchange_db.counting import CountingRules
from exchange_db.recount import Difference
from exchange_db.session import Ledger


class RebuildBusy(Exception):
    """Somebody else is recounting this ledger right now."""


class Recount(NamedTuple):
    """How many cases were counted, and the cells whose figures are not what the cases say."""

    case_count: int
    differences: list[Difference]


class FigureRebuild:
    """Counts all cases of a ledger anew.

    Args:
        ledger: the hub's database.
        rules: how cases are counted.
    """

    def __init__(self, ledger: Ledger, rules: CountingRules) -> None:
        self._ledger = ledger
        self._rules = rules

    async def check(self) -> Recount:
        """Compares only."""
        return await self._run(writes=False)

    async def write(self) -> Recount:
        """Compares and puts right, in one transaction; records may be applied meanwhile."""
        return await self._run(writes=True)

    async def _run(self, *, writes: bool) -> Recount:
        async with self._ledger.dedicated() as connection, recount.exclusive(connection) as is_alone:
            if not is_alone:
                raise RebuildBusy
            async with connection.transaction() as session:
                await recount.hold_still(session)
                found = Recount(*await recount.differences(session, self._rules))
                if writes and found.differences:
                    await recount.correct(session, found.differences)
            return found
