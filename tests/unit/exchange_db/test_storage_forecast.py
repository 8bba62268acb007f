"""The forecast of the ledger's growth: a straight line, and silence where nothing can be told."""

from datetime import date, timedelta

import pytest

from exchange_db.storage import Forecast, forecast, kind_of

_DAY = date(2026, 11, 1)


def _grown(*sizes: int) -> list[tuple[date, int]]:
    return [(_DAY + timedelta(days=number), size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("totals", "cap", "expected"),
    [
        (_grown(100), 1_000, Forecast(100, 0.0, None)),
        (_grown(100, 200, 300), 1_000, Forecast(300, 100.0, 7)),
        (_grown(100, 200, 300), 0, Forecast(300, 100.0, None)),
        (_grown(300, 200, 100), 1_000, Forecast(100, -100.0, None)),
        (_grown(100, 200, 300), 200, Forecast(300, 100.0, 0)),
    ],
)
def test_a_line_is_drawn_through_the_days(totals: list[tuple[date, int]], cap: int, expected: Forecast) -> None:
    assert forecast(totals, cap) == expected


def test_without_samples_nothing_is_told() -> None:
    assert forecast([], 1_000) is None


@pytest.mark.parametrize(
    ("table", "kind"),
    [("inbox_2020_06", ("inbox", 202006)), ("cases", ("cases", 0)), ("inbox_default", ("inbox_default", 0))],
)
def test_a_month_is_told_by_the_name_of_its_table(table: str, kind: tuple[str, int]) -> None:
    assert kind_of(table) == kind
