"""Questions asked of plain Python: random cases, random questions, and the answer counted case by case.

What is counted is taken from ``CaseCounting``, the pure rule; days, codes and filters are worked out here anew, so
that no line of what is tested is used to test it.
"""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from exchange_db import cases
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.question_facts import TIMES
from exchange_db.records import COUNTERS, HandlingState, ReportState
from exchange_db.regions import Subtree
from exchange_db.session import Ledger
from exchange_db.shares import CaseCounting
from hub.questions.planning import Condition, Plan
from hub.questions.question import Filter, Question
from tests.support.builders import CITY, COUNTY, HOUR, OTHER_COUNTY, a_case_row
from tests.support.clock import NOON, at

_REGIONS = (431221, 431222, 431200, 430211, 430000)
_UNITS = ("", "hw01", "hw02", "城管,一队", 'a"b', "=1+1", "it's", "100%", "back\\slash", " hw01", "行\n尾")
_CLASSES = ("GB/T-30428.2-2013|E|0203", "GB/T-30428.2-2013|C|0101", "X|E|02", "GB/T-30428.2-2013|E|0299", "odd")
_SOURCES = ("collector", "hotline_12345", "01", "")
_EDGES = tuple(
    at(text)
    for text in (
        "2020-03-31T23:59:59+08:00", "2020-04-01T00:00:00+08:00", "2020-04-01T00:00:00.000001+08:00",
        "2019-12-31T16:00:00+00:00", "2020-12-31T15:59:59.999999+00:00", "2020-02-29T12:00:00+08:00",
    )
)  # fmt: skip


def random_rows(count: int, seed: int) -> list[CaseRow]:
    """Returns cases in every state, with moments on the edges of months and texts that quoting must survive."""
    source = random.Random(seed)

    def moment() -> int:
        return source.choice(_EDGES) if source.random() < 0.4 else NOON + source.randrange(-3_000, 3_000) * HOUR // 7

    def perhaps(chance: float) -> int:
        return moment() if source.random() < chance else 0

    def a_row(number: int) -> CaseRow:
        state = source.choice([CaseState.CLOSED, *CaseState])
        return a_case_row(
            f"{seed}-{number}",
            issuer_id=source.choice([COUNTY, OTHER_COUNTY]),
            region=source.choice(_REGIONS),
            state=state,
            class_key=source.choice(_CLASSES),
            source_code=source.choice(_SOURCES),
            unit_code=source.choice(_UNITS),
            handler_id=source.choice(["", COUNTY]),
            authority_id=CITY,
            is_self_handled=source.random() < 0.2,
            is_supervised=source.random() < 0.2,
            rework_count=source.choice([0, 0, 1, 3]),
            extension_count=source.choice([0, 0, 2]),
            appeal_state=source.choice([0, 0, 0, 1, 2, 3]),
            return_count=source.choice([0, 0, 1]),
            is_ruled=source.random() < 0.1,
            grid_code=source.choice(["", "431221001"]),
            report_state=source.choice([ReportState.FILED, ReportState.FILED, *ReportState]),
            handling_state=source.choice([0, *HandlingState]),
            accepted_time=perhaps(0.5),
            verified_time=perhaps(0.5),
            filed_time=perhaps(0.5),
            check_sent_time=perhaps(0.4),
            check_answered_time=perhaps(0.4),
            reported_time=moment(),
            deadline_time=perhaps(0.8),
            dispatched_time=perhaps(0.8),
            dispatched_on_time=perhaps(0.6),
            close_requested_time=perhaps(0.7),
            closed_time=perhaps(1.0 if state is CaseState.CLOSED else 0.3),
        )

    return [a_row(number) for number in range(count)]


async def keep_rows(ledger: Ledger, new: Iterable[CaseRow], changed: Iterable[CaseRow] = ()) -> None:
    """Writes cases into a ledger as apply does."""
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            await cases.save(session, list(new), list(changed))


_VALUES: dict[str, tuple[str, ...]] = {
    "region": ("431221", "431200", "430000", "000000"),
    "unit": ("hw01", "城管*", 'a"b', "it's", "100%", "back\\slash", '""', "1*", "no such"),
    "class": ("0203", "02*", "GB/T-30428.2-2013|E|0203", "GB*"),
    "code": ("0101", "0*"),
    "major": ("02", "01"),
    "kind": ("event", "部件"),
    "source": ("collector", "12345政务热线", "01"),
    "state": ("closed", "作废", "挂账", "merged"),
    "timeliness": ("及时", "late", "open"),
    "self_handled": ("yes", "否"),
    "reworks": ("1", "3"),
    "appeal": ("upheld", "none"),
    "weekday": ("1", "7"),
    "handler": (COUNTY,),
}
_GROUPS = (
    "region", "city", "province", "year", "quarter", "month", "day", "hour", "weekday", "unit", "grid", "class",
    "code", "major", "kind", "standard", "source", "state", "timeliness", "handler", "self_handled", "supervised",
    "extensions",
)  # fmt: skip
_MEASURES = ("count", *COUNTERS, "F1", "F2", "F3", "mean_hours", "median_hours", "mean_closing_hours",
             "median_closing_hours")  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Draws a question whose words are all known."""
    fields = draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=3, unique=True))
    where = tuple(
        Filter(
            field,
            tuple(draw(st.lists(st.sampled_from(_VALUES[field]), min_size=1, max_size=2, unique=True))),
            draw(st.booleans()),
        )
        for field in fields
    )
    first, last = draw(
        st.sampled_from([("", ""), ("2020", "2020"), ("2020-03", "2020Q2"), ("2020-04-01", ""), ("", "2020-03-31")])
    )
    return Question(
        region=draw(st.sampled_from(["000000", "430000", "431200", "431221"])),
        first=first,
        last=last,
        by=draw(st.sampled_from(["", *TIMES])),
        where=where,
        group=tuple(draw(st.lists(st.sampled_from(_GROUPS), max_size=3, unique=True))),
        measure=tuple(draw(st.lists(st.sampled_from(_MEASURES), min_size=1, max_size=4, unique=True))),
    )


def counted(plan: Plan, rows: Iterable[CaseRow], rules: CountingRules, regions: Subtree) -> set[tuple[Any, ...]]:
    """Returns the groups of a plan as (keys, sums), counted in plain Python."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        facts = _facts(row, rules)
        day = facts[f"{plan.by}_day"]
        if row.region not in regions or (plan.span and not plan.span.first_day <= day <= plan.span.last_day):
            continue
        if all(_holds(condition, _of(condition.dimension.name, facts, day)) for condition in plan.conditions):
            groups.setdefault(tuple(_of(one.name, facts, day) for one in plan.groups), []).append(facts)
    if not plan.groups:
        groups.setdefault((), [])
    return {(keys, tuple(_sum(part, members) for part in plan.parts)) for keys, members in groups.items()}


def _facts(row: CaseRow, rules: CountingRules) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(row, name) for name in row.__struct_fields__}
    facts |= dict.fromkeys(COUNTERS, 0)
    for _, marks in CaseCounting(rules).shares(row):
        for mark in marks:
            facts[COUNTERS[mark]] += 1
    facts |= {f"{name}_day": _day(getattr(row, column), rules) for name, column in TIMES.items()}
    reported = _local(row.reported_time, rules)
    facts |= {"hour": reported.hour, "weekday": reported.isoweekday()}
    codes = [*row.class_key.split("|"), "", ""]
    facts |= {"standard": codes[0], "kind": codes[1], "code": codes[2]}
    for name, first, last in (
        ("disposal_time", row.dispatched_time, row.close_requested_time),
        ("closing_time", row.reported_time, row.closed_time),
    ):
        facts[name] = last - first if first and last and last >= first else None
    return facts


def _local(moment: int, rules: CountingRules) -> datetime:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment - (not rules.is_midnight_next_month))
    return instant.astimezone(ZoneInfo(rules.zone))


def _day(moment: int, rules: CountingRules) -> int:
    return int(_local(moment, rules).strftime("%Y%m%d")) if moment else 0


_LETTERS = {"year": 4, "month": 6, "day": 8}
_COLUMNS = {
    "unit": "unit_code", "class": "class_key", "source": "source_code", "handler": "handler_id", "grid": "grid_code",
    "self_handled": "is_self_handled", "supervised": "is_supervised", "reworks": "rework_count",
    "extensions": "extension_count", "appeal": "appeal_state",
}  # fmt: skip


def _of(name: str, facts: dict[str, Any], day: int) -> Any:
    if name in _LETTERS:
        return int(str(day)[: _LETTERS[name]])
    made = {
        "city": facts["region"] - facts["region"] % 100,
        "province": facts["region"] - facts["region"] % 10_000,
        "quarter": int(str(day)[:4]) * 10 + (int(str(day)[4:6]) + 2) // 3 if day else 0,
        "major": facts["code"][:2],
        "timeliness": "on_time" if facts["on_time"] else "late" if facts["done"] else "open",
    }
    value = made[name] if name in made else facts[_COLUMNS.get(name, name)]
    return int(value) if isinstance(value, int) else value


def _holds(condition: Condition, value: Any) -> bool:
    found = (
        value in condition.keys
        or any(value.startswith(beginning) for beginning in condition.beginnings)
        or any(value in span for span in condition.spans)
    )
    return found is not condition.is_excluded


def _sum(part: str, members: list[dict[str, Any]]) -> Any:
    if part == "count":
        return len(members)
    column, _, how = part.rpartition("_")
    if column not in ("disposal_time", "closing_time"):
        return sum(facts[part] for facts in members)
    known = [facts[column] for facts in members if facts[column] is not None]
    if how == "median":
        return float(median(known)) if known else None
    return sum(known) if how == "sum" else len(known)
