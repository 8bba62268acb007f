"""What the console shows whom: the SQL is cut to the regions of the right, for every page."""

import pytest

from auth.person import Role
from exchange_db.session import Ledger
from tests.support.applied import a_closed_case, apply_records, take_in
from tests.support.builders import COUNTY
from tests.support.consoles import console_for
from tests.support.people import a_person

_COUNTY, _OTHER, _HUB = 431221, 431222, 431200


async def test_a_person_sees_the_cases_of_their_region_and_no_others(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("2020-0101"))
    case = f"/case?issuer={COUNTY}&no=2020-0101"
    async with console_for(ledger, a_person((Role.VIEWER, _COUNTY))) as ask:
        assert "2020-0101" in (await ask("/cases"))[1]
        assert (await ask(case))[0] == 200
        status, text = await ask("/cases?region=431222")
        assert (status, "2020-0101" in text) == (400, False)
    async with console_for(ledger, a_person((Role.VIEWER, _OTHER))) as ask:
        status, text = await ask("/cases")
        assert (status, "2020-0101" in text) == (200, False)
        assert (await ask(case))[0] == 404, "hidden and unknown are answered alike"
        assert (await ask("/figures?region=431221"))[0] == 400
        assert (await ask("/figures?region=431222"))[0] == 200


async def test_figures_open_with_a_region_the_person_may_see(ledger: Ledger) -> None:
    async with console_for(ledger, a_person((Role.VIEWER, _OTHER))) as ask:
        status, text = await ask("/figures")
        assert status == 200
        assert "431222" in text


async def test_quarantine_is_cut_to_the_region_and_what_has_none_is_for_the_whole_hub(ledger: Ledger) -> None:
    await take_in(ledger, [b"\xff"])
    async with console_for(ledger, a_person((Role.OPERATOR, _HUB))) as ask:
        status, text = await ask("/quarantine")
        assert (status, "UNREADABLE" in text) == (200, True)
        assert (await ask("/quarantine/1"))[0] == 200
    async with console_for(ledger, a_person((Role.OPERATOR, _COUNTY))) as ask:
        status, text = await ask("/quarantine")
        assert (status, "UNREADABLE" in text) == (200, False)
        assert (await ask("/quarantine/1"))[0] == 404


@pytest.mark.parametrize("path", ["/cases", "/figures", "/quarantine", "/figures/cases", "/case", "/quarantine/1"])
async def test_a_security_officer_reads_no_case(ledger: Ledger, path: str) -> None:
    async with console_for(ledger, a_person((Role.SECURITY_OFFICER, _HUB))) as ask:
        status, text = await ask(path)
        assert status == 403
        assert "安全管理员" in text
        assert (await ask("/"))[0] == 200


@pytest.mark.parametrize("path", ["/", "/cases", "/figures", "/quarantine", "/jobs"])
async def test_nobody_is_asked_to_sign_on(ledger: Ledger, path: str) -> None:
    async with console_for(ledger, None) as ask:
        status, text = await ask(path)
        assert status == 401
        assert "登录" in text
        assert (await ask("/static/console.css"))[0] == 200


async def test_jobs_are_for_those_above_the_whole_hub(ledger: Ledger) -> None:
    async with console_for(ledger, a_person((Role.VIEWER, _COUNTY))) as ask:
        assert (await ask("/jobs"))[0] == 403
        assert (await ask("/"))[0] == 200
    async with console_for(ledger, a_person((Role.VIEWER, _HUB))) as ask:
        assert (await ask("/jobs"))[0] == 200


async def test_measures_are_read_at_this_machine_or_with_the_right(ledger: Ledger) -> None:
    async with console_for(ledger, None) as ask:
        assert (await ask("/metrics"))[0] == 200
        assert (await ask("/healthz"))[0] == 200
