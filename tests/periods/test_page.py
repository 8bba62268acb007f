"""The page of who has sent what: states as colours, in both languages, cut to what the person may see."""

from auth.person import Role
from exchange_db.session import Ledger
from hub.statistics.findings import PlausibilityDesk
from tests.support.applied import apply_records
from tests.support.builders import CITY, a_cell, a_sheet
from tests.support.clock import FakeClock
from tests.support.consoles import console_for
from tests.support.people import a_person
from tests.support.periods import City

_PAGE = "/figures/completeness?from=2020-05&to=2020-07"


async def _fill(ledger: Ledger, clock: FakeClock) -> City:
    city = City.over(ledger, clock)
    ref = city.calendar.definition_ref
    wrong = a_cell(total=9, disposed=1, disposed_on_time=2)
    await apply_records(ledger, a_sheet(wrong, month=202005, definition_ref=ref))
    await apply_records(ledger, a_sheet(a_cell(), month=202007, is_locked=True))
    await PlausibilityDesk(ledger, city.calendar, clock).run()
    return city


async def test_the_matrix_and_the_findings_are_shown_in_both_languages(ledger: Ledger, clock: FakeClock) -> None:
    await _fill(ledger, clock)
    async with console_for(ledger, a_person((Role.VIEWER, 431200))) as ask:
        status, text = await ask(_PAGE)
        assert status == 200
        assert 'class="sheet strained"' in text
        assert 'class="sheet broken_link"' in text
        assert 'class="sheet good"' in text
        assert "按期处置 2" in text
        assert CITY in text
        _, english = await ask(f"{_PAGE}&lang=en")
        assert "of the same cases, the first cannot be more than the second" in english
        assert "missing" in english
        assert (await ask("/figures/completeness?from=2000-01&to=2020-07"))[0] == 400
        assert (await ask("/figures/completeness?from=x"))[0] == 400


async def test_a_county_sees_its_own_line_only(ledger: Ledger, clock: FakeClock) -> None:
    await _fill(ledger, clock)
    async with console_for(ledger, a_person((Role.VIEWER, 431222))) as ask:
        status, text = await ask(_PAGE)
        assert status == 200
        assert "431221" not in text
        assert (await ask(f"{_PAGE}&region=431221"))[0] == 400
