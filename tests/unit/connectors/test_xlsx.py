"""XLSX sheets: cells become texts, and archives that are broken, locked or made to harm are refused."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import sheets
from connectors.sheets import EXTRA, SheetInvalid, SheetRow, read_rows


def _values(path: Path) -> list[dict[str, str]]:
    return [row.values for row in read_rows(path)]


def _refusal(path: Path) -> str:
    """The text of a refusal; it names the file in both languages."""
    with pytest.raises(SheetInvalid) as error:
        list(read_rows(path))
    told = str(error.value)
    assert told.startswith(f"{path}：")
    assert f" / {path}: " in told
    return told


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _workbook(path: Path, rows: list[list[Any]]) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("其他").append(["不读"])
    workbook.save(path)
    return path


def test_cells_of_xlsx_become_texts(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2020-03-02 08:15:00")
    path = _workbook(
        tmp_path / "案件.xlsx",
        [
            ["编号", "数", "整", "时刻", "日期", "钟点", "真", "空", "末"],
            ["0012", 1.5, 12.0, moment, date(2020, 3, 2), time(8, 15), True, None, "x"],
            [None] * 9,
            [12, 1e20, -3, None, None, None, False, " ", None],
        ],
    )
    empty = {"时刻": "", "日期": "", "钟点": "", "末": ""}
    assert list(read_rows(path)) == [
        SheetRow(
            2,
            {"编号": "0012", "数": "1.5", "整": "12", "时刻": "2020-03-02 08:15:00", "日期": "2020-03-02 00:00:00"}
            | {"钟点": "08:15:00", "真": "true", "空": "", "末": "x"},
        ),
        SheetRow(4, {"编号": "12", "数": "1e+20", "整": "-3", "真": "false", "空": " "} | empty),
    ]


def test_texts_kept_apart_as_spreadsheet_programs_do_are_read(workbook: Path) -> None:
    _repacked(workbook, _changed_sheet(b't="inlineStr"><is><t>x</t></is>', b't="s"><v>0</v>'))
    _repacked(
        workbook,
        lambda part, content: (
            content.replace(
                b"</Types>",
                b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument'
                b'.spreadsheetml.sharedStrings+xml"/></Types>',
            )
            if part == "[Content_Types].xml"
            else content
        ),
    )
    with zipfile.ZipFile(workbook, "a") as archive:
        archive.writestr(
            "xl/sharedStrings.xml",
            '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>共用</t></si></sst>',
        )
    assert _values(workbook) == [{"a": "1", "b": "共用"}, {"a": "2", "b": "y"}]


def test_a_row_of_xlsx_that_ends_early_has_empty_cells(tmp_path: Path) -> None:
    # The format leaves out empty cells, so a short row lacks nothing.
    assert _values(_workbook(tmp_path / "a.xlsx", [["a", "b"], ["1"], ["1", "2", "3"]])) == [
        {"a": "1", "b": ""},
        {"a": "1", "b": "2", EXTRA: "3"},
    ]


def test_an_empty_workbook_and_a_repeated_header_are_told(tmp_path: Path) -> None:
    assert "文件为空" in _refusal(_workbook(tmp_path / "a.xlsx", []))
    assert "表头重复：甲" in _refusal(_workbook(tmp_path / "b.xlsx", [["甲", "乙", "甲"]]))


def _repacked(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same archive with changed parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, change(part, content))
    return path


def _changed_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda part, content: content.replace(old, new) if part == "xl/worksheets/sheet1.xml" else content


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """A small good workbook."""
    return _workbook(tmp_path / "a.xlsx", [["a", "b"], [1, "x"], [2, "y"]])


def test_the_size_a_sheet_states_of_itself_is_not_believed(workbook: Path) -> None:
    _repacked(workbook, _changed_sheet(b'ref="A1:B3"', b'ref="A1:A2"'))
    assert _values(workbook) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def test_a_bomb_is_refused_before_it_is_unpacked(workbook: Path) -> None:
    _repacked(workbook, _changed_sheet(b"<sheetData>", b"<sheetData>" + b" " * 20_000_000))
    assert workbook.stat().st_size < 100_000
    told = _refusal(workbook)
    assert "压缩炸弹" in told
    assert "export large sheets as CSV" in told


def test_shared_texts_larger_than_memory_should_hold_are_refused(
    workbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_XLSX_HELD_BYTES", 1_000)
    assert "解压后过大" in _refusal(workbook)


def test_xml_with_a_doctype_is_refused(workbook: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet '
    _repacked(workbook, _changed_sheet(b"<worksheet ", bomb))
    told = _refusal(workbook)
    assert "DOCTYPE，拒绝读取" in told
    assert "refused" in told


@pytest.mark.parametrize(
    "change",
    [
        _changed_sheet(b"</row>", b""),
        _changed_sheet(b'<c r="B2"', b'<c r="?!"'),
        _changed_sheet(b't="n"><v>1', b't="s"><v>99'),
        _changed_sheet(b"<v>1</v>", b"<v>eins</v>"),
        lambda part, content: b"" if part == "xl/workbook.xml" else content,
        lambda part, content: b"<x/>" if part == "[Content_Types].xml" else content,
    ],
)
def test_a_workbook_with_broken_parts_is_told(workbook: Path, change: Callable[[str, bytes], bytes]) -> None:
    told = _refusal(_repacked(workbook, change))
    assert "XLSX" in told or "文件为空" in told or "没有工作表" in told


def test_a_workbook_locked_with_a_password_is_told(workbook: Path) -> None:
    content = bytearray(workbook.read_bytes())
    # The flag of encryption, in every entry of the archive and of its list.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 1)
    workbook.write_bytes(content)
    assert "请重新导出" in _refusal(workbook)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
def test_what_is_no_xlsx_is_told(tmp_path: Path, content: bytes) -> None:
    told = _refusal(_written(tmp_path / "a.xlsx", content))
    assert "请重新导出" in told
    assert "export it again" in told


def test_another_archive_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    told = _refusal(path)
    assert "不是有效的 XLSX 文件" in told
    assert "not a valid XLSX file" in told


@given(at=st.integers(0, 10**9), byte=st.integers(0, 255))
def test_no_damaged_byte_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.xlsx"
    good = _workbook(path, [["a", "b"], [1, "x"]]).read_bytes()
    content = bytearray(good)
    content[at % len(content)] = byte
    path.write_bytes(content)
    try:
        assert all(row.number > 1 for row in read_rows(path))
    except SheetInvalid as refused:
        assert str(path) in str(refused)
