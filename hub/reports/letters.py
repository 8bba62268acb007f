"""A letter (交办函, 督办函, 重点督办函) about cases of one unit and class, read from the ledger.

The cases are those the API lists behind the counter of reports. Which problem gets which letter is decided elsewhere;
here it is written down.
"""

from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange_db.cases import CaseRow
from exchange_db.records import Violated, printable
from exchange_db.regions import Regions, format_region
from hub.reports.content import Letter, LetterCase
from hub.reports.naming import Names
from hub.statistics.periods import Period
from hub.statistics.reading import CaseQuery, FigureReader

#: Most cases a letter names.
MOST_CASES = 50


class LetterAsked(NamedTuple):
    """What a letter is about: the cases of a unit and class that were reported in a span."""

    region: int
    span: Period
    unit_code: str
    class_key: str
    due_day: date
    place: str = ""
    request: str = ""
    earlier: tuple[str, ...] = ()


async def letter_of(reader: FigureReader, visible: Regions, asked: LetterAsked, names: Names, zone: ZoneInfo) -> Letter:
    """Returns a letter with its cases.

    Raises:
        Violated: REPORT_EMPTY, there is no such case; REGION_INVALID, REGION_FORBIDDEN.
    """
    days = asked.span
    query = CaseQuery(
        format_region(asked.region),
        days.first // 100,
        days.last // 100,
        "reported",
        asked.unit_code,
        asked.class_key,
        size=MOST_CASES * 20,
    )
    found = await reader.cases(visible, query)
    rows = [row for row in found.rows if asked.span.first_day <= _day(row.reported_time, zone) <= asked.span.last_day]
    if not rows:
        raise Violated("REPORT_EMPTY", "unit_code", f"{asked.unit_code} {asked.class_key} {asked.span.name}")
    return Letter(
        unit=names.of("unit", asked.unit_code),
        problem=names.of("class", asked.class_key),
        place=asked.place or names.region(asked.region),
        count=len(rows),
        cases=tuple(letter_case(row, names, zone) for row in rows[:MOST_CASES]),
        due_day=asked.due_day,
        earlier=asked.earlier,
        request=asked.request,
    )


def letter_case(row: CaseRow, names: Names, zone: ZoneInfo) -> LetterCase:
    """Returns a case as letters name it."""
    return LetterCase(
        case_no=printable(row.case_no),
        name=names.of("class", row.class_key),
        address=names.region(row.region),
        reported=_shown(row.reported_time, zone),
        deadline=_shown(row.deadline_time, zone),
    )


def _day(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(zone).date()


def _shown(moment: int, zone: ZoneInfo) -> str:
    if not moment:
        return ""
    return f"{datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(zone):%Y-%m-%d %H:%M}"
