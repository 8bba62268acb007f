"""Gathering: some hours after a month's end it is looked who below has sent its figures, and written down.

What a hub missed while it was down is looked at when it is back, each month in a run of its own. The sheets themselves
come by themselves (``hub.statistics.sheets`` of the hubs below); here is the record of what had come, and what had not,
when a month was to be complete. Called by ``hub.jobs``.
"""

from datetime import date
from typing import NamedTuple

from exchange_db import figure_runs, frozen_figures, sheet_history
from exchange_db.figure_runs import FigureRun, Planned
from exchange_db.period_kinds import PeriodKind
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.completeness import Completeness, SheetState
from hub.statistics.periods import Period
from hub.statistics.running import run_of

WORK = "gather"
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
#: Missing senders named in a run.
_MOST_NAMED = 200


class Gathered(NamedTuple):
    """A month that was looked at, how many sheets had come, and how many had not."""

    period: Period
    sent_count: int
    missing_count: int


class Gathering:
    """Looks who has sent, month by month.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock
        self._completeness = Completeness(ledger, calendar, clock)

    async def run(self) -> list[Gathered]:
        """Looks at every month it is time for and nobody has looked at, oldest first."""
        return [await self._gather(period) for period in await self._due()]

    async def thin(self) -> int:
        """Forgets revisions of sheets between the first and the last of a day long past; returns how many."""
        until = moment_of(self._clock() - self._calendar.part.kept_days * _DAY)
        async with self._ledger.write() as session:
            return await sheet_history.thin(session, until, self._calendar.rules.zone)

    async def runs(self, work: str = "", limit: int = 50) -> list[FigureRun]:
        """Returns the last runs of all work on periods, newest first."""
        async with self._ledger.read() as session:
            return await figure_runs.listing(session, work, limit)

    async def _due(self) -> list[Period]:
        calendar, hours = self._calendar, self._calendar.part.gather_hours
        async with self._ledger.read() as session:
            first = await frozen_figures.first_known_month(session, calendar.regions)
            if first is None:
                return []
            done = await figure_runs.done(session, calendar.region, WORK, PeriodKind.MONTH)
        since = date(first // 100, first % 100, 1)
        months = calendar.periods_due(PeriodKind.MONTH, since, self._clock(), hours)
        return [period for period in months if period.first not in done]

    async def _gather(self, period: Period) -> Gathered:
        calendar = self._calendar
        due = period.bounds(calendar.rules)[1] + round(calendar.part.gather_hours * _HOUR)
        planned = Planned(calendar.region, WORK, period.kind, period.first, moment_of(due))
        async with run_of(self._ledger, self._clock, planned) as told:
            matrix = await self._completeness.matrix(calendar.regions, format_region(calendar.region), period, period)
            sent = [(row, row.cells[0]) for row in matrix.rows if row.cells[0].revision]
            # Whether a sheet is late is settled at the cut-off; here is who has sent nothing so far.
            silent = {SheetState.MISSING, SheetState.WAITING}
            missing = [row for row in matrix.rows if row.cells[0].state in silent]
            told.inputs["sheets"] = [[row.region, row.reporter_id, cell.revision] for row, cell in sent]
            told.result.update(
                {
                    "sent": len(sent),
                    "locked": sum(cell.state is SheetState.LOCKED for _, cell in sent),
                    "missing": [[row.region, row.reporter_id] for row in missing[:_MOST_NAMED]],
                    "missing_count": len(missing),
                }
            )
        return Gathered(period, len(sent), len(missing))
