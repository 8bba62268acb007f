"""Charts of a link's past: numbers that only rise become traffic, nobody looking becomes a gap."""

from datetime import UTC, datetime, timedelta

from exchange_db.link_samples import Bucket
from hub.console.line_charts import Chart, charts_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _bucket(hour: int, sent: int, *, down: int = 0, canary_ms: int | None = 500) -> Bucket:
    return Bucket(NOON + hour * HOUR, 60, down, 3 * hour, 30 * hour, canary_ms, sent, sent // 2)


def _charts(*buckets: Bucket) -> dict[str, Chart]:
    return {chart.key: chart for chart in charts_of(buckets, NOON, NOON + 10 * HOUR)}


def test_the_bucket_before_gives_the_first_number_and_is_not_drawn() -> None:
    charts = _charts(_bucket(-1, 100), _bucket(0, 140), _bucket(1, 200, down=15))
    traffic = charts["history_traffic"].data["series"]
    assert [one["y"] for one in traffic] == [[40, 60], [20, 30]]
    assert charts["history_down"].data["series"][0]["y"] == [0, 25]
    assert charts["history_traffic"].data["x"] == ["2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+00:00"]


def test_a_number_that_fell_after_a_restore_is_no_traffic() -> None:
    assert _charts(_bucket(0, 100), _bucket(1, 20))["history_traffic"].data["series"][0]["y"] == [None, 0]


def test_where_nothing_came_back_the_line_is_broken() -> None:
    chart = _charts(_bucket(0, 1), _bucket(1, 2, canary_ms=None), _bucket(2, 3))["history_delay"]
    assert [len(line.runs) for line in chart.lines] == [1, 2]
    assert all(run.count(",") >= 2 for line in chart.lines for run in line.runs)


def test_everything_lies_inside_and_the_scale_ends_round() -> None:
    chart = _charts(*(_bucket(hour, 7 * hour) for hour in range(11)))["history_backlog"]
    points = [tuple(map(int, point.split(","))) for run in chart.lines[0].runs for point in run.split()]
    assert all(chart.left <= x <= chart.right and 0 <= y <= chart.base for x, y in points)
    assert [text for text, _ in chart.ticks] == ["0", "12", "25", "38", "50"]
    assert (chart.labels[0][1], chart.labels[-1][1]) == (chart.left, chart.right)


def test_nothing_kept_gives_empty_pictures() -> None:
    assert all(chart.lines[0].runs == () for chart in _charts().values())
