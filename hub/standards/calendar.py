"""Working calendars: which days and hours count in a region, and how working time is walked along.

The days are those of the State Council's yearly notices, make-up days included (from ``chinesecalendar``); a region
may set its own days, hours and time zone (``hub.standards.calendar_file``). In years without a notice Monday to
Friday count, and the calendar says that it is not certain. Called by ``hub.standards.deadlines`` and ``sanji
deadline``. Times are microseconds since 1970.

Source: 1.5 of the domain notes; that working hours are 08–12 and 14–18 is common, not laid down anywhere.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar import Holiday, holidays, workdays
from msgspec import Meta, Struct, field

from hub.standards.limits import RuleBroken

#: Records hold no times outside these years.
FIRST_YEAR, LAST_YEAR = 1970, 2200
USUAL_ZONE = "Asia/Shanghai"
USUAL_HOURS = ("08:00-12:00", "14:00-18:00")

_NOTICES = range(min(holidays).year, max(holidays).year + 1)
_FESTIVALS: dict[str, str] = {festival.value: festival.chinese for festival in Holiday}

Interval = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Hours = Annotated[tuple[Interval, ...], Meta(min_length=1)]
MonthDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class DayKind(StrEnum):
    """Why a day counts or does not."""

    WORKING = "working"
    MAKE_UP = "make_up"
    EXTRA_WORKING = "extra_working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    EXTRA_HOLIDAY = "extra_holiday"


_COUNTED = frozenset((DayKind.WORKING, DayKind.MAKE_UP, DayKind.EXTRA_WORKING))


class Day(NamedTuple):
    """What a day is, and the festival it belongs to if any."""

    kind: DayKind
    festival: str = ""

    @property
    def is_working(self) -> bool:
        """Whether the day counts."""
        return self.kind in _COUNTED


class Season(Struct, frozen=True, forbid_unknown_fields=True):
    """Days of every year, both inclusive; may run over the end of the year."""

    first: MonthDay = field(name="from")
    last: MonthDay = field(name="to")

    def __contains__(self, day: object) -> bool:
        mark = f"{day:%m-%d}"
        if self.first <= self.last:
            return self.first <= mark <= self.last
        return mark >= self.first or mark <= self.last


class SeasonalHours(Season, frozen=True, forbid_unknown_fields=True):
    """Working hours of a part of the year: 夏季作息."""

    hours: Hours = field()


class HourRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Working hours; what is ``None`` is left to the region above."""

    hours: Hours | None = None
    seasonal_hours: tuple[SeasonalHours, ...] | None = None


class YearRules(HourRules, frozen=True, forbid_unknown_fields=True):
    """What a region sets for one year. ``is_complete``: the lists are the whole notice of a year not known here."""

    extra_holidays: frozenset[date] | None = None
    extra_working_days: frozenset[date] | None = None
    is_complete: bool | None = None


class RegionRules(HourRules, frozen=True):
    """What a region sets; years by number."""

    zone: str | None = None
    seasons: dict[str, Season] | None = None
    years: dict[int, YearRules] = {}


class _Year(NamedTuple):
    """Working time of a year as prefix sums; days are counted from 0, intervals over the whole year."""

    midnights: list[int]  # of every day, and of the next year's first
    opens: list[int]
    closes: list[int]
    before: list[int]  # working time before each interval, and that of the year
    first: list[int]  # first interval of each day, and the count of all
    days: list[int]  # the working ones
    rank: list[int]  # working days before each day, and that of the year


class WorkingCalendar:
    """Working time of one region. Tables are made once a year and calendar; keep the calendar."""

    def __init__(self, rules: Mapping[int, RegionRules] | None = None, region: int = 0) -> None:
        lineage = dict.fromkeys((region, region // 100 * 100, region // 10_000 * 10_000, 0))
        self._lineage = [rules[one] for one in lineage if one in rules] if rules else []
        self.region = region
        self.zone = ZoneInfo(next((one.zone for one in self._lineage if one.zone is not None), USUAL_ZONE))
        self._years: dict[int, _Year] = {}
        self._starts = [_instant(date(year, 1, 1), 0, self.zone) for year in range(FIRST_YEAR, LAST_YEAR + 2)]

    def day(self, day: date) -> Day:
        """Tells what a day is; the region's own lists come before the notice."""
        if day in self._rule("extra_holidays", day.year, frozenset()):
            return Day(DayKind.EXTRA_HOLIDAY)
        if day in self._rule("extra_working_days", day.year, frozenset()):
            return Day(DayKind.EXTRA_WORKING)
        if day in workdays:
            return Day(DayKind.MAKE_UP, _FESTIVALS[workdays[day]])
        if day in holidays:
            return Day(DayKind.HOLIDAY, _FESTIVALS[holidays[day]])
        return Day(DayKind.WEEKEND if day.weekday() > 4 else DayKind.WORKING)

    def is_working_day(self, day: date) -> bool:
        """Whether the day counts."""
        return self.day(day).is_working

    def is_certain(self, year: int) -> bool:
        """Whether the days of a year are known; if not, Monday to Friday stand in."""
        return year in _NOTICES or bool(self._rule("is_complete", year, False))  # noqa: FBT003 — a default

    def season(self, name: str) -> Season | None:
        """Returns the days of a season, ``None`` when no region has set them."""
        return next((one.seasons[name] for one in self._lineage if one.seasons and name in one.seasons), None)

    def date_of(self, moment: int) -> date:
        """Returns the local day of a moment."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(self.zone).date()

    def midnight(self, day: date) -> int:
        """Returns the first moment of a local day."""
        return _instant(day, 0, self.zone)

    def known(self, moment: int) -> int:
        """Returns the moment itself.

        Raises:
            RuleBroken: ``TIME_OUT_OF_RANGE``; so do all others of this class that are given such a moment.
        """
        _check_year(self._year_of(moment))
        return moment

    def intervals(self, day: date) -> list[tuple[int, int]]:
        """Returns the working time of a day."""
        if not self.is_working_day(day):
            return []
        return [
            (_instant(day, first, self.zone), _instant(day, last, self.zone))
            for first, last in map(minutes_of, self._hours(day))
        ]

    def opening(self, moment: int) -> int:
        """Returns the moment itself if people work then, else when they next do; the end of an interval is inside."""
        return self.added(moment, 0)

    def added(self, moment: int, amount: int) -> int:
        """Returns the earliest moment by which that much working time has passed; with 0 the next opening."""
        year = self._year_of(moment)
        table = self._table(year)
        index = bisect_left(table.closes, moment)
        if index < len(table.closes):
            start = max(moment, table.opens[index])
            if not amount:
                return start
            amount += table.before[index] + start - table.opens[index]
        else:
            amount += table.before[-1]
        while amount > table.before[-1] or (amount == table.before[-1] and index == len(table.closes)):
            amount -= table.before[-1]
            index = 0
            year += 1
            table = self._table(year)
            if not amount and table.opens:
                return table.opens[0]
        found = bisect_left(table.before, amount) - 1
        return table.opens[found] + amount - table.before[found]

    def elapsed(self, start: int, end: int) -> int:
        """Returns the working time from one moment to a later one; 0 if it is not later."""
        if end <= start:
            return 0
        first, last = self._year_of(start), self._year_of(end)
        whole = sum(self._table(year).before[-1] for year in range(first, last))
        return whole + _passed(self._table(last), end) - _passed(self._table(first), start)

    def day_later(self, moment: int, count: int) -> int:
        """Returns the same time of day so many working days after a moment at which people work.

        Where that day's hours differ, a time before them or between them moves to the next opening, one after them
        to the day's end.
        """
        year = self._year_of(moment)
        table = self._table(year)
        index = bisect_right(table.midnights, moment) - 1
        since_midnight = moment - table.midnights[index]
        table, index = self._nth_day(year, table.rank[index + 1] + count)
        sought = table.midnights[index] + since_midnight
        found = bisect_left(table.closes, sought)
        following = table.first[index + 1]
        return max(sought, table.opens[found]) if found < following else table.closes[following - 1]

    def day_end(self, moment: int, count: int) -> int:
        """Returns the end of the working day that is so many after the day of a moment, which does not count."""
        year = self._year_of(moment)
        table = self._table(year)
        index = bisect_right(table.midnights, moment) - 1
        table, index = self._nth_day(year, table.rank[index + 1] + count)
        return table.closes[table.first[index + 1] - 1]

    def _nth_day(self, year: int, number: int) -> tuple[_Year, int]:
        """Returns the table and the day of a working day, counted from 1 in a year and on into the next ones."""
        table = self._table(year)
        while number > len(table.days):
            number -= len(table.days)
            year += 1
            table = self._table(year)
        return table, table.days[number - 1]

    def _rule(self, name: str, year: int, usual: Any) -> Any:
        """Returns what the nearest region has set, for that year before for all years."""
        for region in self._lineage:
            for rules in (region.years.get(year), region):
                value = getattr(rules, name, None)
                if value is not None:
                    return value
        return usual

    def _hours(self, day: date) -> tuple[str, ...]:
        for seasonal in self._rule("seasonal_hours", day.year, ()):
            if day in seasonal:
                return tuple(seasonal.hours)
        return tuple(self._rule("hours", day.year, USUAL_HOURS))

    def _year_of(self, moment: int) -> int:
        return FIRST_YEAR + bisect_right(self._starts, moment) - 1

    def _table(self, year: int) -> _Year:
        table = self._years.get(year)
        if table is None:
            table = self._years[year] = self._build(year)
        return table

    def _build(self, year: int) -> _Year:
        _check_year(year)
        made = _Year([], [], [], [0], [0], [], [0])
        for index, day in enumerate(_days_of(year)):
            made.midnights.append(_instant(day, 0, self.zone))
            intervals = self.intervals(day)
            for opens, closes in intervals:
                made.opens.append(opens)
                made.closes.append(closes)
                made.before.append(made.before[-1] + closes - opens)
            made.first.append(len(made.opens))
            if intervals:
                made.days.append(index)
            made.rank.append(len(made.days))
        made.midnights.append(_instant(date(year + 1, 1, 1), 0, self.zone))
        return made


def _passed(table: _Year, moment: int) -> int:
    index = bisect_left(table.closes, moment)
    if index == len(table.closes):
        return table.before[-1]
    return table.before[index] + max(0, moment - table.opens[index])


def minutes_of(interval: str) -> tuple[int, int]:
    """Returns the minutes since midnight of ``08:00-12:00``."""
    return int(interval[:2]) * 60 + int(interval[3:5]), int(interval[6:8]) * 60 + int(interval[9:])


def _instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Returns the moment of a local time; 24:00 is the next midnight."""
    days, minutes = divmod(minutes, 1440)
    local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone) + timedelta(days)
    return round(local.timestamp()) * 1_000_000


def _days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(1)


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RuleBroken(
            "TIME_OUT_OF_RANGE",
            f"时间超出 {FIRST_YEAR} 至 {LAST_YEAR} 年，请检查起算时间和时限。",
            f"the time lies outside {FIRST_YEAR} to {LAST_YEAR}; check the start and the limit.",
        )
