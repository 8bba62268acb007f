"""Every dirty cell and file has its one outcome in ``sanji push``; what is refused can be mended and pushed again."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.county.refused_file import refused_path_of
from connectors.county.sheet_push import spool_path_of
from connectors.formulas import guarded
from tests.contract.dirty.cells import CELLS, DirtyCell
from tests.contract.dirty.conftest import Site
from tests.contract.dirty.files import FILES, DirtyFile
from tests.contract.dirty.outcomes import Accepted, Held, Outcome, Refused, Stale
from tests.contract.dirty.records import FORMULA
from tests.contract.dirty.test_records import field_of
from tests.support.sheets import PushCommand, mapping_in, rows_of, write_sheet

_ADDED = """channel_ticket_no = { column = "工单号", width = 8 }
area_code = { column = "街道编码" }
"""
_STAGES = {"枢纽业务规则 / apply": "quarantined"}
#: What a cell must not begin with, as a program that reads formulas sees it.
_SIGNS = tuple("=+-@\t\r\n＝＋－＠")


def dirty_mapping_in(folder: Path) -> Path:
    path = mapping_in(folder)
    path.write_text(path.read_text(encoding="utf-8").replace("[report]\n", f"[report]\n{_ADDED}"), encoding="utf-8")
    return path


def row_of(one: DirtyCell, kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    good = rows_of("X", 1)[0] | {"工单号": "", "街道编码": "", "案件编号": f"{kind}-{one.name}"}
    return good | changes


def write_dirt(path: Path, kind: str) -> dict[int, str]:
    """Writes the rows a format can hold; returns which of them is whose."""
    rows, owners = [], {}
    first = 1 if kind == "jsonl" else 2
    for one in CELLS:
        if kind not in one.kinds:
            continue
        if one.before is not None:
            rows.append(row_of(one, kind, one.before))
        owners[first + len(rows)] = one.name
        rows.append(row_of(one, kind, one.cells))
    columns = list(row_of(CELLS[0], kind, {}))
    table = [columns, *([row[name] for name in (*columns, *(name for name in row if not name))] for row in rows)]
    if kind == "csv":
        text = io.StringIO()
        csv.writer(text).writerows(table)
        path.write_bytes(text.getvalue().encode("utf-8"))
    elif kind == "xlsx":
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        assert sheet is not None
        for cells in table:
            sheet.append(cells)
        workbook.save(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return owners


def expected(outcome: Outcome) -> tuple[str, str, str]:
    assert isinstance(outcome, Refused | Held)
    return ("refused" if isinstance(outcome, Refused) else "quarantined"), outcome.reason, outcome.path


def refused_in(path: Path) -> list[dict[str, str]]:
    with refused_path_of(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
async def test_every_dirty_cell_has_its_outcome(site: Site, tmp_path: Path, kind: str) -> None:
    sheet = tmp_path / f"dirt.{kind}"
    owners = write_dirt(sheet, kind)
    pushed = await PushCommand(sheet, dirty_mapping_in(tmp_path), site.profile).run()
    assert pushed.code == 1, pushed.told
    told = {
        owners[int(row["拒绝行号 / row"])]: (
            _STAGES.get(row["拒绝环节 / stage"], "refused"),
            row["拒绝原因 / reason"],
            row["拒绝字段 / field"],
        )
        for row in refused_in(sheet)
    }
    dirt = [one for one in CELLS if kind in one.kinds]
    assert told == {one.name: expected(one.outcome) for one in dirt if isinstance(one.outcome, Refused | Held)}
    stale = [one for one in dirt if isinstance(one.outcome, Stale)]
    assert (pushed.summary["stale"], pushed.summary["pending_receipts"]) == (len(stale), 0)
    held = site.held("")
    for one in dirt:
        if isinstance(one.outcome, Accepted) and one.outcome.kept:
            case = held[f"{kind}-{one.name}"]
            assert {path: field_of(case, path) for path in one.outcome.kept} == one.outcome.kept, one.name


def test_numbers_that_are_cleaned_are_what_they_should_be(site: Site) -> None:
    held = site.held("")
    assert "WIDE-1" in held
    assert "HIDDEN" in held


@pytest.mark.parametrize("one", FILES, ids=lambda one: one.name)
async def test_every_dirty_file_is_read_whole_or_refused_whole(site: Site, tmp_path: Path, one: DirtyFile) -> None:
    sheet = one.write(tmp_path / one.name, f"F{one.name}")
    pushed = await PushCommand(sheet, mapping_in(tmp_path), site.profile).run()
    if one.refusal:
        assert (pushed.code, pushed.summary) == (2, {}), pushed.told
        assert one.refusal in pushed.told
        assert " / " in pushed.told
    else:
        assert (pushed.code, pushed.summary["accepted"]) == (0, 3), pushed.told
        told = {case.report.description for case in site.held(f"F{one.name}-").values() if case.report}
        assert told == {f"第{number}号，门前堆放垃圾" for number in range(3)}
    assert not spool_path_of(sheet).exists()


async def test_refused_rows_do_nothing_in_a_spreadsheet_and_are_pushed_again_as_they_were(
    site: Site, tmp_path: Path
) -> None:
    descriptions = [FORMULA, "+86 745 1234567", "-9-", "@SUM(A1)", "\t=1", "'=1", "''-x", "＝1+1", "-71.06", "-", " =1"]
    rows = [
        row | {"描述": text, "处置部门": "未知所", "=列": "=1"}
        for row, text in zip(rows_of("INJ", len(descriptions)), descriptions, strict=True)
    ]
    rows.append(rows_of("INJ", 20)[19] | {"描述": "词", "问题来源": FORMULA, "=列": "=1"})
    sheet, mapping = write_sheet(tmp_path / "inject.csv", rows), mapping_in(tmp_path)
    assert (await PushCommand(sheet, mapping, site.profile).run()).code == 1
    refused = refused_path_of(sheet)
    with refused.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    acting = [cell for cell in cells if cell.lstrip(" ").startswith(_SIGNS)]
    assert set(acting) == {"-71.06", "-"}, "a number and a dash do nothing"
    assert guarded("=列") in cells
    corrected = tmp_path / "corrected.csv"
    text = refused.read_text(encoding="utf-8-sig").replace("未知所", "环卫所")
    corrected.write_text(text.replace(f"'{FORMULA}".replace('"', '""'), "其他"), encoding="utf-8-sig")
    again = await PushCommand(corrected, mapping, site.profile).run()
    held = site.held("INJ-")
    assert (again.code, again.summary["refused"]) == (0, 0), again.told
    kept = [held[f"INJ-{number:06d}"].report for number in range(len(descriptions))]
    # One was corrected above together with the source; blanks around and a dash for nothing are read as ever.
    wanted = ["其他", *(text.strip() for text in descriptions[1:])]
    wanted[wanted.index("-")] = ""
    assert [report.description for report in kept if report] == wanted


async def test_a_refused_row_can_be_corrected_in_a_workbook_too(site: Site, tmp_path: Path) -> None:
    rows = [rows_of("INX", 1)[0] | {"描述": "@家", "处置部门": "未知所"}]
    sheet, mapping = write_sheet(tmp_path / "inject.csv", rows), mapping_in(tmp_path)
    await PushCommand(sheet, mapping, site.profile).run()
    (row,) = refused_in(sheet)
    assert row["描述"] == "'@家"
    workbook = write_sheet(tmp_path / "corrected.xlsx", [row | {"处置部门": "环卫所"}])
    again = await PushCommand(workbook, mapping, site.profile).run()
    assert (again.code, again.summary["accepted"]) == (0, 1), again.told
    report = site.held("INX-")["INX-000000"].report
    assert report is not None
    assert report.description == "@家"
