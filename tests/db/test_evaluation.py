"""Evaluation in the ledger: what people give, inspections, surveys, trees, objections, and who may decide."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from exchange_db.figures import Basis
from exchange_db.inspections import PlaceRow
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.evaluation.composite import InputInvalid, Standing
from hub.evaluation.desk import ScoreDesk, reproduce
from hub.evaluation.evidence import Scope
from hub.evaluation.inspecting import Finding, InspectionDesk, RoundKey
from hub.evaluation.inspection import Place, draw_spots
from hub.evaluation.intake import Given, GroupEntry, InputDesk
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.runs import KeptRun, KeptTree, run_tree
from hub.evaluation.scheme_file import read_scheme
from hub.evaluation.schemes import Input, TreeScheme
from hub.evaluation.shipped import shipped_schemes
from hub.evaluation.sources import Origin
from hub.evaluation.spans import parse_period
from hub.evaluation.surveying import AnswerGiven, SurveyDesk
from hub.evaluation.surveys import read_survey
from hub.evaluation.tree_gathering import gather_tree
from hub.recording import acting_as
from hub.sections.evaluation import EvaluationPart
from hub.settings import HubPart, Settings
from hub.statistics.registry import shipped_registry
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY, HOUR
from tests.support.clock import NOON, FakeClock

REGION = 431221
MONTHLY = shipped_schemes()["zhongfang.monthly"]
SUPERVISION = shipped_schemes()["supervision"]
DAY_OF_JUNE = date(2020, 6, 10)

SURVEY = """
form = 1
id = "toilets-2020"
zh = "公厕满意度"
en = "Public toilets"
scheme = "supervision"
entry = "content.survey"
main = "content"
first_day = 2020-06-01
last_day = 2020-06-30

[[questions]]
id = "content"
zh = "您对公厕是否满意"
en = "Are you content with the public toilets?"
options = [
  { id = "yes", zh = "满意", en = "yes", is_content = true },
  { id = "no", zh = "不满意", en = "no" },
]

[[questions]]
id = "smell"
zh = "有无异味"
en = "Does it smell?"
options = [{ id = "yes", zh = "有", en = "yes" }, { id = "no", zh = "无", en = "no" }]
"""


class Office:
    """The desks of a hub, and its clock."""

    def __init__(self, ledger: Ledger, hub_id: str = CITY, part: EvaluationPart | None = None) -> None:
        self.clock = FakeClock(NOON + 5 * 24 * HOUR)
        settings = Settings(hub=HubPart(id=hub_id, name="怀化"), evaluation=part or EvaluationPart())
        self.scores = ScoreDesk(ledger, settings, self.clock)
        self.inputs = InputDesk(ledger, settings, self.clock)
        self.inspections = InspectionDesk(ledger, settings, self.clock)
        self.surveys = SurveyDesk(ledger, settings, self.clock)
        self.objections = ObjectionDesk(ledger, settings, self.clock, self.scores)

    async def give_all(self, unit: str = "hw01") -> None:
        """Gives what a unit's June is scored by beside its figures."""
        await self.inspections.put_places(REGION, _places([unit]))
        key = RoundKey(REGION, MONTHLY.scheme_id, "2020-W24")
        await self.inspections.open_round(key, MONTHLY, DAY_OF_JUNE)
        spots = await self.inspections.draw(key)
        await self.inspections.enter(key, [Finding(spot.place_id, "80") for spot in spots])
        await self.inputs.give(REGION, MONTHLY, Given("supervision", unit, DAY_OF_JUNE, "75.5", "专项督办"))


@pytest.fixture
def office(ledger: Ledger) -> Office:
    return Office(ledger)


def _places(units: list[str], kinds: list[str] | None = None) -> list[PlaceRow]:
    kinds = kinds or ["main_road", "back_lane", "residential", "market", "building_site", "public_toilet", "other"]
    return [PlaceRow(f"{unit}-{kind}-{n}", unit, kind, kind) for unit in units for kind in kinds for n in range(3)]


async def _refused(reason: str, act: Any) -> None:
    with pytest.raises(Violated, match=reason):
        await act


async def test_an_entry_of_the_list_counts_when_another_person_has_approved_it(ledger: Ledger, office: Office) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await office.give_all()
    with acting_as("host:li"):
        row = await office.inputs.give(REGION, MONTHLY, Given("praise", "hw01", DAY_OF_JUNE, "2", "省级表扬"))
        await _refused("SECOND_PERSON_NEEDED", office.inputs.decide(REGION, row.input_id, is_approved=True))
    first = await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")
    with acting_as("host:zhang"):
        await office.inputs.decide(REGION, row.input_id, is_approved=True)
        await _refused("INPUT_SETTLED", office.inputs.decide(REGION, row.input_id, is_approved=False))
    second = await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06", "表扬已批准")
    assert isinstance(first.shown.kept, KeptRun)
    assert isinstance(second.shown.kept, KeptRun)
    (before,), (after,) = first.shown.kept.run.scores, second.shown.kept.run.scores
    assert before.score == 60 + 16 + Fraction(151, 10)
    assert after.score == before.score + 1
    assert [change.entry for change in second.changes] == ["score", "praise"]
    source = next(one for one in second.shown.kept.sources if one.entry == "praise")
    assert (source.origin, source.person, source.references) == (Origin.LIST, "host:li", (str(row.input_id),))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given("supervision", "hw01", DAY_OF_JUNE, "101", "x"), "NUMBER_INVALID"),
        (Given("supervision", "hw01", DAY_OF_JUNE, "九十", "x"), "NUMBER_INVALID"),
        (Given("praise", "hw01", DAY_OF_JUNE, "1/2", "x"), "NUMBER_INVALID"),
        (Given("filed_fall", "hw01", DAY_OF_JUNE, "1", "x"), "ENTRY_UNKNOWN"),
        (Given("praise", "", DAY_OF_JUNE, "1", "x"), "FIELD_MISSING"),
        (Given("praise", "hw01", DAY_OF_JUNE, "1", " "), "FIELD_MISSING"),
    ],
)
async def test_what_does_not_fit_a_scheme_is_refused(office: Office, given: Given, reason: str) -> None:
    await _refused(reason, office.inputs.give(REGION, MONTHLY, given))


async def test_other_regions_are_not_scored_here(office: Office) -> None:
    await _refused("REGION_FORBIDDEN", office.scores.run(430100, MONTHLY.scheme_id, "2020-06"))
    await _refused("SCHEME_UNKNOWN", office.scores.run(REGION, "nothing", "2020-06"))
    await _refused("REGION_FORBIDDEN", office.inputs.put_groups(430100, []))


async def test_a_unit_cannot_be_in_two_groups_on_one_day(office: Office) -> None:
    first = GroupEntry("hw01", "A", date(2020, 1, 1), date(2020, 6, 30))
    clashing = GroupEntry("hw01", "B", date(2020, 6, 30))
    await _refused("GROUPS_OVERLAP", office.inputs.put_groups(REGION, [first, clashing]))
    await office.inputs.put_groups(REGION, [first, clashing._replace(first_day=date(2020, 7, 1))])
    found = await office.inputs.groups(REGION, date(2020, 6, 1), date(2020, 6, 30))
    assert [(row.unit_code, row.group_code) for row in found] == [("hw01", "A")]


async def test_a_part_that_was_not_given_is_told_and_not_taken_for_nothing(ledger: Ledger, office: Office) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    with pytest.raises(InputInvalid, match="inspection"):
        await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")


async def test_anybody_can_draw_a_round_again(office: Office) -> None:
    units = ["hw01", "hw02"]
    await office.inspections.put_places(REGION, _places(units))
    key = RoundKey(REGION, MONTHLY.scheme_id, "2020-W24")
    opened = await office.inspections.open_round(key, MONTHLY, DAY_OF_JUNE)
    # Places that come later are not drawn: the round was fixed with its commitment.
    await office.inspections.put_places(REGION, _places([*units, "hw03"]))
    spots = await office.inspections.draw(key)
    assert {spot.unit for spot in spots} == set(units)
    assert [sum(spot.unit == unit for spot in spots) for unit in units] == [9, 9]
    hidden = await office.inspections.check(key)
    assert (hidden.is_right, hidden.seed, hidden.commitment) == (True, "", opened.commitment)
    shown = await office.inspections.reveal(key)
    places = [Place(place_id=one.place_id, unit=one.unit_code, kind=one.kind) for one in _places(units)]
    assert draw_spots(places, key.round_id, bytes.fromhex(shown.seed)) == spots
    await _refused("INSPECTION_ROUND_SETTLED", office.inspections.draw(key))
    await _refused("SPOT_UNKNOWN", office.inspections.enter(key, [Finding("hw03-other-0", "90")]))
    await _refused("NUMBER_INVALID", office.inspections.enter(key, [Finding(spots[0].place_id, "100.5")]))
    await _refused("ARGUMENT_INVALID", office.inspections.enter(key, [Finding(spots[0].place_id, "90", ("photo",))]))


async def test_a_unit_with_too_few_places_stops_the_draw(office: Office) -> None:
    await office.inspections.put_places(REGION, _places(["hw01"])[:-3])
    key = RoundKey(REGION, MONTHLY.scheme_id, "2020-W24")
    await _refused("PLACES_TOO_FEW", office.inspections.open_round(key, MONTHLY, DAY_OF_JUNE))


async def test_a_respondent_counts_once_and_is_not_known_by_name(ledger: Ledger, office: Office) -> None:
    survey = read_survey("toilets.toml", SURVEY.encode())
    await office.surveys.open_survey(REGION, survey)
    given = [
        AnswerGiven("openid-1", {"content": "yes", "smell": "no"}),
        AnswerGiven("openid-2", {"content": "满意"}),
        AnswerGiven("openid-1", {"content": "no"}),
        AnswerGiven("openid-3", {"content": "perhaps"}),
        AnswerGiven("openid-4", {"smell": "yes"}),
        AnswerGiven("openid-5", {"content": "no"}, day=date(2020, 7, 1)),
    ]
    outcome = await office.surveys.take(REGION, survey.id, "wechat", given)
    assert [violation and violation.reason for violation in outcome] == [
        None, None, "ANSWER_DUPLICATE", "ANSWER_INVALID", None, "SURVEY_CLOSED",
    ]  # fmt: skip
    assert (await office.surveys.take(REGION, survey.id, "wechat", given[:1]))[0] is not None
    state = await office.surveys.state(REGION, survey.id)
    assert state.satisfaction == (2, 2)
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT survey_answers::text FROM survey_answers")
        assert "openid" not in str(await cursor.fetchall())
    await office.surveys.close(REGION, survey.id)
    late = await office.surveys.take(REGION, survey.id, "wechat", [AnswerGiven("openid-9", {"content": "yes"})])
    assert late[0] is not None
    assert late[0].reason == "SURVEY_CLOSED"


async def test_a_citys_tree_is_computed_from_inspections_a_survey_and_its_ledger(
    ledger: Ledger, office: Office
) -> None:
    assert isinstance(SUPERVISION, TreeScheme)
    field = [node.node_id for node in SUPERVISION.nodes if Input.FIELD in node.inputs]
    await office.inspections.put_places(REGION, _places(["street-1"], field))
    key = RoundKey(REGION, SUPERVISION.scheme_id, "2020-06")
    await office.inspections.open_round(key, SUPERVISION, DAY_OF_JUNE)
    spots = await office.inspections.draw(key)
    assert sorted(spot.kind for spot in spots) == sorted(field)
    await office.inspections.enter(key, [Finding(spot.place_id, "90") for spot in spots])
    await office.surveys.open_survey(REGION, read_survey("s", SURVEY.encode()))
    answers = [AnswerGiven(f"{n}", {"content": "yes" if n else "no"}) for n in range(4)]
    await office.surveys.take(REGION, "toilets-2020", "import", answers)
    made = await office.scores.run(REGION, SUPERVISION.scheme_id, "2020-06")
    assert isinstance(made.shown.kept, KeptTree)
    scores = made.shown.kept.run.scores
    assert scores.missing == ()
    values = {one.node.node_id: one.value for one in scores.scores}
    assert values["clean.toilets"] == Fraction(90, 100)
    assert values["content.survey"] == Fraction(3, 4)
    # No weights are published, so there are no points, and nobody is ranked.
    assert (scores.points, made.shown.kept.run.scheme.is_ranked) == (None, False)
    assert {one.origin for one in made.shown.kept.sources} == {Origin.INSPECTION, Origin.SURVEY}
    assert reproduce(made.shown).is_same


async def test_an_indicator_takes_its_figure_from_the_ledger_or_a_person(ledger: Ledger, office: Office) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    operation = shipped_schemes()["operation"]
    given = await office.inputs.give(
        REGION, operation, Given("municipal", "", DAY_OF_JUNE, "97.5", "运行监测平台月报", "月报第 3 页")
    )
    made = await office.scores.run(REGION, operation.scheme_id, "2020-06")
    assert isinstance(made.shown.kept, KeptTree)
    (source,) = made.shown.kept.sources
    assert (source.entry, source.origin, source.references) == ("municipal", Origin.GIVEN, (str(given.input_id),))
    assert set(made.shown.kept.run.scores.missing) == {"housing", "traffic", "crowds", "wellbeing"}
    assert source.reason == "运行监测平台月报"


async def test_the_nation_ranks_nobody_and_a_tenant_may_choose_so(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    for office in (Office(ledger, "000000.hub"), Office(ledger, part=EvaluationPart(is_ranked=False))):
        if office.scores.hub_region:
            office.clock.advance(hours=1)
        else:
            await office.give_all()
        made = await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")
        assert isinstance(made.shown.kept, KeptRun)
        (score,) = made.shown.kept.run.scores
        assert (score.standing, score.rank) == (Standing.NOT_RANKED, 0)
    ranked = await Office(ledger).scores.run(REGION, MONTHLY.scheme_id, "2020-06")
    assert isinstance(ranked.shown.kept, KeptRun)
    assert ranked.shown.kept.run.scores[0].rank == 1


async def test_an_objection_has_a_deadline_and_a_ruling_another_person(ledger: Ledger, office: Office) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await office.give_all()
    shown = (await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")).shown
    await _refused("ENTRY_UNKNOWN", office.objections.object_to(shown, "hw01", "filed_fall", "x"))
    await _refused("ENTRY_UNKNOWN", office.objections.object_to(shown, "nobody", "digital", "x"))
    with acting_as("peer:431221.platform"):
        row = await office.objections.object_to(shown, "hw01", "inspection", "点位不在辖区")
        visible = subtree(REGION)
        await _refused(
            "SECOND_PERSON_NEEDED",
            office.objections.rule(visible, row.objection_id, ruling="x", value="99", is_upheld=True),
        )
    await _refused(
        "NUMBER_INVALID", office.objections.rule(visible, row.objection_id, ruling="x", value="101", is_upheld=True)
    )
    other = subtree(431222)
    await _refused("OBJECTION_NOT_FOUND", office.objections.rule(other, row.objection_id, ruling="x", is_upheld=False))
    rejected = await office.objections.rule(visible, row.objection_id, ruling="点位在辖区内", is_upheld=False)
    assert (rejected.objection.state, rejected.made) == ("rejected", None)
    await _refused("OBJECTION_SETTLED", office.objections.rule(visible, row.objection_id, ruling="x", is_upheld=False))
    office.clock.advance(days=5, seconds=1)
    await _refused("OBJECTION_LATE", office.objections.object_to(shown, "hw01", "inspection", "x"))
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT action, outcome FROM audit_entries WHERE action IN ('evaluation.object', 'evaluation.rule')"
        )
        acts = await cursor.fetchall()
    assert acts.count(("evaluation.object", "done")) == 1
    assert acts.count(("evaluation.rule", "done")) == 1
    assert acts.count(("evaluation.rule", "refused")) == 4


async def test_a_kept_run_that_was_changed_in_the_ledger_is_found_out(ledger: Ledger, office: Office) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await office.give_all()
    made = await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")
    async with ledger.write() as session:
        await session.driver.execute(
            "UPDATE score_runs SET content = convert_to(replace(convert_from(content, 'UTF8'), '\"151/2\"',"
            " '\"160/2\"'), 'UTF8')"
        )
    changed = reproduce(await office.scores.find(subtree(REGION), made.shown.head.run_id))
    assert not changed.is_same
    assert [name for name, told, found in changed.digests if told != found] == ["inputs", "result", "run"]
    with pytest.raises(Violated, match="RUN_NOT_FOUND"):
        await office.scores.find(subtree(431222), made.shown.head.run_id)


async def test_one_tree_takes_figures_inspections_surveys_and_what_a_person_gave(
    ledger: Ledger, office: Office
) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    document = """
form = 1
kind = "tree"
id = "supervision"
version = 2
zh = "城市管理监督（试行）"
en = "Supervision, trial"
source = "市"
nodes = [
  { id = "solved", zh = "解决率", en = "Solved", weight = 40, measure = "share", inputs = ["metric"], metric = "F1" },
  { id = "roads", zh = "道路", en = "Roads", weight = 20, measure = "share", inputs = ["field"] },
  { id = "content.survey", zh = "满意度", en = "Content", weight = 20, measure = "share", inputs = ["survey"] },
  { id = "cost", zh = "成本", en = "Cost", weight = 20, measure = "quantitative", direction = "lower", target = 60,
    inputs = ["given"] },
]
"""
    scheme = read_scheme("own.toml", document.replace(",\n    inputs", ", inputs").encode(), shipped_registry())
    await office.inspections.put_places(REGION, _places(["street-1", "street-2"], ["roads"]))
    key = RoundKey(REGION, scheme.scheme_id, "2020-06")
    await office.inspections.open_round(key, scheme, DAY_OF_JUNE)
    spots = await office.inspections.draw(key)
    await office.inspections.enter(
        key, [Finding(spot.place_id, score) for spot, score in zip(spots, ("80", "90"), strict=True)]
    )
    await office.surveys.open_survey(REGION, read_survey("s", SURVEY.encode()))
    await office.surveys.take(REGION, "toilets-2020", "import", [AnswerGiven("1", {"content": "yes"})])
    await office.inputs.give(REGION, scheme, Given("cost", "", DAY_OF_JUNE, "80", "决算"))
    scope = Scope(REGION, parse_period("2020-06"), scheme, shipped_registry(), Basis.LEDGER)
    async with ledger.read() as session:
        inputs, sources = await gather_tree(session, scope)
    assert isinstance(scheme, TreeScheme)
    run = run_tree(scheme, inputs)
    points = {one.node.node_id: one.points for one in run.scores.scores}
    assert points == {"solved": 20, "roads": 17, "content.survey": 20, "cost": 15}
    assert (run.scores.display, run.scores.grade and run.scores.grade.name_zh) == ("72.00", "中")
    assert [one.origin for one in sources] == [Origin.LEDGER, Origin.INSPECTION, Origin.SURVEY, Origin.GIVEN]
    figure = sources[0]
    assert figure.metric_id == "F1"
    assert figure.value == 50
