"""The monthly bulletin of 怀化: LibreOffice prints it and computes its formulas anew, and all is as the API says."""

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from auth.principal import Principal
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.reports.content import ReportKind
from hub.reports.desk import ReportDesk
from hub.reports.drafting import Asked
from hub.reports.sampling import sample, tried
from hub.reports.shelf import template_of
from hub.reports.workbook import workbook_of
from hub.rpc import calls
from hub.rpc.calls import Caller
from hub.rpc.statistics_servicer import StatisticsServicer
from hub.statistics.periods import parse_period
from hub.statistics.reading import FigureReader
from protos.statistics.v1 import statistics_service_pb2 as statistics
from tests.support.builders import CITY
from tests.support.bulletins import JULY, fill_months, settings_of
from tests.support.clock import FakeClock
from tests.support.office import converted, text_of

_CITY = 431200
#: Sheet of a breakdown in the workbook.
_SHEETS = {"region": "分区域", "unit": "分责任单位", "class": "分类别", "source": "分来源"}


@pytest.fixture
def caller() -> Iterator[None]:
    """The city itself asks."""
    token = calls._CALLER.set(Caller(b"", "", Principal(CITY, _CITY, "hub", "child", 0, "")))
    yield
    calls._CALLER.reset(token)


async def _asked(servicer: StatisticsServicer, month: int, group_by: str = "") -> Any:
    request = statistics.GetFiguresRequest(region_code="431200", first_month=month, last_month=month, group_by=group_by)
    return await servicer.GetFigures(request, None)


def _row(group: Any) -> list[str]:
    """A line of the API's answer as the bulletin's tables have it."""
    counts = group.counts
    numbers = [counts.total, counts.done, counts.on_time, counts.done - counts.on_time, counts.total - counts.done]
    return [*map(str, numbers), *(figure.display or "—" for figure in group.figures)]


def _has(lines: list[list[str]], row: list[str]) -> bool:
    return any(line[at : at + len(row)] == row for line in lines for at in range(len(line)))


async def test_the_monthly_bulletin_opens_prints_and_says_what_the_api_says(
    ledger: Ledger, clock: Clock, caller: None, tmp_path: Path
) -> None:
    await fill_months(ledger)
    settings = settings_of()
    reader = FigureReader(ledger, settings)
    desk = ReportDesk(ledger, settings, reader, FakeClock(JULY))
    made = await desk.make(subtree(_CITY), Asked(ReportKind.MONTHLY, _CITY, parse_period("2020-06")))
    files = {name: tmp_path / f"bulletin.{name}" for name in made.run.formats}
    for name, path in files.items():
        path.write_bytes((await desk.file(made.run, name)).content)
    (pdf,) = converted(tmp_path, [files["docx"]], "pdf")
    (again,) = converted(tmp_path, [files["xlsx"]], "xlsx")
    servicer = StatisticsServicer(ledger, settings, FakeClock(JULY))
    now, before, year_ago = [(await _asked(servicer, month)).groups[0] for month in (202006, 202005, 201906)]
    by = {group: (await _asked(servicer, 202006, group)).groups for group in _SHEETS}
    assert now.counts.total > before.counts.total > year_ago.counts.total > 0
    assert [len(by[group]) for group in _SHEETS] == [2, 4, 3, 3]
    _check_print(text_of(pdf), [now, before, year_ago], by)
    _check_workbook(load_workbook(again, data_only=True), [now, before, year_ago], by)
    _check_kept_values(files["xlsx"].read_bytes(), again)
    _check_recalculation(tmp_path, files["xlsx"])


def _check_print(text: str, whole: list[Any], by: dict[str, Any]) -> None:
    flat = re.sub(r"\s", "", text)
    assert "怀化市城市管理和综合执法局〔2020〕第6期" in flat
    assert "怀化市2020年6月城市管理案件处置情况月通报" in flat
    counts = whole[0].counts
    assert f"应处置城市管理案件{counts.total}件，完成{counts.done}件，其中及时完成{counts.on_time}件" in flat
    assert "—1—" in flat
    assert flat.endswith(("2020年7月3日", "2020年7月3日—4—", "2020年7月3日—5—"))
    for figure in whole[0].figures:
        assert f"{figure.name}{figure.display}%" in flat
    lines = [line.split() for line in text.splitlines()]
    change = f"{(whole[0].counts.total - whole[1].counts.total) / whole[1].counts.total * 100:+.2f}%"
    assert _has(lines, ["案件总数（件）", str(counts.total), str(whole[1].counts.total), change])
    for groups in by.values():
        for group in groups:
            assert _has(lines, _row(group)), group
    assert _has(lines, ["合计", *_row(whole[0])])
    for name in ("中方县", "431222", "hw01", "违规户外广告", "12345政务热线"):
        assert name in flat


def _check_workbook(book: Any, whole: list[Any], by: dict[str, Any]) -> None:
    """What LibreOffice computed of the formulas."""
    overview = {row[0]: row[1:] for row in book["总体情况"].iter_rows(values_only=True)}
    totals = [group.counts.total for group in whole]
    shown = overview["案件总数（件）"]
    assert (shown[0], shown[1], shown[3]) == tuple(totals)
    assert shown[2] == pytest.approx((totals[0] - totals[1]) / totals[1], abs=1e-12)
    for number, figure in enumerate(whole[0].figures):
        row = overview[f"{figure.name}（环比、同比：百分点）"]
        for column, group in zip((0, 1, 3), whole, strict=True):
            one = group.figures[number]
            assert row[column] == pytest.approx(one.numerator / one.denominator, abs=1e-12)
    for group_by, name in _SHEETS.items():
        rows = [row for row in book[name].iter_rows(min_row=3, values_only=True) if row[0]]
        told = sorted(_computed(row) for row in rows[:-1])
        assert told == sorted(_row(group) for group in by[group_by])
        assert rows[-1][0] == "合计"
        assert _computed(rows[-1]) == _row(whole[0])
    stated = {row[1]: row for row in book["统计口径"].iter_rows(min_row=3, values_only=True) if row[1]}
    for figure in whole[0].figures:
        row = stated[figure.metric_id]
        assert row[2:6] == (figure.metric_version, figure.numerator, figure.denominator, figure.display)


def _computed(row: tuple[Any, ...]) -> list[str]:
    """Returns a row of a breakdown as its reader sees it: 案件总数, 完成, 及时, 超时, 未完成 and the rates."""
    total, done, on_time, *_ = row[1:4]
    late, left, *rates = [value for value in row[8:] if value is not None]
    shown = [value if isinstance(value, str) else f"{value * 100:.2f}" for value in rates]
    return [str(value) for value in (total, done, on_time, late, left)] + shown


def _check_kept_values(content: bytes, again: Path) -> None:
    """The values that lie beside the formulas are those LibreOffice computes."""
    kept = load_workbook(io.BytesIO(content), data_only=True)
    formulas, computed = load_workbook(io.BytesIO(content)), load_workbook(again, data_only=True)
    count = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    count += 1
                    ours = kept[sheet.title][cell.coordinate].value
                    theirs = computed[sheet.title][cell.coordinate].value
                    assert ours == (theirs if isinstance(theirs, str) else pytest.approx(theirs, abs=1e-9)), cell
    assert count > 80


def _check_recalculation(folder: Path, path: Path) -> None:
    """A count that is changed changes what depends on it, so the formulas are real."""
    book = load_workbook(path)
    sheet = book["分区域"]
    assert sheet["B3"].value > 0
    sheet["B3"], sheet["C3"], sheet["D3"] = 100, 60, 30
    changed = folder / "changed.xlsx"
    book.save(changed)
    (again,) = converted(folder, [changed], "xlsx")
    first = [cell.value for cell in load_workbook(again, data_only=True)["分区域"][3]]
    assert first[8:10] == [30, 40]
    assert first[10:13] == [pytest.approx(0.6), pytest.approx(0.3), pytest.approx((55 * 60 + 45 * 30) / 10_000)]


def test_other_sorts_of_reports_open_and_print(tmp_path: Path) -> None:
    files = [tmp_path / f"{kind}.docx" for kind in (ReportKind.BOOKLET, ReportKind.SCORES, ReportKind.SPECIAL)]
    for path in files:
        kind = ReportKind(path.stem)
        path.write_bytes(tried(kind, template_of(kind, None)))
    files.append(tmp_path / "table.xlsx")
    files[-1].write_bytes(workbook_of(sample(ReportKind.YEARLY), date(2020, 7, 3), ZoneInfo("Asia/Shanghai")))
    for pdf in converted(tmp_path, files, "pdf"):
        text = re.sub(r"\s", "", text_of(pdf))
        assert "示例标题" in text, pdf
        assert not re.search(r"#(NAME|VALUE|REF|DIV|N/A)|Err:", text), pdf
