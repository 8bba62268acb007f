"""Spans of days: what months and days are put together, what is left at the end, and storms through apply and fold."""

import random
from collections import Counter

import pytest

from exchange_db import cases, figure_spans, figures, folding
from exchange_db.cases import CaseRow
from exchange_db.counting import CountingRules, last_day_of
from exchange_db.figure_spans import SpanCounts, SpanQuestion
from exchange_db.figures import Basis, Question
from exchange_db.records import COUNTERS, Counts
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from exchange_db.shares import CaseCounting, Changes
from hub.statistics.fold import FigureFold
from hub.statistics.rebuild import FigureRebuild
from tests.support.counted import ALL_RULES, a_random_row, counted

EVERYWHERE = Subtree(0, 999_999)


async def _count(ledger: Ledger, first: int, last: int, **changes: object) -> dict[str, SpanCounts]:
    question = SpanQuestion(**({"regions": EVERYWHERE, "first_day": first, "last_day": last} | changes))  # type: ignore[arg-type]
    async with ledger.read() as session:
        return {key.group: counts for key, counts in (await figure_spans.counts(session, question)).items()}


async def _storm(ledger: Ledger, rules: CountingRules, seed: int, count: int) -> list[CaseRow]:
    """Takes cases through steps as apply does, folding now and then; returns the cases as they stand."""
    source = random.Random(seed)
    counting = CaseCounting(rules)
    standing: dict[int, CaseRow] = {}
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        for _ in range(count // 50):
            changes: Changes = {}
            before = dict(standing)
            for number in (source.randrange(count // 3) for _ in range(50)):
                after = a_random_row(number, source)
                counting.add_step(changes, standing.get(number), after)
                standing[number] = after
            touched = {number for number in standing if standing[number] is not before.get(number)}
            async with connection.transaction() as session:
                new = [standing[number] for number in touched if number not in before]
                await cases.save(session, new, [standing[number] for number in touched if number in before])
                await folding.add_deltas(session, changes)
            if source.random() < 0.3:
                await FigureFold(ledger).run()
    return list(standing.values())


@pytest.mark.parametrize("rules", ALL_RULES)
async def test_after_a_storm_all_figures_are_what_the_cases_say(ledger: Ledger, rules: CountingRules) -> None:
    standing = await _storm(ledger, rules, 431_200, 3_000)
    found = await FigureRebuild(ledger, rules).check()
    assert (found.case_count, found.is_right, found.differences) == (len(standing), True, [])
    sums: Counter[str] = Counter()
    for cell, counts in counted(standing, rules).items():
        if 20200401 <= cell[1] <= 20200430:
            sums.update(counts)
    (april,) = (await _count(ledger, 20200401, 20200430)).values()
    assert {name: april.of(name) for name in COUNTERS} == {name: sums[name] for name in COUNTERS}
    await _adds_up(ledger)


async def _adds_up(ledger: Ledger) -> None:
    """Days add up to months, counties to the city, units, classes and sources to the whole: every counter."""
    for first, last in ((20200301, 20200430), (20200331, 20200402), (20200315, 20200420)):
        whole = (await _count(ledger, first, last))[""]
        for group in ("day", "month", "region", "unit", "class", "source"):
            lines = await _count(ledger, first, last, group_by=group)
            for name in COUNTERS:
                assert sum(line.of(name) for line in lines.values()) == whole.of(name), (group, name)
            if group in ("day", "month"):
                end = lines[max(lines)]
                assert (end.overdue, end.undispatched) == (whole.overdue, whole.undispatched)
            else:
                assert sum(line.overdue for line in lines.values()) == whole.overdue
                assert sum(line.undispatched for line in lines.values()) == whole.undispatched
    counties = [(await _count(ledger, 20200301, 20200430, regions=subtree(county)))[""] for county in (431221, 431222)]
    city = (await _count(ledger, 20200301, 20200430, regions=subtree(431200)))[""]
    assert counties[0].plus(counties[1]) == city


async def test_a_span_of_months_is_the_question_of_months(ledger: Ledger) -> None:
    await _storm(ledger, CountingRules(), 7, 600)
    async with ledger.read() as session:
        for month in (202003, 202004):
            by_month = await figures.counts(session, Question(EVERYWHERE, month, month), Basis.LEDGER)
            span = await figure_spans.counts(
                session, SpanQuestion(EVERYWHERE, month * 100 + 1, last_day_of(month)), Basis.LEDGER
            )
            assert [counts.counts for counts in span.values()] == list(by_month.values())


async def test_what_is_left_runs_on_over_spans_in_which_nothing_happens(ledger: Ledger) -> None:
    names = list(COUNTERS)
    fell, due = [0] * len(names), [0] * len(names)
    fell[names.index("fell_overdue")], due[names.index("dispatch_due")] = 2, 3
    later = [0] * len(names)
    later[names.index("disposed_overdue")] = later[names.index("disposed")] = 1
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await folding.add_deltas(
            session, {(431221, "hw01", "k", "s"): {20200110: fell, 20200111: due, 20200305: later}}
        )
    assert await _count(ledger, 20200201, 20200229) == {"": SpanCounts(Counts(), 2, 3)}
    await FigureFold(ledger).run()
    assert await _count(ledger, 20200201, 20200215) == {"": SpanCounts(Counts(), 2, 3)}
    (march,) = (await _count(ledger, 20200303, 20200310)).values()
    assert (march.of("closing_due"), march.of("disposal_due"), march.overdue) == (2, 2, 1)
    assert await _count(ledger, 20200101, 20200109) == {}
    by_month = await _count(ledger, 20200101, 20200331, group_by="month")
    assert {key: line.overdue for key, line in by_month.items()} == {"202001": 2, "202003": 1}


async def test_sheets_know_no_days(ledger: Ledger) -> None:
    async with ledger.read() as session:
        with pytest.raises(ValueError, match="days"):
            await figure_spans.counts(session, SpanQuestion(EVERYWHERE, 20200102, 20200103), Basis.SHEETS)
