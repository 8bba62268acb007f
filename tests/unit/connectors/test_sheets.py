"""Sheets of every kind are read row by row; damaged and hostile files are told, and never break the reader."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sheets import EXTRA, SheetInvalid, SheetRow, read_rows

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


def test_a_file_that_is_utf_8_in_some_lines_only_is_told_with_a_line_of_each(tmp_path: Path) -> None:
    lines = CSV.splitlines(keepends=True)
    for first, second in (("utf-8", "gbk"), ("gbk", "utf-8")):
        told = _refusal(_file(tmp_path, "".join(lines[:2]).encode(first) + lines[2].encode(second)))
        assert f"第 {1 if first == 'utf-8' else 3} 行是 UTF-8，第 {3 if first == 'utf-8' else 1} 行不是" in told
        assert "it mixes two encodings" in told
    # Whoever names the encoding is believed.
    mixed = _file(tmp_path, "".join(lines[:2]).encode("gbk") + lines[2].encode("utf-8"))
    assert len(list(read_rows(mixed, "gb18030"))) == 2


def test_a_gbk_line_whose_bytes_happen_to_be_utf_8_is_gbk(tmp_path: Path) -> None:
    # 联通 in GBK is valid UTF-8, of two-byte letters.
    text = "单位,描述\r\n联通,x\r\n环卫,垃圾\r\n"
    assert _values(_file(tmp_path, text.encode("gbk")))[0]["单位"] == "联通"


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


@pytest.mark.parametrize("encoding", ["", "utf-8"])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_packed_bomb_is_given_up_early(tmp_path: Path, name: str, encoding: str) -> None:
    path = _file(tmp_path, gzip.compress((b" " * 9_999 + b"\n") * 6_000), name)
    assert path.stat().st_size < 100_000
    told = _refusal(path, encoding)
    assert "压缩炸弹" in told
    assert "not packed" in told


def test_a_bomb_behind_a_line_of_gbk_is_given_up_too(tmp_path: Path) -> None:
    content = CSV.encode("gbk") + (b" " * 9_999 + b"\n") * 6_000
    assert "压缩炸弹" in _refusal(_file(tmp_path, gzip.compress(content), "a.csv.gz"))


def test_a_large_file_of_rows_that_are_much_alike_is_no_bomb(tmp_path: Path) -> None:
    rows = "".join(f"ZF2020-{n:07d},市容环境,暴露垃圾,门前堆放垃圾第{n * 7919 % 999983}号\n" for n in range(250_000))
    path = _file(tmp_path, gzip.compress(f"编号,大类,小类,描述\n{rows}".encode()), "a.csv.gz")
    assert sum(1 for _ in read_rows(path)) == 250_000


@pytest.mark.parametrize("name", ["a.xls", "a.txt", "csv", "a.xlsx.gz", "a.csv.7z"])
def test_a_file_of_another_kind_is_told_what_to_use(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, CSV, name)
    told = _refusal(path)
    assert ".xlsx" in told
    assert "unknown kind of file" in told


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.xlsx"])
def test_a_missing_file_and_a_folder_are_told(tmp_path: Path, name: str) -> None:
    assert "文件不存在" in _refusal(tmp_path / name)
    (tmp_path / name).mkdir()
    assert "无法读取" in _refusal(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("is_ended", [True, False])
def test_lines_end_in_any_way(tmp_path: Path, end: str, is_ended: bool) -> None:
    path = _file(tmp_path, end.join(["a", "1", "2", *([""] if is_ended else [])]))
    assert len(_values(path)) == 2
