"""What the ledger holds about a region and period for one scheme, read in one snapshot before anything is computed.

Called by ``hub.evaluation.gathering`` (units) and ``hub.evaluation.tree_gathering`` (indicators).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from exchange_db import evaluation_inputs, figure_spans, inspections, objections, surveys
from exchange_db.counting import day_number
from exchange_db.evaluation_inputs import GivenRow
from exchange_db.figure_spans import SpanCounts, SpanQuestion
from exchange_db.figures import Basis, Question
from exchange_db.objections import ObjectionRow
from exchange_db.regions import Subtree, subtree
from exchange_db.session import ReadSession
from exchange_db.surveys import SurveyRow
from hub.evaluation.composite import InputInvalid
from hub.evaluation.inspection import Spot
from hub.evaluation.schemes import Scheme
from hub.evaluation.sources import InputSource, Origin, exact
from hub.evaluation.spans import Span
from hub.evaluation.surveys import read_definition, satisfaction_of
from hub.statistics.definitions import MetricDefinition, Quotient
from hub.statistics.indicators import quotient_of_line
from hub.statistics.registry import MetricRegistry


class Scope(NamedTuple):
    """What is scored: a region's period by a scheme, with the definitions in force and where counts come from."""

    region: int
    span: Span
    scheme: Scheme
    metrics: MetricRegistry
    basis: Basis

    @property
    def regions(self) -> Subtree:
        """The region and what lies below it."""
        return subtree(self.region)

    def question(self, **narrowed: str) -> Question:
        """Returns the question for the counts of the period."""
        return Question(self.regions, self.span.first_month, self.span.last_month, **narrowed)


class Inspected(NamedTuple):
    """The spots of one round, and what was found at each."""

    round_id: str
    spots: tuple[Spot, ...]
    scores: Mapping[str, Fraction]


def read_spots(content: bytes | None) -> tuple[Spot, ...]:
    """Returns the spots of a round as it is kept; none when it was not drawn yet."""
    return () if content is None else msgspec.json.decode(content, type=tuple[Spot, ...])


async def inspected(session: ReadSession, scope: Scope) -> list[Inspected]:
    """Returns the rounds of a period that were drawn."""
    found = []
    span = scope.span
    for row in await inspections.rounds_of(
        session, scope.region, scope.scheme.scheme_id, span.first_day, span.last_day
    ):
        spots = read_spots(row.spots)
        if spots:
            results = await inspections.results_of(session, row.region, row.scheme_id, row.round_id)
            scores = {place_id: exact(result.score) for place_id, result in results.items()}
            found.append(Inspected(row.round_id, spots, scores))
    return found


def spot_mean(
    rounds: Sequence[Inspected], *, unit: str = "", kind: str = ""
) -> tuple[Fraction, tuple[str, ...]] | None:
    """Returns the mean score of the spots of a unit or kind over all rounds, and the rounds' ids.

    Source: F11: equal time and content, so every spot counts the same. ``None`` when none was drawn.

    Raises:
        InputInvalid: a spot was not inspected.
    """
    values: list[Fraction] = []
    names: list[str] = []
    for one in rounds:
        drawn = [spot for spot in one.spots if unit in ("", spot.unit) and kind in ("", spot.kind)]
        for spot in drawn:
            if spot.place_id not in one.scores:
                raise InputInvalid(
                    f"{one.round_id} {spot.unit} {spot.place_id}",
                    "抽检点位尚无结果，请先录入",
                    "this spot was drawn and has no result; enter it first",
                )
            values.append(one.scores[spot.place_id])
        names += [one.round_id] if drawn else []
    return (sum(values, Fraction(0)) / len(values), tuple(names)) if values else None


async def surveyed(
    session: ReadSession, scope: Scope, entry: str, unit: str = ""
) -> tuple[InputSource, Fraction] | None:
    """Returns the share of the content over all surveys that feed an entry; ``None`` when nobody answered."""
    content = asked = 0
    names = []
    for row in await _surveys_of(session, scope, entry):
        span = (scope.span.first_day, scope.span.last_day)
        tallies = await surveys.tallies(session, row.region, row.survey_id, unit_code=unit, span=span)
        one = satisfaction_of(read_definition(row.definition), tallies)
        content, asked = content + one.content, asked + one.asked
        names += [row.survey_id] if one.asked else []
    if not asked:
        return None
    share = Fraction(content, asked)
    source = InputSource(
        unit=unit,
        entry=entry,
        origin=Origin.SURVEY,
        value=share,
        numerator=Fraction(content),
        denominator=Fraction(asked),
        first_month=scope.span.first_month,
        last_month=scope.span.last_month,
        references=tuple(names),
    )
    return source, share


async def _surveys_of(session: ReadSession, scope: Scope, entry: str) -> list[SurveyRow]:
    found = await surveys.of_entries(session, scope.region, scope.scheme.scheme_id)
    return [row for row in found if row.entry_id == entry]


async def given(session: ReadSession, scope: Scope) -> list[GivenRow]:
    """Returns what people gave for a period and what was approved of it, in order."""
    span = scope.span
    return await evaluation_inputs.counting(
        session, scope.region, scope.scheme.scheme_id, span.first_day, span.last_day
    )


async def rulings(session: ReadSession, scope: Scope) -> list[ObjectionRow]:
    """Returns the rulings that put a value in the place of another, in the order they were made."""
    found = await objections.of_period(session, scope.region, scope.scheme.scheme_id, scope.span.period)
    return [row for row in found if row.state == "upheld" and row.ruled_value]


async def quotients(
    session: ReadSession, scope: Scope, metric: MetricDefinition, group_by: str = ""
) -> dict[str, Quotient]:
    """Computes a metric that the ledger tells, of the whole region or by unit; nothing where there is no count."""
    first, last = day_number(scope.span.first_day), day_number(scope.span.last_day)
    question = SpanQuestion(scope.regions, first, last, group_by=group_by)
    lines: dict[str, dict[str, SpanCounts]] = {}
    for key, counts in (await figure_spans.counts(session, question, scope.basis, by_source=True)).items():
        lines.setdefault(key.group, {})[key.source_code] = counts
    return {group: quotient_of_line(metric, line, (first, last)) for group, line in lines.items()}
