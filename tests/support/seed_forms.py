"""Forms as five cities and counties filled them in, and what the check must find in each, with the id of the row."""

from typing import NamedTuple

import pytest

from hub.evaluation.checking.findings import Cause, Rule, Severity

COUNTS_2021 = """
计数项|数量
受理|856418
上报|520954
立案|519218
处置|498024
结案|497794
"""
COUNTS_2019 = "计数项|数量\n上报|298532\n简易处置|31888\n受理|261238\n处置|253185"
BUDGET = "项目资金|年初预算数|全年预算数|全年执行数|分值|执行率|得分"
INDICATORS = "一级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差原因"


class Expected(NamedTuple):
    """A finding: how ``computed`` begins, and what the detail of the likeliest cause has in it."""

    rule: Rule
    severity: Severity
    stated: str
    computed: str
    cause: Cause | None
    detail: str = ""


_WRONG, _DOUBTFUL, _NOTE = Severity.WRONG, Severity.DOUBTFUL, Severity.NOTE

#: Profile, tables and everything that is to be found.
FOUND = [
    pytest.param(
        "zhongfang",
        ("指标|分母|填报值\n月问题及时解决率|14664|40.01%",),
        (Expected(Rule.WHOLE_SOLUTION, _NOTE, "40.01%", "分子只能是 5867", None),),
        id="A4-2",
    ),
    pytest.param(
        "national",
        (f"{BUDGET}\n年度资金总额|60|60|30|10|50%|10",),
        (Expected(Rule.EXECUTION, _WRONG, "10", "5", Cause.FULL_MARKS),),
        id="A4-7",
    ),
    pytest.param(
        "national",
        (f"{INDICATORS}\n成本|项目成本|≤60万元|30万元|10|8|经费不足",),
        (Expected(Rule.TARGET, _DOUBTFUL, "8", "10", Cause.DEDUCTED, "经费不足"),),
        id="A4-10",
    ),
    pytest.param(
        "zhuzhou",
        (f"{COUNTS_2021}微信举报|17364\n12345|7341\n监督群举报|647",),
        (
            Expected(
                Rule.ORDER_OF_COUNTS,
                _DOUBTFUL,
                "856418",
                "上报 520954",
                Cause.OTHER_OBJECT,
                "多出 335464，其他来源合计 25352 不足以说明",
            ),
        ),
        id="A1-7",
    ),
    pytest.param(
        "national",
        (f"{BUDGET}\n年度资金总额|1984.99|1984.99|1677.29|10|85.00%|8.5",),
        (
            Expected(Rule.EXECUTION, _WRONG, "85.00%", "84.498662", Cause.ROUNDED_INTERMEDIATE, "先进位为 84.5"),
            Expected(Rule.EXECUTION, _WRONG, "8.5", "8.4498", Cause.ROUNDED_INTERMEDIATE, "由填报的执行率 85.00%算得"),
        ),
        id="A1-8",
    ),
    pytest.param(
        "national",
        ("资金|年初预算数|调整追加|全年预算数|全年执行数\n年度资金总额|1984.99|86.18|1984.99|1677.29",),
        (Expected(Rule.BUDGET_ADJUSTED, _DOUBTFUL, "1984.99", "2071.17", Cause.OTHER_BASE, "年初 1984.99 加"),),
        id="A1-9",
    ),
    pytest.param(
        "national",
        (f"{BUDGET}\n项目二|432|432|42.62|10|10.00%|1",),
        (
            Expected(Rule.EXECUTION, _WRONG, "10.00%", "9.865741", Cause.OTHER_ROUNDING, "四舍五入到整数"),
            Expected(Rule.EXECUTION, _WRONG, "1", "0.98657", Cause.ROUNDED_INTERMEDIATE, "由填报的执行率 10.00%算得"),
        ),
        id="A1-13",
    ),
    pytest.param(
        "nanyang",
        ("指标|分子|分母|正文值|填报值\n产出得分率|44.23|45|98.29%|83.98%",),
        (Expected(Rule.RECOMPUTED, _WRONG, "83.98%", "98.288889", Cause.MISPRINT, "正文 98.29% 与计算一致"),),
        id="A2-7",
    ),
    pytest.param(
        "yueyang",
        ("指标|分子|分母|填报值\n12345办结率|10555|10569|99%\n12345处置率|10555|10569|99%",),
        (
            Expected(Rule.RECOMPUTED, _WRONG, "99%", "99.867537", Cause.TRUNCATED, "舍去尾数到整数"),
            Expected(Rule.RECOMPUTED, _WRONG, "99%", "99.867537", Cause.TRUNCATED, "舍去尾数到整数"),
            Expected(Rule.ONE_NAME, _NOTE, "12345处置率", "与“12345办结率”分子分母相同", None),
        ),
        id="A3-2",
    ),
    pytest.param(
        "yueyang",
        (COUNTS_2019, "指标|算式|填报值\n受理核对|上报-简易处置|261238"),
        (Expected(Rule.RECOMPUTED, _DOUBTFUL, "261238", "266644", Cause.GAP, "差额 5406"),),
        id="A3-6",
    ),
    pytest.param(
        "yueyang",
        (f"{INDICATORS}\n数量|日均采集|≥950件/天|817.9件/天|10|10|",),
        (Expected(Rule.TARGET, _WRONG, "10", "8.609474", Cause.FULL_MARKS, "目标 ≥950件/天，实际 817.9件/天"),),
        id="A3-8",
    ),
    pytest.param(
        "national",
        ("指标|分母|填报值\n处置率|42199|97.2%\n结案率|42199|97.43%",),
        (Expected(Rule.ONE_BASE, _DOUBTFUL, "97.43%", "≤ 处置率 97.2%", Cause.TWO_BASES, "41114.5… 与 41017.4…"),),
        id="A0-3",
    ),
    pytest.param(
        "national",
        ("指标|分母|填报值\n满意率|583|97.47%",),
        (Expected(Rule.WHOLE_SOLUTION, _DOUBTFUL, "97.47%", "无整数解", Cause.NO_WHOLE_SOLUTION, "77/79"),),
        id="A0-4",
    ),
    pytest.param(
        "national",
        ("指标|分子|分母|填报值\n办结率|979|1024|98.05%",),
        (
            Expected(
                Rule.RECOMPUTED, _WRONG, "98.05%", "95.605469", Cause.NO_WHOLE_SOLUTION, "分母 1024 时分子应为 1004"
            ),
        ),
        id="qianjiang",
    ),
]
