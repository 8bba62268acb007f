"""Charts of a link's past as plain geometry, in pixels, and as data for the library that draws them anew. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from exchange_db.link_samples import Bucket

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 560, 170, 54, 12, 26, 10
_TICKS = 4
_LABELS = 5


class Line(NamedTuple):
    """A series as SVG: the key of its name, and runs of points; a gap is where nobody looked."""

    key: str
    runs: tuple[str, ...]


class Chart(NamedTuple):
    """One picture: ``ticks`` are (text, y), ``labels`` (moment, x); ``data`` is the same as values."""

    key: str
    width: int
    height: int
    left: int
    right: int
    base: int
    lines: tuple[Line, ...]
    ticks: tuple[tuple[str, int], ...]
    labels: tuple[tuple[datetime, int], ...]
    data: dict[str, Any]


class Series(NamedTuple):
    """Values by moment, ``None`` where there is none."""

    key: str
    values: Sequence[float | None]


def charts_of(buckets: Sequence[Bucket], since: datetime, until: datetime) -> list[Chart]:
    """Returns the pictures of a link's past.

    Args:
        buckets: oldest first; those before ``since`` give the first numbers and are not drawn.
        since: where the pictures begin.
        until: where they end.
    """
    shown = [(before, one) for before, one in pairwise([None, *buckets]) if one and one.begin_time >= since]
    moments = [one.begin_time for _, one in shown]
    span = (since, until)

    def chart(key: str, **series: list[float | None]) -> Chart:
        return _chart(key, moments, [Series(name, values) for name, values in series.items()], span)

    return [
        chart("history_backlog", history_waiting=[one.lag_records for _, one in shown]),
        chart(
            "history_delay",
            history_oldest=[one.lag_seconds for _, one in shown],
            history_canary=[None if one.canary_ms is None else one.canary_ms / 1_000 for _, one in shown],
        ),
        chart(
            "history_traffic",
            history_sent=[None if old is None else max(0, one.sent_number - old.sent_number) for old, one in shown],
            history_received=[
                None if old is None else max(0, one.received_number - old.received_number) for old, one in shown
            ],
        ),
        chart("history_down", history_down_share=[100 * one.down_count / one.sample_count for _, one in shown]),
    ]


def _chart(key: str, moments: list[datetime], series: list[Series], span: tuple[datetime, datetime]) -> Chart:
    top = _round_up(max((value for one in series for value in one.values if value is not None), default=0))
    base, wide = _HEIGHT - _BOTTOM, _WIDTH - _LEFT - _RIGHT
    whole = (span[1] - span[0]).total_seconds()

    def x_of(moment: datetime) -> int:
        return _LEFT + round(wide * (moment - span[0]).total_seconds() / whole)

    def y_of(value: float) -> int:
        return base - round((base - _TOP) * value / top)

    lines = []
    for one in series:
        points = [
            None if value is None else f"{x_of(moment)},{y_of(value)}"
            for moment, value in zip(moments, one.values, strict=True)
        ]
        lines.append(Line(one.key, tuple(_runs(points))))
    ticks = tuple((_told(top * number / _TICKS), y_of(top * number / _TICKS)) for number in range(_TICKS + 1))
    step = (span[1] - span[0]) / _LABELS
    labels = tuple((span[0] + step * number, x_of(span[0] + step * number)) for number in range(_LABELS + 1))
    data = {
        "x": [moment.isoformat() for moment in moments],
        "series": [{"key": one.key, "y": [_short(value) for value in one.values]} for one in series],
    }
    return Chart(key, _WIDTH, _HEIGHT, _LEFT, _WIDTH - _RIGHT, base, tuple(lines), ticks, labels, data)


def _runs(points: Sequence[str | None]) -> list[str]:
    """Joins neighbouring points; one alone becomes a dot, which a line of no length with round ends is."""
    runs: list[list[str]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]


def _round_up(value: float) -> float:
    """Returns the end of a scale: 1, 2 or 5 times a power of ten, at least 1."""
    size = 1.0
    while True:
        for factor in (1, 2, 5):
            if factor * size >= value:
                return factor * size
        size *= 10


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
