"""Answers: which counts are given, what they name, who may ask, and the cases behind them."""

from typing import Any

import pytest
from msgspec.structs import asdict

from exchange_db import case_members, case_search, figures
from exchange_db.figures import Basis, Question
from exchange_db.records import Counts, Violated
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from hub.settings import FiguresPart, HubPart, Settings
from hub.statistics.fold import FigureFold
from hub.statistics.reading import CaseQuery, FigureAnswer, FigureQuery, FigureReader
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY, DAY, PROVINCE, a_cell, a_sheet
from tests.support.clock import NOON

ALL = Subtree(0, 999_999)
JUNE = FigureQuery("431221", 202006, 202006)


def _reader(ledger: Ledger, hub_id: str, **figures: Any) -> FigureReader:
    return FigureReader(ledger, Settings(hub=HubPart(id=hub_id, name=hub_id), figures=FiguresPart(**figures)))


@pytest.fixture
def city(ledger: Ledger) -> FigureReader:
    return _reader(ledger, CITY)


@pytest.fixture
def province(ledger: Ledger) -> FigureReader:
    return _reader(ledger, PROVINCE)


def _total(answer: FigureAnswer) -> int:
    (line,) = answer.lines
    return line.counts.total


async def test_a_city_answers_from_its_ledger_unfolded_cases_included(ledger: Ledger, city: FigureReader) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    await FigureFold(ledger).run()
    await apply_records(ledger, *a_dispatched_case("2"), a_sheet(a_cell(total=9, done=9, on_time=9)))
    answer = await city.figures(ALL, JUNE)
    assert (answer.basis, _total(answer), answer.disagreements) == (Basis.LEDGER, 2, ())
    figure = answer.lines[0].figures[2]
    assert (figure.metric.metric_id, figure.rate.display, figure.rate.denominator) == ("F3", "50.00", 200)
    assert (figure.region, figure.first_month, figure.last_month, figure.revision) == (431221, 202006, 202006, 0)
    assert figure.cutoff_time > 0


async def test_above_it_the_sheet_is_taken_and_names_its_cut_off_and_revision(
    ledger: Ledger, province: FigureReader
) -> None:
    await apply_records(ledger, a_sheet(a_cell(total=7, done=4, on_time=2), revision=3), hub_id=PROVINCE)
    answer = await province.figures(ALL, JUNE)
    assert (answer.basis, _total(answer)) == (Basis.SHEETS, 7)
    assert [figure.rate.display for figure in answer.lines[0].figures] == ["57.14", "28.57", "44.29"]
    assert {(figure.cutoff_time, figure.revision) for figure in answer.lines[0].figures} == {(NOON, 3)}


async def test_where_no_sheet_is_the_ledger_fills_in(ledger: Ledger, province: FigureReader) -> None:
    await apply_records(
        ledger, *a_closed_case("1"), a_sheet(a_cell(total=7), region=431222, cutoff_time=1_000), hub_id=PROVINCE
    )
    answer = await province.figures(ALL, FigureQuery("431200", 202006, 202006, group_by="region"))
    assert {line.key: line.counts.total for line in answer.lines} == {"431221": 1, "431222": 7}
    assert answer.basis is Basis.SHEETS
    assert answer.lines[0].figures[0].cutoff_time > NOON
    assert [line.figures[0].revision for line in answer.lines] == [0, 1]


async def test_a_difference_between_sheet_and_ledger_is_said_in_words(ledger: Ledger, province: FigureReader) -> None:
    await apply_records(ledger, *a_closed_case("1"), hub_id=PROVINCE)
    async with ledger.read() as session:
        own = (await figures.counts(session, Question(subtree(431221), 202006, 202006), Basis.LEDGER))[""]
    await apply_records(ledger, a_sheet(a_cell(**asdict(own))), hub_id=PROVINCE)
    assert (await province.figures(ALL, JUNE)).disagreements == ()
    await apply_records(ledger, *a_dispatched_case("2"), hub_id=PROVINCE)
    answer = await province.figures(ALL, JUNE)
    assert _total(answer) == 1
    (told,) = answer.disagreements
    assert told.startswith(
        "431221 2020年6月：431200.hub 第 1 版报表与本级台账不一致（报表／台账）：案件总数 1／2，上报 1／2"
    )
    assert told.endswith("到期未处置 0／1")


async def test_the_basis_can_be_chosen(ledger: Ledger, province: FigureReader) -> None:
    await apply_records(ledger, *a_closed_case("1"), a_sheet(a_cell(total=7)), hub_id=PROVINCE)
    ledger_only = await province.figures(ALL, JUNE._replace(basis=Basis.LEDGER))
    assert (ledger_only.basis, _total(ledger_only), ledger_only.lines[0].figures[0].revision) == (Basis.LEDGER, 1, 0)
    sheets_only = await province.figures(ALL, JUNE._replace(basis=Basis.SHEETS, region_code="430000"))
    assert (sheets_only.basis, _total(sheets_only)) == (Basis.SHEETS, 7)


async def test_months_name_themselves_and_nothing_gives_no_rate(ledger: Ledger, city: FigureReader) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2", deadline_time=NOON + 30 * DAY))
    answer = await city.figures(ALL, FigureQuery("431200", 202001, 202012, group_by="month"))
    assert [(line.key, line.figures[0].first_month, line.figures[0].rate.display) for line in answer.lines] == [
        ("202006", 202006, "100.00"),
        ("202007", 202007, "0.00"),
    ]
    empty = await city.figures(ALL, FigureQuery("431222", 202001, 202012))
    assert [(line.counts, line.figures[0].rate.display) for line in empty.lines] == [(Counts(), "")]


async def test_suspended_cases_can_be_left_out(ledger: Ledger) -> None:
    reader = _reader(ledger, PROVINCE, is_suspended_excluded=True)
    await apply_records(ledger, a_sheet(a_cell(total=10, done=6, suspended=2)), hub_id=PROVINCE)
    figure = (await reader.figures(ALL, JUNE)).lines[0].figures[0]
    assert (figure.metric.metric_id, figure.rate.display) == ("F1.active", "75.00")


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        ({"region_code": "43122"}, "REGION_INVALID", "region_code"),
        ({"region_code": "431222"}, "REGION_FORBIDDEN", "region_code"),
        ({"region_code": "431200"}, "REGION_FORBIDDEN", "region_code"),
        ({"first_month": 202013}, "ARGUMENT_INVALID", "first_month"),
        ({"last_month": 2020}, "ARGUMENT_INVALID", "last_month"),
        ({"first_month": 202007}, "ARGUMENT_INVALID", "last_month"),
        ({"group_by": "colour"}, "ARGUMENT_INVALID", "group_by"),
        ({"basis": 7}, "ARGUMENT_INVALID", "basis"),
    ],
)
async def test_a_question_that_does_not_fit_is_refused(
    city: FigureReader, change: dict[str, Any], reason: str, path: str
) -> None:
    with pytest.raises(Violated) as refused:
        await city.figures(subtree(431221), JUNE._replace(**change))
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)


async def test_the_cases_behind_a_number_come_page_by_page(ledger: Ledger, city: FigureReader) -> None:
    for number in range(5):
        await apply_records(ledger, *a_closed_case(f"case-{number}"))
    await apply_records(ledger, *a_dispatched_case("open"))
    query = CaseQuery("431200", 202001, 202012, "on_time", size=2)
    seen: list[str] = []
    while True:
        page = await city.cases(ALL, query)
        seen += [row.case_no for row in page.rows]
        if not page.has_more:
            break
        query = query._replace(after=(page.rows[-1].reported_time, page.rows[-1].case_id))
    assert sorted(seen) == [f"case-{number}" for number in range(5)]
    by_unit = await city.cases(ALL, CaseQuery("431221", 202006, 202006, "total", unit_code="hw09"))
    assert by_unit.rows == []


async def test_among_many_that_do_not_fit_a_page_says_how_far_it_looked(
    ledger: Ledger, city: FigureReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_members, "_DEPTH", 2)
    monkeypatch.setattr(case_search, "_STEP", 1)
    late = NOON + 25 * DAY
    for day in range(8):
        reported = NOON - (4 + 20 * day) * DAY
        await apply_records(ledger, *a_closed_case(f"case-{day}", reported_time=reported, deadline_time=reported + DAY))
    # What counts in June and was reported in July is a slip of a clock.
    await apply_records(ledger, *a_closed_case("slip", reported_time=late, deadline_time=NOON))
    query = CaseQuery("431200", 202006, 202006, "total", size=3)
    assert [row.case_no for row in (await city.cases(ALL, query)).rows] == ["case-0", "slip"]
    seen, cut = [], 0
    while True:
        page = await city.cases(ALL, query, is_bounded=True)
        seen += [row.case_no for row in page.rows]
        if page.after is None:
            break
        assert page.is_cut
        cut += 1
        query = query._replace(after=page.after)
    assert seen == ["case-0", "slip"]
    assert cut > 1


async def test_a_breakdown_is_told_in_parts(ledger: Ledger, city: FigureReader) -> None:
    for unit in ("hw01", "hw02", "hw03"):
        await apply_records(ledger, *a_closed_case(unit, unit_code=unit))
    query = JUNE._replace(group_by="unit", most_lines=2)
    first, last = [await city.figures(ALL, query._replace(skipped_lines=skipped)) for skipped in (0, 2)]
    assert [[line.key for line in answer.lines] for answer in (first, last)] == [["hw01", "hw02"], ["hw03"]]
    assert first.line_count == last.line_count == 3


async def test_cases_of_a_region_outside_the_askers_rights_are_refused(city: FigureReader) -> None:
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await city.cases(subtree(431222), CaseQuery("431221", 202006, 202006, "total"))
    with pytest.raises(Violated, match="counter"):
        await city.cases(ALL, CaseQuery("431221", 202006, 202006, "late"))
