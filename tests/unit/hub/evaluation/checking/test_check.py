"""The check of a whole form, and the command: real tables, totals by project, exit codes, JSON."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from hub.evaluation.checking.check import NothingToCheck
from hub.evaluation.checking.findings import Cause, Rule, Severity
from hub.statistics.registry import MetricUnknown
from tests.support.commands import sanji
from tests.support.forms import checked

#: A form as it is handed in: title, money and indicators in one table, merged cells empty.
FORM = """
项目支出绩效自评表
项目名称|数字城管
项目资金（万元）||年初预算数|全年预算数（A）|全年执行数（B）|分值|执行率（B/A）|得分
|年度资金总额|60|60|30|10|50%|5
|其中：财政拨款|40|40|20|—||
|其他资金|20|20|10|—||
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差原因分析及改进措施
产出指标|数量指标|受理案件|≥250000件|261238件|20|20|
|质量指标|完好率|≥98%|100%|20|20|
|时效指标|故障时间|≤48小时|42小时|10|10|
效益指标|社会效益|市容改善|明显改善|达成|30|27|
满意度指标|服务对象|群众满意度|≥90%|93%|10|10|
总分|||||100|92|优
"""


def test_a_form_that_is_right_has_no_findings() -> None:
    report = checked(FORM)
    assert report.findings == ()
    assert report.checked_count == 10


@pytest.mark.parametrize(
    ("was", "wrong", "name", "rule"),
    [
        ("10|50%|5", "10|50%|10", "年度资金总额", Rule.EXECUTION),
        ("财政拨款|40|40", "财政拨款|40|30", "年度资金总额", Rule.BUDGET_PARTS),
        ("261238件|20|20", "261238件|20|21", "受理案件", Rule.SCORE_WITHIN_WEIGHT),
        ("42小时|10|10", "96小时|10|10", "故障时间", Rule.TARGET),
        ("达成|30|27", "达成|30|20", "市容改善", Rule.BAND),
        ("达成|30|27", "部分达成|30|27", "市容改善", Rule.BAND),
        ("100|92|优", "100|92|良", "总分", Rule.GRADE),
        ("100|92|优", "100|93|优", "总分", Rule.SCORES_SUM),
        ("93%|10|10", "93%|15|15", "总分", Rule.WEIGHTS_SUM),
    ],
)
def test_every_rule_of_a_form_finds_its_breach(was: str, wrong: str, name: str, rule: Rule) -> None:
    assert was in FORM
    report = checked(FORM.replace(was, wrong, 1))
    assert (name, rule) in [(one.name, one.rule) for one in report.findings]
    assert all(one.severity is Severity.WRONG for one in report.findings)


def test_a_cell_that_is_no_number_is_noted_and_not_guessed() -> None:
    report = checked(FORM.replace("60|60|30|10", "60|六十|30|10"))
    assert ("六十", Severity.NOTE) in [(one.stated, one.severity) for one in report.findings]


def test_points_above_the_weight_may_be_those_of_a_formula_that_was_not_cut() -> None:
    report = checked(FORM.replace("261238件|20|20", "261238件|20|20.9"))
    (over, _) = report.findings
    assert [one.cause for one in over.causes] == [Cause.OVER_WEIGHT, Cause.NOT_CAPPED]


def test_other_units_are_noted_and_not_compared() -> None:
    report = checked(FORM.replace("≤48小时|42小时", "≤48小时|2天"))
    assert [(one.rule, one.severity) for one in report.findings] == [(Rule.READABLE, Severity.NOTE)]


def test_each_total_is_about_the_rows_before_it() -> None:
    assert checked(FORM, FORM).findings == ()
    both = checked(FORM, FORM.replace("100|92|优", "100|920|优"))
    assert [(one.place, one.cause) for one in both.findings] == [("表2 第 13 行", Cause.MOVED_POINT)]


def test_counts_out_of_order_are_found() -> None:
    report = checked("计数项|数量\n立案|100\n处置|90\n结案|95")
    assert [(one.name, one.rule, one.computed) for one in report.findings] == [
        ("结案", Rule.ORDER_OF_COUNTS, "≤ 处置 90")
    ]
    assert checked("计数项|数量\n立案|100\n应结案|120\n处置|90\n结案|90").findings == ()


def test_half_a_case_is_none() -> None:
    report = checked("计数项|数量\n立案|100.5件")
    assert [(one.rule, one.severity) for one in report.findings] == [(Rule.WHOLE_COUNTS, Severity.WRONG)]
    assert checked("计数项|数量\n全年预算数|100.5万元\n立案|100").findings == ()


def test_what_a_sum_cannot_find_is_noted() -> None:
    report = checked("指标|算式|填报值\n合计|甲+1|2")
    assert [(one.rule, one.severity) for one in report.findings] == [(Rule.READABLE, Severity.NOTE)]
    assert "没有给出“甲”的数值" in report.findings[0].computed


def test_a_file_without_known_tables_is_refused() -> None:
    with pytest.raises(NothingToCheck, match="没有找到可核对的表格"):
        checked("甲|乙\n1|2")
    with pytest.raises(MetricUnknown, match="没有口径 mars"):
        checked(FORM, profile="mars")


async def test_the_command_tells_and_ends_with_one_when_something_differs(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["指标", "分子", "分母", "填报值"])
    sheet.append(["立案率", 519218, 520954, 0.99])
    sheet.append(["结案率", 1, 2, 0.5])
    sheet["D2"].number_format = sheet["D3"].number_format = "0%"
    book.save(tmp_path / "自评.xlsx")
    told = await sanji("evaluation", "check", tmp_path / "自评.xlsx")
    assert told.code == 1
    assert "直接舍去尾数" in told.told
    assert "核对 2 项：不符 1 处，存疑 0 处" in told.told
    answer = await sanji("evaluation", "check", tmp_path / "自评.xlsx", "--json", "--profile", "zhuzhou")
    report = json.loads(answer.told)
    assert (report["profile"], report["checked_count"], report["has_disagreements"]) == ("zhuzhou", 2, True)
    assert [one["causes"][0]["cause"] for one in report["findings"]] == ["truncated"]


async def test_the_command_ends_with_none_when_all_is_right_and_two_when_asked_wrongly(tmp_path: Path) -> None:
    path = tmp_path / "right.csv"
    path.write_text("指标,分子,分母,填报值\n立案率,519218,520954,99.67%\n", encoding="utf-8")
    assert (await sanji("evaluation", "check", path)).code == 0
    assert (await sanji("evaluation", "check", path, "--profile", "mars")).code == 2
    assert (await sanji("evaluation", "check", tmp_path / "none.csv")).code == 2
    broken = tmp_path / "own.toml"
    broken.write_text("form = 1", encoding="utf-8")
    refused = await sanji("evaluation", "check", path, "--definitions", broken)
    assert (refused.code, "own.toml" in refused.told) == (2, True)
