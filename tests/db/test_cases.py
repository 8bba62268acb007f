"""Cases as they stand: written in bulk, read back the same, narrowed in the SQL."""

from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange_db import cases, tracing
from exchange_db.cases import COLUMNS, ActionRow, CaseFilter, CaseRow, CaseState, Section, SectionStep
from exchange_db.keys import case_key
from exchange_db.records import Action
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from exchange_db.tracing import StepTrail
from tests.support.builders import CITY, COUNTY, HOUR, OTHER_COUNTY, a_case_row, an_action
from tests.support.clock import NOON

NATION = subtree(0)


async def _save(ledger: Ledger, *, new: list[CaseRow] | None = None, changed: list[CaseRow] | None = None) -> None:
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            await cases.save(session, new or [], changed or [])


async def _load(ledger: Ledger, *rows: CaseRow) -> list[CaseRow]:
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            found = await cases.load(session, [(row.home_region, row.case_id) for row in rows])
    return [found[row.case_id] for row in rows]


async def _listed(ledger: Ledger, wanted: CaseFilter, limit: int = 100) -> list[str]:
    async with ledger.read() as session:
        return [row.case_no for row in await cases.listing(session, wanted, limit)]


_SMALL = st.integers(0, 32_767)
_MIDDLE = st.integers(0, 2_147_483_647)
_LARGE = st.integers(0, 2**62)
_TIMES = st.integers(1, 7_258_118_400_000_000)
_TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "home_region": st.integers(0, 999_999),
    "case_id": st.binary(min_size=16, max_size=16),
    "region": st.integers(0, 999_999),
    "reported_time": _TIMES,
    "x": st.floats(allow_nan=False, allow_infinity=False),
    "y": st.floats(allow_nan=False, allow_infinity=False),
}


def _strategy(field: msgspec.structs.FieldInfo) -> st.SearchStrategy[Any]:
    name = field.name
    if name in _KINDS:
        return _KINDS[name]
    if field.type is bool:
        return st.booleans()
    if field.type is str:
        return _TEXT
    if name.endswith("_time"):
        return st.just(0) | _TIMES
    if name.endswith("_inbox_id"):
        return _LARGE
    return _MIDDLE if name.endswith("_revision") else _SMALL


_ROWS = st.builds(CaseRow, **{field.name: _strategy(field) for field in msgspec.structs.fields(CaseRow)})


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROWS, min_size=1, max_size=5, unique_by=lambda row: row.case_id), data=st.data())
async def test_every_column_comes_back_as_it_was_written(
    ledger: Ledger, rows: list[CaseRow], data: st.DataObject
) -> None:
    async with ledger.write() as session:
        await session.driver.execute("DELETE FROM cases")
    await _save(ledger, new=rows)
    assert await _load(ledger, *rows) == rows
    changed = []
    for row in rows:
        other = data.draw(_ROWS)
        kept = (row.home_region, row.case_id, row.issuer_id, row.case_no)
        changed.append(CaseRow(*kept, *(getattr(other, name) for name in COLUMNS[4:])))
    await _save(ledger, changed=changed)
    assert await _load(ledger, *rows) == changed


async def test_people_read_the_same_row_as_the_hot_path(ledger: Ledger) -> None:
    row = a_case_row(deadline_time=NOON + 1, closed_time=NOON + HOUR, crs=1, x=109.944, y=27.44, is_supervised=True)
    await _save(ledger, new=[row])
    async with ledger.read() as session:
        assert await cases.find(session, row.home_region, row.case_id, subtree(431200)) == row


async def test_unknown_cases_are_not_loaded(ledger: Ledger) -> None:
    known = a_case_row("known")
    await _save(ledger, new=[known])
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        async with connection.transaction() as session:
            found = await cases.load(session, [(431221, known.case_id), (431221, case_key(COUNTY, "unknown"))])
    assert list(found) == [known.case_id]


async def test_a_case_that_somebody_else_wrote_meanwhile_raises(ledger: Ledger) -> None:
    await _save(ledger, new=[a_case_row()])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _save(ledger, new=[a_case_row()])


async def test_actions_are_united_by_their_id(ledger: Ledger) -> None:
    row = a_case_row()
    first, second = an_action(1), an_action(2, opinion="派发 <b>")

    async def add(*actions: Action) -> None:
        async with ledger.dedicated() as connection:
            await cases.prepare(connection.driver)
            async with connection.transaction() as session:
                await cases.add_actions(session, [ActionRow(row.home_region, row.case_id, one) for one in actions])

    await add(first)
    await add(second, first, second)
    await add(Action(first.action_id, "other", CITY, NOON))
    async with ledger.read() as session:
        assert await tracing.actions(session, row) == [first, second]


async def test_sections_keep_every_revision_that_took_effect(ledger: Ledger) -> None:
    row = a_case_row()
    written = [
        (5, SectionStep(Section.REPORT, 1, CaseState.FILED, NOON), COUNTY),
        (9, SectionStep(Section.REPORT, 3, CaseState.FILED, NOON + 2), COUNTY),
        (7, SectionStep(Section.ASSIGNMENT, 1, CaseState.DISPOSING, NOON + 1), CITY),
    ]
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await cases.add_sections(session, [cases.pack_section(431221, row.case_id, *one) for one in written])
    async with ledger.read() as session:
        trails = await tracing.steps(session, row)
    assert trails == [
        StepTrail(step.section, step.revision, origin_id, step.state, step.step_time)
        for _, step, origin_id in sorted(written)
    ]


async def test_a_reader_finds_nothing_outside_its_regions(ledger: Ledger) -> None:
    row = a_case_row()
    await _save(ledger, new=[row])
    async with ledger.read() as session:
        for visible, is_found in ((subtree(431221), True), (subtree(431222), False), (NATION, True)):
            assert bool(await cases.find(session, row.home_region, row.case_id, visible)) is is_found
            assert len(await cases.listing(session, CaseFilter(visible), 10)) == is_found


async def test_lists_are_narrowed_and_paged_newest_first(ledger: Ledger) -> None:
    rows = [
        a_case_row(
            f"{number}", reported_time=NOON + number // 2, state=1 + number % 2, handler_id=COUNTY * (number > 3)
        )
        for number in range(8)
    ]
    rows.append(a_case_row("other", OTHER_COUNTY, region=431222, reported_time=NOON))
    await _save(ledger, new=rows)
    county = subtree(431221)
    everything = await _listed(ledger, CaseFilter(county))
    by_age = sorted(rows[:8], key=lambda row: (row.reported_time, row.case_id), reverse=True)
    assert everything == [row.case_no for row in by_age]
    assert set(await _listed(ledger, CaseFilter(county, state=2))) == {"1", "3", "5", "7"}
    assert set(await _listed(ledger, CaseFilter(county, handler_id=COUNTY))) == {"4", "5", "6", "7"}
    within = CaseFilter(county, reported_from_time=NOON + 1, reported_before_time=NOON + 3)
    assert set(await _listed(ledger, within)) == {"2", "3", "4", "5"}
    assert await _listed(ledger, CaseFilter(Subtree(431222, 431299))) == ["other"]
    pages, after = [], None
    while page := await _listed(ledger, CaseFilter(county, after=after), limit=3):
        pages += page
        last = next(row for row in rows if row.case_no == page[-1])
        after = (last.reported_time, last.case_id)
    assert pages == everything


async def test_keys_are_the_same_in_the_database_and_outside(ledger: Ledger) -> None:
    row = a_case_row()
    await _save(ledger, new=[row])
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT case_id FROM cases")
        assert await cursor.fetchall() == [(UUID(bytes=row.case_id),)]
