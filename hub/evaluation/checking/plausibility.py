"""Rules about figures beside each other: order of counts, one base, sums of sources and shares, one way of rounding.

Source: rules 3 and 4 of section 3.3 of the domain notes. They hold of one cohort; 应结案 may be more than 立案, because
it carries cases over from earlier periods, so it stands in no order here. Pure.
"""

from collections.abc import Sequence
from fractions import Fraction

from hub.evaluation.checking.causes import roundings_of
from hub.evaluation.checking.desk import Desk
from hub.evaluation.checking.figure_rules import FigureFound
from hub.evaluation.checking.findings import Cause, CauseFound, Rule, Severity
from hub.evaluation.checking.forms import FormRow, Kind
from hub.evaluation.checking.solving import Interval, bases_of
from hub.evaluation.checking.stated import Stated, number_text, parse_stated
from hub.statistics.plausibility import TABLE_ORDER
from hub.statistics.rounding import RoundingMode

_SOURCES = (
    "collector_reported",
    "self_handled",
    "hotline_reported",
    "hotline_12345_reported",
    "wechat_reported",
    "discipline_reported",
    "other_reported",
)
#: Pairs of indicators: on one base the first is never more than the second.
_RATES = (("closing_rate", "disposal_rate"), ("timely_closing_rate", "closing_rate"))

_Counts = dict[str, tuple[FormRow, Stated]]


def check_plausibility(desk: Desk, rows: Sequence[FormRow], figures: Sequence[FigureFound]) -> None:
    """Applies all rules about figures beside each other."""
    counts: _Counts = {}
    for row in rows:
        counter = desk.registry.counter_named(row.name) if row.kind is Kind.COUNTS else None
        stated = desk.counters.get(counter.name) if counter is not None else None
        if counter is not None and stated is not None:
            counts.setdefault(counter.name, (row, stated))
    _check_order(desk, counts)
    _check_objects(desk, counts)
    _check_sources(desk, counts)
    _check_one_base(desk, rows)
    _check_shares(desk, rows)
    _check_rounding(desk, figures)
    _check_names(desk, figures)
    _tell_common_base(desk, rows)


def _check_order(desk: Desk, counts: _Counts) -> None:
    for less, more in TABLE_ORDER:
        if less in counts and more in counts:
            desk.checked_count += 1
            (row, one), (other, whole) = counts[less], counts[more]
            if one.value > whole.value:
                told = f"≤ {other.name} {whole.text}"
                desk.find(row, Rule.ORDER_OF_COUNTS, one.text, told, [CauseFound(Cause.OTHER_OBJECT)])


def _check_objects(desk: Desk, counts: _Counts) -> None:
    """More accepted than reported: not the same objects, unless channels beside the reports make up for it."""
    if "accepted" not in counts or "reported" not in counts:
        return
    (row, accepted), (_, reported) = counts["accepted"], counts["reported"]
    gap = accepted.value - reported.value
    others = sum((counts[name][1].value for name in _SOURCES[2:] if name in counts), Fraction(0))
    if gap > others:
        told = f"多出 {number_text(gap)}，其他来源合计 {number_text(others)} 不足以说明"
        desk.doubt(row, Rule.ORDER_OF_COUNTS, accepted.text, f"上报 {reported.text}", Cause.OTHER_OBJECT, told)


def _check_sources(desk: Desk, counts: _Counts) -> None:
    named = [counts[name][1] for name in _SOURCES if name in counts]
    if len(named) < 3 or "reported" not in counts or "accepted" in counts:
        return
    desk.checked_count += 1
    row, whole = counts["reported"]
    added = sum((one.value for one in named), Fraction(0))
    if added > whole.value:
        desk.find(row, Rule.SOURCES_SUM, whole.text, number_text(added), [CauseFound(Cause.GAP)])
    elif added < whole.value:
        told = f"差 {number_text(whole.value - added)}"
        desk.doubt(row, Rule.SOURCES_SUM, whole.text, number_text(added), Cause.GAP, told)


def _check_one_base(desk: Desk, rows: Sequence[FormRow]) -> None:
    """Two rates that cannot be so on one base, whatever it is."""
    found: dict[str, tuple[FormRow, Stated]] = {}
    for row in rows:
        metric = desk.registry.named(desk.profile, row.name) if row.kind is Kind.FIGURES else None
        stated = parse_stated(row.cell("stated"))
        if metric is not None and stated is not None:
            found.setdefault(metric.concept, (row, stated))
    for less, more in _RATES:
        if less not in found or more not in found:
            continue
        desk.checked_count += 1
        (row, one), (other, whole) = found[less], found[more]
        if one.value > whole.value and row.cell("denominator") == other.cell("denominator"):
            base = desk.value_named(row.cell("denominator")) or _number(row.cell("denominator"))
            parts = [] if base is None else [number_text(stated.value * base / 100, 1) for stated in (one, whole)]
            detail = f"同一分母 {number_text(base)} 上约为 {parts[0]} 与 {parts[1]}" if base is not None else ""
            desk.doubt(row, Rule.ONE_BASE, one.text, f"≤ {other.name} {whole.text}", Cause.TWO_BASES, detail)


def _number(text: str) -> Fraction | None:
    stated = parse_stated(text)
    return None if stated is None else stated.value


def _check_shares(desk: Desk, rows: Sequence[FormRow]) -> None:
    """Shares of one whole add up to 100, but for a hundredth each."""
    shares = [
        (row, stated)
        for row in rows
        if row.kind is Kind.FIGURES and row.name.endswith("占比")
        if (stated := parse_stated(row.cell("stated"))) is not None
    ]
    if len(shares) < 3:
        return
    desk.checked_count += 1
    added = sum((stated.value for _, stated in shares), Fraction(0))
    if abs(added - 100) > Fraction(len(shares), 100):
        desk.find(shares[-1][0], Rule.SHARES_SUM, number_text(added), "100")


def _check_rounding(desk: Desk, figures: Sequence[FigureFound]) -> None:
    """Figures with the same decimals that no one way of rounding explains, though each has one that does."""
    by_places: dict[int, list[tuple[FigureFound, frozenset[RoundingMode]]]] = {}
    for one in figures:
        modes = roundings_of(one.stated, one.exact)
        if one.stated.is_percent and modes:
            by_places.setdefault(one.stated.places, []).append((one, modes))
    for places, found in by_places.items():
        common = frozenset[RoundingMode](RoundingMode).intersection(*(modes for _, modes in found))
        if not common:
            told = "，".join(f"{one.row.name} {number_text(one.exact)}→{one.stated.text}" for one, _ in found)
            causes = [CauseFound(Cause.MIXED_ROUNDING, told)]
            desk.find(found[-1][0].row, Rule.ONE_ROUNDING, f"{places} 位小数", "同一种进位", causes)


def _check_names(desk: Desk, figures: Sequence[FigureFound]) -> None:
    known: dict[tuple[Fraction, Fraction], FigureFound] = {}
    for one in figures:
        if one.numerator is None or one.denominator is None:
            continue
        first = known.setdefault((one.numerator, one.denominator), one)
        if first.row.name != one.row.name:
            desk.note(one.row, Rule.ONE_NAME, one.row.name, f"与“{first.row.name}”分子分母相同")


def _tell_common_base(desk: Desk, rows: Sequence[FormRow]) -> None:
    """Rates whose base is not given may all have one base: between which numbers it lies, and how far from a known one.

    Source: A1-4.
    """
    doubted = [
        (finding, row)
        for finding in desk.findings
        if finding.cause is Cause.UNKNOWN_BASE
        for row in rows
        if row.kind is Kind.FIGURES and (row.place, row.name) == (finding.place, finding.name)
    ]
    common = Interval(1, 10**18)
    for _, row in doubted:
        numerator, stated = _numerator_of(desk, row), parse_stated(row.cell("stated"))
        if numerator is None or stated is None:
            return
        common &= bases_of(stated, int(numerator))
    if len(doubted) < 2 or not common:
        return
    larger = {name: one.value for name, one in desk.counts.items() if one.value > common.last}
    told = f"分母都在 {common} 之间时一致"
    if larger:
        nearest = min(larger, key=lambda name: larger[name])
        base = int(larger[nearest])
        told += f"，比{nearest}少 {Interval(base - common.last, base - common.first)}"
    names = "、".join(row.name for _, row in doubted)
    desk.find(doubted[-1][1], Rule.ONE_BASE, names, told, (), Severity.NOTE)


def _numerator_of(desk: Desk, row: FormRow) -> Fraction | None:
    """Returns what a rate's row gives as its numerator, else the count its definition names."""
    text = row.cell("numerator")
    metric = desk.registry.named(desk.profile, row.name)
    if text or metric is None or len(metric.numerator) != 1:
        return desk.value_named(text) or _number(text)
    stated = desk.counters.get(metric.numerator[0][0])
    return stated.value if stated else None
