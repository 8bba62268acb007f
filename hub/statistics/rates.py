"""Rates from counts: exact, and rounded once, for display. The metrics are data. Pure.

F4 (a late case is worth 55 %) is the identity behind F3; F5 (which month) and F6 (what is done) are rules of the
counters, in ``exchange_db.counting``. Source: section 3.1 of the domain notes (S004, 中方县 2020).
"""

from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct

from exchange_db.records import Counts

#: A counter's name and its weight.
Term = tuple[str, int]


class MetricDefinition(Struct, frozen=True):
    """One metric: weighted sums of counters, one over the other.

    Two rates may be compared only when id and version are equal.
    """

    metric_id: str
    version: int
    name_zh: str
    name_en: str
    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...]
    source: str


class Rate(NamedTuple):
    """An exact rate. Both parts are multiplied by the weights' denominator; 0 below means: no cases, no rate."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction | None:
        """The rate itself, 1 for all."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def display(self) -> str:
        """The rate in percent with 2 decimals, rounded half up; empty when there is none."""
        if self.value is None:
            return ""
        hundredths = rounded_half_up(self.value * 10_000)
        return f"{hundredths // 100}.{hundredths % 100:02d}"


_S004 = "S004 中方县智慧城管服务项目支出绩效自评报告 2020"

METRICS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "F1",
        1,
        "月问题解决率",
        "Solved",
        numerator=(("done", 1),),
        denominator=(("total", 1),),
        source=f"{_S004}：当月案件完成数÷当月案件总数",
    ),
    MetricDefinition(
        "F2",
        1,
        "月问题及时解决率",
        "Solved in time",
        numerator=(("on_time", 1),),
        denominator=(("total", 1),),
        source=f"{_S004}：当月案件及时完成数÷当月案件总数",
    ),
    # 55 % of the solved ones and 45 % of those in time: a late case counts 55 of 100.
    MetricDefinition(
        "F3",
        1,
        "月问题综合解决率",
        "Solved, weighted",
        numerator=(("done", 55), ("on_time", 45)),
        denominator=(("total", 100),),
        source=f"{_S004}：解决率×55%+及时解决率×45%",
    ),
)


def metrics_of(*, is_suspended_excluded: bool) -> tuple[MetricDefinition, ...]:
    """Returns the metrics a hub computes; without suspended cases they are other metrics and say so in their ids."""
    return tuple(map(_without_suspended, METRICS)) if is_suspended_excluded else METRICS


def _without_suspended(metric: MetricDefinition) -> MetricDefinition:
    return MetricDefinition(
        f"{metric.metric_id}.active",
        metric.version,
        f"{metric.name_zh}（不含挂账）",
        f"{metric.name_en} (suspended left out)",
        metric.numerator,
        (*metric.denominator, *(("suspended", -weight) for name, weight in metric.denominator if name == "total")),
        f"{metric.source}；分母不含挂账案件",
    )


def rate_of(metric: MetricDefinition, counts: Counts) -> Rate:
    """Computes one metric from counts."""
    return Rate(_weighted(metric.numerator, counts), _weighted(metric.denominator, counts))


def _weighted(terms: tuple[Term, ...], counts: Counts) -> int:
    return sum(weight * int(getattr(counts, name)) for name, weight in terms)


def rounded_half_up(value: Fraction) -> int:
    """Rounds to the nearest integer, halves up: never binary, never to even (1/32 is 3.13 %, not 3.12 %)."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
