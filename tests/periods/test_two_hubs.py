"""A city and its province: zeros and retractions arrive, locked months say what was published, two people correct."""

from pathlib import Path

import pytest

from auth.approvals import Operation, State
from exchange_db import sheet_history
from exchange_db.records import Counts, Violated
from exchange_db.regions import Subtree
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.approvals.figure_operations import figure_operations
from hub.approvals.rights import host_party
from hub.sections.audit import ApprovalsPart
from hub.settings import Settings, TlsPart
from hub.statistics.locking import LockedSheets
from hub.statistics.sheets import Drawn, SheetDrawer
from tests.support.applied import a_closed_case, a_dispatched_case
from tests.support.audit_logs import AUTHORITY, HUBS
from tests.support.builders import CITY, DAY, HOUR, a_case, an_assignment
from tests.support.clock import NOON, at
from tests.support.periods import City, Mail

_ZHANG, _LI = (host_party(name, (name,), ApprovalsPart()) for name in ("zhang", "li"))
_JULY_5 = at("2020-07-05")


@pytest.fixture
def mail(city: City, province: City) -> Mail:
    return Mail(city.ledger, province.ledger)


@pytest.fixture
def drawer(city: City, mail: Mail) -> SheetDrawer:
    return SheetDrawer(city.ledger, CITY, 431200, city.calendar.definition_ref, mail.submit)


def _desk(city: City, folder: Path) -> ProposalDesk:
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
    (folder / "hub.key").write_bytes(HUBS[CITY].key)
    tls = TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key")
    settings = Settings(hub=city.settings.hub, tls=tls, periods=city.settings.periods)
    return ProposalDesk(
        city.ledger, settings, city.clock, figure_operations(city.calendar, city.corrections, city.locks)
    )


async def _by_two(desk: ProposalDesk, operation: Operation, name: str) -> tuple[State, str]:
    shown = await desk.propose(_ZHANG, operation, name, {"purpose": "月报更正"}, "月报更正")
    number = shown.proposal.proposal_id
    with pytest.raises(Violated, match="SELF_APPROVAL"):
        await desk.decide(_ZHANG, number, shown.digest, is_approved=True)
    await desk.decide(_LI, number, shown.digest, is_approved=True)
    ended = await desk.run(_ZHANG, number)
    return ended.state, ended.row.result


async def _sent(ledger: Ledger, month: int = 202006) -> dict[str, int]:
    """What the sheet in force says of each unit's total."""
    async with ledger.read() as session:
        found = await session.driver.execute(
            "SELECT unit_code, sum(total)::int FROM sheet_cells WHERE month = %s GROUP BY 1 ORDER BY 1", (month,)
        )
        return dict(await found.fetchall())


def _moved(case_no: str) -> tuple[object, str]:
    return a_case(case_no, assignment=an_assignment(2, unit_code="hw09", dispatched_time=NOON + HOUR)), CITY


async def test_a_cell_that_fell_to_nothing_arrives_as_zero(city: City, province: City, drawer: SheetDrawer) -> None:
    await city.apply(*a_dispatched_case("1"), *a_dispatched_case("2", unit_code="hw02"))
    await drawer.run()
    assert await _sent(province.ledger) == {"hw01": 1, "hw02": 1}
    await city.apply((a_case("1", assignment=an_assignment(2, unit_code="hw09", dispatched_time=NOON + HOUR)), CITY))
    await drawer.run()
    assert await _sent(province.ledger) == {"hw01": 0, "hw02": 1, "hw09": 1}
    async with province.ledger.read() as session:
        (last,) = await sheet_history.latest(session, Subtree(431221, 431221), 202006, 202006)
    assert last.revision == 2
    assert {key[0]: counts["total"] for key, counts in sheet_history.cells_of(last).items()}["hw01"] == 0


async def test_a_region_without_a_case_in_a_month_sends_an_empty_sheet(
    city: City, province: City, drawer: SheetDrawer
) -> None:
    await city.apply(*a_closed_case("1"))
    city.clock.now = at("2020-08-05")
    assert [frozen.period.name for frozen in await city.freezer.run()] == ["2020-06", "2020-07"]
    await drawer.run()
    async with province.ledger.read() as session:
        sheets = await sheet_history.latest(session, Subtree(431200, 431299), 202006, 202007)
    assert [(sheet.month, len(sheet_history.cells_of(sheet))) for sheet in sheets] == [(202006, 1), (202007, 0)]


async def test_a_locked_month_is_corrected_by_two_people_and_the_province_hears_of_it(
    city: City, province: City, mail: Mail, drawer: SheetDrawer, tmp_path: Path
) -> None:
    desk, locked = _desk(city, tmp_path), LockedSheets(city.ledger, city.calendar, mail.submit)
    await city.apply(*a_dispatched_case("1"), *a_dispatched_case("2"))
    await drawer.run()
    city.clock.now = _JULY_5
    await city.freezer.run()
    assert (await _by_two(desk, Operation.FIGURE_LOCK, "2020-06"))[0] is State.DONE
    assert (await locked.run(), await locked.run()) == (1, 0)
    assert (mail.sheets[-1].is_locked, mail.sheets[-1].revision) == (True, 2)
    await city.apply(*a_closed_case("1", close_requested_time=NOON + 3 * DAY)[2:])
    assert await drawer.run() == Drawn(0, 0)
    assert (await city.corrections.run(), await locked.run()) == (0, 0)
    state, result = await _by_two(desk, Operation.FIGURE_CORRECTION, "2020-06")
    assert (state, result) == (State.DONE, "2020-06 第 1 号修正已公布 / correction 1 published")
    assert await locked.run() == 1
    (cell,) = mail.sheets[-1].cells
    assert (cell.counts.done, mail.sheets[-1].is_locked, mail.sheets[-1].revision) == (1, True, 3)
    assert await _sent(province.ledger) == {"hw01": 2}
    with pytest.raises(Violated, match="CORRECTION_EMPTY"):
        await desk.propose(_ZHANG, Operation.FIGURE_CORRECTION, "2020-06", {}, "再次")
    assert (await _by_two(desk, Operation.FIGURE_UNLOCK, "2020-06"))[0] is State.DONE
    await drawer.run()
    assert [sheet.is_locked for sheet in mail.sheets if sheet.month == 202006] == [False, True, True, False]


async def test_what_changes_after_the_approval_is_not_published(city: City, tmp_path: Path) -> None:
    desk = _desk(city, tmp_path)
    await city.apply(*a_dispatched_case("1"), *a_dispatched_case("2"))
    city.clock.now = _JULY_5
    await city.freezer.run()
    await city.locks.lock(city.calendar.parse("2020-06"), "月报已报送")
    await city.apply(*a_closed_case("1")[2:])
    shown = await desk.propose(_ZHANG, Operation.FIGURE_CORRECTION, "2020-06", {}, "补结案")
    assert any("冻结后结案 closed_late" in line and "完成 +1" in line for line in shown.proposal.dry_run)
    await desk.decide(_LI, shown.proposal.proposal_id, shown.digest, is_approved=True)
    await city.apply(*a_closed_case("2")[2:])
    with pytest.raises(Violated, match="DRY_RUN_CHANGED"):
        await desk.run(_ZHANG, shown.proposal.proposal_id)
    assert await city.said("2020-06") != {}
    assert "done" not in await city.said("2020-06")


async def test_only_frozen_periods_are_locked_and_once(city: City) -> None:
    june = city.calendar.parse("2020-06")
    with pytest.raises(Violated, match="PERIOD_NOT_FROZEN"):
        await city.locks.lock(june, "")
    city.clock.now = _JULY_5
    await city.freezer.freeze(june)
    await city.locks.lock(june, "")
    with pytest.raises(Violated, match="PERIOD_LOCKED"):
        await city.locks.lock(june, "")
    await city.locks.unlock(june, "")
    with pytest.raises(Violated, match="PERIOD_NOT_LOCKED"):
        await city.locks.unlock(june, "")


async def test_the_province_freezes_what_it_was_sent_and_tells_later_sheets_apart(
    city: City, province: City, drawer: SheetDrawer
) -> None:
    await city.apply(*a_dispatched_case("1"))
    await drawer.run()
    city.clock.now = _JULY_5
    await province.freezer.run()
    assert (await province.said("2020-06"))["total"] == 1
    await city.apply(*a_closed_case("1")[2:])
    await drawer.run()
    ((reason, changed, case_count),) = await province.correct("2020-06")
    assert (reason, case_count) == ("sheet_revised", 0)
    assert (changed["done"], changed["closed"]) == (1, 1)
    assert Counts().total == 0
