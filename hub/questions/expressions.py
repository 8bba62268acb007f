"""A plan as one Ibis expression over the relation ``facts``; every engine gets it in its own SQL. Pure.

Keys and sums are whole numbers and texts, so that all engines say the same; rates, hours and order are computed from
them in ``hub.questions.answers``. Importing this takes most of a second: whoever never asks a question does not.
"""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

import ibis

from exchange_db.question_facts import FACTS
from exchange_db.regions import Regions, spans_of
from hub.questions.planning import Condition, Plan
from hub.questions.vocabulary import TIMELINESS, Dimension

_IBIS_KINDS = {"text": "string", "int": "int32", "bigint": "int64"}
#: The relation every engine has, see ``exchange_db.question_facts``.
SCHEMA = {name: _IBIS_KINDS[kind] for name, kind in FACTS.items()}
_ON_TIME, _LATE, _OPEN = (choice.name for choice in TIMELINESS)

#: Dimensions made of several facts; ``day`` is the day of the time the question goes by.
_MADE: dict[str, Callable[[Any, Any], Any]] = {
    "city": lambda facts, _: facts.region // 100 * 100,
    "province": lambda facts, _: facts.region // 10_000 * 10_000,
    "year": lambda _, day: day // 10_000,
    "quarter": lambda _, day: day // 10_000 * 10 + (day // 100 % 100 + 2) // 3,
    "month": lambda _, day: day // 100,
    "day": lambda _, day: day,
    "major": lambda facts, _: facts.class_code.substr(0, 2),
    "timeliness": lambda facts, _: ibis.cases((facts.on_time == 1, _ON_TIME), (facts.done == 1, _LATE), else_=_OPEN),
}


def expression(plan: Plan, regions: Regions, most: int) -> Any:
    """Returns the groups of a plan: its keys, then its sums, at most ``most`` and one more lines in no order.

    Args:
        plan: what is asked.
        regions: what the asker may see of what was asked for; no other case counts.
        most: lines that are wanted at most; whoever gets more knows that there are too many.
    """
    facts = ibis.table(SCHEMA, name="facts")
    day = facts[f"{plan.by}_day"]
    kept = [_any([facts.region.between(*span) for span in spans_of(regions)])]
    if plan.span is not None:
        kept.append(facts[f"{plan.span.time}_day"].between(plan.span.first_day, plan.span.last_day))
    kept += [_holds(condition, _of(condition.dimension, facts, day)) for condition in plan.conditions]
    keys = {f"key_{index}": _of(dimension, facts, day) for index, dimension in enumerate(plan.groups)}
    needed = {_column(part) for part in plan.parts} - {""}
    rows = facts.filter(kept).select(**keys, **{name: facts[name] for name in needed}, one=ibis.literal(1))
    sums = {f"part_{index}": _sum(part, rows) for index, part in enumerate(plan.parts)}
    groups = rows.group_by(list(keys)) if keys else rows
    return groups.aggregate(**sums).limit(most + 1)


def _of(dimension: Dimension, facts: Any, day: Any) -> Any:
    return facts[dimension.column] if dimension.column else _MADE[dimension.name](facts, day)


def _holds(condition: Condition, column: Any) -> Any:
    parts = [column.startswith(beginning) for beginning in condition.beginnings]
    parts += [column.between(*span) for span in condition.spans]
    if condition.keys:
        parts.append(column.isin(condition.keys))
    found = _any(parts)
    return ~found if condition.is_excluded else found


def _any(parts: list[Any]) -> Any:
    return reduce(or_, parts) if parts else ibis.literal(False)  # noqa: FBT003 — an SQL literal


def _column(part: str) -> str:
    if part == "count":
        return ""
    return part.rpartition("_")[0] if part not in FACTS else part


def _sum(part: str, rows: Any) -> Any:
    if part == "count":
        return rows.one.count()
    column, _, how = part.rpartition("_")
    if part in FACTS:
        return rows[part].sum()
    return {"sum": rows[column].sum, "count": rows[column].count, "median": rows[column].median}[how]()
