"""Gathering what a region is scored by on a tree of indicators: figures, inspections, surveys, what people gave.

An indicator takes the first of these that is there: the ruling about it; what its scheme names, in that order; what a
person gave with a reason; what the region's own hub has sent. What is found nowhere stays missing, and the result
says so. Called by ``hub.evaluation.desk``.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from exchange_db import evaluation_records, figures
from exchange_db.evaluation_inputs import GivenRow
from exchange_db.evaluation_shapes import EvaluationValue
from exchange_db.objections import ObjectionRow
from exchange_db.session import ReadSession
from hub.evaluation import evidence
from hub.evaluation.evidence import Inspected, Scope
from hub.evaluation.gathering import ruled_source
from hub.evaluation.points import Verdict
from hub.evaluation.runs import TreeInputs
from hub.evaluation.schemes import Input, Measure, Node, TreeScheme
from hub.evaluation.sources import InputSource, Origin, exact
from hub.evaluation.tree import NodeInput
from hub.statistics.definitions import Unit

Found = tuple[NodeInput, InputSource]


class TreeEvidence(NamedTuple):
    """All the ledger holds about a region's period beside its counts."""

    rounds: Sequence[Inspected]
    given: Mapping[str, GivenRow]
    rulings: Mapping[str, ObjectionRow]
    sent: Mapping[str, tuple[str, int, EvaluationValue]]
    read_time: int


async def gather_tree(session: ReadSession, scope: Scope) -> tuple[TreeInputs, tuple[InputSource, ...]]:
    """Returns the inputs of a region and period and where they came from.

    Raises:
        InputInvalid: a spot that was drawn was not inspected.
    """
    scheme = scope.scheme
    assert isinstance(scheme, TreeScheme)  # noqa: S101 — the caller has looked
    held = await _read(session, scope)
    nodes: dict[str, NodeInput] = {}
    sources: list[InputSource] = []
    for node in scheme.nodes:
        found = None if node.measure is Measure.GROUP else await _of_node(session, scope, held, node)
        if found is not None:
            nodes[node.node_id] = found[0]
            sources.append(found[1])
    return TreeInputs(period=scope.span.period, nodes=nodes), tuple(sources)


async def _read(session: ReadSession, scope: Scope) -> TreeEvidence:
    sent: dict[str, tuple[str, int, EvaluationValue]] = {}
    for record in await evaluation_records.values_of(session, scope.region, scope.scheme.scheme_id, scope.span.period):
        sent |= {
            value.entry_id: (record.reporter_id, record.revision, value)
            for value in record.values
            if not value.unit_code
        }
    return TreeEvidence(
        rounds=await evidence.inspected(session, scope),
        given={row.entry_id: row for row in await evidence.given(session, scope) if row.kind == "score"},
        rulings={row.entry_id: row for row in await evidence.rulings(session, scope)},
        sent=sent,
        read_time=await figures.database_time(session),
    )


async def _of_node(session: ReadSession, scope: Scope, held: TreeEvidence, node: Node) -> Found | None:
    ruling = held.rulings.get(node.node_id)
    if ruling is not None:
        return _node_input(node, exact(ruling.ruled_value)), ruled_source(ruling)
    for kind in node.inputs:
        found = await _by_input(session, scope, held, node, kind)
        if found is not None:
            return found
    return _given(held, node) or _sent(held, node)


async def _by_input(session: ReadSession, scope: Scope, held: TreeEvidence, node: Node, kind: Input) -> Found | None:
    if kind is Input.METRIC:
        return await _by_metric(session, scope, held, node)
    if kind is Input.FIELD:
        mean = evidence.spot_mean(held.rounds, kind=node.node_id)
        if mean is None:
            return None
        value, rounds = mean
        source = InputSource(unit="", entry=node.node_id, origin=Origin.INSPECTION, value=value, references=rounds)
        return _node_input(node, value), source
    if kind is Input.SURVEY:
        found = await evidence.surveyed(session, scope, node.node_id)
        if found is None:
            return None
        return _node_input(node, found[1] * 100), replace(found[0], value=found[1] * 100)
    return _given(held, node)


async def _by_metric(session: ReadSession, scope: Scope, held: TreeEvidence, node: Node) -> Found | None:
    metric = scope.metrics.metrics.get(node.metric_id)
    if metric is None or not metric.is_kept:
        return None
    quotient = (await evidence.quotients(session, scope, metric)).get("")
    if quotient is None or quotient.shown is None or quotient.value is None:
        return None
    # A part of a weight is told as a percentage, whatever the metric is shown in.
    value = quotient.shown if metric.unit is Unit.PERCENT or node.measure is not Measure.SHARE else quotient.value * 100
    source = InputSource(
        unit="",
        entry=node.node_id,
        origin=Origin.LEDGER,
        value=value,
        metric_id=metric.metric_id,
        metric_version=metric.version,
        numerator=quotient.numerator,
        denominator=quotient.denominator,
        first_month=scope.span.first_month,
        last_month=scope.span.last_month,
        cutoff_time=held.read_time,
    )
    return _node_input(node, value), source


def _given(held: TreeEvidence, node: Node) -> Found | None:
    row = held.given.get(node.node_id)
    if row is None:
        return None
    value = exact(row.value)
    found = _node_input(node, value, exact(row.target) if row.target else None, row.verdict)
    return found, InputSource(
        unit="",
        entry=node.node_id,
        origin=Origin.GIVEN,
        value=value,
        references=(str(row.input_id),),
        person=row.given_by,
        reason=row.reason,
    )


def _sent(held: TreeEvidence, node: Node) -> Found | None:
    found = held.sent.get(node.node_id)
    if found is None:
        return None
    reporter_id, revision, value = found
    number = exact(value.value)
    source = InputSource(
        unit="",
        entry=node.node_id,
        origin=Origin.RECORD,
        value=number,
        metric_id=value.metric_id,
        metric_version=value.metric_version,
        numerator=exact(value.numerator) if value.numerator else None,
        denominator=exact(value.denominator) if value.denominator else None,
        revision=revision,
        references=(reporter_id,),
    )
    return _node_input(node, number, exact(value.target) if value.target else None, value.verdict), source


def _node_input(node: Node, value: Fraction, target: Fraction | None = None, verdict: str = "") -> NodeInput:
    """Returns an input from a value: points of 100 for a part of the weight, else the value that was reached."""
    if node.measure in (Measure.SHARE, Measure.QUALITATIVE):
        return NodeInput(share=value / 100, verdict=Verdict(verdict) if verdict else None)
    return NodeInput(actual=value, target=target)
