"""A ledger of 中方县 2020 as its self-evaluation tells it: 14,664 cases, 12,299 dispatched, 8,907 done, 5,867 in time.

Cases are put into the ledger as apply leaves them and the figures are made by the recount, because the way through the
log takes a minute; what tests change afterwards goes through the log. Source: S004; how the cases lie in months and
units is ours.
"""

from collections.abc import Iterator
from datetime import date

from exchange_db import cases
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.inspections import PlaceRow
from exchange_db.keys import case_key
from exchange_db.records import AssignmentState, CheckState, HandlingState, ReportState
from exchange_db.session import Ledger
from hub.evaluation.inspection import SPOTS
from hub.evaluation.intake import GroupEntry
from hub.statistics.rebuild import FigureRebuild
from tests.support.builders import CITY, COUNTY, DAY, HOUR, STANDARD
from tests.support.clock import at

REGION = 431221
TOTAL, DISPATCHED_ON, DONE, ON_TIME = 14_664, 12_299, 8_907, 5_867
A_UNITS = tuple(f"a{number:02d}" for number in range(1, 19))
B_UNITS = tuple(f"b{number:02d}" for number in range(1, 15))
UNITS = (*A_UNITS, *B_UNITS)
#: A unit without a case in a month.
IDLE_UNIT, IDLE_MONTH = "b14", 7
#: Spreads the outcomes over months and units; prime to the number of cases.
_STRIDE = 7_919


def groups() -> list[GroupEntry]:
    """The A and B lists, from the beginning of 2020."""
    return [GroupEntry(unit, unit[0].upper(), date(2020, 1, 1)) for unit in UNITS]


def places() -> list[PlaceRow]:
    """Three places more of each kind than are inspected, for every unit."""
    return [
        PlaceRow(f"{unit}-{kind}-{number}", unit, kind, f"{unit} {kind} {number}")
        for unit in UNITS
        for kind, count in SPOTS.items()
        for number in range(count + 3)
    ]


def case_no(index: int) -> str:
    """Returns the number of a case."""
    return f"2020-{index:05d}"


def rows() -> Iterator[CaseRow]:
    """Yields the cases of the year, and some that were reported a year before: twelve more for a01 in March."""
    for index in range(TOTAL):
        yield _row(index)
    march = sum(1 for index in range(TOTAL) if _place(index) == ("a01", 3))
    for number in range(march + 12):
        moment = at("2019-03-10T09:00:00+08:00") + number
        yield _base(f"2019-{number:05d}", "a01", moment, state=CaseState.FILED)


def _place(index: int) -> tuple[str, int]:
    unit, month = UNITS[index // 12 % len(UNITS)], index % 12 + 1
    return ("b13" if (unit, month) == (IDLE_UNIT, IDLE_MONTH) else unit), month


def find(unit: str, month: int, *, is_done: bool, is_on_time: bool = False) -> int:
    """Returns a case of a unit and month that ended so."""
    return next(
        index
        for index in range(TOTAL)
        if _place(index) == (unit, month)
        and (_rank(index) < DONE) is is_done
        and (_rank(index) < ON_TIME) is is_on_time
        and _rank(index) < DISPATCHED_ON
    )


def deadline_of(index: int) -> int:
    """Returns the deadline of a case, microseconds since 1970."""
    _, month = _place(index)
    return at(f"2020-{month:02d}-15T10:00:00+08:00") + index % 10 * DAY


def _rank(index: int) -> int:
    return index * _STRIDE % TOTAL


def _row(index: int) -> CaseRow:
    unit, _ = _place(index)
    rank, due = _rank(index), deadline_of(index)
    row = _base(case_no(index), unit, due - 4 * DAY, state=CaseState.DISPOSING)
    row.deadline_time, row.dispatched_time = due, due - 3 * DAY
    row.handler_id, row.assignment_state, row.assignment_revision = COUNTY, AssignmentState.DISPATCHED, 1
    if rank < DISPATCHED_ON:
        row.dispatched_on_time = due - 2 * DAY
        row.handling_state, row.handling_revision, row.handling_round = HandlingState.DISPATCHED_ON, 1, 1
    if rank < DONE:
        row.close_requested_time = due - DAY if rank < ON_TIME else due + HOUR
        row.closed_time = row.close_requested_time + HOUR
        row.handling_state, row.verdict_state = HandlingState.CLOSE_REQUESTED, CheckState.CLOSED
        row.verdict_revision, row.verdict_round, row.state = 1, 1, CaseState.CLOSED
    return row


def _base(number: str, unit: str, reported_time: int, *, state: CaseState) -> CaseRow:
    return CaseRow(
        REGION,
        case_key(COUNTY, number),
        COUNTY,
        number,
        region=REGION,
        state=state,
        class_key=f"{STANDARD}|E|0203",
        source_code="01",
        authority_id=CITY,
        unit_code=unit,
        reported_time=reported_time,
        report_state=ReportState.FILED,
        report_revision=1,
    )


async def fill_year(ledger: Ledger) -> None:
    """Puts the year into a fresh ledger."""
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            await cases.save(session, list(rows()), [])
    await FigureRebuild(ledger, CountingRules()).write()
