"""Which cases are behind a number: of a counter, or of the numerator or the denominator of a metric. Pure.

Called by ``hub.statistics.reading``.
"""

from enum import StrEnum
from typing import Any, NamedTuple

from exchange_db.counting import CountingRules, day_bounds, last_day_of
from exchange_db.counting_sql import condition_of
from exchange_db.records import Violated
from hub.statistics.definitions import MetricDefinition, Term
from hub.statistics.derived import DAYS, Kept, kept
from hub.statistics.registry import MetricRegistry


class Part(StrEnum):
    """Which part of a metric is opened."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"


class Members(NamedTuple):
    """An SQL condition on ``cases`` made of constants, and its values.

    The members of a part are the cases of its terms, each once, whatever the weights: of ``55 done + 45 on_time`` the
    cases that are done. What is subtracted is left out: of ``filed - void`` the cases that were filed and are not
    void in the period.
    """

    condition: str
    values: dict[str, Any]


def members_of(
    what: tuple[str, str, str], span: tuple[int, int], rules: CountingRules, registry: MetricRegistry
) -> Members:
    """Returns the cases behind a number.

    Args:
        what: a counter, or else a metric's id and ``numerator`` or ``denominator``.
        span: first and last day, or month, as numbers.
        rules: how cases are counted.
        registry: metric definitions in force.

    Raises:
        Violated: ARGUMENT_INVALID, nothing is called that or the ledger does not tell it.
    """
    counter, metric_id, part = what
    first, last = (span[0] * 100 + 1, last_day_of(span[1])) if span[1] <= 999_999 else span
    begin, end = day_bounds(first, last, rules)
    values: dict[str, Any] = {"begin": begin, "end": end}
    if not metric_id:
        found = kept(counter, {})
        if found is None or found.name == DAYS:
            raise Violated("ARGUMENT_INVALID", "counter", counter)
        return Members(_condition(found, rules, values), values)
    metric = registry.metrics.get(metric_id)
    if metric is None or not metric.is_kept:
        raise Violated("ARGUMENT_INVALID", "metric_id", metric_id)
    if part not in list(Part):
        raise Violated("ARGUMENT_INVALID", "part", part)
    terms, counters = _of_part(metric, Part(part))
    added = [_condition(one, rules, values) for one, (_, weight) in zip(counters, terms, strict=True) if weight > 0]
    taken = [_condition(one, rules, values) for one, (_, weight) in zip(counters, terms, strict=True) if weight < 0]
    condition = f"({' OR '.join(f'({one})' for one in added) or 'false'})"
    for one in taken:
        condition += f" AND ({one}) IS NOT TRUE"
    return Members(condition, values)


def _of_part(metric: MetricDefinition, part: Part) -> tuple[tuple[Term, ...], list[Kept]]:
    is_above = part is Part.NUMERATOR
    terms, found = (
        (metric.numerator, metric.numerator_kept) if is_above else (metric.denominator, metric.denominator_kept)
    )
    return terms, [one for one in found if one is not None]


def _condition(counter: Kept, rules: CountingRules, values: dict[str, Any]) -> str:
    if counter.name == DAYS:
        return "false"
    condition = condition_of(counter.name, rules)
    if not counter.sources:
        return condition
    name = f"sources{len(values)}"
    values[name] = list(counter.sources)
    return f"{condition} AND source_code = ANY(%({name})s)"
