"""Points over trees: F13 to F19, bands, grades, groups, what is missing; and the shipped trees."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.evaluation.composite import InputInvalid
from hub.evaluation.points import (
    BANDS,
    Direction,
    Verdict,
    execution_points,
    grade_of,
    is_met,
    quantitative_points,
)
from hub.evaluation.schemes import Measure, Node, TreeScheme
from hub.evaluation.shipped import shipped_schemes
from hub.evaluation.tree import NodeInput, tree_score

_POSITIVE = st.fractions(Fraction(1, 100), 1_000, max_denominator=100)


def _shipped(name: str) -> TreeScheme:
    scheme = shipped_schemes()[name]
    assert isinstance(scheme, TreeScheme)
    return scheme


def _share(text: str) -> NodeInput:
    return NodeInput(share=Fraction(text))


@pytest.mark.parametrize(
    ("points", "grade"),
    [
        ("100", "优"),
        ("90", "优"),
        ("89.995", "良"),
        ("80", "良"),
        ("79.99", "中"),
        ("60", "中"),
        ("59.99", "差"),
        ("0", "差"),
    ],
)
def test_grades_include_their_lower_bound_and_are_not_rounded_into(points: str, grade: str) -> None:
    assert grade_of(Fraction(points)).name_zh == grade


@pytest.mark.parametrize(
    ("verdict", "share", "holds"),
    [
        (Verdict.MET, "1", True),
        (Verdict.MET, "0.8", True),
        (Verdict.MET, "0.79", False),
        (Verdict.PARTLY, "0.8", False),
        (Verdict.PARTLY, "0.5", True),
        (Verdict.NOT_MET, "0.5", False),
        (Verdict.NOT_MET, "0", True),
    ],
)
def test_bands_include_eighty_and_fifty_from_above(verdict: Verdict, share: str, holds: bool) -> None:
    assert BANDS[verdict].holds(Fraction(share)) is holds


def test_quantitative_points_are_capped_at_the_weight() -> None:
    ten = Fraction(10)
    assert quantitative_points(ten, Fraction(98), Fraction(100), Direction.HIGHER) == 10
    assert quantitative_points(ten, Fraction(60), Fraction(30), Direction.LOWER) == 10
    assert quantitative_points(ten, Fraction(60), Fraction(120), Direction.LOWER) == 5
    assert quantitative_points(ten, Fraction(0), Fraction(1), Direction.HIGHER) is None
    assert quantitative_points(ten, Fraction(48), Fraction(0), Direction.LOWER) == 10
    assert execution_points(ten, Fraction(30), Fraction(60)) == 5
    assert execution_points(ten, Fraction("1271.76"), Fraction("1241.76")) == 10
    assert execution_points(ten, Fraction(1), Fraction(0)) is None


def test_what_equals_a_target_reaches_it() -> None:
    assert is_met(Fraction(48), Fraction(42), Direction.LOWER)
    assert is_met(Fraction(4), Fraction(4), Direction.HIGHER)
    assert not is_met(Fraction(950), Fraction(817), Direction.HIGHER)


def test_a_self_evaluation_by_the_usual_weights() -> None:
    found = tree_score(
        _shipped("self-evaluation"),
        {
            "execution": NodeInput(actual=Fraction(30), target=Fraction(60)),
            "output": _share("1"),
            "benefit": _share("1"),
            "satisfaction": _share("1"),
        },
    )
    assert found.display == "95.00"
    assert found.grade is not None
    assert found.grade.name_zh == "优"
    assert [one.points for one in found.scores] == [5, 50, 30, 10]


def test_decision_process_output_benefit() -> None:
    found = tree_score(
        _shipped("nanyang.project"),
        {
            "decision": NodeInput(share=Fraction(13, 15)),
            "process": _share("1"),
            "output": NodeInput(share=Fraction("44.23") / 45),
            "benefit": NodeInput(share=Fraction(16, 20)),
        },
    )
    assert found.display == "93.23"
    assert [one.rate for one in found.scores] == [Fraction(13, 15), 1, Fraction("44.23") / 45, Fraction(4, 5)]


def test_what_is_missing_is_named_and_never_taken_for_zero() -> None:
    found = tree_score(_shipped("self-evaluation"), {"output": _share("1")})
    assert found.missing == ("execution", "benefit", "satisfaction")
    assert (found.points, found.display, found.grade) == (None, "", None)


@pytest.mark.parametrize("name", ["supervision", "operation"])
def test_trees_without_published_weights_have_values_and_no_points(name: str) -> None:
    scheme = _shipped(name)
    leaf = next(node for node in scheme.nodes if node.measure is not Measure.GROUP)
    found = tree_score(scheme, {leaf.node_id: _share("0.9")})
    assert not scheme.is_weighted
    assert not scheme.is_ranked
    assert found.points is None
    assert {one.node.node_id: one.value for one in found.scores}[leaf.node_id] == Fraction(9, 10)


def test_the_survey_of_a_city_has_its_items_under_clean_tidy_and_orderly() -> None:
    scheme = _shipped("supervision")
    assert [node.name_zh for node in scheme.children_of("")] == ["干净", "整洁", "有序", "群众满意度"]
    assert [len(scheme.children_of(node.node_id)) for node in scheme.children_of("")] == [6, 6, 4, 1]


def _qualitative() -> TreeScheme:
    node = Node(
        node_id="effect", parent="", name_zh="效果", name_en="Effect", weight=Fraction(100), measure=Measure.QUALITATIVE
    )
    return replace(_shipped("self-evaluation"), nodes=(node,))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"effect": NodeInput(share=Fraction(1, 2), verdict=Verdict.MET)}, "得分占比 50% 不在达成情况对应的区间"),
        ({"effect": NodeInput(share=Fraction(1, 2))}, "定性指标应写明达成情况"),
        ({"effect": NodeInput(verdict=Verdict.MET)}, "缺少计分所需的数值"),
        ({"effect": NodeInput(share=Fraction(2), verdict=Verdict.MET)}, "得分占比应在 0 至 1 之间"),
        ({"colour": NodeInput()}, "方案中没有这个指标"),
    ],
)
def test_what_cannot_be_scored_is_refused(given: dict[str, NodeInput], told: str) -> None:
    with pytest.raises(InputInvalid, match=told):
        tree_score(_qualitative(), given)
    rightly = tree_score(_qualitative(), {"effect": NodeInput(share=Fraction(1, 2), verdict=Verdict.PARTLY)})
    assert rightly.display == "50.00"


@given(_POSITIVE, _POSITIVE, _POSITIVE, st.sampled_from(Direction))
def test_points_never_leave_the_weight_and_are_full_exactly_when_met(
    weight: Fraction, target: Fraction, actual: Fraction, direction: Direction
) -> None:
    points = quantitative_points(weight, target, actual, direction)
    assert points is not None
    assert 0 < points <= weight
    assert (points == weight) is is_met(target, actual, direction)


@given(st.lists(st.fractions(0, 1, max_denominator=1_000), min_size=4, max_size=4))
def test_the_whole_is_the_sum_of_its_parts(shares: list[Fraction]) -> None:
    scheme = _shipped("nanyang.project")
    found = tree_score(
        scheme, {node.node_id: NodeInput(share=one) for node, one in zip(scheme.nodes, shares, strict=True)}
    )
    assert found.points == sum(one * (node.weight or 0) for node, one in zip(scheme.nodes, shares, strict=True))
    assert found.grade == grade_of(found.points or Fraction(0))
