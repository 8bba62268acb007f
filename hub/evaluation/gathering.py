"""Gathering what the units of a region are scored by in a month: counts, inspections, surveys, what people gave.

Everything is read in one snapshot; each input is noted with where it came from. Called by ``hub.evaluation.desk``.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from exchange_db import evaluation_inputs, figures
from exchange_db.evaluation_inputs import GivenRow, GroupRow
from exchange_db.objections import ObjectionRow
from exchange_db.records import Counts
from exchange_db.session import ReadSession
from hub.evaluation import evidence
from hub.evaluation.composite import InputInvalid, Membership, RunInputs, UnitInput
from hub.evaluation.evidence import Inspected, Scope
from hub.evaluation.schemes import CompositeScheme, Input, Part
from hub.evaluation.sources import InputSource, Origin, exact
from hub.evaluation.spans import Span, a_year_before
from hub.statistics.definitions import MetricDefinition, Quotient

#: The counter whose fall against last year earns points (F8).
FILED = "filed"

Found = tuple[InputSource, Fraction]


class UnitEvidence(NamedTuple):
    """All the ledger holds about a month of a region's units."""

    counts: Mapping[str, Counts]
    last_year: Mapping[str, Counts]
    groups: Sequence[GroupRow]
    rounds: Sequence[Inspected]
    given: Sequence[GivenRow]
    rulings: Sequence[ObjectionRow]
    surveyed: Mapping[tuple[str, str], Found]
    quotients: Mapping[str, Mapping[str, Quotient]]
    read_time: int


async def gather_units(session: ReadSession, scope: Scope) -> tuple[RunInputs, tuple[InputSource, ...]]:
    """Returns the inputs of a month and where they came from.

    Args:
        session: one snapshot.
        scope: region, month and scheme.

    Raises:
        InputInvalid: the period is no month, a spot was not inspected, or a part is computed by a metric the ledger
            does not keep.
    """
    scheme = scope.scheme
    assert isinstance(scheme, CompositeScheme)  # noqa: S101 — the caller has looked
    if not scope.span.is_month:
        raise InputInvalid("period", f"{scope.span.period} 不是月份", "units are scored by month")
    held = await _read(session, scope, scheme)
    sources: list[InputSource] = []
    units = tuple(_unit_input(scope, scheme, held, unit, sources) for unit in _units_of(scope, held))
    memberships = tuple(
        Membership(unit=row.unit_code, group=row.group_code, first_day=row.first_day, last_day=row.last_day)
        for row in held.groups
    )
    return RunInputs(month=scope.span.first_month, units=units, memberships=memberships), tuple(sources)


async def _read(session: ReadSession, scope: Scope, scheme: CompositeScheme) -> UnitEvidence:
    span = scope.span
    before = scope._replace(span=Span("", a_year_before(span.first_month), a_year_before(span.last_month)))
    counts = await figures.counts(session, scope.question(group_by="unit"), scope.basis)
    groups = await evaluation_inputs.groups_on(session, scope.region, span.first_day, span.last_day)
    surveyed: dict[tuple[str, str], Found] = {}
    for part in scheme.parts:
        if part.input is Input.SURVEY:
            for unit in {*counts, *(row.unit_code for row in groups)} - {""}:
                found = await evidence.surveyed(session, scope, part.part_id, unit)
                if found is not None:
                    surveyed[part.part_id, unit] = found
    quotients = {
        part.part_id: await evidence.quotients(session, scope, _metric_of(scope, part), "unit")
        for part in scheme.parts
        if part.input is Input.METRIC
    }
    return UnitEvidence(
        counts=counts,
        last_year=await figures.counts(session, before.question(group_by="unit"), scope.basis),
        groups=groups,
        rounds=await evidence.inspected(session, scope),
        given=await evidence.given(session, scope),
        rulings=await evidence.rulings(session, scope),
        surveyed=surveyed,
        quotients=quotients,
        read_time=await figures.database_time(session),
    )


def _units_of(scope: Scope, held: UnitEvidence) -> list[str]:
    """Returns the units in some group on the first day of the month, and those with a case in it."""
    day = scope.span.first_day
    listed = {
        row.unit_code for row in held.groups if row.first_day <= day and (row.last_day is None or day <= row.last_day)
    }
    return sorted(listed | {unit for unit, counts in held.counts.items() if unit and counts.total})


def _unit_input(
    scope: Scope, scheme: CompositeScheme, held: UnitEvidence, unit: str, sources: list[InputSource]
) -> UnitInput:
    counts = held.counts.get(unit, Counts())
    parts: dict[str, Fraction] = {}
    for part in scheme.parts:
        found = _part_value(scope, held, part, unit)
        if found is not None:
            sources.append(found[0])
            parts[part.part_id] = found[1]
    events = _events(scheme, held, unit, sources)
    for ruling in held.rulings:
        if ruling.unit_code == unit:
            _overrule(scheme, ruling, parts, events, sources)
    filed = getattr(counts, FILED)
    before = held.last_year.get(unit, Counts())
    told = replace(_counted(scope, held, unit, "cases", counts.total), metric_id="total")
    sources += [told, replace(_counted(scope, held, unit, "filed", filed), metric_id=FILED)]
    return UnitInput(
        unit=unit,
        case_count=counts.total,
        parts=parts,
        events=events,
        filed=filed,
        filed_last_year=getattr(before, FILED) if held.last_year else None,
    )


def _part_value(scope: Scope, held: UnitEvidence, part: Part, unit: str) -> Found | None:
    """Returns the score of a part out of 100 and where it came from; ``None`` when there is none."""
    if part.input is Input.METRIC:
        return _by_metric(scope, held, part, unit)
    if part.input is Input.FIELD:
        mean = evidence.spot_mean(held.rounds, unit=unit)
        if mean is None:
            return None
        value, rounds = mean
        source = InputSource(unit=unit, entry=part.part_id, origin=Origin.INSPECTION, value=value, references=rounds)
        return source, value
    if part.input is Input.SURVEY:
        found = held.surveyed.get((part.part_id, unit))
        return None if found is None else (replace(found[0], value=found[1] * 100), found[1] * 100)
    rows = [row for row in held.given if row.kind == "score" and (row.entry_id, row.unit_code) == (part.part_id, unit)]
    return None if not rows else (_of_person(rows[-1]), exact(rows[-1].value))


def _metric_of(scope: Scope, part: Part) -> MetricDefinition:
    metric = scope.metrics.metric(part.metric_id)
    if not metric.is_kept:
        raise InputInvalid(
            part.part_id,
            f"本级台账不能按单位计算指标 {metric.metric_id}，请改用其他指标",
            f"the ledger cannot compute {metric.metric_id} by unit; name another metric",
        )
    return metric


def _by_metric(scope: Scope, held: UnitEvidence, part: Part, unit: str) -> Found | None:
    metric, quotient = _metric_of(scope, part), held.quotients[part.part_id].get(unit)
    if quotient is None or quotient.shown is None:
        return None
    source = replace(
        _counted(scope, held, unit, part.part_id, quotient.shown),
        metric_id=metric.metric_id,
        metric_version=metric.version,
        numerator=quotient.numerator,
        denominator=quotient.denominator,
    )
    return source, quotient.shown


def _counted(scope: Scope, held: UnitEvidence, unit: str, entry: str, value: Fraction | int) -> InputSource:
    return InputSource(
        unit=unit,
        entry=entry,
        origin=Origin.LEDGER,
        value=Fraction(value),
        first_month=scope.span.first_month,
        last_month=scope.span.last_month,
        cutoff_time=held.read_time,
    )


def _events(scheme: CompositeScheme, held: UnitEvidence, unit: str, sources: list[InputSource]) -> dict[str, int]:
    events: dict[str, int] = {}
    items = {item.item_id for item in scheme.items}
    for row in held.given:
        if row.kind == "item" and row.unit_code == unit and row.entry_id in items:
            events[row.entry_id] = events.get(row.entry_id, 0) + int(exact(row.value))
            sources.append(replace(_of_person(row), origin=Origin.LIST))
    return events


def _of_person(row: GivenRow) -> InputSource:
    return InputSource(
        unit=row.unit_code,
        entry=row.entry_id,
        origin=Origin.GIVEN,
        value=exact(row.value),
        references=(str(row.input_id),),
        person=row.given_by,
        reason=row.reason,
    )


def _overrule(
    scheme: CompositeScheme,
    ruling: ObjectionRow,
    parts: dict[str, Fraction],
    events: dict[str, int],
    sources: list[InputSource],
) -> None:
    """Puts the value of a ruling in the place of what was gathered, and says so."""
    value = exact(ruling.ruled_value)
    if any(part.part_id == ruling.entry_id for part in scheme.parts):
        parts[ruling.entry_id] = value
    else:
        events[ruling.entry_id] = int(value)
    sources[:] = [one for one in sources if (one.unit, one.entry) != (ruling.unit_code, ruling.entry_id)]
    sources.append(ruled_source(ruling))


def ruled_source(ruling: ObjectionRow) -> InputSource:
    """Returns where a value comes from that a ruling has set."""
    return InputSource(
        unit=ruling.unit_code,
        entry=ruling.entry_id,
        origin=Origin.RULING,
        value=exact(ruling.ruled_value),
        references=(str(ruling.objection_id),),
        person=ruling.ruled_by,
        reason=ruling.ruling,
    )
