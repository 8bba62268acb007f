"""Finds the rows that mean something in the tables of a form: budgets, indicators, totals, figures, counts. Pure.

A row whose cells are the headings of a kind begins a block of that kind, wherever it stands; the rows below belong to
it until the next such row. The usual 绩效自评表 has its budget and its indicators in one table.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from connectors.mapping_values import half_width
from hub.evaluation.checking.documents import FormDocument, FormTable, TableRow


class Kind(StrEnum):
    """Kinds of block."""

    BUDGET = "budget"
    INDICATORS = "indicators"
    FIGURES = "figures"
    COUNTS = "counts"


#: Headings by what they mean, as they begin once blanks, brackets and their content are taken away.
_HEADINGS: dict[Kind, dict[str, tuple[str, ...]]] = {
    Kind.BUDGET: {
        "initial": ("年初预算数",),
        "adjustment": ("调整数", "调整追加", "预算调整数", "追加数"),
        "budget": ("全年预算数",),
        "spent": ("全年执行数",),
        "weight": ("分值", "权重"),
        "rate": ("执行率",),
        "score": ("得分",),
    },
    Kind.INDICATORS: {
        "first": ("一级指标",),
        "second": ("二级指标",),
        "third": ("三级指标",),
        "target": ("年度指标值", "指标值", "目标值", "年初目标值", "计划指标值"),
        "actual": ("实际完成值", "全年实际值", "全年实际完成值", "完成值", "实际完成情况"),
        "weight": ("分值", "权重"),
        "score": ("得分", "自评得分"),
        "rate": ("得分率",),
        "reason": ("偏差原因", "未完成原因", "扣分原因", "备注"),
    },
    Kind.FIGURES: {
        "name": ("指标", "指标名称"),
        "numerator": ("分子",),
        "denominator": ("分母",),
        "expression": ("算式", "计算式"),
        "text": ("正文值", "正文"),
        "stated": ("填报值", "表中值", "填报数"),
    },
    Kind.COUNTS: {
        "name": ("计数项", "名称", "项目"),
        "value": ("数量", "数值", "件数", "计数"),
    },
}
_NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.BUDGET: ("budget", "spent"),
    Kind.INDICATORS: ("weight", "score"),
    Kind.FIGURES: ("name", "stated"),
    Kind.COUNTS: ("name", "value"),
}
_TOTALS = ("总分", "合计", "总计", "总得分", "自评总分", "自评得分")


class FormRow(NamedTuple):
    """A row of a block: its place for people, its name, and its cells by meaning."""

    kind: Kind
    place: str
    name: str
    cells: Mapping[str, str]
    is_total: bool = False
    group: str = ""

    def cell(self, meaning: str) -> str:
        """Returns a cell's text, empty when there is none."""
        return self.cells.get(meaning, "")


def rows_of(document: FormDocument) -> list[FormRow]:
    """Returns all rows of all blocks, in order."""
    return [row for table in document.tables for row in _rows_of_table(table)]


def plain_name(text: str) -> str:
    """Returns a name as it is compared: half width, without blanks, brackets and what is in them."""
    return re.sub(r"[((\[【].*?[))\]】]|[\s:;、\"“”]", "", half_width(text.replace("\n", "")))


def _rows_of_table(table: FormTable) -> list[FormRow]:
    found: list[FormRow] = []
    kind: Kind | None = None
    columns: dict[int, str] = {}
    groups: dict[str, str] = {}
    for row in table.rows:
        heading = _heading_of(row.cells)
        if heading is not None:
            kind, columns = heading
            groups = {}
        elif kind is not None:
            found += _row_of(table.name, row, kind, columns, groups)
    return found


def _heading_of(cells: Sequence[str]) -> tuple[Kind, dict[int, str]] | None:
    names = [plain_name(cell) for cell in cells]
    best: tuple[Kind, dict[int, str]] | None = None
    for kind, headings in _HEADINGS.items():
        columns: dict[int, str] = {}
        for place, name in enumerate(names):
            meaning = _meaning_of(name, headings)
            if meaning and meaning not in columns.values():
                columns[place] = meaning
        has_needed = set(_NEEDED[kind]) <= set(columns.values())
        is_indicators = kind is not Kind.INDICATORS or {"first", "second", "third"} & set(columns.values())
        if has_needed and is_indicators and (best is None or len(columns) > len(best[1])):
            best = kind, columns
    return best


def _meaning_of(name: str, headings: Mapping[str, tuple[str, ...]]) -> str:
    for meaning, texts in headings.items():
        if name in texts or (len(name) > 3 and any(name.startswith(text) for text in texts if len(text) > 3)):
            return meaning
    return ""


def _row_of(table: str, row: TableRow, kind: Kind, columns: dict[int, str], groups: dict[str, str]) -> list[FormRow]:
    cells = {meaning: row.cells[place] for place, meaning in columns.items() if place < len(row.cells)}
    first_column = min(columns)
    lead = [cell for cell in row.cells[:first_column] if cell]
    place = f"{table} 第 {row.number} 行"
    labels = [*lead, *(cells.get(name, "") for name in ("first", "second", "third", "name"))]
    is_total = any(plain_name(label) in _TOTALS for label in labels if label)
    if kind is Kind.BUDGET:
        return [FormRow(kind, place, plain_name(lead[-1]) if lead else "", cells)]
    if kind is Kind.INDICATORS and not is_total:
        return _indicator_row(place, cells, groups)
    name = next((label for label in reversed(labels) if label), "")
    is_sum = is_total and kind is Kind.INDICATORS
    return [FormRow(kind, place, plain_name(name), cells, is_sum)] if name else []


def _indicator_row(place: str, cells: dict[str, str], groups: dict[str, str]) -> list[FormRow]:
    """A merged cell counts for the rows below it until the next; a new first level ends the second."""
    if cells.get("first"):
        groups["second"] = ""
    for level in ("first", "second"):
        groups[level] = cells.get(level) or groups.get(level, "")
    own = next((cells[level] for level in ("third", "second", "first") if cells.get(level)), "")
    if not own or not (cells.get("weight") or cells.get("score")):
        return []
    return [FormRow(Kind.INDICATORS, place, plain_name(own), cells, group=plain_name(groups["first"]))]
