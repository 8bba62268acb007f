"""Rules that put a form beside the ledger: every count and figure the ledger can answer is computed from its cases.

Pure; ``hub.evaluation.ledger_year`` reads the counts. A difference need not be the form's fault: the ledger may lack
cases, or hold them by another month rule. So it is doubtful where a likely cause is known, and wrong where none is.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from hub.evaluation.checking.causes import Context, agrees, causes_of
from hub.evaluation.checking.desk import Desk
from hub.evaluation.checking.findings import Cause, CauseFound, Rule, Severity
from hub.evaluation.checking.forms import FormRow, Kind
from hub.evaluation.checking.stated import Stated, number_text, parse_stated
from hub.statistics.definitions import CountMissing, MetricDefinition, quotient_of


class HeldCounts(NamedTuple):
    """What the ledger counts for the region and year of a form, and for the year before; only counters it keeps."""

    year: int
    counts: Mapping[str, int]
    year_before: Mapping[str, int]


def check_against_ledger(desk: Desk, rows: Sequence[FormRow], held: HeldCounts) -> None:
    """Compares what a form states with what the ledger counts."""
    for row in rows:
        if row.kind is Kind.COUNTS:
            _check_count(desk, row, held)
        elif row.kind in (Kind.FIGURES, Kind.INDICATORS):
            _check_figure(desk, row, held)


def _check_count(desk: Desk, row: FormRow, held: HeldCounts) -> None:
    counter, stated = desk.registry.counter_named(row.name), parse_stated(row.cell("value"))
    if counter is None or stated is None or counter.name not in held.counts:
        return
    desk.checked_count += 1
    counted = Fraction(held.counts[counter.name])
    if stated.value == counted:
        return
    causes = list(_other_counts(desk, counter.name, stated, held))
    causes += [one for one in causes_of(stated, counted, Context()) if one.cause in (Cause.MISPRINT, Cause.MOVED_POINT)]
    gap = CauseFound(Cause.GAP, f"差额 {number_text(abs(stated.value - counted))}")
    _told(desk, row, stated, number_text(counted), causes, gap)


def _other_counts(desk: Desk, name: str, stated: Stated, held: HeldCounts) -> list[CauseFound]:
    """Returns which other count of the ledger the stated one is."""
    found = [
        CauseFound(Cause.OTHER_OBJECT, f"等于台账的“{desk.registry.counters[other].name_zh}”")
        for other, count in held.counts.items()
        if other != name and count and count == stated.value
    ]
    if held.year_before.get(name) and held.year_before[name] == stated.value:
        found.insert(0, CauseFound(Cause.OTHER_PERIOD, f"等于台账 {held.year - 1} 年的数"))
    return found


def _check_figure(desk: Desk, row: FormRow, held: HeldCounts) -> None:
    metric = desk.registry.named(desk.profile, row.name)
    stated = parse_stated(row.cell("stated") or row.cell("actual"))
    if metric is None or stated is None or metric.filters or metric.numerator_filters:
        return
    exact = _shown(metric, held.counts)
    if exact is None:
        return
    desk.checked_count += 1
    if agrees(stated, exact):
        return
    quotient = quotient_of(metric, held.counts)
    bases = {
        f"台账{desk.registry.counters[name].name_zh}": Fraction(count)
        for name, count in held.counts.items()
        if count and count != quotient.denominator
    }
    causes = list(causes_of(stated, exact, Context(numerator=quotient.numerator, bases=bases)))
    before = _shown(metric, held.year_before)
    if before is not None and agrees(stated, before):
        causes.insert(0, CauseFound(Cause.OTHER_PERIOD, f"与台账 {held.year - 1} 年一致"))
    known = [one for one in causes if one.cause not in (Cause.UNKNOWN_BASE, Cause.NO_WHOLE_SOLUTION)]
    gap = CauseFound(Cause.GAP, f"差额 {number_text(abs(stated.value - exact))}")
    computed = f"{number_text(exact)}（{number_text(quotient.numerator)}/{number_text(quotient.denominator)}）"
    _told(desk, row, stated, computed, known, gap)


def _shown(metric: MetricDefinition, counts: Mapping[str, int]) -> Fraction | None:
    try:
        return quotient_of(metric, counts).shown
    except CountMissing:
        return None


def _told(
    desk: Desk, row: FormRow, stated: Stated, computed: str, causes: Sequence[CauseFound], gap: CauseFound
) -> None:
    severity = Severity.DOUBTFUL if causes else Severity.WRONG
    desk.find(row, Rule.LEDGER, stated.text, f"台账 {computed}", causes or [gap], severity)
