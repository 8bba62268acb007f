"""Locking a frozen period, unlocking it, and the sheets of locked months: drawn of what was published, and marked.

While a month is locked, its sheets say what was published (frozen numbers and corrections) and are marked so; what is
counted meanwhile waits for a correction. Unlocking makes the sheets due again as they are counted. Called by
``hub.jobs``, ``hub.approvals`` and the command line.
"""

from uuid import uuid5

from connectors.wire import write_parcel
from exchange_db import frozen_figures, sheet_history
from exchange_db.frozen_figures import FrozenRow
from exchange_db.records import COUNTERS, Counts, FigureCell, FigureSheet, Violated
from exchange_db.regions import format_region
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.recording import recorded
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.corrections import require_frozen
from hub.statistics.periods import Period
from hub.statistics.sheets import MAX_CELLS, NAMESPACE, SheetsTooLarge, Submit

_SUBMIT_COUNT = 100


class LockDesk:
    """Locks and unlocks the periods of one hub.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock

    async def find(self, period: Period) -> FrozenRow:
        """Returns a frozen period.

        Raises:
            Violated: PERIOD_NOT_FROZEN.
        """
        async with self._ledger.read() as session:
            return require_frozen(await frozen_figures.find(session, self._calendar.key(period)), period)

    async def lock(self, period: Period, purpose: str) -> None:
        """Locks a frozen period.

        Raises:
            Violated: PERIOD_NOT_FROZEN or PERIOD_LOCKED.
        """
        await self._set(period, purpose, is_locked=True)

    async def unlock(self, period: Period, purpose: str) -> None:
        """Unlocks it: what differs is corrected again by itself, and sheets are drawn as it is counted.

        Raises:
            Violated: PERIOD_NOT_FROZEN or PERIOD_NOT_LOCKED.
        """
        await self._set(period, purpose, is_locked=False)

    async def _set(self, period: Period, purpose: str, *, is_locked: bool) -> None:
        calendar = self._calendar
        key, name = calendar.key(period), f"{period.kind} {period.name}"
        async with recorded(
            self._ledger,
            "figures.lock" if is_locked else "figures.unlock",
            name,
            region=calendar.region,
            detail={"purpose": purpose},
        ) as act:
            row = require_frozen(await frozen_figures.find(act.session, key, is_locked=True), period)
            moment = moment_of(self._clock()) if is_locked else None
            if not await frozen_figures.set_lock(act.session, key, moment):
                raise Violated("PERIOD_LOCKED" if is_locked else "PERIOD_NOT_LOCKED", "period", period.name)
            if not is_locked and period.months is not None:
                await frozen_figures.make_due(act.session, calendar.regions, *period.months)
            act.detail["revision"] = row.revision


class LockedSheets:
    """Draws the sheets of locked months.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        submit: takes parcels of this hub into the log.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, submit: Submit) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._submit = submit

    async def run(self) -> int:
        """Draws and hands in every sheet that does not say what was published, or is not marked; returns how many.

        Raises:
            SheetsTooLarge: some could not be drawn; all others were.
        """
        waiting: list[bytes] = []
        too_large: list[str] = []
        async with self._ledger.read() as session:
            months = await frozen_figures.locked_months(session, self._calendar.region)
            for month, row in months.items():
                waiting += await self._due(session, month, row, too_large)
        for start in range(0, len(waiting), _SUBMIT_COUNT):
            await self._submit(waiting[start : start + _SUBMIT_COUNT])
        if too_large:
            raise SheetsTooLarge(too_large)
        return len(waiting)

    async def _due(self, session: ReadSession, month: int, row: FrozenRow, too_large: list[str]) -> list[bytes]:
        calendar = self._calendar
        said = await frozen_figures.published(session, row.key, row.counters, calendar.regions, row.revision - 1)
        sent = {
            one.region: one
            for one in await sheet_history.latest(session, calendar.regions, month, month, calendar.hub_id)
        }
        by_region: dict[int, dict[tuple[str, str, str], Counts]] = {region: {} for region in sent}
        for (region, *cell), counts in said.items():
            by_name = dict(zip(row.counters, counts, strict=True))
            kept = Counts(**{name: by_name.get(name, 0) for name in COUNTERS})
            by_region.setdefault(region, {})[cell[0], cell[1], cell[2]] = kept
        drawn = []
        for region, cells in sorted(by_region.items()):
            last = sent.get(region)
            if last is not None and last.is_locked and _says(last, cells):
                continue
            revision = last.revision + 1 if last else 1
            # A cell that was sent once and is not among the published ones has fallen to nothing: it is sent as zero.
            known = sheet_history.cells_of(last) if last else {}
            whole = {key: Counts() for key in known} | cells
            if len(whole) > MAX_CELLS:
                too_large.append(f"{format_region(region)}/{month}")
                continue
            drawn.append(self._parcel(region, month, revision, row, whole))
        return drawn

    def _parcel(
        self, region: int, month: int, revision: int, row: FrozenRow, cells: dict[tuple[str, str, str], Counts]
    ) -> bytes:
        hub_id, cutoff = self._calendar.hub_id, round(row.corrected_time.timestamp() * 1_000_000)
        sheet = FigureSheet(
            hub_id, region, month, revision, row.definition_ref, cutoff, is_locked=True,
            cells=tuple(FigureCell(*key, counts) for key, counts in sorted(cells.items())),
        )  # fmt: skip
        name = f"{hub_id}/{format_region(region)}/{month}/{revision}/{cutoff}/locked/{row.revision}"
        return write_parcel(uuid5(NAMESPACE, name), hub_id, cutoff, sheet)


def _says(sheet: sheet_history.SheetRevision, cells: dict[tuple[str, str, str], Counts]) -> bool:
    """Tells whether a sheet says these cells; cells of nothing make no difference."""
    said = {key: counts for key, counts in sheet_history.cells_of(sheet).items() if any(counts.values())}
    meant = {
        key: {name: getattr(counts, name) for name in sheet.counters}
        for key, counts in cells.items()
        if any(getattr(counts, name) for name in sheet.counters)
    }
    return said == meant
