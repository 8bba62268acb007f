"""Who has sent what: for some months every region and reporter below, on time, late, revised, locked or missing.

Expected is whoever has ever sent a sheet about a region, from the first month of it on, and every hub below that is
linked to this one. Called by ``hub.jobs``, the console and the command line.
"""

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exchange_db import peers, sheet_history
from exchange_db.period_kinds import PeriodKind
from exchange_db.regions import Regions
from exchange_db.session import Ledger
from exchange_db.sheet_history import SheetTrail
from hub.clock import Clock
from hub.statistics.calendar import HubCalendar, moment_of
from hub.statistics.periods import Period, parse_period


class SheetState(StrEnum):
    """How a sheet stands."""

    LOCKED = "locked"
    ON_TIME = "sent_on_time"
    REVISED = "revised"
    LATE = "sent_late"
    WAITING = "not_due"
    MISSING = "missing"
    UNEXPECTED = "unexpected"


class MatrixCell(NamedTuple):
    """What came of a region, reporter and month; ``revision`` is 0 and the times ``None`` where nothing came.

    ``is_comparable`` is false where the sheet follows other definitions than this hub.
    """

    state: SheetState
    revision: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    cutoff_time: datetime | None = None
    is_comparable: bool = True


class MatrixRow(NamedTuple):
    """A region and who sends its sheets; a cell for each month."""

    region: int
    reporter_id: str
    cells: tuple[MatrixCell, ...]


class Matrix(NamedTuple):
    """The months and what came of each region and reporter."""

    months: tuple[Period, ...]
    rows: tuple[MatrixRow, ...]

    @property
    def numbers(self) -> dict[SheetState, int]:
        """How many cells are in each state."""
        return dict(Counter(cell.state for row in self.rows for cell in row.cells))


class Completeness:
    """Looks who has sent.

    Args:
        ledger: the hub's database.
        calendar: its periods.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, calendar: HubCalendar, clock: Clock) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._clock = clock

    async def matrix(self, visible: Regions, region_code: str, first: Period, last: Period) -> Matrix:
        """Returns the matrix of a region over the months of two periods and what lies between.

        Raises:
            Violated: REGION_INVALID or REGION_FORBIDDEN.
        """
        regions = self._calendar.asked(visible, region_code)
        months = _months(first, last)
        from_month, to_month = months[0].first // 100, months[-1].first // 100
        async with self._ledger.read() as session:
            trails = await sheet_history.trails(session, regions, from_month, to_month)
            expected = await sheet_history.reporters(session, regions)
            links = await peers.all_peers(session)
        known = {(trail.region, trail.reporter_id, trail.month): trail for trail in trails}
        begun = {(region, reporter_id): month for region, reporter_id, month in expected}
        sending = {reporter_id for _, reporter_id in begun}
        for peer in links:
            is_below = peer.relation == "child" and peer.kind == "hub" and peer.state == "active"
            if is_below and peer.region in regions and peer.peer_id not in sending:
                begun[peer.region, peer.peer_id] = 0
        rows = tuple(
            MatrixRow(
                region,
                reporter_id,
                tuple(
                    self._cell(period, known.get((region, reporter_id, period.first // 100)), since)
                    for period in months
                ),
            )
            for (region, reporter_id), since in sorted(begun.items())
        )
        return Matrix(months, rows)

    def _cell(self, period: Period, trail: SheetTrail | None, since: int) -> MatrixCell:
        due = self._calendar.due_time(period)
        if trail is None:
            if period.first // 100 < since:
                return MatrixCell(SheetState.UNEXPECTED)
            return MatrixCell(SheetState.MISSING if self._clock() > due else SheetState.WAITING)
        first_time, last_time = trail.taken_times[0], trail.taken_times[-1]
        if trail.is_locked:
            state = SheetState.LOCKED
        elif first_time > moment_of(due):
            state = SheetState.LATE
        else:
            state = SheetState.REVISED if last_time > moment_of(due) else SheetState.ON_TIME
        is_comparable = trail.definition_ref == self._calendar.definition_ref
        return MatrixCell(state, trail.revision, first_time, last_time, trail.cutoff_time, is_comparable)


def _months(first: Period, last: Period) -> tuple[Period, ...]:
    begin, end = first.first // 100, last.last // 100
    months = [parse_period(f"{begin // 100:04d}-{begin % 100:02d}")]
    while months[-1].first // 100 < end:
        months.append(months[-1].following)
    return tuple(months)


def usual_months(calendar: HubCalendar, now: int, count: int = 12) -> tuple[Period, Period]:
    """Returns the last months up to now: the first and the last of so many."""
    last = first = calendar.at(PeriodKind.MONTH, now)
    for _ in range(count - 1):
        first = first.previous
    return first, last
