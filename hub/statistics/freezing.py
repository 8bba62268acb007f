"""Freezing: at its cut-off a period's numbers are set down as they are, and never changed again.

A hub that was down freezes what it missed when it is back, oldest first, with the cut-off of that moment; when it was
due is kept beside it. Called by ``hub.jobs`` and the command line.
"""

from datetime import date
from typing import NamedTuple

from exchange_db import frozen_figures, sheet_history
from exchange_db.audit_records import Value
from exchange_db.figure_runs import Planned
from exchange_db.frozen_figures import FrozenRow
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.recording import recorded
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.periods import Period
from hub.statistics.running import run_of

WORK = "freeze"


class Frozen(NamedTuple):
    """A period that was frozen, and how many cells it has."""

    period: Period
    cell_count: int


class Freezer:
    """Freezes the periods of one hub.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock

    async def run(self) -> list[Frozen]:
        """Freezes every period that is due and not frozen, oldest first."""
        done: list[Frozen] = []
        for period in await self._due():
            frozen = await self.freeze(period)
            if frozen is not None:
                done.append(frozen)
        return done

    async def freeze(self, period: Period) -> Frozen | None:
        """Freezes one period, due or not; ``None`` if it is frozen already.

        Raises:
            Violated: PERIOD_OPEN, it has not ended.
        """
        calendar, now = self._calendar, self._clock()
        if not period.has_ended(now, calendar.rules):
            raise Violated("PERIOD_OPEN", "period", period.name)
        async with self._ledger.read() as session:
            if await frozen_figures.find(session, calendar.key(period)) is not None:
                return None
        due = moment_of(calendar.due_time(period))
        planned = Planned(calendar.region, WORK, period.kind, period.first, due)
        async with run_of(self._ledger, self._clock, planned) as told:
            told.inputs.update(await self._inputs(period))
            about: dict[str, Value] = {"due": due.isoformat()}
            async with recorded(
                self._ledger, "figures.freeze", f"{period.kind} {period.name}", region=calendar.region, detail=about
            ) as act:
                count = await frozen_figures.freeze(
                    act.session, calendar.key(period), calendar.span(period), calendar.basis(period),
                    calendar.definition_ref, due, moment_of(now),
                )  # fmt: skip
                if calendar.draws and period.kind is PeriodKind.MONTH:
                    await frozen_figures.note_nothing(act.session, calendar.regions, period.first // 100)
                act.detail["cells"] = count
            told.result.update({"cells": count, "is_late": now > calendar.due_time(period) + _GRACE})
        return None if count is None else Frozen(period, count)

    async def listing(self, kinds: tuple[PeriodKind, ...] = (), limit: int = 60) -> list[FrozenRow]:
        """Returns frozen periods, the latest first; without kinds all."""
        async with self._ledger.read() as session:
            return await frozen_figures.listing(session, self._calendar.region, kinds or tuple(PeriodKind), limit)

    async def _due(self) -> list[Period]:
        calendar, due = self._calendar, list[Period]()
        async with self._ledger.read() as session:
            first = await frozen_figures.first_known_month(session, calendar.regions)
            if first is None:
                return []
            for kind in calendar.part.frozen:
                frozen = await frozen_figures.frozen_days(session, calendar.region, kind)
                due += [
                    period
                    for period in calendar.periods_due(kind, date(first // 100, first % 100, 1), self._clock())
                    if period.first not in frozen
                ]
        return sorted(due, key=lambda period: (calendar.due_time(period), period.kind))

    async def _inputs(self, period: Period) -> dict[str, object]:
        """Names what the picture is taken of: where the log stands, and the sheets that count."""
        async with self._ledger.read() as session:
            cursors = await frozen_figures.cursors(session)
            months = period.months
            sheets = [] if months is None else await sheet_history.heads(session, self._calendar.regions, *months)
        return {
            "log": max(cursors, default=0),
            "basis": self._calendar.basis(period).name.lower(),
            "sheets": [[one.region, one.month, one.reporter_id, one.revision] for one in sheets],
        }


#: A run this long after its time is told as late: the hub was down, or new.
_GRACE = 3_600_000_000
