"""A ledger of 中方县 2020: its figures, the ranking of its units, and what changes when a single case does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from exchange_db import figures
from exchange_db.figures import Basis, Question
from exchange_db.records import AssignmentState, Counts, Decision, RequestKind
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.evaluation.composite import Standing, UnitScore
from hub.evaluation.desk import Made, ScoreDesk, reproduce
from hub.evaluation.inspecting import Finding, InspectionDesk, RoundKey
from hub.evaluation.intake import Given, InputDesk
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.runs import KeptRun
from hub.evaluation.shipped import shipped_schemes
from hub.evaluation.sources import InputSource, Origin
from hub.recording import acting_as
from hub.settings import HubPart, Settings
from hub.statistics.reading import CaseQuery, FigureQuery, FigureReader
from tests.support import zhongfang
from tests.support.applied import apply_records
from tests.support.builders import CITY, COUNTY, DAY, HOUR, a_case, a_handling, a_verdict, an_assignment
from tests.support.clock import FakeClock, at
from tests.support.postgres import Cluster
from tests.support.zhongfang import A_UNITS, B_UNITS, IDLE_UNIT, REGION

_SCHEME = shipped_schemes()["zhongfang.monthly"]
_MONTH = date(2020, 3, 20)
_NOW = at("2021-01-05T08:00:00+08:00")


class County:
    """The county's ledger, with the desks that score it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.clock = FakeClock(_NOW)
        settings = Settings(hub=HubPart(id=CITY, name="怀化"))
        self.reader = FigureReader(ledger, settings)
        self.scores = ScoreDesk(ledger, settings, self.clock)
        self.inputs = InputDesk(ledger, settings, self.clock)
        self.inspections = InspectionDesk(ledger, settings, self.clock)
        self.objections = ObjectionDesk(ledger, settings, self.clock, self.scores)

    async def run(self, month: str = "2020-03", reason: str = "") -> Made:
        """Scores a month."""
        return await self.scores.run(REGION, _SCHEME.scheme_id, month, reason)

    async def give_month(self, number: int) -> None:
        """Gives what a month is scored by beside its figures: a round of inspections and supervised matters."""
        key = RoundKey(REGION, _SCHEME.scheme_id, f"2020-{number:02d}")
        await self.inspections.open_round(key, _SCHEME, date(2020, number, 10))
        spots = await self.inspections.draw(key)
        await self.inspections.enter(key, [Finding(spot.place_id, "88") for spot in spots])
        for unit in zhongfang.UNITS:
            given = Given("supervision", unit, date(2020, number, 20), "90", "专项督办通报")
            await self.inputs.give(REGION, _SCHEME, given)


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[str]:
    """URL of a ledger with the year, its lists, and what March, April and July are scored by; copied, never changed."""

    async def fill(url: str) -> None:
        async with Ledger(url, pool_size=2) as ledger:
            await zhongfang.fill_year(ledger)
            found = County(ledger)
            await found.inputs.put_groups(REGION, zhongfang.groups())
            await found.inspections.put_places(REGION, zhongfang.places())
            for month in (3, 4, 7):
                await found.give_month(month)

    with cluster.migrated() as url:
        asyncio.run(fill(url))
        yield url


@pytest.fixture
async def county(cluster: Cluster, filled: str) -> AsyncIterator[County]:
    """The county, in a ledger of the test's own."""
    with cluster.copied(filled) as url:
        async with Ledger(url, pool_size=2) as ledger:
            yield County(ledger)


def _score(made: Made, unit: str) -> UnitScore:
    assert isinstance(made.shown.kept, KeptRun)
    return next(score for score in made.shown.kept.run.scores if score.unit == unit)


def _source(made: Made, unit: str, entry: str) -> InputSource:
    return next(one for one in made.shown.kept.sources if (one.unit, one.entry) == (unit, entry))


def _touched(made: Made) -> dict[str, set[str]]:
    """Units by what of them has changed, without ranks that moved because another's did."""
    found: dict[str, set[str]] = {}
    for change in made.changes:
        if change.entry != "rank":
            found.setdefault(change.unit, set()).add(change.entry)
    return found


async def test_the_years_figures_are_those_the_county_has_published(county: County) -> None:
    answer = await county.reader.figures(subtree(REGION), FigureQuery("431221", 202001, 202012))
    (line,) = answer.lines
    assert (line.counts.total, line.counts.dispatched_on, line.counts.done, line.counts.on_time) == (
        14_664, 12_299, 8_907, 5_867,
    )  # fmt: skip
    shown = {figure.metric.metric_id: figure.rate.display for figure in line.figures}
    assert shown == {"F1": "60.74", "F2": "40.01", "F3": "51.41"}
    exact = next(figure.rate.value for figure in line.figures if figure.metric.metric_id == "F3")
    # F4: a late case is worth 55 %.
    assert exact == (5_867 + Fraction(55, 100) * (8_907 - 5_867)) / 14_664
    by_month = await county.reader.figures(subtree(REGION), FigureQuery("431221", 202001, 202012, group_by="month"))
    assert sum(one.counts.total for one in by_month.lines) == 14_664
    # F6: what is not processed, not asked to be checked, or failed is not done; no case is done beyond its total.
    assert all(one.counts.on_time <= one.counts.done <= one.counts.dispatched_on for one in by_month.lines)


async def test_units_are_ranked_by_list_and_scored_by_all_that_was_given(county: County) -> None:
    with acting_as("host:li"):
        praise = await county.inputs.give(REGION, _SCHEME, Given("praise", "a02", _MONTH, "1", "省级媒体正面报道"))
        await county.inputs.give(REGION, _SCHEME, Given("loss", "a03", _MONTH, "1", "造成不良影响"))
        exposed = await county.inputs.give(REGION, _SCHEME, Given("exposed", "b02", _MONTH, "1", "媒体曝光属实"))
    with acting_as("host:zhang"):
        await county.inputs.decide(REGION, praise.input_id, is_approved=True)
        await county.inputs.decide(REGION, exposed.input_id, is_approved=True)
    made = await county.run()
    assert isinstance(made.shown.kept, KeptRun)
    scores = made.shown.kept.run.scores
    for group, units in (("A", A_UNITS), ("B", B_UNITS)):
        ranked = [score for score in scores if score.group == group]
        assert {score.unit for score in ranked} == set(units)
        assert min(score.rank for score in ranked) == 1
        ordered = [score.score for score in sorted(ranked, key=lambda one: one.rank)]
        assert [round(one, 2) for one in ordered] == sorted((round(one, 2) for one in ordered), reverse=True)
    counts = await _counts(county, "a02", 202003)
    digital = Fraction(55 * counts.done + 45 * counts.on_time, counts.total)
    assert _score(made, "a02").score == digital * Fraction(60, 100) + Fraction(176, 10) + 18 + Fraction(5, 10)
    # Not approved, so it does not count; vetoed, so nothing else does; one year ago there were twelve more.
    assert _score(made, "a03").list_points == 0
    assert _score(made, "b02").is_vetoed
    assert _score(made, "b02").score == 0
    fall = next(line for line in _score(made, "a01").lines if line.line_id == "filed_fall")
    before = await _counts(county, "a01", 201903)
    assert fall.value == Fraction(1_200, before.reported)
    assert made.shown.head.revision == 1
    assert reproduce(made.shown).is_same


async def _counts(county: County, unit: str, month: int) -> Counts:
    async with county.ledger.read() as session:
        found = await figures.counts(session, Question(subtree(REGION), month, month, unit_code=unit), Basis.LEDGER)
    return found.get("", Counts())


async def test_a_score_opens_to_its_parts_and_a_part_to_its_cases(county: County) -> None:
    made = await county.run()
    source = _source(made, "a05", "digital")
    assert (source.origin, source.metric_id, source.metric_version) == (Origin.LEDGER, "F3", 1)
    assert source.cutoff_time > 0
    counts = await _counts(county, "a05", 202003)
    assert source.numerator == 55 * counts.done + 45 * counts.on_time
    assert source.denominator == 100 * counts.total
    query = CaseQuery("431221", source.first_month, source.last_month, "done", unit_code=source.unit, size=1_000)
    page = await county.reader.cases(subtree(REGION), query)
    assert len(page.rows) == counts.done
    assert _source(made, "a05", "inspection").references == ("2020-03",)
    assert _source(made, "a05", "supervision").reason == "专项督办通报"


async def test_a_unit_without_a_case_in_a_month_is_not_ranked_in_it(county: County) -> None:
    made = await county.run("2020-07")
    idle = _score(made, IDLE_UNIT)
    assert (idle.standing, idle.rank, idle.display) == (Standing.NO_CASES, 0, "")
    assert isinstance(made.shown.kept, KeptRun)
    others = [score.rank for score in made.shown.kept.run.scores if score.group == "B" and score.unit != IDLE_UNIT]
    assert max(others) <= len(B_UNITS) - 1


async def test_nothing_new_makes_no_new_revision(county: County) -> None:
    first = await county.run()
    county.clock.advance(hours=1)
    again = await county.run(reason="再算一次")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.shown.head == first.shown.head


async def test_a_deadline_that_moves_over_the_month_changes_its_unit_in_both_months(county: County) -> None:
    await county.run("2020-03")
    await county.run("2020-04")
    index = zhongfang.find("a07", 3, is_done=True, is_on_time=True)
    await _assign(county, index, deadline_time=at("2020-04-05T10:00:00+08:00"))
    march, april = await county.run("2020-03", "截止时间更正"), await county.run("2020-04", "截止时间更正")
    assert (march.shown.head.revision, april.shown.head.revision) == (2, 2)
    assert _touched(march) == {"a07": {"score", "digital"}}
    assert _touched(april) == {"a07": {"score", "digital"}}
    assert _source(march, "a07", "cases").value == _source(april, "a07", "cases").value - 2
    assert march.shown.head.reason == "截止时间更正"


async def _assign(county: County, index: int, **changes: Any) -> None:
    unit = zhongfang._place(index)[0]
    due = zhongfang.deadline_of(index)
    values: dict[str, Any] = {
        "deadline_time": due,
        "original_deadline_time": due,
        "dispatched_time": due - 3 * DAY,
    } | changes
    section = an_assignment(2, unit_code=unit, **values)
    await apply_records(county.ledger, (a_case(zhongfang.case_no(index), assignment=section), CITY), now=_NOW)


async def test_an_extension_counts_in_the_month_of_the_new_deadline_only(county: County) -> None:
    await county.run()
    index = zhongfang.find("b05", 3, is_done=False)
    due = zhongfang.deadline_of(index)
    granted = Decision(RequestKind.EXTENSION, due - DAY, is_granted=True)
    await _assign(
        county, index, extension_count=1, deadline_time=due + 40 * DAY, decision=granted, acted_time=due - HOUR
    )
    before = await _counts(county, "b05", 202003)
    made = await county.run(reason="延期")
    assert _touched(made) == {"b05": {"score", "digital"}}
    assert _source(made, "b05", "cases").value == before.total
    assert made.shown.head.revision == 2


async def test_a_void_case_leaves_the_total(county: County) -> None:
    first = await county.run()
    index = zhongfang.find("a11", 3, is_done=False)
    await _assign(county, index, state=AssignmentState.VOID, reason="重复", acted_time=_NOW - DAY)
    made = await county.run(reason="作废")
    assert _touched(made) == {"a11": {"score", "digital"}}
    assert _source(made, "a11", "cases").value == _source(first, "a11", "cases").value - 1
    assert _score(made, "a11").score > _score(first, "a11").score


async def test_a_case_closed_late_counts_as_done_and_not_in_time(county: County) -> None:
    first = await county.run()
    index = zhongfang.find("b09", 3, is_done=False)
    late = zhongfang.deadline_of(index) + 30 * DAY
    number = zhongfang.case_no(index)
    handling = a_handling(
        2, dispatched_on_time=late - 40 * DAY, received_time=late - 41 * DAY, disposed_time=late,
        close_requested_time=late,
    )  # fmt: skip
    verdict = a_verdict(check_sent_time=late + HOUR, check_answered_time=late + 2 * HOUR, closed_time=late + 2 * HOUR)
    await apply_records(
        county.ledger, (a_case(number, handling=handling), COUNTY), (a_case(number, verdict=verdict), CITY), now=_NOW
    )
    made = await county.run(reason="逾期结案")
    assert _touched(made) == {"b09": {"score", "digital"}}
    total = _source(made, "b09", "cases").value
    gained = _score(made, "b09").score - _score(first, "b09").score
    assert gained == Fraction(55) / total * Fraction(60, 100)


async def test_an_objection_that_is_upheld_makes_a_revision_that_names_the_ruling(county: County) -> None:
    first = await county.run()
    with acting_as("peer:431221.platform"):
        objection = await county.objections.object_to(first.shown, "a09", "supervision", "督办件已按期办结")
    with acting_as("person:local/wang"):
        ruled = await county.objections.rule(
            subtree(REGION), objection.objection_id, ruling="情况属实", value="95", is_upheld=True
        )
    assert ruled.made is not None
    assert _touched(ruled.made) == {"a09": {"score", "supervision"}}
    assert str(objection.objection_id) in ruled.made.shown.head.reason
    source = _source(ruled.made, "a09", "supervision")
    assert (source.origin, source.person, source.reason) == (Origin.RULING, "person:local/wang", "情况属实")
    assert _score(ruled.made, "a09").score == _score(first, "a09").score + 1
    # The run before is still there, and still comes out the same.
    earlier = await county.scores.of_period(REGION, _SCHEME.scheme_id, "2020-03", revision=1)
    assert reproduce(earlier).is_same
