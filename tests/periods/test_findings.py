"""The rules: what is implausible in a sheet or in the figures is found with its rule, place and both numbers."""

from exchange_db.figure_findings import Finding, FindingRow
from exchange_db.regions import subtree
from hub.statistics.findings import PlausibilityDesk
from hub.statistics.plausibility import Rule
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY, PROVINCE, STANDARD, a_cell, a_sheet
from tests.support.clock import at
from tests.support.periods import City

_CELL = ("hw01", f"{STANDARD}|E|0203", "01")


def _desk(city: City) -> PlausibilityDesk:
    return PlausibilityDesk(city.ledger, city.calendar, city.clock)


async def _found(city: City, *, is_open: bool = True) -> list[FindingRow]:
    june = city.calendar.parse("2020-06")
    region = city.settings.hub.id[:6]
    return await _desk(city).findings(subtree(int(region)), region, june, june, is_open=is_open)


def _told(rows: list[FindingRow]) -> set[tuple[str, str, int, int, bool]]:
    found: list[Finding] = [row.finding for row in rows]
    return {(one.rule, one.counter, one.value, one.other_value, one.is_doubt) for one in found}


async def test_a_sheet_out_of_order_is_found_with_both_numbers_and_gone_when_it_is_mended(province: City) -> None:
    definition = province.calendar.definition_ref
    wrong = a_cell(total=10, done=8, on_time=6, disposed=3, disposed_on_time=4)
    await apply_records(province.ledger, a_sheet(wrong, definition_ref=definition), hub_id=PROVINCE)
    checked = await _desk(province).run()
    assert checked.sheet_count == 1
    (row,) = [row for row in await _found(province) if row.finding.rule == Rule.ORDER]
    one = row.finding
    assert (one.region, one.kind, one.first_day, one.reporter_id) == (431221, "month", 20200601, CITY)
    assert (one.unit_code, one.class_key, one.source_code) == _CELL
    assert (one.counter, one.value, one.other, one.other_value) == ("disposed_on_time", 4, "disposed", 3)
    mended = a_cell(
        total=10, done=8, on_time=6, disposed=4, disposed_on_time=4, dispatched=9, filed=9, accepted=9, reported=9
    )
    await apply_records(province.ledger, a_sheet(mended, revision=2, definition_ref=definition), hub_id=PROVINCE)
    await _desk(province).run()
    assert await _found(province) == []
    gone = await _found(province, is_open=False)
    assert {row.finding.rule for row in gone} == {Rule.ORDER, Rule.STEPS}
    assert all(row.gone_time is not None for row in gone)


async def test_steps_are_compared_summed_from_the_beginning_only(province: City) -> None:
    definition = province.calendar.definition_ref
    may = a_cell(total=9, accepted=9, reported=9, filed=9, dispatched=9)
    june = a_cell(total=0, disposed=9, closed=9)
    july = a_cell(total=0, closed=1)
    for month, cell in ((202005, may), (202006, june), (202007, july)):
        await apply_records(province.ledger, a_sheet(cell, month=month, definition_ref=definition), hub_id=PROVINCE)
    await _desk(province).run()
    assert await _found(province) == []
    july_period = province.calendar.parse("2020-07")
    rows = await _desk(province).findings(subtree(430000), "430000", july_period, july_period)
    assert _told(rows) == {(Rule.STEPS, "closed", 10, 9, True)}


async def test_two_reporters_other_definitions_and_early_locks_are_found(province: City) -> None:
    definition = province.calendar.definition_ref
    early = a_sheet(a_cell(total=4), is_locked=True, cutoff_time=at("2020-06-20"), definition_ref=definition)
    other = a_sheet(a_cell(total=5), reporter_id="431221.platform", definition_ref=definition)
    strange = a_sheet(a_cell(total=5), region=431222, definition_ref="sanji-counts/2+24h")
    for sheet in (early, other, strange):
        await apply_records(province.ledger, sheet, hub_id=PROVINCE)
    await _desk(province).run()
    found = _told(await _found(province))
    assert (Rule.REPORTERS, "total", 4, 5, False) in found
    assert (Rule.REPORTERS, "total", 5, 4, False) in found
    assert (Rule.DEFINITION, "sanji-counts/2+24h", 0, 0, False) in found
    (cutoff,) = [one for one in found if one[0] == Rule.CUTOFF]
    assert cutoff[2:4] == (at("2020-06-20"), at("2020-07-01T00:00:00+08:00"))
    again = a_sheet(
        a_cell(total=6), revision=2, is_locked=True, cutoff_time=at("2020-07-02"), definition_ref=definition
    )
    await apply_records(province.ledger, again, hub_id=PROVINCE)
    await _desk(province).run()
    assert (Rule.LOCK, "total", 6, 4, True) in _told(await _found(province))


async def test_a_sheet_is_compared_with_the_cases_held_here(city: City) -> None:
    await city.apply(*a_closed_case("1"), *a_dispatched_case("2"))
    theirs = a_cell(total=3, done=0, on_time=0)
    sheet = a_sheet(theirs, reporter_id="431221.platform", definition_ref="sanji-counts/1")
    await apply_records(city.ledger, sheet, hub_id=CITY)
    await _desk(city).run()
    assert _told(await _found(city)) == {
        (Rule.LEDGER, "total", 3, 2, True),
        (Rule.LEDGER, "done", 0, 1, False),
        (Rule.LEDGER, "on_time", 0, 1, False),
        (Rule.LEDGER, "dispatched_on", 0, 1, False),
        (Rule.LEDGER, "reported", 0, 2, False),
    }


async def test_own_figures_out_of_order_and_days_that_do_not_add_up_are_found(city: City) -> None:
    await city.apply(*a_closed_case("1"))
    await _desk(city).run()
    assert await _found(city) == []
    async with city.ledger.write() as session:
        await session.driver.execute("UPDATE figures SET done = 3 WHERE month = 202006")
        await session.driver.execute("UPDATE figure_changes SET changed_time = clock_timestamp()")
    await _desk(city).run()
    assert _told(await _found(city)) == {
        (Rule.ORDER, "done", 3, 1, False),
        (Rule.DAYS_SUM, "done", 1, 3, False),
    }
    async with city.ledger.write() as session:
        await session.driver.execute("UPDATE figures SET done = 1 WHERE month = 202006")
    await _desk(city).run()
    assert await _found(city) == []
