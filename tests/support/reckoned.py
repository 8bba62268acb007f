"""A ledger of 怀化 with something on every page about figures: scores, letters, reports and kept questions."""

from datetime import date
from pathlib import Path

from auth.person import Person
from exchange_db.audit_records import person_actor
from exchange_db.inspections import PlaceRow
from exchange_db.records import ReportState
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.evaluation.desk import ScoreDesk
from hub.evaluation.inspecting import Finding, InspectionDesk, RoundKey
from hub.evaluation.inspection import SPOTS
from hub.evaluation.intake import Given, GroupEntry, InputDesk
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.shipped import shipped_schemes
from hub.followup.making import make_followup
from hub.questions.question import Question
from hub.questions.saved import SavedQuestions
from hub.recording import acting_as
from hub.reports.content import ReportKind
from hub.reports.desk import ReportDesk
from hub.reports.drafting import Asked
from hub.sections.evidence import EvidencePart
from hub.settings import Settings
from hub.statistics.findings import PlausibilityDesk
from hub.statistics.periods import parse_period
from hub.statistics.reading import FigureReader
from tests.support import bulletins
from tests.support.applied import Written, a_dispatched_case, apply_records
from tests.support.builders import COUNTY, a_case, a_cell, a_report, a_sheet
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled
from tests.support.periods import City

COUNTY_REGION = 431221
SCHEME = shipped_schemes()["zhongfang.monthly"]
_UNITS = {"hw01": "A", "zf02": "A", "sz03": "B"}
_GRID = "431221001001001"


async def fill_pages(ledger: Ledger, settings: Settings, folder: Path, person: Person) -> str:
    """Fills a fresh ledger of ``CITY`` with three months of cases and what follows from them.

    Args:
        ledger: the ledger.
        settings: settings of the hub.
        folder: where evidence is kept.
        person: whose question is kept.

    Returns:
        The number of the score run of 2020-06.
    """
    settings = settings.model_copy(update={"evidence": EvidencePart(folder=folder)})
    clock = FakeClock(bulletins.JULY)
    await enrolled(ledger, COUNTY)
    await bulletins.fill_months(ledger)
    await _propose(ledger, settings, clock)
    await _send_sheets(ledger, clock)
    reader = FigureReader(ledger, settings)
    await ReportDesk(ledger, settings, reader, clock).make(
        subtree(431200), Asked(ReportKind.MONTHLY, 431200, parse_period("2020-06"))
    )
    actor = person_actor(person.issuer_id, person.subject)
    with acting_as(actor):
        asked = Question(
            region="431200",
            first="2020",
            last="2020",
            group=("unit", "month"),
            pivot="month",
            measure=("count", "F1"),
            limit=200,
        )
        await SavedQuestions(ledger, clock).save("各单位按月", asked, is_shared=True)
    return await _score(ledger, settings, clock)


async def _propose(ledger: Ledger, settings: Settings, clock: FakeClock) -> None:
    cases: list[Written] = [
        a_case(f"F-{number}", report=a_report(state=ReportState.FILED, grid_code=_GRID)) for number in range(3)
    ]
    await apply_records(ledger, *cases, *a_dispatched_case("late"))
    assert await make_followup(settings, ledger, clock).letters.propose(date(2020, 6, 15)) == 1


async def _send_sheets(ledger: Ledger, clock: FakeClock) -> None:
    city = City.over(ledger, clock)
    wrong = a_cell(total=9, disposed=1, disposed_on_time=2)
    await apply_records(ledger, a_sheet(wrong, month=202005, definition_ref=city.calendar.definition_ref))
    await apply_records(ledger, a_sheet(a_cell(), month=202006, is_locked=True))
    await PlausibilityDesk(ledger, city.calendar, clock).run()


async def _score(ledger: Ledger, settings: Settings, clock: FakeClock) -> str:
    inputs, rounds = InputDesk(ledger, settings, clock), InspectionDesk(ledger, settings, clock)
    await inputs.put_groups(
        COUNTY_REGION, [GroupEntry(unit, group, date(2020, 1, 1)) for unit, group in _UNITS.items()]
    )
    places = [
        PlaceRow(f"{unit}-{kind}-{number}", unit, kind, f"{unit} {kind} {number}")
        for unit in _UNITS
        for kind, count in SPOTS.items()
        for number in range(count)
    ]
    await rounds.put_places(COUNTY_REGION, places)
    key = RoundKey(COUNTY_REGION, SCHEME.scheme_id, "2020-06")
    await rounds.open_round(key, SCHEME, date(2020, 6, 10))
    await rounds.enter(key, [Finding(spot.place_id, "88") for spot in await rounds.draw(key)])
    for unit in _UNITS:
        await inputs.give(COUNTY_REGION, SCHEME, Given("supervision", unit, date(2020, 6, 20), "90", "专项督办通报"))
    scores = ScoreDesk(ledger, settings, clock)
    made = await scores.run(COUNTY_REGION, SCHEME.scheme_id, "2020-06")
    with acting_as("peer:431221.platform"):
        objections = ObjectionDesk(ledger, settings, clock, scores)
        await objections.object_to(made.shown, "hw01", "supervision", "督办件已按期办结")
    return made.shown.head.run_id
