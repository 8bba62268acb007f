"""Periods as people write them."""

from datetime import date

import pytest

from exchange_db.records import Violated
from hub.evaluation.spans import parse_period


@pytest.mark.parametrize(
    ("text", "name", "first", "last"),
    [
        ("2020-03", "2020-03", date(2020, 3, 1), date(2020, 3, 31)),
        ("202002", "2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-Q1", "2020-Q1", date(2020, 1, 1), date(2020, 3, 31)),
        ("2020-Q4", "2020-Q4", date(2020, 10, 1), date(2020, 12, 31)),
        ("2020-H2", "2020-H2", date(2020, 7, 1), date(2020, 12, 31)),
        ("2021", "2021", date(2021, 1, 1), date(2021, 12, 31)),
    ],
)
def test_a_period_has_its_days(text: str, name: str, first: date, last: date) -> None:
    span = parse_period(text)
    assert (span.period, span.first_day, span.last_day) == (name, first, last)
    assert span.is_month is (first.month == last.month)
    assert len(span.months) == last.month - first.month + 1


@pytest.mark.parametrize("text", ["", "2020-13", "2020-00", "2020-Q5", "2020-H3", "1989", "20203", "2020-3"])
def test_what_is_no_period_is_refused_by_name(text: str) -> None:
    with pytest.raises(Violated, match="ARGUMENT_INVALID period"):
        parse_period(text)
