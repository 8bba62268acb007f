"""The counting rule has two forms, a pure function and SQL; both must say the same of every case."""

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange_db import cases
from exchange_db.case_members import Wanted, members
from exchange_db.cases import CaseRow
from exchange_db.counting import CountingRules, day_bounds, day_number
from exchange_db.counting_sql import STOCKS, condition_of, counted_cells
from exchange_db.records import COUNTERS
from exchange_db.regions import Subtree
from exchange_db.session import Ledger
from exchange_db.shares import CellKey
from tests.support.counted import ALL_RULES, a_random_row, counted

EVERYWHERE = Subtree(0, 999_999)


async def _keep(ledger: Ledger, rows: list[CaseRow]) -> None:
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            await session.driver.execute("DELETE FROM cases")
            await cases.save(session, rows, [])


async def _in_sql(ledger: Ledger, rules: CountingRules) -> dict[CellKey, Counter[str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            f"SELECT region, day, unit_code, class_key, source_code, {', '.join(COUNTERS)}"
            f" FROM ({counted_cells(rules)}) counted"
        )
        return {
            (row[0], day_number(row[1]), row[2], row[3], row[4]): +Counter(dict(zip(COUNTERS, row[5:], strict=True)))
            for row in await cursor.fetchall()
        }


@pytest.mark.parametrize("rules", ALL_RULES)
async def test_both_forms_count_the_same_cells(ledger: Ledger, rules: CountingRules) -> None:
    source = random.Random(20_200_401)
    rows = [a_random_row(number, source) for number in range(6_000)]
    await _keep(ledger, rows)
    in_sql = {cell: counts for cell, counts in (await _in_sql(ledger, rules)).items() if counts}
    assert in_sql == counted(rows, rules)
    assert {name for counts in in_sql.values() for name in counts} == set(COUNTERS)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(source=st.randoms(use_true_random=False), size=st.integers(1, 12), rules=st.sampled_from(ALL_RULES))
def test_both_forms_agree_on_any_cases(
    database_url: str, source: random.Random, size: int, rules: CountingRules
) -> None:
    rows = [a_random_row(number, source) for number in range(size)]

    async def prove() -> None:
        async with Ledger(database_url, pool_size=0) as ledger:
            await _keep(ledger, rows)
            found = await _in_sql(ledger, rules)
        assert {cell: counts for cell, counts in found.items() if counts} == counted(rows, rules)

    asyncio.run(prove())


@pytest.mark.parametrize("rules", ALL_RULES)
async def test_the_cases_behind_a_number_are_as_many_as_the_number(ledger: Ledger, rules: CountingRules) -> None:
    source = random.Random(20_200_402)
    rows = [a_random_row(number, source) for number in range(700)]
    await _keep(ledger, rows)
    for first, last in ((20200301, 20200331), (20200401, 20200401), (20200401, 20200430)):
        sums: Counter[str] = Counter()
        until: Counter[str] = Counter()
        for cell, counts in counted(rows, rules).items():
            if first <= cell[1] <= last:
                sums.update(counts)
            if cell[1] <= last:
                until.update(counts)
        begin, end = day_bounds(first, last, rules)
        end_time = round(end.timestamp() * 1_000_000)
        for counter in (*COUNTERS, *STOCKS):
            wanted = Wanted(EVERYWHERE, condition_of(counter, rules), {"begin": begin, "end": end}, end_time)
            async with ledger.read() as session:
                found = (await members(session, wanted, 1_000, is_bounded=False)).rows
            number = sum(row.rework_count for row in found) if counter == "reworked" else len(found)
            assert number == _expected(counter, sums, until), (counter, first, last)


def _expected(counter: str, sums: Counter[str], until: Counter[str]) -> int:
    if counter not in STOCKS:
        return sums[counter]
    periods, stock = STOCKS[counter]
    return sum(sums[name] for name in periods) + sum(sign * until[name] for name, sign in stock)
