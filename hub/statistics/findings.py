"""Applying the rules: to every sheet that comes in, and to the months in which this hub's own figures changed.

A sheet is compared with itself, with what its reporter said before, with other reporters about the same region and
month, and with the cases this hub holds. Called by ``hub.jobs``; findings are read by the command line and the console.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from exchange_db import figure_corrections, figure_findings, figure_runs, figures, period_cells, sheet_history
from exchange_db.counting import DEFINITION, FIRST_DEFINITION
from exchange_db.figure_findings import Finding, FindingRow, Scope
from exchange_db.figure_runs import Planned
from exchange_db.figures import Basis
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import COUNTERS, FIRST_COUNTERS
from exchange_db.regions import Regions, Subtree
from exchange_db.session import Ledger, ReadSession
from exchange_db.sheet_history import SheetRevision
from hub.clock import Clock
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.periods import Period, parse_period
from hub.statistics.plausibility import (
    COHORT_ORDER,
    Breach,
    Rule,
    breaches_of,
    differences_of,
    steps_out_of_order,
)
from hub.statistics.running import run_of

WORK = "check"
#: Most findings of one rule about one sheet: whoever differs in more cells differs as a whole.
_MOST = 200
_SHEETS = 200
#: A cell as a whole: no unit, class or source.
_WHOLE = ("", "", "")
Key = tuple[str, str, str]
Cells = dict[Key, dict[str, int]]


class Checked(NamedTuple):
    """How many sheets and months were looked at, and how many findings there are about them."""

    sheet_count: int
    month_count: int
    finding_count: int


class PlausibilityDesk:
    """Applies the rules for one hub.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock

    async def run(self) -> Checked:
        """Checks the sheets nobody has checked and the months that changed since the last run."""
        planned = Planned(self._calendar.region, WORK, "", 0, moment_of(self._clock()))
        async with run_of(self._ledger, self._clock, planned) as told:
            sheets, finding_count = await self._check_sheets()
            looked, months, own_count = await self._check_own()
            told.inputs.update({"sheets": [[one.region, one.month, one.reporter_id, one.revision] for one in sheets]})
            told.result.update(
                {"looked": looked.isoformat(), "months": sorted(months), "findings": finding_count + own_count}
            )
        return Checked(len(sheets), len(months), finding_count + own_count)

    async def findings(
        self, visible: Regions, region_code: str, first: Period, last: Period, rule: str = "", *, is_open: bool = True
    ) -> list[FindingRow]:
        """Returns what was found about a region and the periods that begin between two.

        Raises:
            Violated: REGION_INVALID or REGION_FORBIDDEN.
        """
        regions = self._calendar.asked(visible, region_code)
        async with self._ledger.read() as session:
            return await figure_findings.listing(session, regions, first.first, last.last, rule, 1_000, is_open=is_open)

    async def _check_sheets(self) -> tuple[list[SheetRevision], int]:
        async with self._ledger.read() as session:
            sheets = await sheet_history.unchecked(session, _SHEETS)
        count = 0
        for sheet in sheets:
            async with self._ledger.write() as session:
                found = await self._findings_of(session, sheet)
                scope = Scope(sheet.region, PeriodKind.MONTH, sheet.month * 100 + 1, sheet.reporter_id)
                await figure_findings.put(session, scope, found, moment_of(self._clock()))
                await sheet_history.note_checked(session, [sheet])
            count += len(found)
        return sheets, count

    async def _findings_of(self, session: ReadSession, sheet: SheetRevision) -> list[Finding]:
        cells = sheet_history.cells_of(sheet)
        found = [_finding(sheet, key, breach) for key, counts in cells.items() for breach in breaches_of(counts)]
        found += self._head(sheet)
        before = await sheet_history.before(session, sheet)
        if before is not None and before.is_locked:
            was = sheet_history.cells_of(before)
            found += _most(_finding(sheet, *one, is_doubt=True) for one in _compared(cells, was, Rule.LOCK))
        found += await self._steps(session, sheet)
        one_region = Subtree(sheet.region, sheet.region)
        for other in await sheet_history.latest(session, one_region, sheet.month, sheet.month):
            if other.reporter_id != sheet.reporter_id and _is_same_definition(other, sheet.definition_ref):
                theirs = sheet_history.cells_of(other)
                found += _most(_finding(sheet, *one) for one in _compared(cells, theirs, Rule.REPORTERS))
        if sheet.reporter_id != self._calendar.hub_id:
            found += await self._against_cases(session, sheet, cells)
        return list({_place_of(one): one for one in found}.values())

    def _head(self, sheet: SheetRevision) -> Iterator[Finding]:
        if not _is_same_definition(sheet, self._calendar.definition_ref):
            yield _finding(sheet, _WHOLE, Breach(Rule.DEFINITION, sheet.definition_ref, "", 0, 0))
        end = month_period(sheet.month).bounds(self._calendar.rules)[1]
        if sheet.is_locked and sheet.cutoff_time < moment_of(end):
            cutoff = round(sheet.cutoff_time.timestamp() * 1_000_000)
            yield _finding(sheet, _WHOLE, Breach(Rule.CUTOFF, "cutoff_time", "end", cutoff, end))

    async def _steps(self, session: ReadSession, sheet: SheetRevision) -> list[Finding]:
        """Sums a reporter's sheets up to this month; what it carried over from before its first sheet is not known."""
        if _is_first(sheet):
            return []
        sums: dict[str, int] = {}
        regions = Subtree(sheet.region, sheet.region)
        for one in await sheet_history.latest(session, regions, 0, sheet.month, sheet.reporter_id):
            for counts in sheet_history.cells_of(one).values():
                for name, value in counts.items():
                    sums[name] = sums.get(name, 0) + value
        return [_finding(sheet, _WHOLE, breach, is_doubt=True) for breach in steps_out_of_order(sums)]

    async def _against_cases(self, session: ReadSession, sheet: SheetRevision, cells: Cells) -> list[Finding]:
        """Compares a sheet with the cases this hub holds, if it holds any there.

        More cases here than the sheet says is clearly wrong; fewer may be, because not every case is sent up.
        """
        if not _is_same_definition(sheet, self._calendar.definition_ref):
            return []
        regions = Subtree(sheet.region, sheet.region)
        span = self._calendar.span(month_period(sheet.month), regions)
        own = await period_cells.cells(session, span, Basis.LEDGER, COUNTERS)
        if not any(any(counts) for counts in own.values()):
            return []
        counters = FIRST_COUNTERS if _is_first(sheet) else COUNTERS
        held = {key[1:]: dict(zip(COUNTERS, counts, strict=True)) for key, counts in own.items()}
        ours = {key: {name: counts[name] for name in counters} for key, counts in held.items()}
        theirs = {key: {name: counts.get(name, 0) for name in counters} for key, counts in cells.items()}
        return _most(
            _finding(sheet, key, breach, is_doubt=breach.value > breach.other_value)
            for key, breach in _compared(theirs, ours, Rule.LEDGER)
        )

    async def _check_own(self) -> tuple[datetime, set[int], int]:
        """Checks the months of this hub's own figures that changed; returns when it looked, at which, and how many."""
        calendar, count = self._calendar, 0
        async with self._ledger.read() as session:
            looked = moment_of(await figures.database_time(session))
            since = await figure_runs.last_looked(session, calendar.region, WORK)
            months = set(await figure_corrections.changed_months(session, calendar.regions, since))
        for month in sorted(months):
            period = month_period(month)
            async with self._ledger.write() as session:
                by_region = await self._own_findings(session, period)
                known = await figure_findings.open_regions(session, _own_name(calendar), PeriodKind.MONTH, period.first)
                for region in sorted(by_region.keys() | known):
                    found = by_region.get(region, [])
                    scope = Scope(region, PeriodKind.MONTH, period.first, _own_name(calendar))
                    await figure_findings.put(session, scope, found, moment_of(self._clock()))
                    count += len(found)
        return looked, months, count

    async def _own_findings(self, session: ReadSession, period: Period) -> dict[int, list[Finding]]:
        calendar = self._calendar
        found: dict[int, list[Finding]] = {}
        for cell, counts in await figure_findings.out_of_order(session, calendar.span(period), COHORT_ORDER):
            for breach in breaches_of(counts):
                found.setdefault(cell[0], []).append(_own(calendar, period, cell, breach))
        month = period.first // 100
        for cell, pairs in await figure_findings.days_against_month(session, calendar.regions, month, COUNTERS):
            for name, (days, whole) in pairs.items():
                if days != whole:
                    breach = Breach(Rule.DAYS_SUM, name, name, days, whole)
                    found.setdefault(cell[0], []).append(_own(calendar, period, cell, breach))
        return found


def _place_of(one: Finding) -> tuple[str, ...]:
    return (one.rule, one.unit_code, one.class_key, one.source_code, one.counter)


def month_period(month: int) -> Period:
    """Returns the month written as year*100+month."""
    return parse_period(f"{month // 100:04d}-{month % 100:02d}")


def _own_name(calendar: HubCalendar) -> str:
    """Whose numbers the ledger's are; sheets of this hub are found under its bare name."""
    return f"{calendar.hub_id}/ledger"


def _own(calendar: HubCalendar, period: Period, cell: tuple[int, str, str, str], breach: Breach) -> Finding:
    return Finding(
        cell[0], period.kind, period.first, _own_name(calendar), breach.rule, *cell[1:], breach.counter, breach.other,
        breach.value, breach.other_value, 0, is_doubt=False,
    )  # fmt: skip


def _finding(sheet: SheetRevision, key: Key, breach: Breach, *, is_doubt: bool = False) -> Finding:
    return Finding(
        sheet.region, PeriodKind.MONTH, sheet.month * 100 + 1, sheet.reporter_id, breach.rule, *key, breach.counter,
        breach.other, breach.value, breach.other_value, sheet.revision, is_doubt,
    )  # fmt: skip


def _compared(one: Cells, other: Cells, rule: Rule) -> Iterator[tuple[Key, Breach]]:
    """Yields where two sets of cells differ; a cell one of them has not is nothing there."""
    for key in sorted(one.keys() | other.keys()):
        names = (one.get(key) or other[key]).keys()
        left, right = one.get(key) or dict.fromkeys(names, 0), other.get(key) or dict.fromkeys(names, 0)
        for breach in differences_of(left, right, rule):
            yield key, breach


def _most(found: Iterable[Finding]) -> list[Finding]:
    """Returns the findings that differ most, if there are too many of one rule."""
    return sorted(found, key=lambda one: abs(one.value - one.other_value), reverse=True)[:_MOST]


def _is_first(sheet: SheetRevision) -> bool:
    """Tells whether a sheet has the counters of the first definitions only."""
    return sheet.definition_ref.partition("+")[0] == FIRST_DEFINITION


def _is_same_definition(sheet: SheetRevision, definition_ref: str) -> bool:
    """Tells whether a sheet can be compared: the first version's counters are the same in the second."""
    version, _, rest = sheet.definition_ref.partition("+")
    own_version, _, own_rest = definition_ref.partition("+")
    return rest == own_rest and version in (own_version, FIRST_DEFINITION, DEFINITION)
