"""Reads scoring schemes from TOML and checks all of it.

What is wrong is told with its place, its value and what to do. Pure. Called by ``hub.evaluation.shipped`` and where
schemes are released. ``docs/evaluation.md`` shows the form.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, NoReturn

from msgspec import Meta, Struct

from hub.evaluation.points import GRADES, Direction, Grade
from hub.evaluation.schemes import (
    CompositeScheme,
    Granularity,
    Input,
    Item,
    Measure,
    Node,
    Part,
    Scheme,
    Ties,
    TreeScheme,
    Veto,
)
from hub.statistics.registry import MetricRegistry
from hub.statistics.rounding import parse_rounding
from hub.statistics.toml_files import ContentInvalid, in_form, read_document

#: Most digits before and behind the decimal point.
_MOST_DIGITS = 30

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,59}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=300)]


class SchemeInvalid(ContentInvalid):
    """A scheme cannot be used."""

    subject = ("评分方案", "scoring scheme")


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    zh: Text
    en: Text
    weight: Decimal
    input: Input
    metric: str = ""


class _Item(Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    zh: Text
    en: Text
    points: Decimal = Decimal(0)
    is_per_point_of_fall: bool = False
    is_veto: bool = False


class _Composite(Struct, frozen=True, forbid_unknown_fields=True):
    form: Annotated[int, Meta(ge=1, le=1)]
    kind: str
    id: Name
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    zh: Text
    en: Text
    source: Text
    list_cap: Decimal
    parts: tuple[_Part, ...]
    items: tuple[_Item, ...] = ()
    veto: Veto = Veto.ZERO
    ties: Ties = Ties.SKIP
    granularity: Granularity = Granularity.PROPORTIONAL
    change_places: Annotated[int, Meta(ge=0, le=6)] = 2
    is_ranked: bool = True
    annual_points: Decimal = Decimal(0)
    rounding: str = "HU2"


class _Grade(Struct, frozen=True, forbid_unknown_fields=True):
    zh: Text
    en: Text
    least: Decimal


class _Node(Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    zh: Text
    en: Text
    parent: str = ""
    weight: Decimal | None = None
    measure: Measure = Measure.GROUP
    inputs: tuple[Input, ...] = ()
    direction: Direction = Direction.HIGHER
    target: Decimal | None = None
    metric: str = ""


class _Tree(Struct, frozen=True, forbid_unknown_fields=True):
    form: Annotated[int, Meta(ge=1, le=1)]
    kind: str
    id: Name
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    zh: Text
    en: Text
    source: Text
    nodes: tuple[_Node, ...]
    total: Decimal = Decimal(100)
    grades: tuple[_Grade, ...] = ()
    is_ranked: bool = False
    rounding: str = "HU2"


def read_scheme(name: str, content: bytes, metrics: MetricRegistry) -> Scheme:
    """Reads one scheme.

    Args:
        name: of the file, in messages.
        content: its bytes, TOML in UTF-8; decimals are read as they are written.
        metrics: definitions its parts may name.

    Raises:
        SchemeInvalid: names the file and the entry.
    """
    document = read_document(name, content, SchemeInvalid, _decimal)
    kind = document.get("kind")
    if kind == "composite":
        return _composite(name, in_form(name, document, _Composite, SchemeInvalid), metrics)
    if kind != "tree":
        _refuse(f"{name} kind", f"没有“{kind}”，可用 composite、tree", f"{kind!r} is unknown; use composite or tree")
    return _tree(name, in_form(name, document, _Tree, SchemeInvalid), metrics)


def _decimal(text: str) -> Decimal:
    """Reads a decimal as it is written; what is none, or is written with an exponent beyond all use, is refused."""
    value = Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
        raise ValueError(text)
    return value


def _check_composite(name: str, given: _Composite, metrics: MetricRegistry) -> None:
    for number, part in enumerate(given.parts):
        place = f"{name} parts[{number}] {part.id}"
        _check_metric(place, part.metric, metrics, is_needed=part.input is Input.METRIC)
        if part.weight <= 0:
            _refuse(f"{place}.weight", f"权重 {part.weight} 应大于零", f"weight {part.weight} must be above 0")
    for number, item in enumerate(given.items):
        if item.is_veto and item.points:
            _refuse(
                f"{name} items[{number}] {item.id}.points", "一票否决项不另计分，请删去 points", "a veto has no points"
            )
    _check_once(name, [*(part.id for part in given.parts), *(item.id for item in given.items)])
    _check_sum(f"{name} parts", sum((Fraction(part.weight) for part in given.parts), Fraction(0)), Fraction(100))
    if given.list_cap < 0:
        _refuse(f"{name} list_cap", f"{given.list_cap} 不应为负", f"{given.list_cap} must not be negative")


def _composite(name: str, given: _Composite, metrics: MetricRegistry) -> CompositeScheme:
    _check_composite(name, given, metrics)
    return CompositeScheme(
        scheme_id=given.id,
        version=given.version,
        name_zh=given.zh,
        name_en=given.en,
        source=given.source,
        parts=tuple(
            Part(
                part_id=one.id,
                name_zh=one.zh,
                name_en=one.en,
                weight=Fraction(one.weight),
                input=one.input,
                metric_id=one.metric,
            )
            for one in given.parts
        ),
        items=tuple(
            Item(
                item_id=one.id,
                name_zh=one.zh,
                name_en=one.en,
                points=Fraction(one.points),
                is_per_point_of_fall=one.is_per_point_of_fall,
                is_veto=one.is_veto,
            )
            for one in given.items
        ),
        list_cap=Fraction(given.list_cap),
        veto=given.veto,
        ties=given.ties,
        granularity=given.granularity,
        change_places=given.change_places,
        is_ranked=given.is_ranked,
        annual_points=Fraction(given.annual_points),
        rounding=_rounding(f"{name} rounding", given.rounding),
    )


def _tree(name: str, given: _Tree, metrics: MetricRegistry) -> TreeScheme:
    _check_once(name, [node.id for node in given.nodes])
    nodes = tuple(_node(f"{name} nodes[{number}] {one.id}", one, metrics) for number, one in enumerate(given.nodes))
    grades = tuple(Grade(one.zh, one.en, Fraction(one.least)) for one in given.grades) or GRADES
    if [one.least for one in grades] != sorted((one.least for one in grades), reverse=True) or grades[-1].least:
        _refuse(
            f"{name} grades", "等级应由高到低，最后一级从 0 起", "list grades from the highest; the last begins at 0"
        )
    scheme = TreeScheme(
        scheme_id=given.id,
        version=given.version,
        name_zh=given.zh,
        name_en=given.en,
        source=given.source,
        total=Fraction(given.total),
        nodes=nodes,
        grades=grades,
        is_ranked=given.is_ranked,
        rounding=_rounding(f"{name} rounding", given.rounding),
    )
    _check_shape(name, scheme)
    return scheme


def _node(place: str, one: _Node, metrics: MetricRegistry) -> Node:
    _check_metric(place, one.metric, metrics, is_needed=False)
    if one.measure is Measure.QUANTITATIVE and one.target is None:
        _refuse(f"{place}.target", "定量指标应给出目标值", "a quantitative indicator needs a target")
    return Node(
        node_id=one.id,
        parent=one.parent,
        name_zh=one.zh,
        name_en=one.en,
        weight=None if one.weight is None else Fraction(one.weight),
        measure=one.measure,
        inputs=one.inputs,
        direction=one.direction,
        target=None if one.target is None else Fraction(one.target),
        metric_id=one.metric,
    )


def _check_shape(name: str, scheme: TreeScheme) -> None:
    """Parents stand before their children, so there is no circle; points of children add up to their parent's."""
    known: dict[str, Node] = {}
    for node in scheme.nodes:
        if node.parent and (node.parent not in known or known[node.parent].measure is not Measure.GROUP):
            told = f"there is no group {node.parent} before it"
            _refuse(f"{name} {node.node_id}.parent", f"上级 {node.parent} 应为列在前面的分组", told)
        known[node.node_id] = node
    if not scheme.is_weighted:
        return
    for node in scheme.nodes:
        below = scheme.children_of(node.node_id)
        if node.measure is Measure.GROUP and below:
            _check_sum(f"{name} {node.node_id}", _sum_of(below), node.weight or Fraction(0))
    _check_sum(f"{name} nodes", _sum_of(scheme.children_of("")), scheme.total)


def _sum_of(nodes: tuple[Node, ...]) -> Fraction:
    return sum((node.weight or Fraction(0) for node in nodes), Fraction(0))


def _check_sum(place: str, found: Fraction, wanted: Fraction) -> None:
    if found != wanted:
        _refuse(place, f"权重合计 {float(found):g}，应为 {float(wanted):g}", f"weights sum to {found}, not {wanted}")


def _check_once(name: str, ids: list[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            _refuse(name, f"标识 {one} 重复，请改名", f"id {one} is there twice; rename one")


def _check_metric(place: str, metric_id: str, metrics: MetricRegistry, *, is_needed: bool) -> None:
    if metric_id and metric_id not in metrics.metrics:
        _refuse(f"{place}.metric", f"没有指标 {metric_id}", f"there is no metric {metric_id}")
    if is_needed and not metric_id:
        _refuse(f"{place}.metric", "由系统计算的部分应写明指标", "name the metric this part is computed by")


def _rounding(place: str, text: str) -> Any:
    try:
        return parse_rounding(text)
    except ValueError:
        _refuse(place, f"“{text}”不是进位方式，写法如 HU2、TR0", f"{text!r} is no rounding; write HU2 or TR0")


def _refuse(place: str, chinese: str, english: str) -> NoReturn:
    raise SchemeInvalid(place, chinese, english)
