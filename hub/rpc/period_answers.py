"""Answers of the statistics contract about periods: what was said on a date, and which sheets have come. Pure."""

from datetime import datetime
from typing import Final

from connectors.wire import write_counts
from exchange_db.records import Violated
from exchange_db.regions import format_region
from hub.statistics.as_of import Origin, Said
from hub.statistics.calendar import HubCalendar
from hub.statistics.completeness import Matrix, MatrixCell, SheetState
from hub.statistics.periods import Period
from protos.statistics.v1 import statistics_service_pb2 as statistics

#: Months that may be asked for at once.
MOST_MONTHS: Final = 60

_ORIGINS: Final = {
    Origin.FROZEN: statistics.ORIGIN_FROZEN,
    Origin.SHEETS: statistics.ORIGIN_SHEETS,
    Origin.LEDGER: statistics.ORIGIN_LEDGER,
}
_STATES: Final = {
    SheetState.LOCKED: statistics.SHEET_STATE_LOCKED,
    SheetState.ON_TIME: statistics.SHEET_STATE_ON_TIME,
    SheetState.REVISED: statistics.SHEET_STATE_REVISED,
    SheetState.LATE: statistics.SHEET_STATE_LATE,
    SheetState.WAITING: statistics.SHEET_STATE_WAITING,
    SheetState.MISSING: statistics.SHEET_STATE_MISSING,
    SheetState.UNEXPECTED: statistics.SHEET_STATE_UNEXPECTED,
}


def past_response(said: Said) -> statistics.GetFiguresAsOfResponse:
    """Writes what was said."""
    return statistics.GetFiguresAsOfResponse(
        groups=[
            statistics.PastGroup(
                group_key=key,
                counts=write_counts(counts.counts),
                overdue=counts.overdue,
                undispatched=counts.undispatched,
            )
            for key, counts in said.counts.items()
        ],
        origin=_ORIGINS[said.origin],
        cutoff_time=_microseconds(said.cutoff_time),
        revision=said.revision,
        definition_refs=said.definition_refs,
        corrections=[
            statistics.Correction(
                number=row.number, published_time=_microseconds(row.published_time), case_count=row.case_count
            )
            for row in said.corrections
        ],
    )


def months_of(request: statistics.GetCompletenessRequest, calendar: HubCalendar) -> tuple[Period, Period]:
    """Reads the first and the last month asked for.

    Raises:
        Violated: PERIOD_INVALID, or ARGUMENT_INVALID: they are not in order, or more than ``MOST_MONTHS``.
    """
    first, last = (
        calendar.parse(f"{month // 100:04d}-{month % 100:02d}") for month in (request.first_month, request.last_month)
    )
    count = (last.first_day.year - first.first_day.year) * 12 + last.first_day.month - first.first_day.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise Violated("ARGUMENT_INVALID", "last_month", request.last_month)
    return first, last


def completeness_response(matrix: Matrix) -> statistics.GetCompletenessResponse:
    """Writes the matrix."""
    months = [period.first // 100 for period in matrix.months]
    return statistics.GetCompletenessResponse(
        rows=[
            statistics.SheetRow(
                region_code=format_region(row.region),
                reporter_id=row.reporter_id,
                cells=[_cell(month, cell) for month, cell in zip(months, row.cells, strict=True)],
            )
            for row in matrix.rows
        ]
    )


def _cell(month: int, cell: MatrixCell) -> statistics.SheetCell:
    return statistics.SheetCell(
        month=month,
        state=_STATES[cell.state],
        revision=cell.revision,
        first_time=_microseconds(cell.first_time),
        last_time=_microseconds(cell.last_time),
        is_incomparable=not cell.is_comparable,
    )


def _microseconds(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1_000_000) if moment else 0
