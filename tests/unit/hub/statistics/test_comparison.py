"""Comparing: only figures of one definition; otherwise why not, and both on a common one where the counts allow it."""

from fractions import Fraction

from hub.statistics.comparison import Comparison, Side, compare
from hub.statistics.registry import shipped_registry

_REGISTRY = shipped_registry()
_REF = "sanji-counts/2"
#: 南阳 2021 (A2-5) and 中方 2020 (A4-1), as far as they were told.
_NANYANG = {"closed": 428644, "filed": 465557, "reported": 509566}
_OTHER = {"closed": 400000, "filed": 450000, "closing_due": 440000, "done": 8907, "total": 14664}


def _compare(left: str, right: str, refs: tuple[str, str] = (_REF, _REF), **changed: int) -> Comparison:
    one = Side("甲市", _REGISTRY.metric(left), refs[0], _NANYANG)
    other = Side("乙市", _REGISTRY.metric(right), refs[1], _OTHER | changed)
    return compare(one, other, _REGISTRY)


def test_figures_of_one_definition_are_compared_exactly() -> None:
    found = _compare("nanyang.closing_rate", "nanyang.closing_rate")
    assert (found.is_offered, found.whys, found.common) == (True, (), ())
    assert found.left is not None
    assert found.left.display == "92.07"
    assert found.change == (Fraction(400000, 450000) - Fraction(428644, 465557)) / Fraction(428644, 465557)


def test_one_name_with_two_denominators_is_refused_and_put_on_the_common_one() -> None:
    found = _compare("nanyang.closing_rate", "zhuzhou.closing_rate")
    assert (found.is_offered, found.change) == (False, None)
    told = " ".join(chinese for chinese, _ in found.whys)
    assert "指标定义不同" in told
    assert "分母不同：filed / closing_due" in told
    assert [one.metric.metric_id for one in found.common] == ["nanyang.closing_rate"]
    assert (found.common[0].left.display, found.common[0].right.display) == ("92.07", "88.89")


def test_other_rules_of_counting_spoil_only_the_counters_they_touch() -> None:
    touched = _compare("nanyang.closing_rate", "nanyang.closing_rate", (_REF, f"{_REF}+check"))
    assert not touched.is_offered
    assert ("按核查通过时间判定及时", "in time by when the check passed") in touched.whys
    assert [one.metric.metric_id for one in touched.common] == ["nanyang.closing_rate"]
    moved = _compare("nanyang.closing_rate", "nanyang.closing_rate", (_REF, f"{_REF}+24h"))
    assert (moved.is_offered, moved.common) == (False, ())


def test_a_side_without_the_counts_says_which() -> None:
    found = _compare("zhuzhou.closing_rate", "zhuzhou.closing_rate")
    assert not found.is_offered
    assert any("甲市 没有计数 closing_due" in chinese for chinese, _ in found.whys)
    assert found.left is None
    assert {one.metric.metric_id for one in found.common} == {"nanyang.closing_rate"}


def test_there_is_no_change_against_nothing() -> None:
    one = Side("甲", _REGISTRY.metric("F1"), _REF, {"done": 0, "total": 5})
    other = Side("乙", _REGISTRY.metric("F1"), _REF, {"done": 3, "total": 5})
    assert compare(one, other, _REGISTRY).change is None
    empty = Side("丙", _REGISTRY.metric("F1"), _REF, {"done": 0, "total": 0})
    found = compare(empty, other, _REGISTRY)
    assert (found.is_offered, found.change) == (True, None)
