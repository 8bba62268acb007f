"""Workbooks and what they are made of: sums that stay those of the whole, changes, charts, bytes that do not vary."""

import io
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openpyxl import load_workbook

from exchange_db.records import COUNTERS, Counts
from hub.reports.content import Breakdown, Compared, Line, Metric, ReportFigure, ReportKind, digest_of
from hub.reports.sampling import sample
from hub.reports.wording import NONE, added_up, comparison, formula_of, plots_of, shortened, values_of
from hub.reports.workbook import workbook_of
from hub.statistics.rates import METRICS, rate_of

_DAY, _ZONE = date(2020, 7, 3), ZoneInfo("Asia/Shanghai")
_METRICS = tuple(
    Metric(
        metric_id=one.metric_id, version=one.version, name=one.name_zh, numerator=one.numerator,
        denominator=one.denominator, source="",
    )
    for one in METRICS
)  # fmt: skip


def _line(total: int, done: int, on_time: int, name: str = "") -> Line:
    counts = Counts(total=total, done=done, on_time=on_time)
    figures = []
    for metric in METRICS:
        rate = rate_of(metric, counts)
        figures.append(
            ReportFigure(
                metric_id=metric.metric_id, version=1, numerator=rate.numerator, denominator=rate.denominator,
                display=rate.display, cutoff_time=1, revision=0,
            )
        )  # fmt: skip
    return Line(key=name, name=name, counts=counts, figures=tuple(figures))


@st.composite
def _lines(draw: st.DrawFn) -> tuple[Line, ...]:
    rows = draw(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=9))
    return tuple(_line(a + b + c, a + b, a, str(number)) for number, (a, b, c) in enumerate(rows))


@given(_lines(), st.integers(1, 9))
def test_lines_that_are_left_out_are_added_up_so_that_the_sum_is_that_of_the_whole(
    lines: tuple[Line, ...], most: int
) -> None:
    found = shortened(Breakdown(dimension="unit", lines=lines), most)
    assert len(found.lines) <= most + 1
    whole, kept = added_up("", lines), added_up("", found.lines)
    assert kept.counts == whole.counts
    assert kept.figures == whole.figures
    for figure, metric in zip(whole.figures, METRICS, strict=True):
        rate = rate_of(metric, whole.counts)
        assert (figure.numerator, figure.denominator, figure.display) == (*rate, rate.display)


def test_changes_are_told_where_there_is_something_to_compare_with() -> None:
    rows = {
        row["name"]: row
        for row in comparison(Compared(now=_line(7, 4, 2), before=_line(0, 0, 0), year_ago=None), _METRICS)
    }
    assert rows["案件总数（件）"] == {
        "name": "案件总数（件）", "now": "7", "before": "0", "change": NONE, "year_ago": NONE, "year_change": NONE,
    }  # fmt: skip
    assert rows["月问题解决率（%）"]["change"] == NONE
    before, year_ago = _line(8, 4, 1), _line(7, 4, 2)
    rows = {
        row["name"]: row for row in comparison(Compared(now=_line(7, 4, 2), before=before, year_ago=year_ago), _METRICS)
    }
    assert rows["案件总数（件）"]["change"] == "-12.50%"
    assert rows["及时完成（件）"]["change"] == "+100.00%"
    assert rows["案件总数（件）"]["year_change"] == "持平"
    assert rows["月问题解决率（%）"]["change"] == "+7.14个百分点"


def test_a_rate_is_computed_of_counts_never_of_rounded_rates() -> None:
    line = _line(7, 4, 2)
    assert [figure.display for figure in line.figures] == ["57.14", "28.57", "44.29"]
    assert formula_of(_METRICS[2]) == "（55×完成＋45×及时完成）÷（100×案件总数）"


@pytest.mark.parametrize("kind", [ReportKind.YEARLY, ReportKind.SCORES, ReportKind.SPECIAL])
def test_the_same_report_is_the_same_file(kind: ReportKind) -> None:
    data = sample(kind)
    assert workbook_of(data, _DAY, _ZONE) == workbook_of(data, _DAY, _ZONE)
    book = load_workbook(io.BytesIO(workbook_of(data, _DAY, _ZONE)), data_only=True)
    assert book.sheetnames[0] in ("总体情况", "涉及案件", "考评结果")
    for sheet in book:
        for row in sheet.iter_rows():
            assert not [cell.coordinate for cell in row if cell.data_type == "e"]


def test_names_from_outside_are_no_formulas() -> None:
    data = sample(ReportKind.MONTHLY)
    hostile = Breakdown(dimension="unit", lines=(_line(1, 1, 1, '=HYPERLINK("http://x")'),))
    book = load_workbook(io.BytesIO(workbook_of(replace(data, breakdowns=(hostile,)), _DAY, _ZONE)))
    cell = book["分责任单位"]["A3"]
    assert (cell.data_type, str(cell.value)[0]) == ("s", "'")


def test_the_digest_is_of_what_is_said_and_not_of_when_it_was_read() -> None:
    data = sample(ReportKind.MONTHLY)
    assert data.whole is not None

    def at(moment: int) -> Line:
        figures = tuple(replace(one, cutoff_time=moment) for one in data.whole.now.figures) if data.whole else ()
        return replace(_line(7, 4, 2), figures=figures)

    first, second = (replace(data, whole=Compared(now=at(moment), before=None, year_ago=None)) for moment in (1, 2))
    assert digest_of(first) == digest_of(second)
    changed = replace(data, whole=Compared(now=_line(7, 4, 3), before=None, year_ago=None))
    assert digest_of(changed) != digest_of(first)


def test_charts_show_what_the_tables_show_and_nothing_where_there_is_nothing() -> None:
    data = sample(ReportKind.MONTHLY)
    plots = plots_of(data)
    assert plots["regions"] is not None
    assert plots["regions"].series[0][1][0] == pytest.approx(float(Fraction(4, 7)))
    assert plots["classes"] is not None
    assert plots["classes"].series[0] == ("案件总数", (7.0,) * 7)
    empty = sample(ReportKind.SCORES)
    assert set(plots_of(replace(empty, breakdowns=(), lines=())).values()) == {None}


def test_sections_are_numbered_in_chinese() -> None:
    numeral = values_of(sample(ReportKind.MONTHLY), _DAY, _ZONE, 5)["numeral"]
    assert [numeral() for _ in range(22)][8:] == [
        "九", "十", "十一", "十二", "十三", "十四", "十五", "十六", "十七", "十八", "十九", "二十", "二十一", "二十二",
    ]  # fmt: skip
    assert set(COUNTERS) <= values_of(sample(ReportKind.MONTHLY), _DAY, _ZONE, 5)["now"].keys()
