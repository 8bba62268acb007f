"""Periods of evaluation: a month, quarter, half-year or year, as people write them. Pure."""

import re
from datetime import date, timedelta
from typing import NamedTuple

from exchange_db.records import Violated

_FORM = re.compile(r"(?P<year>[0-9]{4})(?:-?(?P<month>[01][0-9])|-(?P<part>[QH])(?P<number>[1-4]))?\Z")
_FIRST_YEAR, _LAST_YEAR = 1990, 2200


class Span(NamedTuple):
    """A period: its name (``2020-03``, ``2020-Q1``, ``2020-H1``, ``2020``) and its months as year*100+month."""

    period: str
    first_month: int
    last_month: int

    @property
    def is_month(self) -> bool:
        """Whether it is one month."""
        return self.first_month == self.last_month

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.first_month // 100, self.first_month % 100, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        years, month = divmod(self.last_month % 100, 12)
        return date(self.last_month // 100 + years, month + 1, 1) - timedelta(days=1)

    @property
    def months(self) -> tuple[int, ...]:
        """Its months, in order; all lie in one year."""
        return tuple(range(self.first_month, self.last_month + 1))


def parse_period(text: str) -> Span:
    """Reads ``2020-03``, ``202003``, ``2020-Q1``, ``2020-H2`` or ``2020``.

    Raises:
        Violated: ARGUMENT_INVALID, it is none.
    """
    found = _FORM.match(text)
    year = int(found["year"]) if found else 0
    if found is None or not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Violated("ARGUMENT_INVALID", "period", text)
    if found["month"]:
        month = int(found["month"])
        if not 1 <= month <= 12:
            raise Violated("ARGUMENT_INVALID", "period", text)
        return Span(f"{year}-{month:02d}", year * 100 + month, year * 100 + month)
    if found["part"]:
        length, number = (3 if found["part"] == "Q" else 6), int(found["number"])
        if number * length > 12:
            raise Violated("ARGUMENT_INVALID", "period", text)
        last = number * length
        return Span(f"{year}-{found['part']}{number}", year * 100 + last - length + 1, year * 100 + last)
    return Span(str(year), year * 100 + 1, year * 100 + 12)


def a_year_before(month: int) -> int:
    """Returns the same month of the year before."""
    return month - 100
