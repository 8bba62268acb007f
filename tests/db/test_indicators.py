"""Indicators: every metric the ledger can tell, over spans and breakdowns, its changes, and the cases of both parts."""

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from exchange_db.figures import Basis
from exchange_db.records import Case, Violated
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from hub.settings import FiguresPart, HubPart, Settings
from hub.statistics.fold import FigureFold
from hub.statistics.indicators import (
    Indicator,
    IndicatorLine,
    IndicatorQuery,
    IndicatorReader,
    span_before,
    span_last_year,
)
from hub.statistics.reading import CaseQuery, FigureReader
from tests.support.applied import Written, a_closed_case, a_dispatched_case, apply_records
from tests.support.builders import CITY, DAY, PROVINCE, a_cell, a_sheet
from tests.support.clock import NOON

ALL = Subtree(0, 999_999)
JUNE = IndicatorQuery("431221", 20200601, 20200630)


def _settings(hub_id: str = CITY, **figures: Any) -> Settings:
    return Settings(hub=HubPart(id=hub_id, name=hub_id), figures=FiguresPart(**figures))


@pytest.fixture
def reader(ledger: Ledger) -> IndicatorReader:
    return IndicatorReader(ledger, _settings())


async def _lines(reader: IndicatorReader, query: IndicatorQuery) -> dict[str, IndicatorLine]:
    return {line.key: line for line in (await reader.indicators(ALL, query)).lines}


def _of(line: IndicatorLine, metric_id: str) -> Indicator:
    return next(one for one in line.indicators if one.quotient.metric.metric_id == metric_id)


def _parts(line: IndicatorLine, metric_id: str) -> tuple[int, int]:
    quotient = _of(line, metric_id).quotient
    return int(quotient.numerator), int(quotient.denominator)


def _reported(records: list[Written], **changes: Any) -> list[Written]:
    """The records of a case with another report."""
    first, *others = records
    case = first[0] if isinstance(first, tuple) else first
    assert isinstance(case, Case)
    assert case.report
    return [replace(case, report=replace(case.report, **changes)), *others]


async def _fill(ledger: Ledger) -> None:
    """One closed in time, one closed two days late, one still open and overdue, one by the hotline."""
    collector = {"source_code": "collector"}
    await apply_records(
        ledger,
        *_reported(a_closed_case("1"), **collector),
        *_reported(a_closed_case("2", close_requested_time=NOON + 3 * DAY), **collector),
        *_reported(a_dispatched_case("3", unit_code="hw02"), **collector),
        *_reported(a_closed_case("4", class_code="0101"), source_code="hotline_12319", duty_grid_code="g-7"),
    )
    await FigureFold(ledger).run()


async def test_due_is_what_was_finished_and_what_is_overdue_at_the_end(ledger: Ledger, reader: IndicatorReader) -> None:
    await _fill(ledger)
    line = (await _lines(reader, JUNE))[""]
    assert (line.counts.overdue, _parts(line, "closing_rate")) == (1, (3, 4))
    assert _parts(line, "timely_closing_rate") == (2, 4)
    assert _parts(line, "filing_rate") == (4, 4)
    assert _parts(line, "public_report_rate") == (1, 4)
    assert _parts(line, "source_share.collector") == (3, 4)
    assert _parts(line, "stage_timely_rate.disposal") == (2, 4)
    assert _parts(line, "contractor.daily_items") == (3, 30)
    # Two days after the report one was closed in time, two wait past their deadline.
    (early,) = (await _lines(reader, JUNE._replace(first_day=20200615, last_day=20200616))).values()
    assert (early.counts.overdue, _parts(early, "closing_rate")) == (2, (2, 4))


async def test_metrics_are_those_of_the_profile_that_the_ledger_can_tell(ledger: Ledger) -> None:
    names = {one.metric_id for one in IndicatorReader(ledger, _settings(profile="zhongfang")).metrics()}
    assert {"F1", "F2", "F3", "disposal_rate"} <= names
    assert not names & {"closing_rate", "satisfaction_rate", "patrol_frequency"}
    with pytest.raises(Violated, match="profile"):
        IndicatorReader(ledger, _settings()).metrics("nobody")


async def test_breakdowns_by_grid_line_and_day(ledger: Ledger, reader: IndicatorReader) -> None:
    await _fill(ledger)
    whole = (await _lines(reader, JUNE))[""]
    for group in ("region", "unit", "class", "source", "grid", "line", "day", "month"):
        lines = await _lines(reader, JUNE._replace(group_by=group))
        for name in ("reported", "filed", "disposed", "closed_on_time"):
            assert sum(line.counts.of(name) for line in lines.values()) == whole.counts.of(name), (group, name)
    grids = await _lines(reader, JUNE._replace(group_by="grid"))
    assert {key: line.counts.of("reported") for key, line in grids.items()} == {"": 3, "g-7": 1}
    assert grids[""].counts.overdue == 1
    by_line = await _lines(reader, JUNE._replace(group_by="line"))
    assert {key: line.counts.of("reported") for key, line in by_line.items()} == {"appearance": 3, "sanitation": 1}
    only = await _lines(reader, JUNE._replace(line_code="sanitation"))
    assert only[""].counts.of("reported") == 1
    assert (await _lines(reader, JUNE._replace(line_code="greening")))[""].counts.of("reported") == 0


async def test_changes_are_against_the_span_before_and_the_year_before(ledger: Ledger, reader: IndicatorReader) -> None:
    await _fill(ledger)
    asked = JUNE._replace(has_changes=True)
    june = _of((await _lines(reader, asked))[""], "closing_rate")
    assert (june.change_previous, june.change_last_year) == (None, None)
    july = (await _lines(reader, asked._replace(first_day=20200701, last_day=20200731)))[""]
    closing = _of(july, "closing_rate")
    assert closing.quotient.value == 0
    assert closing.previous
    assert closing.previous.value == Fraction(3, 4)
    assert closing.change_previous == -1
    assert closing.change_last_year is None
    next_year = (await _lines(reader, asked._replace(first_day=20210601, last_day=20210630)))[""]
    assert _of(next_year, "closing_rate").change_last_year == -1


@pytest.mark.parametrize(
    ("span", "before", "last_year"),
    [
        ((20200301, 20200331), (20200201, 20200229), (20190301, 20190331)),
        ((20200101, 20200630), (20190701, 20191231), (20190101, 20190630)),
        ((20200302, 20200308), (20200224, 20200301), (20190302, 20190308)),
        ((20200201, 20200229), (20200101, 20200131), (20190201, 20190228)),
        ((20210201, 20210228), (20210101, 20210131), (20200201, 20200229)),
    ],
)
def test_spans_to_compare_with(span: tuple[int, int], before: tuple[int, int], last_year: tuple[int, int]) -> None:
    assert (span_before(*span), span_last_year(*span)) == (before, last_year)


async def test_numerator_and_denominator_open_to_their_own_cases(ledger: Ledger, reader: IndicatorReader) -> None:
    await _fill(ledger)
    opening = FigureReader(ledger, _settings())

    async def cases_of(metric_id: str, part: str, **changes: Any) -> set[str]:
        query = CaseQuery(
            "431221", 202006, 202006, "", metric_id=metric_id, part=part, first_day=20200601, last_day=20200630
        )
        page = await opening.cases(ALL, query._replace(**changes))
        return {row.case_no for row in page.rows}

    line = (await _lines(reader, JUNE))[""]
    for metric_id in ("closing_rate", "timely_closing_rate", "public_report_rate", "source_share.collector"):
        for place, part in enumerate(("numerator", "denominator")):
            assert len(await cases_of(metric_id, part)) == _parts(line, metric_id)[place], (metric_id, part)
    assert await cases_of("timely_closing_rate", "numerator") == {"1", "4"}
    assert await cases_of("F3", "numerator") == {"1", "2", "4"}
    assert await cases_of("", "", counter="overdue") == {"3"}
    assert await cases_of("", "", counter="hotline_reported", first_day=0) == {"4"}
    for wrong in (
        {"metric_id": "nothing"},
        {"metric_id": "satisfaction_rate"},
        {"part": "half"},
        {"last_day": 20200631},
    ):
        with pytest.raises(Violated, match="ARGUMENT_INVALID"):
            await cases_of(**{"metric_id": "F1", "part": "numerator"} | wrong)
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await opening.cases(subtree(431222), CaseQuery("431221", 202006, 202006, "total"))


async def test_sheets_that_count_otherwise_say_nothing(ledger: Ledger) -> None:
    reader = IndicatorReader(ledger, _settings(PROVINCE))
    await apply_records(ledger, a_sheet(a_cell(filed=5, accepted=10)), hub_id=PROVINCE)
    told = (await reader.indicators(ALL, JUNE)).lines[0]
    assert _parts(told, "filing_rate") == (5, 10)
    await apply_records(ledger, a_sheet(a_cell(total=9), revision=2, definition_ref="sanji-counts/1"), hub_id=PROVINCE)
    untold = _of((await reader.indicators(ALL, JUNE)).lines[0], "filing_rate")
    assert not untold.is_told
    assert untold.quotient.value is untold.change_previous is None
    assert (await reader.indicators(ALL, JUNE._replace(last_day=20200629))).basis is Basis.LEDGER


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_day": 20200631}, {"last_day": 20200531}, {"group_by": "week"}, {"basis": 9}, {"line_code": "sea"},
        {"basis": Basis.SHEETS, "last_day": 20200629}, {"group_by": "day", "first_day": 20180101}, {"profile": "no"},
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_refused(reader: IndicatorReader, wrong: dict[str, Any]) -> None:
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        await reader.indicators(ALL, JUNE._replace(**wrong))
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await reader.indicators(subtree(431222), JUNE)
