"""Lists of cases somebody must look at: each holds what it should, in the reader's regions, page by page."""

from pathlib import Path
from typing import Any

import pytest

from exchange_db import cases, documents
from exchange_db.document_records import DocumentKind, SubjectCase
from exchange_db.followup_lists import Place, Selector
from exchange_db.keys import case_key
from exchange_db.records import AssignmentState, CheckState, Decision, HandlingState, ReportState, RequestKind, Violated
from exchange_db.regions import Regions, subtree
from exchange_db.session import Ledger
from hub.followup.lists import ListDesk
from hub.followup.making import make_followup
from hub.sections.evidence import EvidencePart
from hub.sections.followup import FollowupPart
from hub.settings import HubPart, Settings
from tests.support.applied import Written, a_dispatched_case, a_filed_case, apply_records, apply_waiting
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    HOUR,
    OTHER_COUNTY,
    PROVINCE,
    a_case,
    a_handling,
    a_report,
    a_verdict,
    an_assignment,
)
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled

HERE = subtree(431200)
GRANTED = Decision(RequestKind.SUSPENSION, NOON, is_granted=True, approver_ref="a", second_approver_ref="b")


def _settings(folder: Path, part: FollowupPart) -> Settings:
    return Settings(hub=HubPart(id=CITY, name="怀化"), followup=part, evidence=EvidencePart(folder=folder / "store"))


@pytest.fixture
def desk(ledger: Ledger, clock: FakeClock, tmp_path: Path) -> ListDesk:
    """The desk of the city's hub, three days after the cases began."""
    clock.advance(days=3)
    return make_followup(_settings(tmp_path, FollowupPart()), ledger, clock).lists


def _handled(case_no: str, **changes: Any) -> Written:
    return (a_case(case_no, handling=a_handling(**changes)), COUNTY)


def _scene() -> list[Written]:
    suspended: dict[str, Any] = {
        "state": AssignmentState.SUSPENDED, "revision": 2, "reason": "产权不清", "suspended_time": NOON + HOUR,
        "decision": GRANTED,
    }  # fmt: skip
    return [
        *a_filed_case("waits"),
        *a_filed_case("fresh", reported_time=NOON + 3 * DAY - HOUR),
        *a_filed_case("from-above", source_code="leader", reported_time=NOON + 3 * DAY - HOUR),
        *a_dispatched_case("late"),
        *a_dispatched_case("in-time", deadline_time=NOON + 9 * DAY),
        *a_dispatched_case("elsewhere", deadline_time=NOON + 9 * DAY, handler_id=OTHER_COUNTY),
        *a_dispatched_case("to-the-city", deadline_time=NOON + 9 * DAY, handler_id="431200.platform"),
        *a_dispatched_case("reworked", deadline_time=NOON + 9 * DAY),
        _handled("reworked"),
        (a_case("reworked", verdict=a_verdict(state=CheckState.FAILED)), CITY),
        *a_dispatched_case("sent-back", deadline_time=NOON + 9 * DAY),
        _handled("sent-back", state=HandlingState.RETURNED),
        *a_dispatched_case("hangs", deadline_time=NOON + 9 * DAY),
        (a_case("hangs", assignment=an_assignment(suspended_until_time=NOON + 90 * DAY, **suspended)), CITY),
        *a_dispatched_case("hung-out", deadline_time=NOON + 9 * DAY),
        (a_case("hung-out", assignment=an_assignment(suspended_until_time=NOON + 2 * DAY, **suspended)), CITY),
        *a_dispatched_case("closed"),
        _handled("closed"),
        (a_case("closed", verdict=a_verdict()), CITY),
    ]


async def _listed(desk: ListDesk, selector: Selector, regions: Regions = HERE) -> list[str]:
    page = await desk.page(selector, regions, None, 100)
    assert page.next_place is None
    return sorted(row.case_no for row in page.rows)


async def test_each_list_holds_what_it_should_and_nothing_else(desk: ListDesk, ledger: Ledger) -> None:
    await apply_records(ledger, *_scene())
    wanted = {
        Selector.OVERDUE: ["late"],
        Selector.REOPENED: ["reworked"],
        Selector.DISPUTED: [],
        Selector.UPPER_TIER: ["from-above"],
        Selector.SUSPENDED: ["hangs", "hung-out"],
        Selector.SUSPENSION_ENDING: ["hung-out"],
        Selector.UNSENT: ["sent-back", "waits"],
        Selector.RETURNED: ["sent-back"],
        Selector.MISDISPATCHED: ["elsewhere"],
    }
    assert {selector: await _listed(desk, selector) for selector in Selector} == wanted
    assert await desk.counts(HERE) == {selector: len(found) for selector, found in wanted.items()}
    hung = (await desk.page(Selector.SUSPENDED, HERE, None, 1)).rows[0]
    assert (hung.since_time, hung.authority_id, hung.handler_id) == (NOON + HOUR, CITY, COUNTY)
    for regions in ((), subtree(431222), subtree(440000)):
        assert await _listed(desk, Selector.SUSPENDED, regions) == []
        assert set((await desk.counts(regions)).values()) == {0}


async def test_a_list_of_who_may_be_given_cases_overrules_the_region(
    ledger: Ledger, clock: FakeClock, tmp_path: Path
) -> None:
    clock.advance(days=3)
    part = FollowupPart(responsible={"431221": (OTHER_COUNTY,)})
    await apply_records(ledger, *_scene())
    desk = make_followup(_settings(tmp_path, part), ledger, clock).lists
    listed = await _listed(desk, Selector.MISDISPATCHED)
    assert "elsewhere" not in listed
    assert {"late", "to-the-city"} <= set(listed)


async def test_pages_follow_each_other_without_gap_or_repeat(desk: ListDesk, ledger: Ledger) -> None:
    scene = [written for number in range(7) for written in a_dispatched_case(f"L-{number}")]
    await apply_records(ledger, *scene)
    seen: list[str] = []
    place: Place | None = None
    for _ in range(4):
        page = await desk.page(Selector.OVERDUE, HERE, place, 2)
        seen += [row.case_no for row in page.rows]
        place = page.next_place
    assert place is None
    assert sorted(seen) == [f"L-{number}" for number in range(7)]


async def test_cases_that_are_alike_are_shown_until_somebody_clears_them(
    desk: ListDesk, ledger: Ledger, clock: FakeClock
) -> None:
    def near(case_no: str, hours: float, **changes: Any) -> Written:
        moment = NOON + round(hours * HOUR)
        return a_case(case_no, report=a_report(state=ReportState.FILED, reported_time=moment, **changes))

    await apply_records(
        ledger,
        near("first", 0),
        near("again", 5, x=109.9443),
        near("far", 6, x=109.954),
        near("other-class", 6, class_code="0204"),
        near("much-later", 60),
    )
    (pair,) = await desk.duplicates(HERE, 7, 100)
    assert (pair.first_case_no, pair.second_case_no) == ("first", "again")
    assert 25 < pair.metres < 35
    assert await desk.duplicates(subtree(431222), 7, 100) == []
    with pytest.raises(Violated):
        await desk.clear(pair, "zhang", "")
    await desk.clear(pair, "zhang", "相邻两处")
    assert await desk.duplicates(HERE, 7, 100) == []
    await desk.clear(pair, "zhang", "再次")
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT outcome, reason FROM audit_entries WHERE action = 'followup.clear' ORDER BY number"
        )
        assert await cursor.fetchall() == [("done", ""), ("refused", "FOLLOWUP_DECIDED")]


async def test_supervising_sends_one_letter_and_writes_a_line_into_each_story(desk: ListDesk, ledger: Ledger) -> None:
    known = (await enrolled(ledger, COUNTY), await enrolled(ledger, PROVINCE, "parent"))
    await apply_records(ledger, *a_dispatched_case("late"), *a_dispatched_case("later"), peers=known)
    chosen = (SubjectCase(COUNTY, "late"), SubjectCase(COUNTY, "later"))
    document = await desk.supervise(chosen, COUNTY, 431221, 5, "请限期办结。")
    await apply_waiting(ledger, peers=known)
    async with ledger.read() as session:
        row = await documents.find(session, CITY, document.document_id, None)
        case = await cases.find(session, 431221, case_key(COUNTY, "late"), HERE)
        cursor = await session.driver.execute("SELECT kind, platform_id, opinion FROM case_actions ORDER BY case_id")
        lines = await cursor.fetchall()
    assert row is not None
    assert (row.content.kind, row.content.cases) == (DocumentKind.SUPERVISION_LETTER, chosen)
    assert lines == [("supervise", CITY, "督办 督〔2020〕1号")] * 2
    assert case is not None
    assert not case.is_supervised, "the assignment is its owner's to change"
