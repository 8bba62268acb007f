"""Rates from counts of the ledger: exact, and rounded once, for display. Pure.

Which counters make a metric is data (``hub.statistics.registry``). F4 (a late case is worth 55 %) is the identity
behind F3; F5 (which month) and F6 (what is done) are rules of the counters, in ``exchange_db.counting``.
Source: section 3.1 of the domain notes (S004, 中方县 2020).
"""

from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from exchange_db.records import Counts
from hub.statistics.definitions import Handling, MetricDefinition, Term
from hub.statistics.registry import shipped_registry
from hub.statistics.rounding import USUAL


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
        return "" if self.value is None else USUAL.text(self.value * 100)


#: What a hub computes of its own ledger.
METRICS: tuple[MetricDefinition, ...] = tuple(shipped_registry().metric(name) for name in ("F1", "F2", "F3"))


def metrics_of(*, is_suspended_excluded: bool) -> tuple[MetricDefinition, ...]:
    """Returns the metrics a hub computes; without suspended cases they are other metrics and say so in their ids."""
    return tuple(map(_without_suspended, METRICS)) if is_suspended_excluded else METRICS


def _without_suspended(metric: MetricDefinition) -> MetricDefinition:
    return replace(
        metric,
        metric_id=f"{metric.metric_id}.active",
        name_zh=f"{metric.name_zh}（不含挂账）",
        name_en=f"{metric.name_en} (suspended left out)",
        denominator=(
            *metric.denominator,
            *(("suspended", -weight) for name, weight in metric.denominator if name == "total"),
        ),
        suspended=Handling.EXCLUDED,
        clause=f"{metric.clause}；分母不含挂账案件",
    )


def rate_of(metric: MetricDefinition, counts: Counts) -> Rate:
    """Computes one metric from counts."""
    return Rate(_weighted(metric.numerator, counts), _weighted(metric.denominator, counts))


def _weighted(terms: tuple[Term, ...], counts: Counts) -> int:
    return sum(weight * int(getattr(counts, name)) for name, weight in terms)
