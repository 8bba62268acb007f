"""Proving the figures: counting all cases anew and comparing; where asked, putting right what differs."""

from exchange_db import figure_totals, folding, recount
from exchange_db.audit import append
from exchange_db.audit_records import Value
from exchange_db.counting import CountingRules
from exchange_db.recount import Found
from exchange_db.session import Ledger
from hub.recording import entry_of


class RebuildBusy(Exception):
    """Somebody else is recounting this ledger right now."""


class FigureRebuild:
    """Counts all cases of a ledger anew.

    Args:
        ledger: the hub's database.
        rules: how cases are counted.
    """

    def __init__(self, ledger: Ledger, rules: CountingRules) -> None:
        self._ledger = ledger
        self._rules = rules

    async def check(self) -> Found:
        """Compares only."""
        return await self._run(writes=False)

    async def write(self) -> Found:
        """Compares and puts right, in one transaction; records may be applied meanwhile."""
        return await self._run(writes=True)

    async def _run(self, *, writes: bool) -> Found:
        async with self._ledger.dedicated() as connection, recount.exclusive(connection) as is_alone:
            if not is_alone:
                raise RebuildBusy
            async with connection.transaction() as session:
                await recount.hold_still(session)
                found = await recount.differences(session, self._rules)
                if writes and not found.is_right:
                    await recount.correct(session)
                if writes:
                    about: dict[str, Value] = {"cases": found.case_count, "corrected": found.cell_count}
                    await append(session, entry_of("figures.rebuild", "figures", detail=about))
            if writes and not found.is_right:
                # What was wrong in cells alone comes to the totals with the correction; those are made anew.
                async with connection.transaction() as session:
                    await folding.fold(session)
                    await figure_totals.put_right(session)
            return found
