"""Corrections: what is counted now and was not frozen, by cell and reason, with the cases that caused it.

A frozen number is never changed. What differs later is published beside it as a numbered correction: by itself while
the period is open to corrections, by two people once it is locked. Read in one picture of the ledger; published in a
transaction of its own, which stands back if somebody was faster. Called by ``hub.jobs``, ``hub.approvals`` and the
command line.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from exchange_db import figure_corrections, figures, frozen_figures, sheet_history
from exchange_db.audit_records import Value
from exchange_db.bulk import KeyArray, KeyArrayDumper
from exchange_db.cases import CaseRow
from exchange_db.figure_corrections import CorrectionCase, CorrectionLine
from exchange_db.figure_runs import Planned
from exchange_db.figures import Basis
from exchange_db.frozen_figures import FrozenRow
from exchange_db.period_cells import STOCKS, PeriodCell
from exchange_db.records import COUNTERS, Violated
from exchange_db.recount import hold_still
from exchange_db.session import HotSession, Ledger
from exchange_db.shares import CaseCounting, Changes
from hub.clock import Clock
from hub.recording import actor, recorded
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.causes import Reason, reason_of
from hub.statistics.periods import Period
from hub.statistics.running import run_of

WORK = "correct"
_HOUR = 3_600_000_000

#: Yields the cases that changed between two moments of the log, as they were and as they are.
ChangedCases = Callable[[HotSession, Sequence[int], Sequence[int]], AsyncIterator[tuple[CaseRow | None, CaseRow]]]


class Pending(NamedTuple):
    """What a correction of a period would say; ``cursors`` is the moment of the log it was read at."""

    row: FrozenRow
    lines: list[CorrectionLine]
    causes: list[CorrectionCase]
    cursors: list[int]


class CorrectionDesk:
    """Finds and publishes the corrections of one hub.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
        changed_cases: knows cases as they were.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock, changed_cases: ChangedCases) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock
        self._changed_cases = changed_cases

    async def run(self) -> int:
        """Publishes what differs in the periods that are not locked; returns how many corrections there were."""
        count = 0
        least = round(self._calendar.part.correction_hours * _HOUR)
        for row, looked_time in await self._changed():
            due = row.corrected_time + (moment_of(least) - moment_of(0))
            if row.is_locked or moment_of(self._clock()) < due:
                continue
            period = self._calendar.period(row)
            planned = Planned(row.region, WORK, row.kind, row.first_day, due)
            async with run_of(self._ledger, self._clock, planned) as told:
                told.inputs.update({"revision": row.revision, "log": max(row.cursors, default=0)})
                pending = await self.pending(period)
                if pending.lines:
                    told.result["number"] = await self._publish(period, pending, "")
                    count += 1
                told.result.update({"lines": len(pending.lines), "cases": len(pending.causes)})
            async with self._ledger.write() as session:
                unchanged = None if pending.lines else pending.cursors
                await figure_corrections.note_looked(session, row, looked_time, unchanged)
        return count

    async def pending(self, period: Period) -> Pending:
        """Returns what differs now from what was published of a period, with its causes.

        Raises:
            Violated: PERIOD_NOT_FROZEN.
        """
        calendar = self._calendar
        async with self._ledger.dedicated() as connection, connection.transaction() as session:
            await hold_still(session)
            connection.driver.adapters.register_dumper(KeyArray, KeyArrayDumper)
            row = require_frozen(await frozen_figures.find(session, calendar.key(period)), period)
            span = calendar.span(period)
            differing = await figure_corrections.differences(session, row, span)
            cursors = await frozen_figures.cursors(session)
            if not differing:
                return Pending(row, [], [], cursors)
            sent = await self._sent_regions(session, row, period)
            wanted = {cell for cell in differing if cell[0] not in sent}
            causes = await self._causes(session, row, period, wanted, cursors) if wanted else []
        return Pending(row, _lines(differing, causes, sent), causes, cursors)

    async def publish_locked(self, period: Period, purpose: str) -> int:
        """Publishes the correction of a locked period; returns its number.

        Raises:
            Violated: PERIOD_NOT_FROZEN, PERIOD_NOT_LOCKED, CORRECTION_EMPTY, CORRECTION_OVERTAKEN.
        """
        pending = await self.pending(period)
        if not pending.row.is_locked:
            raise Violated("PERIOD_NOT_LOCKED", "period", period.name)
        if not pending.lines:
            raise Violated("CORRECTION_EMPTY", "period", period.name)
        return await self._publish(period, pending, purpose)

    async def _publish(self, period: Period, pending: Pending, purpose: str) -> int:
        row = pending.row
        about: dict[str, Value] = {"lines": len(pending.lines), "cases": len(pending.causes)}
        name = f"{period.kind} {period.name}"
        async with recorded(self._ledger, "figures.correct", name, region=row.region, detail=about) as act:
            found = await frozen_figures.find(act.session, row.key, is_locked=True)
            if found is None or (found.revision, found.is_locked) != (row.revision, row.is_locked):
                raise Violated("CORRECTION_OVERTAKEN", "period", period.name)
            number = await figure_corrections.publish(
                act.session, row, moment_of(self._clock()), (actor(), purpose), pending.lines, pending.causes,
                pending.cursors,
            )  # fmt: skip
            act.detail["number"] = number
        return number

    async def _changed(self) -> list[tuple[FrozenRow, datetime]]:
        """Returns the open periods in or before whose months anything changed since they were looked at, and now."""
        calendar = self._calendar
        async with self._ledger.read() as session:
            now = moment_of(await figures.database_time(session))
            rows = await frozen_figures.open_periods(session, calendar.region)
            if not rows:
                return []
            since = min(row.looked_time for row in rows)
            months = await figure_corrections.changed_months(session, calendar.regions, since)
        return [
            (row, now)
            for row in rows
            # What is left at the end of a period comes from earlier months as well.
            if any(month <= row.last_day // 100 and moment > row.looked_time for month, moment in months.items())
        ]

    async def _sent_regions(self, session: HotSession, row: FrozenRow, period: Period) -> set[int]:
        """Returns the regions whose numbers come from sheets: no case of this ledger explains them."""
        if Basis(row.basis) is Basis.LEDGER or period.months is None:
            return set()
        heads = await sheet_history.heads(session, self._calendar.regions, *period.months)
        return {head.region for head in heads}

    async def _causes(
        self, session: HotSession, row: FrozenRow, period: Period, wanted: set[PeriodCell], cursors: list[int]
    ) -> list[CorrectionCase]:
        counting = CaseCounting(self._calendar.rules)
        causes: list[CorrectionCase] = []
        async for before, after in self._changed_cases(session, row.cursors, cursors):
            changes: Changes = {}
            counting.add_step(changes, before, after)
            for cell, days in changes.items():
                counts = _counts_in(days, period) if cell in wanted else {}
                change = tuple(counts.get(name, 0) for name in row.counters)
                if any(change):
                    reason = reason_of(before, after)
                    causes.append(CorrectionCase(cell, after.home_region, after.case_id, reason, change))
        return causes


def _counts_in(days: dict[int, list[int]], period: Period) -> dict[str, int]:
    """Returns what changes on some days add to a period: to its counters, and to what is left at its end."""
    counts: dict[str, int] = {}
    for day, change in days.items():
        if day > period.last:
            continue
        by_name = dict(zip(COUNTERS, change, strict=True))
        for stock, (came, went) in STOCKS.items():
            counts[stock] = counts.get(stock, 0) + by_name[came] - by_name[went]
        if day >= period.first:
            for name, count in by_name.items():
                counts[name] = counts.get(name, 0) + count
    return counts


def require_frozen(row: FrozenRow | None, period: Period) -> FrozenRow:
    """Returns a row that is there.

    Raises:
        Violated: PERIOD_NOT_FROZEN.
    """
    if row is None:
        raise Violated("PERIOD_NOT_FROZEN", "period", period.name)
    return row


def _lines(
    differing: dict[PeriodCell, tuple[int, ...]], causes: list[CorrectionCase], sent: set[int]
) -> list[CorrectionLine]:
    """Sums the causes by cell and reason; what no case explains is a sheet's, or a recount's."""
    sums: dict[tuple[PeriodCell, str], list[int]] = {}
    numbers: dict[tuple[PeriodCell, str], int] = {}
    for one in causes:
        place = (one.cell, one.reason)
        sums[place] = [sum(pair) for pair in zip(sums.get(place, [0] * len(one.counts)), one.counts, strict=True)]
        numbers[place] = numbers.get(place, 0) + 1
    told: dict[PeriodCell, list[list[int]]] = {}
    for (cell, _), counts in sums.items():
        told.setdefault(cell, []).append(counts)
    for cell, whole in differing.items():
        rest = [count - sum(one[index] for one in told.get(cell, ())) for index, count in enumerate(whole)]
        if any(rest):
            reason = Reason.SHEET_REVISED if cell[0] in sent else Reason.RECOUNTED
            sums[cell, reason], numbers[cell, reason] = rest, 0
    return [
        CorrectionLine(cell, reason, tuple(counts), numbers[cell, reason])
        for (cell, reason), counts in sorted(sums.items())
    ]
