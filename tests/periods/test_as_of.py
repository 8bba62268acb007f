"""What was said on a date: sheets of then, frozen numbers, corrections as they were published one by one."""

from datetime import UTC, datetime, timedelta

import pytest

from exchange_db.records import Violated
from exchange_db.regions import subtree
from hub.statistics.as_of import Origin, PastReader, Said, moment_in
from hub.statistics.sheets import SheetDrawer
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case
from tests.support.builders import CITY
from tests.support.clock import at
from tests.support.periods import City, Mail

_ZONE = "Asia/Shanghai"


async def _asked(city: City, on: str, period: str = "2020-06", group_by: str = "", region: str = "431200") -> Said:
    reader = PastReader(city.ledger, city.calendar, city.clock)
    moment = moment_in(on, _ZONE)
    return await reader.as_of(subtree(431200), region, city.calendar.parse(period), moment, group_by)


async def _taken(city: City, revision: int, day: str) -> None:
    """Says when a sheet was taken, as the database's clock cannot be set."""
    async with city.ledger.write() as session:
        await session.driver.execute(
            "UPDATE sheet_revisions SET taken_time = %s WHERE revision = %s",
            (datetime.fromisoformat(f"{day}T12:00:00+08:00"), revision),
        )


async def test_every_day_tells_what_was_said_then(city: City) -> None:
    drawer = SheetDrawer(city.ledger, CITY, 431200, city.calendar.definition_ref, Mail(city.ledger).submit)
    await city.apply(*a_dispatched_case("1"))
    await drawer.run()
    await city.apply(*a_dispatched_case("2", unit_code="hw02"))
    await drawer.run()
    await _taken(city, 1, "2020-06-16")
    await _taken(city, 2, "2020-06-20")
    city.clock.now = at("2020-07-05T08:00:00+08:00")
    await city.freezer.run()
    city.clock.now = at("2020-07-08T08:00:00+08:00")
    await city.apply(*a_closed_case("1")[2:])
    await city.corrections.run()
    city.clock.now = at("2020-07-10T08:00:00+08:00")
    await city.apply(*a_filed_case("late"))
    await city.corrections.run()
    days = ("2020-06-16", "2020-06-19", "2020-06-20", "2020-07-05", "2020-07-07", "2020-07-08", "2020-07-10")
    said = [await _asked(city, day) for day in days]
    told = [(one.origin, one.revision, one.counts[""].counts.total, one.counts[""].counts.done) for one in said]
    assert told == [
        (Origin.SHEETS, 0, 1, 0),
        (Origin.SHEETS, 0, 1, 0),
        (Origin.SHEETS, 0, 2, 0),
        (Origin.FROZEN, 1, 2, 0),
        (Origin.FROZEN, 1, 2, 0),
        (Origin.FROZEN, 2, 2, 1),
        (Origin.FROZEN, 3, 2, 1),
    ]
    assert [one.counts[""].overdue for one in said[:4]] == [1, 1, 2, 2]
    assert (said[-1].counts[""].counts.reported, len(said[-1].corrections)) == (3, 2)
    assert [sheet.revision for sheet in said[0].sheets] == [1]
    by_unit = await _asked(city, "2020-07-05", group_by="unit")
    assert {key: one.counts.total for key, one in by_unit.counts.items()} == {"hw01": 1, "hw02": 1}
    assert (await _asked(city, "2020-07-05", region="431222")).counts[""].counts.total == 0


async def test_before_anything_was_said_there_is_no_answer(city: City) -> None:
    await city.apply(*a_dispatched_case("1"))
    with pytest.raises(Violated, match="NOTHING_SAID"):
        await _asked(city, "2020-06-10")
    now = (datetime.fromtimestamp(city.clock() / 1_000_000, UTC) + timedelta(seconds=1)).isoformat()
    said = await _asked(city, now, "2020-W25")
    assert (said.origin, said.counts[""].counts.total) == (Origin.LEDGER, 1)


async def test_questions_that_cannot_be_answered_are_refused_in_words(city: City) -> None:
    for wrong, reason in (
        ({"region": "430000"}, "REGION_FORBIDDEN"),
        ({"region": "x"}, "REGION_INVALID"),
        ({"group_by": "colour"}, "ARGUMENT_INVALID"),
        ({"period": "2020-13"}, "PERIOD_INVALID"),
        ({"on": "2020-02-30"}, "DATE_INVALID"),
        ({"on": "2020-07-01T08:00:00"}, "DATE_INVALID"),
    ):
        with pytest.raises(Violated, match=reason):
            await _asked(city, **{"on": "2020-07-05"} | wrong)
