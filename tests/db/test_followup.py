"""Letters about frequent problems, from a day's cases to the answer or the stricter letter; every act is in the log."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from exchange_db import documents, peers
from exchange_db.document_records import AnswerState, Document, DocumentKind
from exchange_db.followup import ProposalFilter, ProposalRow
from exchange_db.records import ReportState, Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.followup.escalation import ProposalState
from hub.followup.letters import Found, LetterDesk
from hub.followup.making import make_followup
from hub.sections.evidence import EvidencePart
from hub.sections.followup import FollowupPart
from hub.settings import HubPart, Settings
from tests.support.applied import Written, apply_records, apply_waiting
from tests.support.builders import CITY, COUNTY, HOUR, OTHER_COUNTY, a_case, a_report, an_answer, an_assignment
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled

GRID = "431221001001001"
HERE = subtree(431200)
TODAY = date(2020, 6, 15)

Apply = Callable[..., Awaitable[None]]


def a_day(*numbers: int, grid_code: str = GRID, reported_time: int = NOON, is_sent: bool = True) -> list[Written]:
    """Cases of exposed rubbish in one grid, reported within a day and given to the county's unit."""
    found: list[Written] = []
    for number in numbers:
        moment = reported_time + number * HOUR // 10
        report = a_report(state=ReportState.FILED, grid_code=grid_code, reported_time=moment)
        found.append(a_case(f"F-{number}", report=report))
        if is_sent:
            found.append((a_case(f"F-{number}", assignment=an_assignment(dispatched_time=moment)), CITY))
    return found


@pytest.fixture
def letters(ledger: Ledger, clock: FakeClock, tmp_path: Path) -> LetterDesk:
    """The desk of the city's hub."""
    settings = Settings(
        hub=HubPart(id=CITY, name="怀化"),
        followup=FollowupPart(memory_days=30),
        evidence=EvidencePart(folder=tmp_path / "store"),
    )
    return make_followup(settings, ledger, clock).letters


@pytest.fixture
async def applied(ledger: Ledger) -> Apply:
    """Applies records, and what the hub itself has written, at a hub that has the county's platform below it."""
    known = (await enrolled(ledger, COUNTY), await enrolled(ledger, OTHER_COUNTY))

    async def apply(*records: Written) -> None:
        await apply_records(ledger, *records, peers=known)
        await apply_waiting(ledger, peers=known)

    return apply


async def _states(letters: LetterDesk) -> list[tuple[str, str]]:
    rows = await letters.listing(ProposalFilter(HERE), 100)
    return [(DocumentKind(row.letter_kind).name, row.state) for row in sorted(rows, key=lambda row: row.step)]


async def _open(letters: LetterDesk) -> ProposalRow:
    (row,) = await letters.listing(ProposalFilter(HERE, (ProposalState.PROPOSED,)), 100)
    return row


async def _log(ledger: Ledger) -> list[tuple[str, str, str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT action, outcome, reason FROM audit_entries WHERE action LIKE 'followup.%' ORDER BY number"
        )
        return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def test_three_cases_of_a_class_and_grid_in_a_day_lead_to_a_letter_and_two_do_not(
    letters: LetterDesk, applied: Apply
) -> None:
    await applied(*a_day(1, 2), *a_day(3, grid_code="431221001001002"))
    assert await letters.propose(TODAY) == 0
    await applied(*a_day(4), *a_day(5, reported_time=NOON + 15 * HOUR))
    assert await letters.propose(TODAY) == 1
    assert await letters.propose(TODAY) == 0, "the same day again has no effect"
    row = await _open(letters)
    assert (row.region, row.class_key, row.place) == (431221, "GB/T-30428.2-2013|E|0203", GRID)
    assert [case.case_no for case in row.cases] == ["F-1", "F-2", "F-4"]
    assert (row.addressee_id, row.unit_code, row.unit_name) == (COUNTY, "hw01", "中方县环卫所")
    assert row.letter_kind == DocumentKind.ASSIGNMENT_LETTER


async def test_a_confirmed_letter_goes_out_and_its_answer_closes_it(
    letters: LetterDesk, applied: Apply, ledger: Ledger, clock: FakeClock
) -> None:
    await applied(*a_day(1, 2, 3))
    await letters.propose(TODAY)
    sent = await letters.confirm((await _open(letters)).proposal_id, HERE, "zhang")
    await applied()
    async with ledger.read() as session:
        letter = await documents.find(session, CITY, sent.document_id, subtree(431221))
        unseen = await documents.find(session, CITY, sent.document_id, subtree(431222))
    assert letter is not None
    assert unseen is None
    content = letter.content
    assert (content.number, content.addressee_id, content.kind) == ("交〔2020〕1号", COUNTY, 1)
    assert content.title == f"关于网格{GRID}反复发生违规户外广告问题的交办函"
    assert "中方县环卫所：2020年6月15日" in content.text
    assert "出现3次" in content.text
    assert "2020年6月22日前" in content.text
    assert letter.is_open
    assert await letters.follow() == (0, 0, 0)
    clock.advance(days=2)
    await applied(an_answer(sent.document_id, state=AnswerState.RECEIVED))
    assert await letters.follow() == (0, 0, 0)
    await applied(an_answer(sent.document_id, revision=2))
    assert await letters.follow() == (1, 0, 0)
    assert await _states(letters) == [("ASSIGNMENT_LETTER", "answered")]
    clock.advance(days=20)
    assert await letters.run() == Found(0, 0, 0)
    assert await _log(ledger) == [("followup.confirm", "done", "")]


async def test_a_letter_that_is_not_answered_is_followed_by_stricter_ones(
    letters: LetterDesk, applied: Apply, clock: FakeClock
) -> None:
    await applied(*a_day(1, 2, 3))
    await letters.propose(TODAY)
    for days in (7, 5, 3):
        row = await letters.confirm((await _open(letters)).proposal_id, HERE, "zhang")
        await applied()
        clock.now = row.deadline_time
        assert await letters.follow() == (0, 0, 0), "the last moment is in time"
        assert row.days == days
        clock.advance(seconds=1)
        answered, unanswered, following = await letters.follow()
        assert (answered, unanswered, following) == (0, 1, 0 if days == 3 else 1)
    assert await _states(letters) == [
        ("ASSIGNMENT_LETTER", "unanswered"),
        ("SUPERVISION_LETTER", "unanswered"),
        ("SPECIAL_LETTER", "unanswered"),
    ]
    chain = await letters.chain((await letters.listing(ProposalFilter(HERE), 1))[0].proposal_id, HERE)
    assert len({row.document_id for row in chain}) == 3
    await applied(an_answer(chain[2].document_id))
    assert await letters.follow() == (1, 0, 0)


async def test_a_late_answer_makes_the_next_letter_needless(
    letters: LetterDesk, applied: Apply, clock: FakeClock
) -> None:
    await applied(*a_day(1, 2, 3))
    await letters.propose(TODAY)
    row = await letters.confirm((await _open(letters)).proposal_id, HERE, "zhang")
    await applied()
    clock.advance(days=9)
    assert await letters.follow() == (0, 1, 1)
    await applied(an_answer(row.document_id))
    assert await letters.follow() == (1, 0, 0)
    assert await _states(letters) == [("ASSIGNMENT_LETTER", "answered"), ("SUPERVISION_LETTER", "dismissed")]
    with pytest.raises(Violated) as refused:
        chain = await letters.chain(row.proposal_id, HERE)
        await letters.confirm(chain[1].proposal_id, HERE, "zhang")
    assert refused.value.violation.reason == "FOLLOWUP_DECIDED"


async def test_a_problem_that_comes_back_gets_the_next_letter_and_one_that_is_open_gets_none(
    letters: LetterDesk, applied: Apply, clock: FakeClock
) -> None:
    await applied(*a_day(1, 2, 3))
    await letters.propose(TODAY)
    clock.advance(days=1)
    await applied(*a_day(11, 12, 13, reported_time=clock.now))
    assert await letters.propose(TODAY + timedelta(days=1)) == 0, "one is open"
    row = await letters.confirm((await _open(letters)).proposal_id, HERE, "zhang")
    await applied()
    await applied(an_answer(row.document_id))
    await letters.follow()
    assert await letters.propose(TODAY + timedelta(days=1)) == 1
    assert (await _open(letters)).letter_kind == DocumentKind.SUPERVISION_LETTER
    clock.advance(days=40)
    await applied(*a_day(21, 22, 23, reported_time=clock.now, grid_code="G-2"))
    assert await letters.propose(letters.today()) == 1
    newest = (await letters.listing(ProposalFilter(HERE), 1))[0]
    assert (newest.place, newest.letter_kind) == ("G-2", DocumentKind.ASSIGNMENT_LETTER)


async def test_who_may_not_see_a_proposal_cannot_decide_it_and_nobody_decides_twice(
    letters: LetterDesk, applied: Apply, ledger: Ledger
) -> None:
    await applied(*a_day(1, 2, 3, is_sent=False))
    await letters.propose(TODAY)
    row = await _open(letters)
    assert row.addressee_id == COUNTY, "nobody handles them: the platform of the region"
    for regions, reason, to in (
        (subtree(431222), "FOLLOWUP_UNKNOWN", ""),
        ((), "FOLLOWUP_UNKNOWN", ""),
        (HERE, "ADDRESSEE_FORBIDDEN", "430000.hub"),
    ):
        with pytest.raises(Violated) as refused:
            await letters.confirm(row.proposal_id, regions, "zhang", to=to)
        assert refused.value.violation.reason == reason
    with pytest.raises(Violated):
        await letters.dismiss(row.proposal_id, HERE, "zhang", " ")
    await letters.dismiss(row.proposal_id, HERE, "zhang", "已在专项整治中")
    for proposal_id, reason in ((row.proposal_id, "FOLLOWUP_DECIDED"), (UUID(int=1), "FOLLOWUP_UNKNOWN")):
        with pytest.raises(Violated) as refused:
            await letters.confirm(proposal_id, HERE, "zhang")
        assert refused.value.violation.reason == reason
    assert await letters.propose(TODAY) == 0, "it was decided for this day"
    assert await _log(ledger) == [
        ("followup.confirm", "refused", "FOLLOWUP_UNKNOWN"),
        ("followup.confirm", "refused", "FOLLOWUP_UNKNOWN"),
        ("followup.confirm", "refused", "ADDRESSEE_FORBIDDEN"),
        ("followup.dismiss", "done", ""),
        ("followup.confirm", "refused", "FOLLOWUP_DECIDED"),
        ("followup.confirm", "refused", "FOLLOWUP_UNKNOWN"),
    ]
    async with ledger.read() as session:
        assert await documents.listing(session, documents.DocumentFilter(None), 10) == []
        assert len(await peers.all_peers(session)) == 2


async def test_a_returned_letter_is_over_and_keeps_its_state(letters: LetterDesk, applied: Apply) -> None:
    await applied(*a_day(1, 2, 3))
    await letters.propose(TODAY)
    row = await letters.confirm((await _open(letters)).proposal_id, HERE, "zhang", text="请三日内整改。")
    await applied()
    answer: Document = an_answer(row.document_id, state=AnswerState.RETURNED, text="不属本县")
    await applied(answer)
    assert await letters.follow() == (1, 0, 0)
    assert await _states(letters) == [("ASSIGNMENT_LETTER", "returned")]
