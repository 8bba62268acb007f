"""The pages about evaluation: the ranking, the way to the cases, objection and ruling, and whom they are shown."""

from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession

from auth.person import Role
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.recording import acting_as
from tests.db.test_evaluation import MONTHLY, REGION, SUPERVISION, Office
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.consoles import Seat, console_at
from tests.support.people import a_person


@pytest.fixture
async def run_id(ledger: Ledger) -> str:
    """A run of June of a unit, and one of a tree that nothing was given for."""
    office = Office(ledger)
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    await office.give_all()
    await office.scores.run(REGION, SUPERVISION.scheme_id, "2020-06")
    return (await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")).shown.head.run_id


async def test_runs_are_listed_and_a_tree_says_what_is_missing(ledger: Ledger, run_id: str) -> None:
    async with console_at(ledger, Seat(a_person((Role.VIEWER, 431200)))) as (_, ask):
        status, page = await ask("/evaluation?region=431221")
        assert (status, run_id[:12] in page) == (200, True)
        links = [part.replace("&amp;", "&") for part in page.split('"') if part.startswith("/evaluation/run?id=")]
        assert len(links) == 2
        shown = "".join([(await ask(link))[1] for link in links])
        assert shown.count("可重现") == 2
        assert "尚缺 17 项" in shown
        assert "数字城管" in shown
        assert "Scheme" in (await ask("/evaluation?lang=en"))[1]
        assert (await ask("/evaluation/run?id=none"))[0] == 400
        assert (await ask("/evaluation?region=x"))[0] == 400


async def test_a_score_leads_to_its_cases_and_another_region_sees_nothing(ledger: Ledger) -> None:
    office = Office(ledger)
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    await office.give_all()
    shown = (await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")).shown
    seat = Seat(a_person((Role.VIEWER, 431200)))
    async with console_at(ledger, seat) as (_, ask):
        status, page = await ask(f"/evaluation/run?id={shown.head.run_id}&unit=hw01")
        assert status == 200
        assert "F3 v1 = 100/200" in page
        link = next(part for part in page.split('"') if "counter=done" in part).replace("&amp;", "&")
        status, cases = await ask(link)
        assert (status, "/case?" in cases) == (200, True)
        seat.person = a_person((Role.VIEWER, 431222))
        assert (await ask(f"/evaluation/run?id={shown.head.run_id}"))[0] == 400
        assert shown.head.run_id[:12] not in (await ask("/evaluation?region=431222"))[1]


async def test_an_evaluator_rules_on_the_page_and_the_new_run_is_shown(ledger: Ledger) -> None:
    office = Office(ledger)
    await apply_records(ledger, *a_closed_case("1"))
    await office.give_all()
    shown = (await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")).shown
    with acting_as("peer:431221.platform"):
        row = await office.objections.object_to(shown, "hw01", "supervision", "<script>督办件</script>")
    seat = Seat(a_person((Role.VIEWER, 431200)))
    async with console_at(ledger, seat) as (console, ask):
        assert "verdict" not in (await ask(f"/evaluation/run?id={shown.head.run_id}"))[1]
        assert (await ask("/evaluation/rulings", "POST"))[0] == 403
        seat.person = a_person((Role.EVALUATOR, 431200))
        page = (await ask(f"/evaluation/run?id={shown.head.run_id}"))[1]
        assert "verdict" in page
        assert "<script>" not in page
        form = {"objection": str(row.objection_id), "ruling": "属实", "value": "85.5", "verdict": "uphold"}
        async with ClientSession() as client:
            address = f"http://127.0.0.1:{console.port}/evaluation/rulings"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            async with client.post(address, data=urlencode(form), headers=headers, allow_redirects=False) as answer:
                assert answer.status == 303
                place = answer.headers["Location"]
        page = (await ask(place))[1]
        assert "93.10" in page
        assert str(row.objection_id) in page
        assert "91.10" in page
    (kept,) = await office.objections.listing(subtree(REGION))
    assert (kept.state, kept.ruled_value) == ("upheld", "171/2")
