"""Sheets of every kind are read row by row; damaged and hostile files are told, and never break the reader."""

import csv
import gzip
import io
import json
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
from connectors.sheets import EXTRA, SheetInvalid, SheetRow, count_rows, read_rows

CSV = "案件编号,描述\r\nA-1,垃圾\r\nA-2,路灯\r\n"
ROWS = [SheetRow(2, {"案件编号": "A-1", "描述": "垃圾"}), SheetRow(3, {"案件编号": "A-2", "描述": "路灯"})]


def _file(folder: Path, content: bytes | str, name: str = "案件.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def _values(path: Path) -> list[dict[str, str]]:
    return [row.values for row in read_rows(path)]


def _refusal(path: Path, encoding: str = "") -> str:
    """The text of a refusal; it names the file in both languages."""
    with pytest.raises(SheetInvalid) as error:
        list(read_rows(path, encoding))
    told = str(error.value)
    assert told.startswith(f"{path}：")
    assert f" / {path}: " in told
    return told


# CSV.


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CSV.encode("utf-8"), ""),
        (CSV.encode("utf-8-sig"), ""),
        (CSV.encode("utf-8-sig"), "utf-8"),
        (CSV.encode("gb18030"), ""),
        (CSV.encode("gb18030"), "GBK"),
        (CSV.replace("\r\n", "\n").encode("utf-8"), ""),
        (CSV.replace("\r\n", "\r").encode("utf-8"), ""),
        (CSV.strip().encode("utf-8"), ""),
        (b"\r\n,\r\n".join([b"", CSV.encode("utf-8")]), "utf-8"),
    ],
)
def test_csv_is_read_in_every_encoding_and_with_every_line_end(tmp_path: Path, content: bytes, encoding: str) -> None:
    rows = list(read_rows(_file(tmp_path, content), encoding))
    assert [row.values for row in rows] == [row.values for row in ROWS]


def test_rows_are_numbered_as_the_user_sees_them(tmp_path: Path) -> None:
    assert list(read_rows(_file(tmp_path, CSV))) == ROWS
    path = _file(tmp_path, "a,b\n\n1,2\n , \n3,4\n")
    assert [row.number for row in read_rows(path)] == [3, 5]


def test_quotes_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = _file(tmp_path, 'a,b\n"第一行\n第二行","说""好"", 的"\n1,2\n')
    assert list(read_rows(path)) == [
        SheetRow(2, {"a": "第一行\n第二行", "b": '说"好", 的'}),
        SheetRow(3, {"a": "1", "b": "2"}),
    ]


def test_short_rows_lack_their_last_columns_and_long_ones_are_marked(tmp_path: Path) -> None:
    assert _values(_file(tmp_path, "a,b\n1\n1,2,,\n1,2,3, ,4\n")) == [
        {"a": "1"},
        {"a": "1", "b": "2"},
        {"a": "1", "b": "2", EXTRA: "3 | 4"},
    ]


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    assert _values(_file(tmp_path, " a ,,b,,\n1,2,3\n")) == [{"a": "1", "b": "3"}]


@pytest.mark.parametrize(
    ("content", "chinese", "english"),
    [
        (b"", "文件为空", "the file is empty"),
        (b"\xef\xbb\xbf", "文件为空", "the file is empty"),
        (b"\n , \n", "文件为空", "the file is empty"),
        (b"a,b,a \n1,2,3\n", "表头重复：a", "stand twice: a"),
        (b'a,b\n1,"2\n3,4\n', "引号未闭合", "an open quote"),
        (b'a,b\n1,"2"3\n', "第 2 行不是有效的 CSV", "line 2 is not valid CSV"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16", "save it as UTF-8"),
        (b"a,b\n1,\xff\xff\n", "不是有效的 gb18030 文本", "not valid gb18030"),
        (b"a" * 1_000_001, "第 1 行超过 1,000,000 个字符", "line 1 is longer"),
        (b"a,b\n1," + b"x" * 131_073, "单元格过大", "a giant cell"),
        (b",".join(b"c%d" % n for n in range(1_001)), "列数超过 1000", "more than 1000 columns"),
    ],
)
def test_what_is_no_csv_is_told(tmp_path: Path, content: bytes, chinese: str, english: str) -> None:
    told = _refusal(_file(tmp_path, content))
    assert chinese in told
    assert english in told


def test_rows_before_the_damage_are_read(tmp_path: Path) -> None:
    reading = read_rows(_file(tmp_path, 'a,b\n1,2\n3,"4'))
    assert next(reading) == SheetRow(2, {"a": "1", "b": "2"})
    with pytest.raises(SheetInvalid, match="第 3 行"):
        next(reading)


def test_a_wrong_or_unknown_encoding_is_told(tmp_path: Path) -> None:
    path = _file(tmp_path, CSV.encode("gb18030"))
    told = _refusal(path, "utf-8")
    assert "在映射文件中写明 encoding" in told
    assert "name its encoding" in told
    assert "可用 utf-8" in _refusal(path, "latin-1")


cells = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n\r,"'), min_size=1, max_size=12)


@given(rows=st.lists(st.lists(cells.filter(str.strip), min_size=3, max_size=3), max_size=8), is_packed=st.booleans())
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], is_packed: bool
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b", "c"], *rows])
    content = text.getvalue().encode("utf-8")
    name = "written.csv.gz" if is_packed else "written.csv"
    path = _file(tmp_path_factory.getbasetemp(), gzip.compress(content) if is_packed else content, name)
    assert _values(path) == [dict(zip("abc", row, strict=True)) for row in rows]
    counted = count_rows(path)
    assert counted is not None
    assert counted >= len(rows) + 1


# JSONL.


def test_cells_of_jsonl_keep_the_text_they_are_written_as(tmp_path: Path) -> None:
    line = (
        '{"a": 1.10, "b": 12345678901234567890123, "c": 1e5, "d": true, "e": null, "f": {"x": [1, "好"]}, " g ": "0"}'
    )
    assert _values(_file(tmp_path, line, "a.jsonl")) == [
        {"a": "1.10", "b": "12345678901234567890123", "c": "1e5", "d": "true", "e": "", "g": "0"}
        | {"f": '{"x": ["1", "好"]}'}
    ]


def test_blank_lines_and_empty_objects_are_left_out_but_counted(tmp_path: Path) -> None:
    path = _file(tmp_path, '\ufeff{"a": 1}\n\n{}\n{"a": " "}\r\n{"a": 2}', "a.jsonl")
    assert list(read_rows(path)) == [SheetRow(1, {"a": "1"}), SheetRow(5, {"a": "2"})]


@pytest.mark.parametrize(
    ("line", "chinese", "english"),
    [
        ('{"a": 1, "a": 2}', "有重复的键", "a key stands twice"),
        ('{"a": 1, "a ": 2}', "有重复的键", "a key stands twice"),
        ('{"a": {"b": 1, "b": 2}}', "有重复的键", "a key stands twice"),
        ("[1]", "应为 JSON 对象", "must be a JSON object"),
        ('"a"', "应为 JSON 对象", "must be a JSON object"),
        ('{"a": 1', "不是有效的 JSON", "is not valid JSON"),
        ("{'a': 1}", "不是有效的 JSON", "is not valid JSON"),
        ("[" * 200_000, "不是有效的 JSON", "is not valid JSON"),
        (json.dumps({str(n): 1 for n in range(1_001)}), "列数超过 1000", "more than 1000 columns"),
    ],
)
def test_a_line_that_is_no_object_is_told_by_number(tmp_path: Path, line: str, chinese: str, english: str) -> None:
    told = _refusal(_file(tmp_path, f'{{"a": 1}}\n{line}\n', "a.jsonl"))
    assert chinese in told
    assert english in told
    assert "第 2 行" in told or "列数" in told


# XLSX.


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
    assert count_rows(workbook) is None


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
    told = _refusal(_file(tmp_path, content, "a.xlsx"))
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


# Packed files, names, sizes.


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ", "a.jsonl.gz"])
def test_packed_files_are_read_and_damage_is_told(tmp_path: Path, name: str) -> None:
    lines = "".join(json.dumps({"n": str(n)}) + "\n" for n in range(5_000))
    text = lines if "jsonl" in name else "n\n" + "".join(f"{n}\n" for n in range(5_000))
    packed = gzip.compress(text.encode("utf-8"), mtime=0)
    path = _file(tmp_path, packed, name)
    assert [values["n"] for values in _values(path)] == [str(n) for n in range(5_000)]
    middle = len(packed) // 2
    for damaged in (
        packed[:middle],
        packed[:-4] + b"\0\0\0\0",
        b"no gzip at all",
        packed[:middle] + b"\xff" * 40 + packed[middle + 40 :],
    ):
        path.write_bytes(damaged)
        told = _refusal(path)
        assert "压缩文件已损坏，请重新导出" in told
        assert "the file is damaged" in told
        assert count_rows(path) is None


@pytest.mark.parametrize("name", ["a.xls", "a.txt", "csv", "a.xlsx.gz", "a.csv.zip"])
def test_a_file_of_another_kind_is_told_what_to_use(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, CSV, name)
    told = _refusal(path)
    assert ".xlsx" in told
    assert "unknown kind of file" in told
    assert count_rows(path) is None


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.xlsx"])
def test_a_missing_file_and_a_folder_are_told(tmp_path: Path, name: str) -> None:
    assert "文件不存在" in _refusal(tmp_path / name)
    assert count_rows(tmp_path / name) is None
    (tmp_path / name).mkdir()
    assert "无法读取" in _refusal(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("is_ended", [True, False])
def test_never_too_few_rows_are_counted(tmp_path: Path, end: str, is_ended: bool) -> None:
    path = _file(tmp_path, end.join(["a", "1", "2", *([""] if is_ended else [])]))
    assert count_rows(path) == (4 if is_ended else 3)
    assert len(_values(path)) == 2
