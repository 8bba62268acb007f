"""Folding: what apply has appended as deltas becomes cells, in one transaction."""

from exchange_db import folding
from exchange_db.session import Ledger


class FigureFold:
    """Folds deltas into the figures.

    Args:
        ledger: the hub's database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self) -> int:
        """Folds what waits; returns how many deltas there were."""
        async with self._ledger.write() as session:
            return await folding.fold(session)
