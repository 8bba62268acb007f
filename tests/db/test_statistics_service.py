"""StatisticsService: questions in, answers out, inside the caller's rights."""

from collections.abc import Iterator

import pytest

from auth.principal import Principal
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.rpc import calls
from hub.rpc.calls import Caller
from hub.rpc.statistics_servicer import StatisticsServicer
from hub.settings import HubPart, Settings
from protos.common.v1 import page_pb2
from protos.statistics.v1 import statistics_service_pb2 as statistics
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY, COUNTY, PROVINCE, a_cell, a_principal, a_sheet
from tests.support.clock import FakeClock, at
from tests.support.periods import City, settings_of


@pytest.fixture
def servicer(ledger: Ledger) -> StatisticsServicer:
    settings = Settings(hub=HubPart(id=CITY, name="怀化"))
    return StatisticsServicer(ledger, settings, FakeClock())


@pytest.fixture
def city(ledger: Ledger, clock: FakeClock) -> City:
    """The same hub with its months frozen and corrected."""
    return City.over(ledger, clock, settings_of(frozen=("month",)))


@pytest.fixture
def past(city: City) -> StatisticsServicer:
    return StatisticsServicer(city.ledger, city.settings, city.clock)


@pytest.fixture(params=[COUNTY])
def caller(request: pytest.FixtureRequest) -> Iterator[Principal]:
    """Who calls; the county unless a test says otherwise."""
    principal = a_principal(request.param, relation="parent" if request.param == PROVINCE else "child")
    token = calls._CALLER.set(Caller(b"", "", principal))
    yield principal
    calls._CALLER.reset(token)


async def test_figures_come_with_everything_needed_to_check_them(
    ledger: Ledger, servicer: StatisticsServicer, caller: Principal
) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    request = statistics.GetFiguresRequest(
        region_code="431221", first_month=202006, last_month=202006, group_by="month"
    )
    response = await servicer.GetFigures(request, None)
    assert response.basis == statistics.BASIS_LEDGER
    (group,) = response.groups
    assert (group.group_key, group.counts.total, group.counts.done, group.counts.reported) == ("202006", 2, 1, 2)
    figure = group.figures[2]
    assert (figure.metric_id, figure.metric_version, figure.name) == ("F3", 1, "月问题综合解决率")
    assert (figure.numerator, figure.denominator, figure.display) == (100, 200, "50.00")
    assert (figure.region_code, figure.first_month, figure.last_month) == ("431221", 202006, 202006)
    assert figure.cutoff_time > 0


async def test_the_cases_behind_a_counter_are_named_page_by_page(
    ledger: Ledger, servicer: StatisticsServicer, caller: Principal
) -> None:
    for number in range(3):
        await apply_records(ledger, *a_closed_case(str(number)))
    request = statistics.ListFigureCasesRequest(
        region_code="431221", month=202006, counter="on_time", page=page_pb2.Page(size=2)
    )
    first = await servicer.ListFigureCases(request, None)
    assert [case.is_on_time for case in first.cases] == [True, True]
    request.page.token = first.next_page_token
    second = await servicer.ListFigureCases(request, None)
    assert second.next_page_token == ""
    assert {case.key.case_no for case in (*first.cases, *second.cases)} == {"0", "1", "2"}


@pytest.mark.parametrize("region_code", ["431222", "431200", "000000"])
async def test_a_county_sees_no_other_region(servicer: StatisticsServicer, caller: Principal, region_code: str) -> None:
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await servicer.GetFigures(
            statistics.GetFiguresRequest(region_code=region_code, first_month=202006, last_month=202006), None
        )
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await servicer.ListFigureCases(
            statistics.ListFigureCasesRequest(region_code=region_code, month=202006, counter="total"), None
        )


@pytest.mark.parametrize("caller", [PROVINCE], indirect=True)
async def test_the_hub_above_sees_all_of_this_hub_and_nothing_beyond(
    ledger: Ledger, servicer: StatisticsServicer, caller: Principal
) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    response = await servicer.GetFigures(
        statistics.GetFiguresRequest(region_code="431200", first_month=202006, last_month=202006), None
    )
    assert response.groups[0].counts.total == 1
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await servicer.GetFigures(
            statistics.GetFiguresRequest(region_code="430000", first_month=202006, last_month=202006), None
        )


async def test_a_token_that_was_never_given_out_is_refused_by_name(
    servicer: StatisticsServicer, caller: Principal
) -> None:
    for page in (page_pb2.Page(token="!!"), page_pb2.Page(token="AAAA"), page_pb2.Page(size=-1)):
        request = statistics.ListFigureCasesRequest(region_code="431221", month=202006, counter="total", page=page)
        with pytest.raises(Violated, match="ARGUMENT_INVALID page"):
            await servicer.ListFigureCases(request, None)


async def test_indicators_come_with_both_parts_and_open_to_the_cases_of_each(
    ledger: Ledger, servicer: StatisticsServicer, caller: Principal
) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2"))
    request = statistics.GetIndicatorsRequest(
        region_code="431221", first_day=20200615, last_day=20200630, has_changes=True
    )
    response = await servicer.GetIndicators(request, None)
    assert (response.definition_ref, response.basis) == ("sanji-counts/2", statistics.BASIS_LEDGER)
    (group,) = response.groups
    assert (group.counts.disposed, group.overdue, group.undispatched) == (1, 1, 0)
    (closing,) = (one for one in group.indicators if one.metric_id == "closing_rate")
    assert (closing.name, closing.figure.numerator, closing.figure.denominator) == ("结案率", 1, 2)
    assert (closing.figure.display, closing.change_previous, closing.is_untold) == ("50.00", "", False)
    for part, count in (("numerator", 1), ("denominator", 2)):
        page = await servicer.ListFigureCases(
            statistics.ListFigureCasesRequest(
                region_code="431221", first_day=20200615, last_day=20200630, metric_id="closing_rate", part=part
            ),
            None,
        )
        assert len(page.cases) == count


@pytest.mark.parametrize("caller", [COUNTY], indirect=True)
async def test_indicators_of_others_are_refused(servicer: StatisticsServicer, caller: Principal) -> None:
    request = statistics.GetIndicatorsRequest(region_code="431200", first_day=20200601, last_day=20200630)
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await servicer.GetIndicators(request, None)


async def test_what_was_said_on_a_date_is_told(city: City, past: StatisticsServicer, caller: Principal) -> None:
    await city.apply(*a_dispatched_case("1"))
    city.clock.now = at("2020-07-05T08:00:00+08:00")
    await city.freezer.run()
    city.clock.now = at("2020-07-08T08:00:00+08:00")
    await city.apply(*a_closed_case("1")[2:])
    await city.corrections.run()

    async def asked(day: str) -> tuple[int, int, int, int, int]:
        request = statistics.GetFiguresAsOfRequest(region_code="431221", period="2020-06", as_of=day, group_by="unit")
        said = await past.GetFiguresAsOf(request, None)
        (group,) = said.groups
        assert (group.group_key, said.origin) == ("hw01", statistics.ORIGIN_FROZEN)
        assert list(said.definition_refs) == [city.calendar.definition_ref]
        assert said.cutoff_time == at("2020-07-05T08:00:00+08:00")
        return said.revision, len(said.corrections), group.counts.total, group.counts.done, group.overdue

    assert await asked("2020-07-06") == (1, 0, 1, 0, 1)
    assert await asked("2020-07-08T23:00:00+08:00") == (2, 1, 1, 1, 0)
    with pytest.raises(Violated, match="NOTHING_SAID"):
        await asked("2020-07-01")
    with pytest.raises(Violated, match="DATE_INVALID"):
        await asked("2020-07-08T23:00:00")


async def test_which_sheets_have_come_is_told(city: City, past: StatisticsServicer, caller: Principal) -> None:
    await apply_records(city.ledger, a_sheet(a_cell(), region=431221, month=202006))
    city.clock.now = at("2020-07-20")
    request = statistics.GetCompletenessRequest(region_code="431221", first_month=202005, last_month=202007)
    (row,) = (await past.GetCompleteness(request, None)).rows
    assert (row.region_code, row.reporter_id) == ("431221", CITY)
    assert [(cell.month, cell.revision) for cell in row.cells] == [(202005, 0), (202006, 1), (202007, 0)]
    assert [cell.state for cell in row.cells] == [
        statistics.SHEET_STATE_UNEXPECTED, statistics.SHEET_STATE_LATE, statistics.SHEET_STATE_WAITING,
    ]  # fmt: skip
    assert row.cells[1].first_time == row.cells[1].last_time > 0
    assert [cell.is_incomparable for cell in row.cells] == [False, False, False]


@pytest.mark.parametrize(
    ("months", "reason"),
    [((202006, 202005), "ARGUMENT_INVALID"), ((201001, 202006), "ARGUMENT_INVALID"), ((0, 202006), "PERIOD_INVALID")],
)
async def test_months_nobody_can_list_are_refused(
    past: StatisticsServicer, caller: Principal, months: tuple[int, int], reason: str
) -> None:
    request = statistics.GetCompletenessRequest(region_code="431221", first_month=months[0], last_month=months[1])
    with pytest.raises(Violated, match=reason):
        await past.GetCompleteness(request, None)


async def test_periods_of_others_are_refused(past: StatisticsServicer, caller: Principal) -> None:
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await past.GetFiguresAsOf(
            statistics.GetFiguresAsOfRequest(region_code="431222", period="2020-06", as_of="2020-07-06"), None
        )
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await past.GetCompleteness(
            statistics.GetCompletenessRequest(region_code="431200", first_month=202006, last_month=202006), None
        )
