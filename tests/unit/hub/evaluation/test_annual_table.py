"""The annual table: its formulas, computed as a spreadsheet program does, give the figures and points of the counts."""

import io
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from hub.evaluation.annual_table import PlanInvalid, draw_annual_table, read_plan
from hub.evaluation.points import Direction, execution_points, grade_of, quantitative_points
from hub.statistics.definitions import CountMissing
from hub.statistics.registry import MetricUnknown, shipped_registry
from tests.support.commands import sanji

PLAN = """
form = 1
project = "数字城管"
year = 2020
[money]
initial = 60
budget = 60
spent = 30
[[indicators]]
first = "产出指标"
second = "数量指标"
third = "月问题综合解决率"
target = "≥60%"
weight = 50
metric = "F3"
[[indicators]]
first = "产出指标"
second = "时效指标"
third = "故障时间"
target = "≤48小时"
actual = "96小时"
weight = 20
reason = "=HYPERLINK(1)"
[[indicators]]
first = "效益指标"
second = "社会效益"
third = "市容"
target = "明显改善"
actual = "达成"
weight = 20
score = 18
"""
_COUNTY = {"total": 14_664, "done": 8_907, "on_time": 5_867}


def _drawn(text: str = PLAN, counts: dict[str, int] | None = None, profile: str = "zhongfang") -> bytes:
    return draw_annual_table(read_plan("plan.toml", text.encode()), shipped_registry(), profile, counts or _COUNTY)


class _Spreadsheet:
    """Computes the cells of a workbook: arithmetic, MIN and IF, exactly."""

    def __init__(self, content: bytes) -> None:
        self._book = load_workbook(io.BytesIO(content))

    def value(self, place: str, sheet: str = "绩效自评表") -> Any:
        found = self._book[sheet][place].value
        if not isinstance(found, str) or not found.startswith("="):
            return Fraction(str(found)) if isinstance(found, int | float) else found
        code = re.sub(r"(?:(数据)!)?\b([A-Z][0-9]+)\b", lambda hit: f"V('{hit[2]}','{hit[1] or sheet}')", found[1:])
        code = re.sub(r"(?<![\w'.])([0-9]+(?:\.[0-9]+)?)(?![\w'])", r"F('\1')", code).replace("=F", "==F")
        code = code.replace(">==", ">=").replace("<==", "<=")
        names = {"V": self.value, "F": Fraction, "MIN": min}
        code = _lazy(code)
        return eval(code, {"__builtins__": {}}, names)

    def rows(self) -> list[tuple[Any, ...]]:
        return list(self._book["绩效自评表"].values)


def _lazy(code: str) -> str:
    """Makes the branches of each IF functions, so that only one is computed."""
    while "IF(" in code:
        start = code.index("IF(")
        depth, commas, end = 0, [], start + 2
        while True:
            sign = code[end]
            depth += (sign == "(") - (sign == ")")
            if sign == "," and depth == 1:
                commas.append(end)
            if not depth:
                break
            end += 1
        test, yes, no = code[start + 3 : commas[0]], code[commas[0] + 1 : commas[1]], code[commas[1] + 1 : end]
        code = f"{code[:start]}(({yes}) if ({test}) else ({no})){code[end + 1 :]}"
    return code


def test_the_formulas_give_the_points_of_the_counts() -> None:
    sheet = _Spreadsheet(_drawn())
    assert [row[:3] for row in sheet.rows()[4:8]] == [
        ("产出指标", "数量指标", "月问题综合解决率"),
        ("产出指标", "时效指标", "故障时间"),
        ("效益指标", "社会效益", "市容"),
        ("总分", None, None),
    ]
    rate = Fraction(7_539, 14_664)
    assert (sheet.value("G3"), sheet.value("H3")) == (Fraction(1, 2), 5)
    assert (sheet.value("E5"), sheet.value("G5")) == (rate, 50 * rate / Fraction("0.6"))
    assert [sheet.value(place) for place in ("G6", "G7")] == [10, 18]
    total = 33 + 50 * rate / Fraction("0.6")
    assert (sheet.value("G8"), sheet.value("H8")) == (total, grade_of(total).name_zh)


def test_nothing_that_was_typed_acts_in_the_workbook() -> None:
    sheet = _Spreadsheet(_drawn(PLAN.replace('third = "市容"', 'third = "=1+1"')))
    assert sheet.rows()[5][7] == "'=HYPERLINK(1)"
    assert sheet.rows()[6][2] == "'=1+1"


def test_a_table_without_money_is_drawn_too() -> None:
    text = PLAN.replace("[money]\ninitial = 60\nbudget = 60\nspent = 30\n", "").replace("weight = 50", "weight = 60")
    assert _Spreadsheet(_drawn(text)).value("G4") == 10


@settings(max_examples=30)
@given(st.integers(1, 10**6), st.data())
def test_any_counts_give_the_points_of_the_rules(total: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, total))
    on_time = data.draw(st.integers(0, done))
    sheet = _Spreadsheet(_drawn(counts={"total": total, "done": done, "on_time": on_time}))
    rate = Fraction(55 * done + 45 * on_time, 100 * total)
    assert sheet.value("E5") == rate
    assert sheet.value("G5") == quantitative_points(Fraction(50), Fraction(60), rate * 100, Direction.HIGHER)
    assert sheet.value("H3") == execution_points(Fraction(10), Fraction(30), Fraction(60))


@pytest.mark.parametrize(
    ("was", "wrong", "told"),
    [
        ("weight = 50", "weight = 49", "分值合计 99，应为 100"),
        ("score = 18", "", "市容：没有数值指标值时应给出得分"),
        ("score = 18", "score = 21", "得分 21 超过分值 20"),
        ("spent = 30", "spent = nan", "money.spent：键或值的写法不对"),
        ("year = 2020", "year = 2020\ncolour = 1", "colour"),
        ("form = 1", "form = =", "不是有效的 UTF-8 编码 TOML"),
    ],
)
def test_a_plan_that_is_wrong_is_refused(was: str, wrong: str, told: str) -> None:
    with pytest.raises(PlanInvalid, match=told):
        _drawn(PLAN.replace(was, wrong, 1))
    assert _drawn()


def test_missing_counts_and_metrics_are_refused() -> None:
    with pytest.raises(CountMissing, match="on_time"):
        _drawn(counts={"total": 1, "done": 1})
    with pytest.raises(MetricUnknown, match="没有指标 F3"):
        _drawn(profile="nanyang")


async def test_the_command_draws_and_what_it_drew_is_not_taken_for_values(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "counts.csv").write_text("计数项,数量\n总数,14664\n完成,8907\n及时完成,5867\n", encoding="utf-8")
    words = ("--counts", tmp_path / "counts.csv", "--profile", "zhongfang", "-o", tmp_path / "out.xlsx")
    assert (await sanji("evaluation", "table", tmp_path / "plan.toml", *words)).code == 0
    assert _Spreadsheet((tmp_path / "out.xlsx").read_bytes()).value("E5") == Fraction(7_539, 14_664)
    told = await sanji("evaluation", "check", tmp_path / "out.xlsx")
    assert "不是数值，未核对" in told.told
    (tmp_path / "counts.csv").write_text("计数项,数量\n总数,14664\n", encoding="utf-8")
    refused = await sanji("evaluation", "table", tmp_path / "plan.toml", *words)
    assert (refused.code, "缺少计数" in refused.told) == (2, True)
