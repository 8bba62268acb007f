"""The two pictures as geometry."""

from datetime import UTC, datetime
from fractions import Fraction

from exchange_db.peers import LinkState
from exchange_db.records import Counts
from hub.console.health import Health
from hub.console.pictures import MAX_DRAWN, TierPicture, bar_chart, tier_picture
from hub.statistics.rates import METRICS, rate_of
from hub.statistics.reading import Figure, FigureLine
from tests.support.neighbours import a_peer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _link(peer_id: str, relation: str = "child", failure_count: int = 0) -> LinkState:
    return LinkState(a_peer(peer_id, relation), 0, 0, 0, 0, failure_count, None, "", None, NOW, 0)


def _is_inside(picture: TierPicture) -> bool:
    corners = [(picture.hub_x, picture.hub_y), *((box.x, box.y) for box in picture.boxes)]
    return all(0 <= x <= picture.width - 148 and 0 <= y <= picture.height - 58 for x, y in corners)


def test_what_is_above_is_drawn_above_and_what_is_below_below() -> None:
    picture = tier_picture([_link("430000.hub", "parent"), _link("431221.platform"), _link("431222.platform")], NOW)
    above, *below = picture.boxes
    assert above.link.peer.peer_id == "430000.hub"
    assert above.y < picture.hub_y < below[0].y == below[1].y
    assert _is_inside(picture)


def test_a_hub_alone_is_drawn_too() -> None:
    picture = tier_picture([], NOW)
    assert picture.boxes == []
    assert _is_inside(picture)


def test_of_many_neighbours_the_broken_ones_are_drawn() -> None:
    links = [_link(f"4301{number:02d}.platform", failure_count=3 if number > 90 else 0) for number in range(1, 95)]
    picture = tier_picture(links, NOW)
    assert len(picture.boxes) == MAX_DRAWN
    assert picture.left_out_count == len(links) - MAX_DRAWN
    assert sum(box.health is Health.BROKEN for box in picture.boxes) == 4
    assert _is_inside(picture)


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
