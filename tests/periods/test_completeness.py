"""Who has sent what: on time, late, revised, locked, missing; and the runs that write it down."""

from datetime import datetime

import psycopg

from exchange_db import figure_runs, migrate, sheet_history
from exchange_db.records import COUNTERS
from exchange_db.regions import subtree
from exchange_db.session import driver_url
from hub.statistics.completeness import Completeness, Matrix, SheetState, usual_months
from hub.statistics.gathering import Gathering
from tests.support.applied import apply_records
from tests.support.builders import CITY, PROVINCE, a_cell, a_sheet
from tests.support.clock import at
from tests.support.neighbours import enrolled
from tests.support.periods import City

_OTHER_CITY = "430100.hub"


async def _send(province: City, day: str, **sheet: object) -> None:
    """Has the province take a sheet, on a day of its database's clock."""
    await apply_records(province.ledger, a_sheet(a_cell(), **sheet), hub_id=PROVINCE)
    async with province.ledger.write() as session:
        await session.driver.execute(
            "UPDATE sheet_revisions SET taken_time = %s WHERE taken_time > '2025-01-01Z'",
            (datetime.fromisoformat(f"{day}T12:00:00+08:00"),),
        )


async def _matrix(province: City, first: str = "2020-05", last: str = "2020-07") -> Matrix:
    looking = Completeness(province.ledger, province.calendar, province.clock)
    parse = province.calendar.parse
    return await looking.matrix(subtree(430000), "430000", parse(first), parse(last))


async def test_every_sheet_is_in_the_state_it_came_in(province: City) -> None:
    await enrolled(province.ledger, _OTHER_CITY)
    may, june = {"month": 202005}, {"month": 202006}
    await _send(province, "2020-06-02", region=431221, **may)
    await _send(province, "2020-07-02", region=431221, **june)
    await _send(province, "2020-07-09", region=431221, revision=2, **june)
    await _send(province, "2020-07-02", region=431222, revision=1, **june)
    await _send(province, "2020-07-03", region=431222, revision=2, is_locked=True, **june)
    await _send(province, "2020-07-08", region=431223, definition_ref="sanji-counts/1+check", **june)
    province.clock.now = at("2020-07-20")
    matrix = await _matrix(province)
    assert [month.name for month in matrix.months] == ["2020-05", "2020-06", "2020-07"]
    assert {row.region: [cell.state for cell in row.cells] for row in matrix.rows} == {
        430100: [SheetState.MISSING, SheetState.MISSING, SheetState.WAITING],
        431221: [SheetState.ON_TIME, SheetState.REVISED, SheetState.WAITING],
        431222: [SheetState.UNEXPECTED, SheetState.LOCKED, SheetState.WAITING],
        431223: [SheetState.UNEXPECTED, SheetState.LATE, SheetState.WAITING],
    }
    late = matrix.rows[-1].cells[1]
    assert (late.revision, late.is_comparable) == (1, False)
    assert matrix.numbers[SheetState.MISSING] == 2
    assert matrix.rows[0].reporter_id == _OTHER_CITY


async def test_a_province_that_was_down_looks_at_each_month_it_missed(province: City) -> None:
    await enrolled(province.ledger, _OTHER_CITY)
    for month in (202005, 202006, 202007):
        await _send(province, "2020-06-05", region=431221, month=month)
    gathering = Gathering(province.ledger, province.calendar, province.clock)
    province.clock.now = at("2020-06-01T20:00:00+08:00")
    assert await gathering.run() == []
    province.clock.now = at("2020-08-10T08:00:00+08:00")
    assert [(one.period.name, one.sent_count, one.missing_count) for one in await gathering.run()] == [
        ("2020-05", 1, 1), ("2020-06", 1, 1), ("2020-07", 1, 1),
    ]  # fmt: skip
    assert await gathering.run() == []
    async with province.ledger.read() as session:
        runs = await figure_runs.listing(session, "gather", 10)
    assert [run.first_day for run in reversed(runs)] == [20200501, 20200601, 20200701]
    may = runs[-1]
    assert (may.inputs, may.result["missing"]) == ({"sheets": [[431221, CITY, 1]]}, [[430100, _OTHER_CITY]])
    assert may.planned_time.isoformat() == "2020-06-01T16:00:00+00:00"
    assert may.ended_time is not None
    assert may.trouble == ""


async def test_old_revisions_are_thinned_out_to_the_last_of_a_day(province: City) -> None:
    days = ("2020-06-02", "2020-06-03", "2020-06-03", "2020-06-03", "2020-06-04")
    for revision, day in enumerate(days, start=1):
        await _send(province, day, region=431221, revision=revision)
    async with province.ledger.write() as session:
        await session.driver.execute("UPDATE sheet_revisions SET checked_time = taken_time")
    province.clock.now = at("2020-07-20")
    assert await Gathering(province.ledger, province.calendar, province.clock).thin() == 2
    async with province.ledger.read() as session:
        (trail,) = await sheet_history.trails(session, subtree(431221), 202006, 202006)
    assert (trail.revision, [moment.day for moment in trail.taken_times]) == (5, [2, 3, 4])


def test_sheets_taken_before_there_was_a_history_are_its_beginning(database_url: str) -> None:
    migrate.downgrade(database_url, "0028")
    with psycopg.connect(driver_url(database_url)) as connection:
        connection.execute(
            "INSERT INTO figure_sheets SELECT 431221, 202006, '431200.hub', 3, 'sanji-counts/1', '2020-07-01Z',"
            " false, 7"
        )
        connection.execute(
            "INSERT INTO sheet_cells (reporter_id, region, month, unit_code, class_key, source_code, "
            + ", ".join(COUNTERS)
            + ") SELECT '431200.hub', 431221, 202006, '环卫', 'k', '01', 5"
            + ", 0" * (len(COUNTERS) - 1)
        )
    migrate.upgrade(database_url)
    with psycopg.connect(driver_url(database_url)) as connection:
        columns = ", ".join(sheet_history.SheetRevision._fields)
        (row,) = connection.execute(f"SELECT {columns} FROM sheet_revisions").fetchall()
    sheet = sheet_history.SheetRevision(*row)
    assert (sheet.revision, sheet.taken_time) == (3, sheet.cutoff_time)
    assert sheet_history.cells_of(sheet)["环卫", "k", "01"]["total"] == 5


def test_the_usual_months_are_the_last_twelve(province: City) -> None:
    first, last = usual_months(province.calendar, at("2020-06-15"))
    assert (first.name, last.name) == ("2019-07", "2020-06")
