"""Draws the annual table of self-evaluation (绩效自评表) from counts, as a workbook whose formulas are kept.

Who checks the table sees in each cell how it was computed: rates from counts on the second sheet, points from rates,
the total from points; nothing is rounded but for display. D59 of the domain notes; F13, F15 and F17 are its formulas.
Pure: the counts are handed in. Called by ``sanji evaluation table``.
"""

import io
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from connectors.formulas import guarded
from exchange_db.records import printable
from hub.evaluation.checking.stated import Stated, number_text, parse_stated
from hub.evaluation.points import GRADES
from hub.statistics.definitions import CountMissing, MetricDefinition, Term, Unit
from hub.statistics.registry import MetricRegistry

#: Most rows of a plan; forms have some dozens.
MAX_ROWS = 1_000
_DATA = "数据"
_INDICATOR_HEADINGS = (
    "一级指标",
    "二级指标",
    "三级指标",
    "年度指标值",
    "实际完成值",
    "分值",
    "得分",
    "偏差原因及改进措施",
)
_MONEY_HEADINGS = ("项目资金（万元）", "", "年初预算数", "全年预算数", "全年执行数", "分值", "执行率", "得分")
_PLACES = {Unit.PERCENT: "0.00%", Unit.NUMBER: "0.00"}

Text = Annotated[str, Meta(max_length=500)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]


class PlanInvalid(Exception):
    """A plan of a table cannot be used; says where and what to do."""

    def __init__(self, place: str, chinese: str, english: str) -> None:
        super().__init__(f"{printable(place)}：{printable(chinese)}。 / {printable(place)}: {printable(english)}.")


class Money(Struct, frozen=True, forbid_unknown_fields=True):
    """The budget in 万元."""

    initial: Amount
    budget: Amount
    spent: Amount
    weight: Annotated[float, Meta(gt=0, le=100)] = 10


class Indicator(Struct, frozen=True, forbid_unknown_fields=True):
    """A row: a metric's concept in the profile, or an ``actual`` value as text; points are given where no target is."""

    first: Text
    second: Text
    third: Text
    target: Text
    weight: Annotated[float, Meta(gt=0, le=100)]
    metric: Text = ""
    actual: Text = ""
    score: Annotated[float, Meta(ge=0, le=100)] | None = None
    reason: Text = ""


class TablePlan(Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a table, beside the counts."""

    form: Literal[1]
    project: Text
    year: Annotated[int, Meta(ge=1970, le=2200)]
    indicators: Annotated[tuple[Indicator, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    money: Money | None = None


def read_plan(name: str, content: bytes) -> TablePlan:
    """Reads a plan from TOML.

    Raises:
        PlanInvalid: names the file and the entry.
    """
    try:
        return msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), TablePlan)
    except msgspec.ValidationError as error:
        told, _, inside = str(error).partition(" - at `$")
        raise PlanInvalid(f"{name} {inside.strip('.`')}".strip(), f"键或值的写法不对（{told}）", told) from None
    except (ValueError, RecursionError) as error:
        raise PlanInvalid(
            name, f"不是有效的 UTF-8 编码 TOML（{error}）", f"not valid TOML in UTF-8 ({error})"
        ) from None


def draw_annual_table(
    plan: TablePlan, registry: MetricRegistry, profile: str, counts: Mapping[str, int | Fraction]
) -> bytes:
    """Returns the workbook.

    Args:
        plan: its rows.
        registry: metric definitions.
        profile: whose definitions count.
        counts: by counter; what a metric needs and is not there is refused, not taken for 0.

    Raises:
        PlanInvalid: weights do not add up to 100, or a row lacks what its points are computed from.
        MetricUnknown: the profile has no such metric.
        CountMissing: a count was not given.
    """
    weights = sum((Fraction(str(one.weight)) for one in plan.indicators), Fraction(0))
    weights += Fraction(str(plan.money.weight)) if plan.money else 0
    if weights != 100:
        raise PlanInvalid("weight", f"分值合计 {number_text(weights)}，应为 100", f"weights sum to {weights}, not 100")
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet("绩效自评表")
    places = _write_counts(book.create_sheet(_DATA), registry, counts)
    _write(sheet, [f"{guarded(plan.project)}绩效自评表（{plan.year} 年度）"], is_bold=True)
    scores = [_write_money(sheet, plan.money)] if plan.money else []
    _write(sheet, _INDICATOR_HEADINGS, is_bold=True)
    for number, one in enumerate(plan.indicators):
        metric = registry.of_concept(profile, one.metric) if one.metric else None
        scores.append(_write_indicator(sheet, f"indicators[{number}] {one.third}", one, metric, places))
    row = sheet.max_row + 1
    grades = "".join(f'IF(G{row}>={one.least},"{one.name_zh}",' for one in GRADES[:-1])
    grade = f'={grades}"{GRADES[-1].name_zh}"{")" * (len(GRADES) - 1)}'
    _write(sheet, ["总分", "", "", "", "", 100, f"={'+'.join(scores)}", grade], is_bold=True)
    sheet[f"G{row}"].number_format = "0.00"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _write(sheet: Worksheet, cells: Any, *, is_bold: bool = False) -> int:
    """Appends a row and returns its number."""
    sheet.append(list(cells))
    if is_bold:
        for cell in sheet[sheet.max_row]:
            cell.font = Font(bold=True)
    return sheet.max_row


def _write_counts(sheet: Worksheet, registry: MetricRegistry, counts: Mapping[str, int | Fraction]) -> dict[str, str]:
    """Writes the counts and returns where each one stands."""
    _write(sheet, ["计数项", "数量", "单位"], is_bold=True)
    places = {}
    for name, value in counts.items():
        counter = registry.counters.get(name)
        exact = Fraction(value)
        shown = exact.numerator if exact.denominator == 1 else float(exact)
        row = _write(sheet, [counter.name_zh if counter else guarded(name), shown, counter.unit if counter else ""])
        places[name] = f"{_DATA}!B{row}"
    return places


def _write_money(sheet: Worksheet, money: Money) -> str:
    _write(sheet, _MONEY_HEADINGS, is_bold=True)
    row = sheet.max_row + 1
    rate, points = f"=IF(D{row}=0,0,E{row}/D{row})", f"=MIN(F{row},F{row}*G{row})"
    _write(sheet, ["", "年度资金总额", money.initial, money.budget, money.spent, money.weight, rate, points])
    sheet[f"G{row}"].number_format, sheet[f"H{row}"].number_format = "0.00%", "0.00"
    return f"H{row}"


def _write_indicator(
    sheet: Worksheet, place: str, one: Indicator, metric: MetricDefinition | None, places: Mapping[str, str]
) -> str:
    row = sheet.max_row + 1
    target, actual = parse_stated(one.target), parse_stated(one.actual)
    value: str | float = guarded(one.actual)
    reached = ""
    if metric is not None:
        value = reached = f"({_sum(metric, metric.numerator, places)})/({_sum(metric, metric.denominator, places)})"
        value = f"={value}"
    elif actual is not None:
        reached = _scaled(actual)
    points: str | float
    if target is not None and reached:
        points = f"={_points(row, target, reached)}"
    elif one.score is not None:
        points = one.score
    else:
        raise PlanInvalid(
            place, "没有数值指标值时应给出得分 score", "give its score where target and value are no numbers"
        )
    if one.score is not None and one.score > one.weight:
        raise PlanInvalid(place, f"得分 {one.score:g} 超过分值 {one.weight:g}", "its score is more than its weight")
    texts = [guarded(text) for text in (one.first, one.second, one.third, one.target)]
    _write(sheet, [*texts, value, one.weight, points, guarded(one.reason)])
    if metric is not None:
        sheet[f"E{row}"].number_format = _PLACES[metric.unit]
    sheet[f"G{row}"].number_format = "0.00"
    return f"G{row}"


def _points(row: int, target: Stated, reached: str) -> str:
    """Returns F15 as a formula: never more than the weight; nothing at all is the best where less is better."""
    goal = _scaled(target)
    if target.relation.startswith("<"):
        return f"IF({reached}<=0,F{row},MIN(F{row},F{row}*{goal}/({reached})))"
    return f"MIN(F{row},F{row}*({reached})/{goal})" if target.value else f"F{row}"


def _scaled(stated: Stated) -> str:
    return number_text(stated.value / 100 if stated.is_percent else stated.value, 12)


def _sum(metric: MetricDefinition, terms: tuple[Term, ...], places: Mapping[str, str]) -> str:
    missing = frozenset(name for name, _ in terms if name not in places)
    if missing:
        raise CountMissing(metric, missing)
    return "+".join(f"{weight}*{places[name]}" for name, weight in terms).replace("+-", "-")
