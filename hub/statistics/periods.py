"""Periods of figures: which days they have, when they begin and end, what came before them, and how they are written.

A period is a kind and its days; when it begins and ends in time is settled by the zone and the month rule, which stand
in the counting rules. Pure. Called by ``hub.statistics``, ``hub.jobs``, ``hub.cli`` and ``hub.console``.

Source: 1.6 of the domain notes (day, week, month, quarter, half-year, year); S001 for evaluation weeks (考评周).
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange_db.counting import CountingRules, date_of, day_number, day_of
from exchange_db.period_kinds import PeriodKind

_DAY = timedelta(days=1)
#: Monday, as ``date.weekday`` has it.
MONDAY = 0


#: Months a period has, of those that are made of months.
MONTHS: dict[PeriodKind, int] = {
    PeriodKind.MONTH: 1,
    PeriodKind.QUARTER: 3,
    PeriodKind.HALF_YEAR: 6,
    PeriodKind.YEAR: 12,
}
_WEEKS = (PeriodKind.WEEK, PeriodKind.EVALUATION_WEEK)
_FORMS = {
    PeriodKind.DAY: re.compile(r"(\d{4})-?(\d{2})-?(\d{2})\Z", re.ASCII),
    PeriodKind.WEEK: re.compile(r"(\d{4})-?W(\d{1,2})\Z", re.ASCII),
    PeriodKind.EVALUATION_WEEK: re.compile(r"(\d{4})-?E(\d{1,2})\Z", re.ASCII),
    PeriodKind.MONTH: re.compile(r"(\d{4})-?(\d{2})\Z", re.ASCII),
    PeriodKind.QUARTER: re.compile(r"(\d{4})-?Q([1-4])\Z", re.ASCII),
    PeriodKind.HALF_YEAR: re.compile(r"(\d{4})-?H([12])\Z", re.ASCII),
    PeriodKind.YEAR: re.compile(r"(\d{4})\Z", re.ASCII),
}


class PeriodInvalid(ValueError):
    """A text names no period."""


class Period(NamedTuple):
    """A period by its first and last day, both part of it. ``first_weekday`` is 0 for Monday; only weeks need it."""

    kind: PeriodKind
    first_day: date
    last_day: date
    first_weekday: int = MONDAY

    @property
    def first(self) -> int:
        """The first day as year*10000+month*100+day."""
        return day_number(self.first_day)

    @property
    def last(self) -> int:
        """The last day as year*10000+month*100+day."""
        return day_number(self.last_day)

    @property
    def months(self) -> tuple[int, int] | None:
        """First and last month as year*100+month, of a period that is made of months."""
        return (self.first // 100, self.last // 100) if self.kind in MONTHS else None

    @property
    def name(self) -> str:
        """The period as it is written: ``2020-06-15``, ``2020-W25``, ``2020-E25``, ``2020-06``, ``2020-Q2``."""
        year, month = self.first_day.year, self.first_day.month
        match self.kind:
            case PeriodKind.DAY:
                return self.first_day.isoformat()
            case PeriodKind.WEEK | PeriodKind.EVALUATION_WEEK:
                week_year, number = _week_number(self.first_day)
                return f"{week_year:04d}-{'W' if self.kind is PeriodKind.WEEK else 'E'}{number:02d}"
            case PeriodKind.MONTH:
                return f"{year:04d}-{month:02d}"
            case PeriodKind.QUARTER:
                return f"{year:04d}-Q{(month + 2) // 3}"
            case PeriodKind.HALF_YEAR:
                return f"{year:04d}-H{(month + 5) // 6}"
            case PeriodKind.YEAR:
                return f"{year:04d}"

    @property
    def previous(self) -> "Period":
        """The period of the same kind before this one (环比)."""
        return period_of(self.kind, self.first_day - _DAY, self.first_weekday)

    @property
    def following(self) -> "Period":
        """The period of the same kind after this one."""
        return period_of(self.kind, self.last_day + _DAY, self.first_weekday)

    @property
    def last_year(self) -> "Period | None":
        """The same period of the year before (同比): of the same name, or of the same number for weeks.

        ``None`` where that year has none: 29 February, and a week 53.
        """
        if self.kind in _WEEKS:
            year, number = _week_number(self.first_day)
            return _numbered_week(self.kind, year - 1, number, self.first_weekday)
        try:
            day = self.first_day.replace(year=self.first_day.year - 1)
        except ValueError:
            return None
        return period_of(self.kind, day, self.first_weekday)

    def bounds(self, rules: CountingRules) -> tuple[int, int]:
        """Returns the instants a period lies between, microseconds since 1970.

        Which of the two belongs to it is the month rule's: the first where days are half-open, the second where the
        first instant of a day is 24:00 of the day before.
        """
        zone = ZoneInfo(rules.zone)
        return _start_of(self.first_day, zone), _start_of(self.last_day + _DAY, zone)

    def has(self, moment: int, rules: CountingRules) -> bool:
        """Tells whether a moment belongs to the period."""
        begin, end = self.bounds(rules)
        return begin <= moment < end if rules.is_midnight_next_month else begin < moment <= end

    def has_ended(self, moment: int, rules: CountingRules) -> bool:
        """Tells whether nothing that happens from a moment on can belong to the period."""
        end = self.bounds(rules)[1]
        return moment >= end if rules.is_midnight_next_month else moment > end


def period_of(kind: PeriodKind, day: date, first_weekday: int = MONDAY) -> Period:
    """Returns the period of a kind that a day belongs to.

    Args:
        kind: its kind; a week begins on Monday (ISO 8601), an evaluation week on ``first_weekday``.
        day: any day of it.
        first_weekday: 0 for Monday to 6 for Sunday.
    """
    if kind is PeriodKind.DAY:
        return Period(kind, day, day)
    if kind in _WEEKS:
        begins = first_weekday if kind is PeriodKind.EVALUATION_WEEK else MONDAY
        first = day - timedelta(days=(day.weekday() - begins) % 7)
        return Period(kind, first, first + 6 * _DAY, begins)
    count = MONTHS[kind]
    first = day.replace(month=(day.month - 1) // count * count + 1, day=1)
    year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
    return Period(kind, first, date(year, month + 1, 1) - _DAY)


def period_at(kind: PeriodKind, moment: int, rules: CountingRules, first_weekday: int = MONDAY) -> Period:
    """Returns the period of a kind that a moment (microseconds since 1970) belongs to."""
    return period_of(kind, date_of(day_of(moment, rules)), first_weekday)


def ended_periods(
    kind: PeriodKind, since: date, until: int, rules: CountingRules, first_weekday: int = MONDAY
) -> Iterator[Period]:
    """Yields the periods of a kind from the one a day is in up to the last that has ended at a moment, oldest first."""
    period = period_of(kind, since, first_weekday)
    while period.has_ended(until, rules):
        yield period
        period = period.following


def parse_period(text: str, first_weekday: int = MONDAY) -> Period:
    """Reads a period the way ``Period.name`` writes it; the first hyphen of a month or day may be left out.

    Raises:
        PeriodInvalid: it is none.
    """
    for kind, form in _FORMS.items():
        if found := form.match(text.strip().upper()):
            try:
                return _parsed(kind, [int(part) for part in found.groups()], first_weekday)
            except ValueError:
                break
    raise PeriodInvalid(text)


def _parsed(kind: PeriodKind, numbers: list[int], first_weekday: int) -> Period:
    year, number, day = (*numbers, 1, 1)[:3]
    if not 1990 <= year <= 2200:
        raise ValueError(year)
    if kind in _WEEKS:
        week = _numbered_week(kind, year, number, first_weekday if kind is PeriodKind.EVALUATION_WEEK else MONDAY)
        if week is None:
            raise ValueError(number)
        return week
    month = (number - 1) * MONTHS[kind] + 1 if kind in (PeriodKind.QUARTER, PeriodKind.HALF_YEAR) else number
    return period_of(kind, date(year, month, day), first_weekday)


def _week_number(first_day: date) -> tuple[int, int]:
    """Returns year and number of a week: it belongs to the year in which its fourth day lies (ISO 8601)."""
    middle = first_day + 3 * _DAY
    return middle.year, (middle.timetuple().tm_yday - 1) // 7 + 1


def _numbered_week(kind: PeriodKind, year: int, number: int, first_weekday: int) -> Period | None:
    # Whatever day weeks begin on, the one with 4 January is the first: its fourth day lies in 1 to 7 January.
    first = period_of(kind, date(year, 1, 4), first_weekday).first_day + (number - 1) * 7 * _DAY
    return period_of(kind, first, first_weekday) if number and _week_number(first) == (year, number) else None


def _start_of(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp()) * 1_000_000
