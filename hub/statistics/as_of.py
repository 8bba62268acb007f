"""What was said of a period on a date: frozen numbers with the corrections published by then, or the sheets of then.

Before a period is frozen, what was said of it are the revisions of its sheets that were in force; sheets are of months,
so of a week or day nothing was said before. Asked for now, the ledger answers. Called by the command line.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange_db import figure_corrections, frozen_figures, period_cells, sheet_history
from exchange_db.figure_corrections import CorrectionRow
from exchange_db.figure_spans import SpanCounts
from exchange_db.frozen_figures import FrozenRow
from exchange_db.period_cells import KEPT, STOCKS, PeriodCell
from exchange_db.records import COUNTERS, Counts, Violated
from exchange_db.regions import Regions, Subtree, format_region
from exchange_db.session import Ledger, ReadSession
from exchange_db.sheet_history import SheetRevision
from hub.clock import Clock
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.periods import Period

#: Names a breakdown may use, and the part of a cell behind each.
GROUPS: dict[str, int] = {"region": 0, "unit": 1, "class": 2, "source": 3}


class Origin(StrEnum):
    """Where an answer comes from."""

    FROZEN = "frozen"
    SHEETS = "sheets"
    LEDGER = "ledger"


class Said(NamedTuple):
    """What was said of a period at a moment, by group; an empty key is the whole.

    ``revision`` is that of the period, 0 before it was frozen; ``sheets`` are named where they are the answer.
    """

    period: Period
    moment: datetime
    origin: Origin
    cutoff_time: datetime
    revision: int
    definition_refs: tuple[str, ...]
    counts: dict[str, SpanCounts]
    corrections: list[CorrectionRow]
    sheets: list[SheetRevision]


class PastReader:
    """Answers for one hub.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock

    async def as_of(
        self, visible: Regions, region_code: str, period: Period, moment: datetime, group_by: str = ""
    ) -> Said:
        """Returns what was said.

        Args:
            visible: regions the asker may see.
            region_code: six digits of the region asked for.
            period: the period.
            moment: when it was said.
            group_by: a name of ``GROUPS``, or empty.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN, ARGUMENT_INVALID or NOTHING_SAID.
        """
        regions = self._calendar.asked(visible, region_code)
        if group_by and group_by not in GROUPS:
            raise Violated("ARGUMENT_INVALID", "group_by", group_by)
        async with self._ledger.read() as session:
            row = await frozen_figures.find(session, self._calendar.key(period))
            if row is not None and row.cutoff_time <= moment:
                return await self._frozen(session, row, period, regions, moment, group_by)
            if period.months is not None:
                sheets = await sheet_history.in_force(session, regions, 0, period.months[1], moment)
                if any(sheet.month >= period.months[0] for sheet in sheets):
                    return _of_sheets(sheets, period, moment, group_by)
            now = moment_of(self._clock())
            if moment < now:
                raise Violated("NOTHING_SAID", "period", period.name)
            calendar = self._calendar
            cells = await period_cells.cells(session, calendar.span(period, regions), calendar.basis(period))
        counts = _grouped(cells, KEPT, group_by)
        return Said(period, moment, Origin.LEDGER, now, 0, (calendar.definition_ref,), counts, [], [])

    async def _frozen(
        self, session: ReadSession, row: FrozenRow, period: Period, regions: Subtree, moment: datetime, group_by: str
    ) -> Said:
        corrections = await figure_corrections.listing(session, row.key, moment)
        number = corrections[-1].number if corrections else 0
        cells = await frozen_figures.published(session, row.key, row.counters, regions, number)
        return Said(
            period, moment, Origin.FROZEN, row.cutoff_time, number + 1, (row.definition_ref,),
            _grouped(cells, row.counters, group_by), corrections, [],
        )  # fmt: skip


def moment_in(text: str, zone: str) -> datetime:
    """Reads a date as its last instant in a zone, or a time with its offset.

    Raises:
        Violated: DATE_INVALID.
    """
    try:
        if len(text) <= len("2020-06-15"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) - timedelta(microseconds=1)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Violated("DATE_INVALID", "date", text) from None
    if moment.tzinfo is None:
        raise Violated("DATE_INVALID", "date", text)
    return moment


def _of_sheets(sheets: list[SheetRevision], period: Period, moment: datetime, group_by: str) -> Said:
    cells: dict[PeriodCell, list[int]] = {}
    inside = [sheet for sheet in sheets if sheet.month >= period.first // 100]
    for sheet in sheets:
        is_inside = sheet.month >= period.first // 100
        for key, counts in sheet_history.cells_of(sheet).items():
            sums = cells.setdefault((sheet.region, *key), [0] * len(KEPT))
            for place, name in enumerate(KEPT):
                if name in STOCKS:
                    came, went = STOCKS[name]
                    sums[place] += counts.get(came, 0) - counts.get(went, 0)
                elif is_inside:
                    sums[place] += counts.get(name, 0)
    refs = tuple(sorted({sheet.definition_ref for sheet in inside}))
    kept = {cell: tuple(counts) for cell, counts in cells.items() if any(counts)}
    cutoff = max(sheet.cutoff_time for sheet in inside)
    return Said(period, moment, Origin.SHEETS, cutoff, 0, refs, _grouped(kept, KEPT, group_by), [], inside)


def _grouped(
    cells: dict[PeriodCell, tuple[int, ...]], counters: tuple[str, ...] | list[str], group_by: str
) -> dict[str, SpanCounts]:
    sums: dict[str, list[int]] = {} if group_by else {"": [0] * len(counters)}
    for cell, counts in cells.items():
        key = _key(cell, group_by)
        have = sums.setdefault(key, [0] * len(counters))
        sums[key] = [sum(pair) for pair in zip(have, counts, strict=True)]
    return {key: counts_of(counters, values) for key, values in sorted(sums.items())}


def _key(cell: PeriodCell, group_by: str) -> str:
    if not group_by:
        return ""
    part = cell[GROUPS[group_by]]
    return format_region(part) if isinstance(part, int) else part


def counts_of(counters: tuple[str, ...] | list[str], values: list[int] | tuple[int, ...]) -> SpanCounts:
    """Returns counts of today's counters from those of a head; what was not counted then is 0."""
    by_name = dict(zip(counters, values, strict=True))
    counts = Counts(**{name: by_name[name] for name in COUNTERS if name in by_name})
    return SpanCounts(counts, *(by_name.get(name, 0) for name in STOCKS))
