"""The page of letters and lists: a person with the right confirms or dismisses, and sees their regions only."""

import re
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientSession
from docx import Document

from auth.person import Role
from exchange_db import documents, peers
from exchange_db.followup import ProposalFilter
from exchange_db.records import ReportState
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.evidence.store import EvidenceStore
from hub.followup.making import make_followup
from hub.sections.evidence import EvidencePart
from hub.settings import HubPart, Settings
from tests.support.applied import Written, a_dispatched_case, apply_records, apply_waiting
from tests.support.builders import CITY, COUNTY, a_case, a_report
from tests.support.clock import FakeClock
from tests.support.consoles import Seat, console_at
from tests.support.neighbours import enrolled
from tests.support.people import a_person

GRID = "431221001001001"
HERE = subtree(431200)


@pytest.fixture
async def proposed(ledger: Ledger, clock: FakeClock, tmp_path: Path) -> str:
    """Proposes a letter about three cases; returns its number."""
    settings = Settings(hub=HubPart(id=CITY, name="怀化"), evidence=EvidencePart(folder=tmp_path / "store"))
    await enrolled(ledger, COUNTY)
    cases: list[Written] = [
        a_case(f"F-{number}", report=a_report(state=ReportState.FILED, grid_code=GRID)) for number in range(3)
    ]
    await apply_records(ledger, *cases, *a_dispatched_case("late"))
    letters = make_followup(settings, ledger, clock).letters
    assert await letters.propose(date(2020, 6, 15)) == 1
    (row,) = await letters.listing(ProposalFilter(HERE), 10)
    return str(row.proposal_id)


async def _states(ledger: Ledger) -> list[tuple[str, str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT state, decided_by FROM followup_proposals")
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def test_a_person_with_the_right_confirms_and_the_log_names_them(
    ledger: Ledger, proposed: str, tmp_path: Path
) -> None:
    seat, store = Seat(a_person((Role.OPERATOR, 431200))), EvidencePart(folder=tmp_path / "store")
    async with (
        console_at(ledger, seat, evidence=store) as (console, ask),
        ClientSession(f"http://127.0.0.1:{console.port}") as client,
    ):
        status, page = await ask("/followup")
        assert (status, "交办函" in page, GRID in page, "确认并发出" in page) == (200, True, True, True)
        status, english = await ask("/followup?lang=en")
        assert "Confirm and send" in english

        async def post(act: str, **form: str) -> tuple[int, str]:
            async with client.post(f"/followup/{act}", data=form, allow_redirects=False) as answer:
                return answer.status, await answer.text()

        status, page = await post("dismiss", proposal=proposed)
        assert (status, "必填" in page) == (400, True)
        assert (await post("confirm", proposal="7"))[0] == 400
        assert (await post("confirm", proposal=proposed))[0] == 303
        assert (await post("confirm", proposal=proposed))[0] == 400
        status, page = await ask("/followup")
        assert "已发出" in page
    ((state, by),) = await _states(ledger)
    assert state == "sent"
    assert by.startswith("person:")
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT actor, outcome FROM audit_entries WHERE action = 'followup.confirm' ORDER BY number"
        )
        assert await cursor.fetchall() == [(by, "done"), (by, "refused")]
        known = tuple(await peers.all_peers(session))
    await apply_waiting(ledger, peers=known)
    async with ledger.read() as session:
        (row,) = await documents.listing(session, documents.DocumentFilter(None), 10)
    (file,) = row.content.files
    assert (file.name.partition(" ")[0], file.name[-5:]) == (row.content.number, ".docx")
    letter = Document(BytesIO(b"".join([piece async for piece in EvidenceStore(store).pieces(file.digest)])))
    assert any(row.content.number in line.text for line in letter.paragraphs), "it bears the number it is sent under"
    cells = {cell.text for table in letter.tables for line in table.rows for cell in line.cells}
    assert {"F-0", "F-1", "F-2"} <= cells


async def test_who_has_other_regions_sees_and_decides_nothing_and_a_viewer_decides_nothing(
    ledger: Ledger, proposed: str
) -> None:
    seat = Seat(a_person((Role.OPERATOR, 431222)))
    async with console_at(ledger, seat) as (console, ask), ClientSession(f"http://127.0.0.1:{console.port}") as client:

        async def confirm() -> int:
            async with client.post("/followup/confirm", data={"proposal": proposed}, allow_redirects=False) as answer:
                return answer.status

        status, page = await ask("/followup")
        assert (status, GRID in page) == (200, False)
        assert await confirm() == 400
        seat.person = a_person((Role.OPERATOR, 431221))
        status, page = await ask("/followup")
        assert GRID in page
        assert await confirm() == 400, "a county's operator does not decide about letters to the county"
        seat.person = a_person((Role.VIEWER, 431200))
        assert GRID in (await ask("/followup"))[1]
        assert await confirm() == 403
        seat.person = None
        assert await confirm() == 401
    assert await _states(ledger) == [("proposed", "")]


async def test_every_list_is_shown_and_led_through_page_by_page(ledger: Ledger, proposed: str) -> None:
    async with console_at(ledger, Seat(a_person((Role.VIEWER, 431200)))) as (_, ask):
        status, page = await ask("/followup")
        tabs = re.findall(r'href="/followup\?list=([a-z-]+)"', page)
        assert len(tabs) >= 11
        for tab in tabs:
            status, page = await ask(f"/followup?list={tab}")
            assert status == 200, tab
            assert ("暂无数据" in page) or ("<tbody>" in page)
        for after in ("1-2-3", "x", "431221-1-" + "00" * 16, "9" * 30 + "-1-" + "00" * 16):
            status, _ = await ask(f"/followup?list=overdue&after={after}")
            assert status == 200
    assert proposed
