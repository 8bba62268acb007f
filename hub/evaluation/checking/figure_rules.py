"""Rules about single figures: recomputed from what the form gives, or from the profile's definition. Pure.

Source: rule 2 of section 3.3 of the domain notes: a rate is accepted with its counts only.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from hub.evaluation.checking.causes import Context, agrees, base_causes_of, causes_of
from hub.evaluation.checking.desk import Desk
from hub.evaluation.checking.findings import Cause, CauseFound, Rule, Severity
from hub.evaluation.checking.forms import FormRow, Kind
from hub.evaluation.checking.solving import numerators_of, solvable_bases
from hub.evaluation.checking.stated import (
    ExpressionInvalid,
    Stated,
    is_expression,
    number_text,
    parse_stated,
    value_of,
)
from hub.statistics.definitions import CountMissing, MetricDefinition, Unit, quotient_of
from hub.statistics.rounding import USUAL

#: Largest base for which all bases that fit are looked for.
_MOST_BASE = 5_000
#: Bases that fit which are named.
_SHOWN_BASES = 6
_SOURCE_COUNTERS = {
    "collector": "collector_reported",
    "collector_self": "self_handled",
    "hotline_12319": "hotline_reported",
    "hotline_12345": "hotline_12345_reported",
    "other": "other_reported",
}


class FigureFound(NamedTuple):
    """A figure that could be recomputed: in the unit it is stated in, with its parts where it is a rate."""

    row: FormRow
    stated: Stated
    exact: Fraction
    numerator: Fraction | None = None
    denominator: Fraction | None = None


def take_counts(desk: Desk, rows: Sequence[FormRow]) -> None:
    """Takes the counts a form gives, and notes decimals on what comes in whole pieces."""
    for row in rows:
        if row.kind is not Kind.COUNTS:
            continue
        stated = desk.number(row, "value")
        if stated is None:
            continue
        desk.counts.setdefault(row.name, stated)
        counter = desk.registry.counter_named(row.name)
        if counter is not None:
            desk.counters.setdefault(counter.name, stated)
        if stated.places and (counter is not None and counter.is_whole):
            desk.checked_count += 1
            if stated.value.denominator == 1:
                desk.note(row, Rule.WHOLE_COUNTS, stated.text, str(stated.value))
            else:
                causes = [CauseFound(Cause.NO_WHOLE_SOLUTION, f"{counter.name_zh}应为整数")]
                desk.find(row, Rule.WHOLE_COUNTS, stated.text, number_text(stated.value), causes)


def check_figures(desk: Desk, rows: Sequence[FormRow]) -> list[FigureFound]:
    """Recomputes the figures of a form and returns those that could be."""
    found = []
    for row in rows:
        if row.kind is Kind.FIGURES:
            stated = desk.number(row, "stated")
            if stated is not None:
                desk.figures.setdefault(row.name, stated)
    for row in rows:
        if row.kind is Kind.FIGURES:
            stated = parse_stated(row.cell("stated"))
            if stated is not None:
                one = _check_figure(desk, row, stated)
                if one is not None:
                    found.append(one)
    return found


def _check_figure(desk: Desk, row: FormRow, stated: Stated) -> FigureFound | None:
    metric = desk.registry.named(desk.profile, row.name)
    is_rate = stated.is_percent or (metric is not None and metric.unit is Unit.PERCENT)
    try:
        if is_expression(row.cell("expression")):
            return _by_expression(desk, row, stated)
        numerator, denominator = _part(desk, row, "numerator"), _part(desk, row, "denominator")
    except ExpressionInvalid as invalid:
        desk.note(row, Rule.READABLE, stated.text, f"{invalid}，未核对")
        return None
    if numerator is not None and denominator:
        exact = numerator / denominator * (100 if is_rate else 1)
        return _judged(desk, FigureFound(row, stated, exact, numerator, denominator))
    if denominator and is_rate:
        _check_solution(desk, row, stated, denominator)
        return None
    if metric is not None:
        found = _by_definition(desk, row, stated, metric)
        if found is not None:
            return found
    return _by_text(desk, row, stated)


def _part(desk: Desk, row: FormRow, meaning: str) -> Fraction | None:
    text = row.cell(meaning)
    return value_of(text, desk.value_named) if text else None


def _by_expression(desk: Desk, row: FormRow, stated: Stated) -> FigureFound:
    text = row.cell("expression")
    value = value_of(text, desk.value_named)
    if stated.is_percent:
        value = min(value * 100, value, key=lambda one: abs(one - stated.value))
    found = FigureFound(row, stated, value)
    desk.checked_count += 1
    if not agrees(stated, value):
        causes = causes_of(stated, value, _context(desk, found))
        gap = number_text(abs(value - stated.value))
        is_of_names = any(not parse_stated(part) for part in text.replace("-", "+").split("+"))
        severity = Severity.DOUBTFUL if is_of_names and not causes else Severity.WRONG
        desk.find(
            row,
            Rule.RECOMPUTED,
            stated.text,
            number_text(value),
            causes or (CauseFound(Cause.GAP, f"差额 {gap}"),),
            severity,
        )
    return found


def _by_definition(desk: Desk, row: FormRow, stated: Stated, metric: MetricDefinition) -> FigureFound | None:
    """Recomputes a figure by the profile's definition; where its base is not given, looks for one that fits."""
    counts = {name: one.value for name, one in desk.counters.items()}
    if metric.filters:
        return None
    if metric.numerator_filters:
        return _by_sources(desk, row, stated, metric.numerator_filters.get("source", ()))
    try:
        quotient = quotient_of(metric, counts)
    except CountMissing as missing:
        if {name for name, _ in metric.numerator} <= counts.keys():
            numerator = sum((weight * counts[name] for name, weight in metric.numerator), Fraction(0))
            _doubt_base(desk, FigureFound(row, stated, stated.value, numerator), metric, missing)
        return None
    if quotient.shown is None:
        return None
    return _judged(desk, FigureFound(row, stated, quotient.shown, quotient.numerator, quotient.denominator))


def _by_sources(desk: Desk, row: FormRow, stated: Stated, sources: tuple[str, ...]) -> FigureFound | None:
    """Recomputes the share of sources from their counters; ``None`` when one is not given."""
    names = [_SOURCE_COUNTERS.get(source, source) for source in sources]
    if not names or not {*names, "reported"} <= desk.counters.keys() or not desk.counters["reported"].value:
        return None
    numerator = sum((desk.counters[name].value for name in names), Fraction(0))
    whole = desk.counters["reported"].value
    return _judged(desk, FigureFound(row, stated, numerator * 100 / whole, numerator, whole))


def _doubt_base(desk: Desk, found: FigureFound, metric: MetricDefinition, missing: CountMissing) -> None:
    """Tells what a rate would be over the bases that are given, because the one it is defined by is not."""
    desk.checked_count += 1
    numerator = found.numerator or Fraction(0)
    known = {name: one.value for name, one in desk.counts.items() if one.value > numerator}
    names = "、".join(desk.registry.counters[name].name_zh for name in sorted(missing.names))
    over = "，".join(f"以{name}为分母 {USUAL.text(numerator * 100 / base)}" for name, base in known.items())
    causes = base_causes_of(found.stated, numerator, _labelled(desk, metric, known))
    told = f"缺少{names}" + (f"；{over}" if over else "")
    desk.find(found.row, Rule.RECOMPUTED, found.stated.text, told, causes, Severity.DOUBTFUL)


def _labelled(desk: Desk, metric: MetricDefinition | None, bases: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Returns bases by name; one that another profile defines the figure by has that profile with its name."""
    labelled = {}
    for name, base in bases.items():
        counter = desk.registry.counter_named(name)
        profiles = [
            desk.registry.profiles[one.profile].name_zh
            for one in (desk.registry.definitions_of(metric.concept) if metric is not None else ())
            if counter is not None and one.denominator == ((counter.name, 1),) and one.profile != desk.profile
        ]
        labelled[f"{name}（{'、'.join(profiles)}）" if profiles else name] = base
    return labelled


def _by_text(desk: Desk, row: FormRow, stated: Stated) -> FigureFound | None:
    said = parse_stated(row.cell("text")) or desk.said_of(row.name)
    if said is None:
        return None
    desk.checked_count += 1
    found = FigureFound(row, stated, said.value)
    if not agrees(stated, said.value):
        desk.find(row, Rule.TEXT_EQUALS_TABLE, stated.text, said.text, causes_of(stated, said.value, Context()))
    return found


def _judged(desk: Desk, found: FigureFound) -> FigureFound:
    desk.checked_count += 1
    row, stated, exact = found.row, found.stated, found.exact
    if not agrees(stated, exact):
        causes = causes_of(stated, exact, _context(desk, found))
        desk.find(row, Rule.RECOMPUTED, stated.text, number_text(exact), causes)
    else:
        said = parse_stated(row.cell("text")) or desk.said_of(row.name)
        if said is not None and not agrees(said, exact) and said.value != stated.value:
            desk.find(row, Rule.TEXT_EQUALS_TABLE, f"正文 {said.text}", stated.text, causes_of(said, exact, Context()))
    return found


def _context(desk: Desk, found: FigureFound) -> Context:
    others: Mapping[str, Stated] = {name: one for name, one in desk.figures.items() if name != found.row.name}
    bases = {name: one.value for name, one in desk.counts.items() if one.value != found.denominator}
    return Context(
        text_value=parse_stated(found.row.cell("text")) or desk.said_of(found.row.name),
        others=others,
        numerator=found.numerator,
        denominator=found.denominator,
        bases=_labelled(desk, desk.registry.named(desk.profile, found.row.name), bases),
    )


def _check_solution(desk: Desk, row: FormRow, stated: Stated, denominator: Fraction) -> None:
    """Looks whether any whole count of a base gives the rate; where exactly one does, it is told."""
    if denominator.denominator != 1 or denominator <= 0:
        return
    desk.checked_count += 1
    counts = numerators_of(stated, int(denominator))
    if counts:
        if counts.first == counts.last:
            desk.note(row, Rule.WHOLE_SOLUTION, stated.text, f"分子只能是 {counts}")
        return
    pairs = solvable_bases(stated, min(int(denominator), _MOST_BASE))
    shown = "、".join(f"{count}/{base}" for count, base in pairs[:_SHOWN_BASES])
    told = f"{denominator} 上无解；可能的有 {shown} 等 {len(pairs)} 组" if pairs else f"{denominator} 上无解"
    desk.doubt(row, Rule.WHOLE_SOLUTION, stated.text, "无整数解", Cause.NO_WHOLE_SOLUTION, told)
