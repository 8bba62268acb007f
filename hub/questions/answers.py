"""What an engine gave, made into an answer: exact values, order, totals, and the table people see. Pure.

A total is computed from the sums of all groups, never from their rates. A median cannot be added up, so totals of
several groups have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any, NamedTuple

from exchange_db.regions import format_region
from hub.questions.errors import QuestionInvalid
from hub.questions.planning import Order, Plan
from hub.questions.question import Question
from hub.questions.vocabulary import BY, Key, Measure, Sums, Value, goes_by, is_percent, key_text

_NONE = {"zh": "（无）", "en": "(none)"}
_TOTAL = {"zh": "合计", "en": "Total"}


class Line(NamedTuple):
    """A group: its keys as the facts hold them, the sums it is made of, and the values of the measures."""

    keys: tuple[Key, ...]
    sums: Sums
    values: tuple[Value, ...]


class Answer(NamedTuple):
    """All that was asked, in order; ``total`` is over all groups, shown or not.

    ``read_time`` is when the facts were read, microseconds since 1970; ``source`` is ``ledger`` or ``archive``.
    """

    question: Question
    plan: Plan
    lines: tuple[Line, ...]
    total: tuple[Value, ...]
    group_count: int
    read_time: int
    source: str


class Cell(NamedTuple):
    """A cell of a table: the exact value, and how it is shown."""

    value: Value | str
    text: str


class Table(NamedTuple):
    """An answer as people read it; the first ``key_count`` columns are texts, all others numbers."""

    heads: tuple[str, ...]
    key_count: int
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]


def answered(
    question: Question, plan: Plan, rows: Sequence[tuple[Any, ...]], *, most: int, read_time: int, source: str
) -> Answer:
    """Makes an answer of what an engine gave.

    Raises:
        QuestionInvalid: there are more than ``most`` groups.
    """
    if len(rows) > most:
        raise QuestionInvalid(
            "group",
            f"超过 {most} 组，请缩小范围或减少分组",
            f"more than {most} groups; narrow the question or group by less",
        )
    lines = [_line(plan, row) for row in rows]
    # Without groups an engine gives one row of an empty period as well; with them it gives none.
    whole = _added(plan, [line.sums for line in lines])
    _sort(lines, len(plan.groups), plan.order)
    shown = lines if plan.pivot is not None or not plan.limit else lines[: plan.limit]
    total = tuple(measure.value(whole) for measure in plan.measures)
    return Answer(question, plan, tuple(shown), total, len(lines), read_time, source)


def _line(plan: Plan, row: tuple[Any, ...]) -> Line:
    keys = tuple(key if isinstance(key, str) else int(key) for key in row[: len(plan.groups)])
    given = row[len(plan.groups) :]
    sums = {part: _number(part, value) for part, value in zip(plan.parts, given, strict=True)}
    return Line(keys, sums, tuple(measure.value(sums) for measure in plan.measures))


def _number(part: str, value: Any) -> int | float | None:
    if part.endswith("_median"):
        return None if value is None else float(value)
    return int(value or 0)


def _added(plan: Plan, several: Sequence[Sums]) -> Sums:
    if len(several) == 1:
        return several[0]
    return {
        part: None if part.endswith("_median") else sum(int(sums[part] or 0) for sums in several) for part in plan.parts
    }


def _sort(lines: list[Line], group_count: int, orders: Sequence[Order]) -> None:
    lines.sort(key=lambda line: line.keys)
    for order in reversed(orders):
        lines.sort(key=_sorted_by(group_count, order.column), reverse=order.is_falling)


def _sorted_by(group_count: int, column: int) -> Any:
    if column < group_count:
        return lambda line: line.keys[column]
    index = column - group_count

    def compare(one: Line, other: Line) -> int:
        mine, theirs = one.values[index], other.values[index]
        if mine is None or theirs is None:
            return (mine is not None) - (theirs is not None)
        return (mine > theirs) - (mine < theirs)

    return cmp_to_key(compare)


def table_of(answer: Answer, language: str = "zh") -> Table:
    """Returns the table of an answer; with a pivot its values are columns, and each row has a total."""
    if answer.plan.pivot is None:
        return _flat(answer, language)
    return _pivoted(answer, answer.plan.pivot, language)


def _flat(answer: Answer, language: str) -> Table:
    plan = answer.plan
    heads = (*_key_heads(plan, language), *(_measure_head(plan, measure, language) for measure in plan.measures))
    rows = tuple((*_keys(plan, line.keys, language), *_values(plan, line.values)) for line in answer.lines)
    total = (*_total_keys(len(plan.groups), language), *_values(plan, answer.total)) if plan.groups else ()
    return Table(heads, len(plan.groups), rows, total)


def _pivoted(answer: Answer, pivot: int, language: str) -> Table:
    plan = answer.plan
    across = sorted({line.keys[pivot] for line in answer.lines})
    cells: dict[tuple[Key, ...], dict[Key, Line]] = {}
    for line in answer.lines:
        cells.setdefault((*line.keys[:pivot], *line.keys[pivot + 1 :]), {})[line.keys[pivot]] = line
    kept = plan._replace(groups=(*plan.groups[:pivot], *plan.groups[pivot + 1 :]))
    empty = tuple(0 if measure.rounding is None else None for measure in plan.measures)
    rows: list[tuple[Cell, ...]] = []
    for down in _downs(plan, pivot, cells):
        row = [*_keys(kept, down.keys, language)]
        for key in across:
            cell = cells[down.keys].get(key)
            row += _values(plan, cell.values if cell else empty)
        rows.append((*row, *_values(plan, down.values)))
    total = [*_total_keys(len(kept.groups), language)]
    for key in across:
        total += _values(plan, _line_of(plan, (), [line for line in answer.lines if line.keys[pivot] == key]).values)
    total += _values(plan, answer.total)
    heads = (*_key_heads(kept, language), *_pivot_heads(plan, pivot, across, language))
    return Table(heads, len(kept.groups), tuple(rows), tuple(total) if kept.groups else ())


def _downs(plan: Plan, pivot: int, cells: Mapping[tuple[Key, ...], Mapping[Key, Line]]) -> list[Line]:
    """Returns the rows of a pivoted table with their totals, in order; what sorts by the pivot itself sorts no row."""
    downs = [_line_of(plan, keys, list(across.values())) for keys, across in cells.items()]
    orders = [
        Order(order.column - (order.column > pivot), order.is_falling) for order in plan.order if order.column != pivot
    ]
    _sort(downs, len(plan.groups) - 1, orders)
    return downs[: plan.limit or None]


def _line_of(plan: Plan, keys: tuple[Key, ...], lines: list[Line]) -> Line:
    sums = _added(plan, [line.sums for line in lines])
    return Line(keys, sums, tuple(measure.value(sums) for measure in plan.measures))


def _pivot_heads(plan: Plan, pivot: int, across: list[Key], language: str) -> list[str]:
    names = [_measure_head(plan, measure, language) for measure in plan.measures]
    columns = [*(_shown(plan, pivot, key, language) for key in across), _TOTAL[language]]
    return [f"{column} {name}" if len(names) > 1 else column for column in columns for name in names]


def _key_heads(plan: Plan, language: str) -> list[str]:
    return [dimension.name_zh if language == "zh" else dimension.name_en for dimension in plan.groups]


def _measure_head(plan: Plan, measure: Measure, language: str) -> str:
    name = measure.name_zh if language == "zh" else measure.name_en
    if measure.metric is None:
        return name
    # The same counters over cases chosen by another time are another figure, and must not pass for this one.
    own = goes_by(measure.metric) == plan.by
    by = "" if own else f"（{BY[plan.by][0]}）" if language == "zh" else f" (by {BY[plan.by][1]})"
    return f"{measure.name} {name}{by}{' %' if is_percent(measure) else ''}"


def _shown(plan: Plan, index: int, key: Key, language: str) -> str:
    return key_text(plan.groups[index], key, language) or _NONE[language]


def _keys(plan: Plan, keys: tuple[Key, ...], language: str) -> Iterable[Cell]:
    for index, key in enumerate(keys):
        text = _shown(plan, index, key, language)
        yield Cell(text, text)


def _values(plan: Plan, values: tuple[Value, ...]) -> list[Cell]:
    return [Cell(value, measure.text(value)) for measure, value in zip(plan.measures, values, strict=True)]


def _total_keys(count: int, language: str) -> list[Cell]:
    words = [_TOTAL[language], *[""] * (count - 1)] if count else []
    return [Cell(word, word) for word in words]


def title_of(answer: Answer, language: str = "zh") -> str:
    """Returns what an answer is about: region, period and by which time, and where the facts come from."""
    plan, question = answer.plan, answer.question
    by = BY[plan.by][0 if language == "zh" else 1]
    span = "" if plan.span is None else f"{_date(plan.span.first_day)} – {_date(plan.span.last_day)}"
    source = {"ledger": ("台账", "ledger"), "archive": ("归档", "archive")}[answer.source][language != "zh"]
    region = question.region or format_region(0)
    return " · ".join(part for part in (region, span, by, source) if part)


def _date(day: int) -> str:
    return f"{day // 10_000}-{day // 100 % 100:02d}-{day % 100:02d}"
