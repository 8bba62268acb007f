"""How cases are counted: the open questions of the rule, its name, and the days and months moments belong to.

What a case counts for is in ``exchange_db.shares``, the same rule as SQL in ``exchange_db.counting_sql``. A day is
year*10000+month*100+day, a month year*100+month, both in the hub's zone.
"""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import astuple

#: Version of the counters' definitions; travels with every sheet.
DEFINITION: Final = "sanji-counts/2"
#: The version before, of whose counters the first nine are.
FIRST_DEFINITION: Final = "sanji-counts/1"

#: Years whose months are known; records hold no times outside 1970 to 2200.
_FIRST_YEAR, _LAST_YEAR = 1969, 2201
#: Microseconds of a quarter of an hour, and of a minute: no zone has begun a day elsewhere since 1990.
QUARTER, MINUTE = 900_000_000, 60_000_000
#: Quarters remembered at most; four years have 140,000.
_MOST_QUARTERS = 200_000


class Anchor(StrEnum):
    """Which moment decides on time or late (2.5 of the domain notes)."""

    CLOSE_REQUEST_TIME = "close_request_time"
    CHECK_PASS_TIME = "check_pass_time"  # noqa: S105 — the moment the check passed


class CountingRules(Struct, frozen=True):
    """Open questions of the rule, with the defaults of section 6 of the domain notes.

    ``is_equal_on_time``: a moment equal to the deadline is in time. ``is_midnight_next_month``: the first instant of
    a month belongs to it (half-open), not to the month before (24:00); days likewise. ``is_self_handled_counted``: what
    a collector fixed on the spot also counts as accepted, filed, disposed of and closed, if it went that way.

    The limits of the stages are natural minutes, 0 to 100,000; seen in single cities, not verified (1.5 of the domain
    notes: 受理 15, 派遣 15, 核实 and 核查 30).
    """

    zone: str = "Asia/Shanghai"
    anchor: Anchor = Anchor.CLOSE_REQUEST_TIME
    is_equal_on_time: bool = True
    is_midnight_next_month: bool = True
    is_self_handled_counted: bool = False
    acceptance_minutes: int = 15
    verification_minutes: int = 30
    filing_minutes: int = 15
    dispatch_minutes: int = 15
    check_dispatch_minutes: int = 15
    check_minutes: int = 30

    @property
    def stage_minutes(self) -> tuple[int, ...]:
        """The limits of the stages."""
        return astuple(self)[5:]


def definition_of(rules: CountingRules) -> str:
    """Returns the name of the counters' definitions under these rules; what is not the default is named in it.

    Two figures may be compared only when these names are equal.
    """
    usual = CountingRules()
    parts = [DEFINITION]
    if rules.anchor is not usual.anchor:
        parts.append("check")
    if rules.is_equal_on_time is not usual.is_equal_on_time:
        parts.append("before")
    if rules.is_midnight_next_month is not usual.is_midnight_next_month:
        parts.append("24h")
    if rules.is_self_handled_counted is not usual.is_self_handled_counted:
        parts.append("self")
    if rules.stage_minutes != usual.stage_minutes:
        # A name has 60 letters; six limits in words would not fit beside the rest.
        parts.append(f"stages-{sha256(repr(rules.stage_minutes).encode()).hexdigest()[:6]}")
    if rules.zone != usual.zone:
        parts.append(rules.zone)
    return "+".join(parts)[:60]


def month_of(moment: int, rules: CountingRules) -> int:
    """Returns the statistics month of a moment as year*100+month."""
    return day_of(moment, rules) // 100


def day_of(moment: int, rules: CountingRules) -> int:
    """Returns the statistics day of a moment as year*10000+month*100+day; with 24:00 midnight ends the day before."""
    return calendar_of(rules.zone)[(moment if rules.is_midnight_next_month else moment - 1) // QUARTER]


class Calendar(dict[int, int]):
    """Days by the quarter of an hour since 1970, found when first asked for.

    ``perf``: every case that changes asks for a dozen days, most of them the same few.
    """

    def __init__(self, zone: str) -> None:
        super().__init__()
        local = ZoneInfo(zone)
        first, last = date(_FIRST_YEAR, 1, 1).toordinal(), date(_LAST_YEAR + 1, 1, 1).toordinal()
        days = [date.fromordinal(number) for number in range(first, last)]
        self._starts = [
            round(datetime(day.year, day.month, day.day, tzinfo=local).timestamp()) * 1_000_000 for day in days
        ]
        self._names = [day.year * 10_000 + day.month * 100 + day.day for day in days]

    def __missing__(self, quarter: int) -> int:
        """Finds the day a quarter lies in."""
        if len(self) >= _MOST_QUARTERS:
            self.clear()
        found = self._names[bisect_right(self._starts, quarter * QUARTER) - 1]
        self[quarter] = found
        return found


@lru_cache(maxsize=8)
def calendar_of(zone: str) -> Calendar:
    """Returns the days of a zone."""
    return Calendar(zone)


def day_bounds(first: int, last: int, rules: CountingRules) -> tuple[datetime, datetime]:
    """Returns the first instant of a day and of the one after another, aware."""
    zone = ZoneInfo(rules.zone)
    following = date_of(last) + timedelta(days=1)
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (date_of(first), following))
    return begin, end


def month_bounds(month: int, rules: CountingRules) -> tuple[datetime, datetime]:
    """Returns the first instant of a month and of the next one, aware."""
    return day_bounds(month * 100 + 1, last_day_of(month), rules)


def date_of(day: int) -> date:
    """Returns a day, year*10000+month*100+day, as a date.

    Raises:
        ValueError: there is no such day.
    """
    return date(day // 10_000, day // 100 % 100, day % 100)


def day_number(day: date) -> int:
    """Returns a date as year*10000+month*100+day."""
    return day.year * 10_000 + day.month * 100 + day.day


def last_day_of(month: int) -> int:
    """Returns the last day of a month as year*10000+month*100+day."""
    year, number = divmod(month, 100)
    following = date(year + number // 12, number % 12 + 1, 1)
    return day_number(following - timedelta(days=1))


def days_of(first: int, last: int) -> list[int]:
    """Returns all days from one to another, both included."""
    begin, end = date_of(first).toordinal(), date_of(last).toordinal()
    return [day_number(date.fromordinal(number)) for number in range(begin, end + 1)]
