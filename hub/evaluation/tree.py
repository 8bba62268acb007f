"""Points over a tree of indicators: F13 to F19 of the domain notes. Exact, rounded once for display. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

from hub.evaluation.composite import InputInvalid
from hub.evaluation.points import BANDS, Grade, Verdict, execution_points, grade_of, quantitative_points
from hub.evaluation.schemes import Measure, Node, TreeScheme


class NodeInput(Struct, frozen=True, kw_only=True):
    """What one indicator is scored by; which fields count depends on its measure.

    ``actual`` and ``target`` for quantitative ones (``target`` overrules the scheme's) and for spending (spent and
    budget); ``share`` is the part of the weight that was given, for shares and within the band of a ``verdict``.
    """

    actual: Fraction | None = None
    target: Fraction | None = None
    share: Fraction | None = None
    verdict: Verdict | None = None


class NodeScore(Struct, frozen=True, kw_only=True):
    """An indicator's points; ``None`` without weights or without a value. ``depth`` is 0 for roots."""

    node: Node
    depth: int
    value: Fraction | None
    points: Fraction | None
    rate: Fraction | None


class TreeScore(Struct, frozen=True, kw_only=True):
    """The whole: scores in the order of the scheme; no points and no grade where weights or values are missing."""

    scores: tuple[NodeScore, ...]
    points: Fraction | None
    display: str
    grade: Grade | None
    missing: tuple[str, ...]


def tree_score(scheme: TreeScheme, inputs: Mapping[str, NodeInput]) -> TreeScore:
    """Scores a tree.

    What is missing is named, never taken for 0; a group without all of its values has no points.

    Raises:
        InputInvalid: an input is about no indicator, or cannot be scored.
    """
    known = {node.node_id for node in scheme.nodes if node.measure is not Measure.GROUP}
    for name in sorted(inputs.keys() - known):
        raise InputInvalid(name, "方案中没有这个指标", "the scheme has no such indicator")
    found: dict[str, NodeScore] = {}
    depths = {"": -1}
    for node in scheme.nodes:
        depths[node.node_id] = depths[node.parent] + 1
    for node in reversed(scheme.nodes):
        below = [found[child.node_id] for child in scheme.children_of(node.node_id)]
        found[node.node_id] = _score_of(scheme, node, depths[node.node_id], below, inputs.get(node.node_id))
    points = _sum_of([found[node.node_id].points for node in scheme.children_of("")])
    whole = None if points is None else points * 100 / scheme.total
    return TreeScore(
        scores=tuple(found[node.node_id] for node in scheme.nodes),
        points=points,
        display="" if points is None else scheme.rounding.text(points),
        grade=None if whole is None else grade_of(whole, scheme.grades),
        missing=tuple(node.node_id for node in scheme.nodes if node.node_id in known - inputs.keys()),
    )


def _score_of(scheme: TreeScheme, node: Node, depth: int, below: list[NodeScore], given: NodeInput | None) -> NodeScore:
    value = points = None
    if node.measure is Measure.GROUP:
        points = _sum_of([one.points for one in below]) if below and scheme.is_weighted else None
    elif given is not None:
        share = _share_of(node, given)
        value = given.actual if given.actual is not None else given.share
        points = None if node.weight is None else share * node.weight
    rate = points / node.weight if points is not None and node.weight else None
    return NodeScore(node=node, depth=depth, value=value, points=points, rate=rate)


def _share_of(node: Node, given: NodeInput) -> Fraction:
    """Returns which part of the weight an indicator has reached, from 0 to 1."""
    one = Fraction(1)
    target = node.target if given.target is None else given.target
    share: Fraction | None
    if node.measure is Measure.EXECUTION:
        share = None if given.actual is None or target is None else execution_points(one, given.actual, target)
    elif node.measure is Measure.QUANTITATIVE:
        share = (
            None
            if given.actual is None or target is None
            else quantitative_points(one, target, given.actual, node.direction)
        )
    else:
        share = given.share
    if share is None:
        raise InputInvalid(node.node_id, "缺少计分所需的数值，请给出", "what its points are computed from is missing")
    if not 0 <= share <= 1:
        raise InputInvalid(node.node_id, "得分占比应在 0 至 1 之间", "a share must lie between 0 and 1")
    if node.measure is Measure.QUALITATIVE:
        _check_band(node, given, share)
    return share


def _check_band(node: Node, given: NodeInput, share: Fraction) -> None:
    if given.verdict is None:
        raise InputInvalid(node.node_id, "定性指标应写明达成情况", "a qualitative indicator needs a verdict")
    if not BANDS[given.verdict].holds(share):
        raise InputInvalid(
            node.node_id,
            f"得分占比 {float(share):.0%} 不在达成情况对应的区间",
            f"{share} is outside the verdict's band",
        )


def _sum_of(points: list[Fraction | None]) -> Fraction | None:
    total = Fraction(0)
    for one in points:
        if one is None:
            return None
        total += one
    return total
