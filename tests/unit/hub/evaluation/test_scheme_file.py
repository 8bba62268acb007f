"""Files of scoring schemes: what is wrong is told with its place and what to do."""

import pytest

from hub.evaluation.scheme_file import SchemeInvalid, read_scheme
from hub.evaluation.schemes import CompositeScheme, Input, TreeScheme
from hub.evaluation.shipped import DATA, shipped_schemes
from hub.statistics.registry import shipped_registry

_COMPOSITE = (DATA / "zhongfang-monthly.toml").read_text(encoding="utf-8")
_TREE = """
form = 1
kind = "tree"
id = "small"
version = 1
zh = "小"
en = "Small"
source = "ours"
total = 10
[[nodes]]
id = "group"
zh = "组"
en = "Group"
weight = 10
[[nodes]]
id = "leaf"
parent = "group"
zh = "项"
en = "Leaf"
weight = 10
measure = "quantitative"
target = 4.5
inputs = ["given"]
"""


def _read(text: str) -> object:
    return read_scheme("scheme.toml", text.encode(), shipped_registry())


def test_all_shipped_schemes_are_right_and_say_where_they_come_from() -> None:
    assert {"zhongfang.monthly", "self-evaluation", "nanyang.project", "supervision", "operation"} <= set(
        shipped_schemes()
    )
    assert all(scheme.source for scheme in shipped_schemes().values())


def test_both_kinds_are_read() -> None:
    composite, tree = _read(_COMPOSITE), _read(_TREE)
    assert isinstance(composite, CompositeScheme)
    assert [part.input for part in composite.parts] == [Input.METRIC, Input.FIELD, Input.GIVEN]
    assert isinstance(tree, TreeScheme)
    assert tree.nodes[1].target == 4.5


@pytest.mark.parametrize(
    ("text", "was", "wrong", "told"),
    [
        (_COMPOSITE, "weight = 60", "weight = 50", "parts：权重合计 90，应为 100"),
        (_COMPOSITE, "weight = 60", "weight = -60", "digital.weight：权重 -60 应大于零"),
        (_COMPOSITE, 'metric = "F3"', 'metric = "F33"', r"parts\[0\] digital.metric：没有指标 F33"),
        (_COMPOSITE, 'metric = "F3"', "", "由系统计算的部分应写明指标"),
        (_COMPOSITE, 'veto = "zero"', 'veto = "none"', "veto：键或值的写法不对"),
        (_COMPOSITE, "is_veto = true", "is_veto = true\npoints = -1", "一票否决项不另计分"),
        (_COMPOSITE, "list_cap = 5", "list_cap = -5", "list_cap：-5 不应为负"),
        (_COMPOSITE, 'id = "loss"', 'id = "praise"', "标识 praise 重复"),
        (_COMPOSITE, 'rounding = "HU2"', 'rounding = "two"', "“two”不是进位方式"),
        (_COMPOSITE, "points = 0.1", "points = inf", "不是有效的 UTF-8 编码 TOML"),
        (_COMPOSITE, "points = 0.1", "points = 1e999999", "不是有效的 UTF-8 编码 TOML"),
        (_COMPOSITE, 'kind = "composite"', 'kind = "other"', "没有“other”，可用 composite、tree"),
        (_TREE, "weight = 10\nmeasure", "weight = 9\nmeasure", "group：权重合计 9，应为 10"),
        (_TREE, "total = 10", "total = 100", "nodes：权重合计 10，应为 100"),
        (_TREE, 'parent = "group"', 'parent = "leaf"', "上级 leaf 应为列在前面的分组"),
        (_TREE, "target = 4.5", "", "定量指标应给出目标值"),
        (_TREE, "total = 10", 'total = 10\n[[grades]]\nzh = "优"\nen = "good"\nleast = 90', "最后一级从 0 起"),
        (_TREE, "form = 1", "form = 1\ncolour = 1", "colour"),
    ],
)
def test_what_is_wrong_is_told(text: str, was: str, wrong: str, told: str) -> None:
    assert was in text
    assert _read(text)
    with pytest.raises(SchemeInvalid, match=told):
        _read(text.replace(was, wrong, 1))
