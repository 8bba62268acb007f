"""The bars of a breakdown as geometry."""

from fractions import Fraction

from exchange_db.records import Counts
from hub.console.pictures import bar_chart
from hub.statistics.rates import METRICS, rate_of
from hub.statistics.reading import Figure, FigureLine


def _line(key: str, counts: Counts) -> FigureLine:
    figures = tuple(Figure(metric, rate_of(metric, counts), 0, 202001, 202001, 0, 0) for metric in METRICS)
    return FigureLine(key, counts, figures)


def test_bars_stand_on_the_base_and_are_as_high_as_their_rate() -> None:
    chart = bar_chart((_line("202001", Counts(total=4, done=2, on_time=1)), _line("202002", Counts())))
    assert chart is not None
    half, quarter, _ = chart.groups[0].bars
    assert half.y + half.height == quarter.y + quarter.height == chart.base
    assert half.height == 2 * quarter.height
    assert [bar.height for bar in chart.groups[1].bars] == [0, 0, 0]
    assert [percent for percent, _ in chart.ticks] == [0, 20, 40, 60, 80, 100]


def test_a_rate_above_100_percent_fits() -> None:
    chart = bar_chart((_line("x", Counts(total=10, done=12)),))
    assert chart is not None
    assert chart.ticks[-1][0] == 120
    assert min(bar.y for bar in chart.groups[0].bars) >= chart.ticks[-1][1]
    assert Fraction(12, 10) == rate_of(METRICS[0], Counts(total=10, done=12)).value


def test_nothing_to_draw_or_too_much_to_read_gives_no_chart() -> None:
    assert bar_chart((_line("x", Counts()),)) is None
    assert bar_chart(tuple(_line(str(number), Counts(total=1)) for number in range(25))) is None
