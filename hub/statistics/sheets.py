"""Drawing sheets: the counts of a region and month, whole, sent upward like every other record.

A sheet enters the log through the intake as a parcel of this hub. Its message is named after hub, region, month,
revision and cut-off, and its time is the cut-off: the same state gives the same bytes, so a drawing that was cut off
and is done again has no further effect. A sheet drawn before the last one took effect carries the same revision and
is set aside as stale; its month stays due and comes again with the next revision. Sheets of locked months are drawn by
``hub.statistics.locking``.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid5

from connectors.wire import write_parcel
from exchange_db import figures, frozen_figures
from exchange_db.figures import Draft
from exchange_db.records import FigureSheet
from exchange_db.regions import Tier, format_region, subtree, tier_of
from exchange_db.session import Ledger

#: Most cells a sheet may have, by contract.
MAX_CELLS = 20_000
#: Bytes and sheets handed in together, about.
_SUBMIT_BYTES = 2_000_000
_SUBMIT_COUNT = 1_000
NAMESPACE = UUID("7b1f9d6e-52c1-5a0b-9d33-3f6e4f2c8a11")

#: Takes parcels of this hub into the log.
Submit = Callable[[list[bytes]], Awaitable[None]]


class SheetsTooLarge(Exception):
    """Sheets were left out because they have more than 20,000 cells; the message names them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"{', '.join(names)}：超过 {MAX_CELLS} 个单元，报表未生成，请合并部门或类别编码。"
            f" / more than {MAX_CELLS} cells, no sheet drawn; merge units or classes."
        )


class Drawn(NamedTuple):
    """What a drawing did."""

    sheet_count: int
    cell_count: int


def draws_sheets(chosen: bool | None, hub_region: int) -> bool:  # noqa: FBT001 — the setting as it stands
    """Tells whether a hub draws sheets: as it is set, else when it is a city's."""
    return tier_of(hub_region) is Tier.CITY if chosen is None else chosen


class SheetDrawer:
    """Draws the sheets that are due.

    Args:
        ledger: the hub's database.
        hub_id: name of this hub.
        hub_region: its region; sheets are drawn for everything below.
        definition_ref: definitions the counters follow.
        submit: takes parcels of this hub into the log.
    """

    def __init__(self, ledger: Ledger, hub_id: str, hub_region: int, definition_ref: str, submit: Submit) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._regions = subtree(hub_region)
        self._definition_ref = definition_ref
        self._submit = submit

    async def run(self) -> Drawn:
        """Draws and hands in a sheet for every region and month that changed since its last one.

        Raises:
            SheetsTooLarge: some could not be drawn; all others were.
            ExchangeDbError: the log did not take them.
        """
        async with self._ledger.read() as session:
            locked = await frozen_figures.locked_months(session, self._regions.first)
            due = [
                (region, month)
                for region, month in await figures.sheets_due(session, self._hub_id, self._regions)
                if month not in locked
            ]
        waiting: list[bytes] = []
        too_large: list[str] = []
        sheet_count = cell_count = size = 0
        for region, month in due:
            async with self._ledger.read() as session:
                draft = await figures.draft_sheet(session, self._hub_id, region, month, MAX_CELLS + 1)
            if len(draft.cells) > MAX_CELLS:
                too_large.append(f"{format_region(region)}/{month}")
                continue
            waiting.append(self._parcel(region, month, draft))
            sheet_count += 1
            cell_count += len(draft.cells)
            size += len(waiting[-1])
            if size > _SUBMIT_BYTES or len(waiting) == _SUBMIT_COUNT:
                await self._submit(waiting)
                waiting, size = [], 0
        if waiting:
            await self._submit(waiting)
        if too_large:
            raise SheetsTooLarge(too_large)
        return Drawn(sheet_count, cell_count)

    def _parcel(self, region: int, month: int, draft: Draft) -> bytes:
        sheet = FigureSheet(
            self._hub_id,
            region,
            month,
            draft.revision,
            self._definition_ref,
            draft.cutoff_time,
            is_locked=False,
            cells=draft.cells,
        )
        name = f"{self._hub_id}/{format_region(region)}/{month}/{draft.revision}/{draft.cutoff_time}"
        return write_parcel(uuid5(NAMESPACE, name), self._hub_id, draft.cutoff_time, sheet)
