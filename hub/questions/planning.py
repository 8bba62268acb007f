"""A question made exact: every word looked up, the period as days, what engines must add up. Pure.

Whatever an engine does, it does it from a ``Plan``; so one definition is asked of all of them.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from typing import NamedTuple

from exchange_db.question_facts import Span
from exchange_db.regions import Subtree, parse_region, subtree
from hub.questions.errors import QuestionInvalid
from hub.questions.question import MOST_GROUPS, Filter, Question
from hub.questions.vocabulary import (
    TIME_DIMENSIONS,
    Dimension,
    Key,
    Measure,
    Word,
    choice_named,
    dimension_named,
    measure_named,
    time_named,
    usual_time,
)

_MOMENT = re.compile(
    r"([0-9]{4})(?:-?(?:Q([1-4])|(0[1-9]|1[0-2])(?:-?(0[1-9]|[12][0-9]|3[01]))?))?\Z", re.ASCII | re.IGNORECASE
)
_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_LARGEST = 2**31 - 1
_MOST_VALUES, _MOST_VALUE_LETTERS, _MOST_FILTERS, _MOST_MEASURES = 200, 200, 20, 20
_MOST_LINES = 1_000_000


class Condition(NamedTuple):
    """A filter with its values as the facts hold them; of several any one holds, or none if ``is_excluded``."""

    dimension: Dimension
    keys: tuple[Key, ...]
    beginnings: tuple[str, ...]
    spans: tuple[Subtree, ...]
    is_excluded: bool


class Order(NamedTuple):
    """A column lines are sorted by: the number of a group, or of a measure after them."""

    column: int
    is_falling: bool


class Plan(NamedTuple):
    """A question that can be answered. ``parts`` are the sums that are needed, each once."""

    by: str
    span: Span | None
    conditions: tuple[Condition, ...]
    groups: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    parts: tuple[str, ...]
    pivot: int | None
    order: tuple[Order, ...]
    limit: int


def planned(question: Question) -> Plan:
    """Returns the plan of a question.

    Raises:
        QuestionInvalid: a word is not known or does not fit; says what is possible.
    """
    groups = _each(question.group, lambda name: dimension_named(name, "group"), "group")
    if len(groups) > MOST_GROUPS:
        raise QuestionInvalid("group", f"最多 {MOST_GROUPS} 个分组", f"at most {MOST_GROUPS} groups")
    asked = _each(question.measure, measure_named, "measure")
    if not 0 < len(asked) <= _MOST_MEASURES:
        raise QuestionInvalid(
            "measure", f"应有 1 至 {_MOST_MEASURES} 个度量", f"there must be 1 to {_MOST_MEASURES} measures"
        )
    by = time_named(question.by) if question.by else usual_time(asked)
    if len(question.where) > _MOST_FILTERS:
        raise QuestionInvalid("where", f"最多 {_MOST_FILTERS} 个条件", f"at most {_MOST_FILTERS} conditions")
    if not 0 <= question.limit <= _MOST_LINES:
        raise QuestionInvalid("limit", f"应为 0 至 {_MOST_LINES}", f"must be 0 to {_MOST_LINES}")
    parts = dict.fromkeys(("count", *(part for measure in asked for part in measure.parts)))
    return Plan(
        by,
        _span(by, question),
        tuple(_condition(one) for one in question.where),
        groups,
        asked,
        tuple(parts),
        _pivot(question.pivot, groups),
        tuple(_order(name, groups, asked) for name in question.order),
        question.limit,
    )


def _each(names: Iterable[str], look_up: Callable[[str], Word], field: str) -> tuple[Word, ...]:
    found = [look_up(name) for name in names]
    for word in found:
        if found.count(word) > 1:
            raise QuestionInvalid(field, f"{word.name_zh} 重复", f"{word.name} is named twice")
    return tuple(found)


def _span(by: str, question: Question) -> Span | None:
    if not (question.first or question.last):
        return None
    first = _days(question.first, "from")[0] if question.first else _FIRST_YEAR * 10_000 + 101
    last = _days(question.last, "to")[1] if question.last else _LAST_YEAR * 10_000 + 1231
    if first > last:
        raise QuestionInvalid("to", "截止早于起始", "ends before it begins")
    return Span(by, first, last)


def _days(text: str, field: str) -> tuple[int, int]:
    """Returns the first and last day a moment of the calendar stands for."""
    found = _MOMENT.match(text.strip())
    if not found or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise QuestionInvalid(
            field,
            f"“{text}”应为 2020、2020Q3、2020-07 或 2020-07-15",
            f'"{text}" must be like 2020, 2020Q3, 2020-07 or 2020-07-15',
        )
    year = int(found[1])
    quarter, month, day = (int(part) if part else 0 for part in found.groups()[1:])
    first, last = (month, month) if month else (3 * quarter - 2, 3 * quarter) if quarter else (1, 12)
    end = monthrange(year, last)[1]
    if day > end:
        raise QuestionInvalid(field, f"没有 {text} 这一天", f"there is no day {text}")
    return year * 10_000 + first * 100 + (day or 1), year * 10_000 + last * 100 + (day or end)


def _condition(wanted: Filter) -> Condition:
    if wanted.field in ("class", "类别", "小类") and not any("|" in value for value in wanted.values):
        # A bare code is meant whatever standard it is of.
        wanted = Filter("code", wanted.values, wanted.is_excluded)
    dimension = dimension_named(wanted.field, "where")
    if dimension.name in TIME_DIMENSIONS:
        raise QuestionInvalid(
            "where", f"{dimension.name_zh}请用起止时间限定", f"narrow {dimension.name} by the period (from, to)"
        )
    if not 0 < len(wanted.values) <= _MOST_VALUES or max(map(len, wanted.values)) > _MOST_VALUE_LETTERS:
        raise QuestionInvalid(
            dimension.name, f"应有 1 至 {_MOST_VALUES} 个取值", f"there must be 1 to {_MOST_VALUES} values"
        )
    keys: list[Key] = []
    beginnings: list[str] = []
    spans: list[Subtree] = []
    for value in wanted.values:
        choice = choice_named(dimension, value)
        if choice is not None:
            keys.append(choice.key)
        elif dimension.form == "region":
            spans.append(_region(dimension, value))
        elif dimension.form == "number":
            keys.append(_number(dimension, value))
        elif value.endswith("*"):
            beginnings.append(value[:-1])
        else:
            keys.append("" if value in ('""', "（无）", "(none)") else value)
    return Condition(dimension, tuple(keys), tuple(beginnings), tuple(spans), wanted.is_excluded)


def _region(dimension: Dimension, value: str) -> Subtree:
    try:
        return subtree(parse_region(value))
    except ValueError:
        raise QuestionInvalid(
            dimension.name, f"“{value}”不是六位行政区划代码", f'"{value}" is not a region code of six digits'
        ) from None


def _number(dimension: Dimension, value: str) -> int:
    if value.isascii() and value.isdigit() and int(value) <= _LARGEST:
        return int(value)
    raise QuestionInvalid(dimension.name, f"“{value}”应为整数", f'"{value}" must be a whole number')


def _pivot(name: str, groups: tuple[Dimension, ...]) -> int | None:
    if not name:
        return None
    dimension = dimension_named(name, "pivot")
    if dimension not in groups:
        raise QuestionInvalid(
            "pivot", f"{dimension.name_zh}须同时列入分组", f"{dimension.name} must be among the groups"
        )
    return groups.index(dimension)


def _order(text: str, groups: tuple[Dimension, ...], asked: tuple[Measure, ...]) -> Order:
    name = text.removeprefix("-")
    columns: tuple[Dimension | Measure, ...] = (*groups, *asked)
    for index, word in enumerate(columns):
        if name in (word.name, word.name_zh, *word.other_names):
            return Order(index, text.startswith("-"))
    shown = "、".join(word.name for word in columns)
    raise QuestionInvalid("order", f"没有列“{name}”，可用：{shown}", f'there is no column "{name}"; possible: {shown}')
