"""Comparing figures: offered only between figures of one definition; otherwise why not, and both on a common one.

Two figures are of one definition when metric, version and the definitions their counters follow are the same. Where
they are not, every definition of the same indicator is tried for which both sides have the counts. Pure. Called by the
command line. Source: 3.3 of the domain notes (the same name has four denominators).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from hub.statistics.definitions import CountMissing, MetricDefinition, Quotient, change_of, quotient_of, terms_text
from hub.statistics.registry import MetricRegistry

#: What a word in the name of counters' definitions changes: the counters it is about; all where none are named.
_TIMED = frozenset(
    {
        "on_time", "closed_on_time", "disposed_on_time", "accepted_on_time", "filed_on_time", "dispatched_on_time",
        "verified_on_time", "check_sent_on_time", "checked_on_time",
    }
)  # fmt: skip
_AFFECTED: dict[str, frozenset[str]] = {
    "check": frozenset({"on_time", "closed_on_time"}),
    "before": frozenset({"on_time", "closed_on_time", "disposed_on_time"}),
    "stages": _TIMED - {"on_time", "closed_on_time", "disposed_on_time"},
}
_RULES = {
    "check": ("按核查通过时间判定及时", "in time by when the check passed"),
    "before": ("恰在截止时间不算及时", "the very deadline is too late"),
    "24h": ("零时计入前一日", "midnight belongs to the day before"),
    "self": ("自行处置计入各环节", "what is handled on the spot counts in every step"),
    "stages": ("环节时限不同", "other limits of the stages"),
}
#: What two definitions may differ in: field, Chinese, English.
_PARTS = (
    ("cohort", "统计口径", "cohort"),
    ("month_rule", "月界规则", "month rule"),
    ("anchor", "及时判定时点", "anchor of in time"),
    ("suspended", "挂账处理", "handling of suspended cases"),
    ("void", "作废处理", "handling of void cases"),
    ("filters", "范围", "filters"),
    ("numerator_filters", "分子范围", "filters of the numerator"),
)


class Side(NamedTuple):
    """One figure: what it is called here, its definition, the definitions its counters follow, and its counts."""

    name: str
    metric: MetricDefinition
    definition_ref: str
    counts: Mapping[str, int | Fraction]


class Common(NamedTuple):
    """Both sides on one definition."""

    metric: MetricDefinition
    left: Quotient
    right: Quotient
    change: Fraction | None


class Comparison(NamedTuple):
    """Both figures as they are; ``change`` is of the second against the first, and only where it is offered.

    ``whys`` say, in Chinese and English, why it is not; ``common`` has both on other definitions of the indicator.
    """

    left: Quotient | None
    right: Quotient | None
    is_offered: bool
    change: Fraction | None
    whys: tuple[tuple[str, str], ...]
    common: tuple[Common, ...]


def compare(left: Side, right: Side, registry: MetricRegistry) -> Comparison:
    """Compares the figure on the right with the one on the left."""
    whys = [*_whys_of_metrics(left.metric, right.metric), *_whys_of_counters(left.definition_ref, right.definition_ref)]
    one, other = _quotient(left.metric, left.counts), _quotient(right.metric, right.counts)
    for side, found in ((left, one), (right, other)):
        if found is None:
            missing = "、".join(sorted(side.metric.counters - side.counts.keys()))
            whys.append((f"{side.name} 没有计数 {missing}", f"{side.name} has no counts of {missing}"))
    if not whys and one is not None and other is not None:
        return Comparison(one, other, True, change_of(other.value, one.value), (), ())  # noqa: FBT003
    return Comparison(one, other, False, None, tuple(whys), _common(left, right, registry))  # noqa: FBT003


def _quotient(metric: MetricDefinition, counts: Mapping[str, int | Fraction]) -> Quotient | None:
    try:
        return quotient_of(metric, counts)
    except CountMissing:
        return None


def _whys_of_metrics(left: MetricDefinition, right: MetricDefinition) -> list[tuple[str, str]]:
    if (left.metric_id, left.version) == (right.metric_id, right.version):
        return []
    names = f"{left.metric_id} v{left.version} / {right.metric_id} v{right.version}"
    whys = [(f"指标定义不同：{names}", f"other definitions: {names}")]
    for part, chinese, english in (("numerator", "分子", "numerator"), ("denominator", "分母", "denominator")):
        one, other = (terms_text(getattr(metric, part)) for metric in (left, right))
        if one != other:
            whys.append((f"{chinese}不同：{one} / {other}", f"other {english}s: {one} / {other}"))
    for part, chinese, english in _PARTS:
        one, other = getattr(left, part), getattr(right, part)
        if one != other:
            whys.append(
                (f"{chinese}不同：{one or '—'} / {other or '—'}", f"other {english}: {one or '—'} / {other or '—'}")
            )
    return whys


def _whys_of_counters(left: str, right: str) -> list[tuple[str, str]]:
    if left == right:
        return []
    whys = [(f"计数口径不同：{left} / {right}", f"counters follow {left} and {right}")]
    for rule in sorted(_rules_of(left) ^ _rules_of(right)):
        if rule in _RULES:
            whys.append(_RULES[rule])
    return whys


def _rules_of(definition_ref: str) -> set[str]:
    """Returns the words of a name in which two that count differently differ; limits of the stages as one word."""
    return {"stages" if word.startswith("stages-") else word for word in definition_ref.split("+")[1:]}


def _common(left: Side, right: Side, registry: MetricRegistry) -> tuple[Common, ...]:
    """Puts both sides on every definition of the indicator that both have counts for, which mean the same."""
    spoilt = _spoilt(left.definition_ref, right.definition_ref)
    if spoilt is None:
        return ()
    found: list[Common] = []
    concepts = {left.metric.concept, right.metric.concept}
    for metric in (one for concept in sorted(concepts) for one in registry.definitions_of(concept)):
        if metric.counters & spoilt:
            continue
        one, other = _quotient(metric, left.counts), _quotient(metric, right.counts)
        if one is not None and other is not None:
            found.append(Common(metric, one, other, change_of(other.value, one.value)))
    return tuple(found)


def _spoilt(left: str, right: str) -> frozenset[str] | None:
    """Returns the counters that mean different things under two definitions; ``None`` where all of them do."""
    one, other = left.split("+"), right.split("+")
    if one[0] != other[0]:
        return None
    spoilt: frozenset[str] = frozenset()
    for word in set(one[1:]) ^ set(other[1:]):
        rule = "stages" if word.startswith("stages-") else word
        if rule not in _AFFECTED:
            return None
        spoilt |= _AFFECTED[rule]
    return spoilt
