"""``sanji mapping check``: shows what a mapping makes of a file, and explains every file it cannot use."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.cli import mapping as _mapping  # noqa: F401 — defines the command
from hub.cli.app import app
from tests.support.sheets import EXAMPLES, rows_of, write_sheet

SHEET, MAPPING = EXAMPLES / "generic.csv", EXAMPLES / "generic.toml"


def _check(sheet: Path, mapping: Path = MAPPING, *options: str) -> Result:
    """Runs the command on a wide terminal; it must end by itself and never with an error of its own."""
    result = CliRunner().invoke(
        app,
        ["mapping", "check", str(sheet), "--mapping", str(mapping), *options],
        env={"COLUMNS": "240", "NO_COLOR": "1"},
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def _lines(result: Result, *words: str) -> list[str]:
    return [line for line in result.output.splitlines() if all(word in line for word in words)]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Ten rows: three of an unknown unit, two of them also from an unknown source, and two without a time."""
    rows = rows_of("ZF", 10)
    for row in rows[7:]:
        row["处置部门"] = "绿化所"
    for row in rows[8:]:
        row["问题来源"] = "[red]路过\x1b[2J"
    for row in rows[2:4]:
        row["上报时间"] = "去年"
    return write_sheet(tmp_path / "案件.csv", rows)


def test_a_good_file_is_shown_and_all_of_it_can_be_sent() -> None:
    result = _check(SHEET)
    assert result.exit_code == 0, result.output
    assert "共 12 行，可报送 12 行，将被拒绝 0 行。" in result.output
    assert "12 rows: 12 can be sent, 0 would be refused." in result.output
    (numbers,) = _lines(result, "case_no")
    assert [cell.strip() for cell in numbers.split("│")[2:-1]] == [f"ZF2020-000{n}" for n in range(1, 6)]
    # Times are shown as the county knows them.
    (times,) = _lines(result, "report.reported_time")
    assert "2020-03-02 08:15:00+08:00" in times
    assert "FILED" in _lines(result, "report.state")[0]
    assert not _lines(result, "未映射的值")
    assert not _lines(result, "将被拒绝的行")


def test_as_many_rows_are_shown_as_wanted() -> None:
    assert _lines(_check(SHEET, MAPPING, "--rows", "1"), "第 2 行")
    assert not _lines(_check(SHEET, MAPPING, "--rows", "1"), "第 3 行")
    assert not _lines(_check(SHEET, MAPPING, "--rows", "0"), "前几行")
    assert _check(SHEET, MAPPING, "--rows", "51").exit_code == 2


def test_values_without_entry_are_counted_with_the_table_to_complete(mixed: Path) -> None:
    result = _check(mixed)
    assert result.exit_code == 1
    assert "共 10 行，可报送 5 行，将被拒绝 5 行。" in result.output
    (handlers,) = _lines(result, "处置部门", "[tables.handlers]", "绿化所", "│ 3")
    (sources,) = _lines(result, "问题来源", "[tables.sources]", "│ 2")
    assert handlers
    # Neither markup nor the codes of the terminal act.
    assert "[red]路过�[2J" in sources
    assert "\x1b[2J" not in result.output


def test_rows_that_would_be_refused_are_grouped_with_reason_and_remedy(mixed: Path) -> None:
    result = _check(mixed)
    (dates,) = _lines(result, "DATE_INVALID", "case.report.reported_time")
    assert [cell.strip() for cell in dates.split("│")[3:5]] == ["2", "4"]
    assert "补充该格式" in dates
    assert _lines(result, "Add its format there")
    (first,) = _lines(result, "→")
    assert [cell.strip() for cell in first.split("│")[2:-1]] == ["✓", "✓", "DATE_INVALID", "DATE_INVALID", "✓"]


def test_scripts_read_the_same_as_json(mixed: Path) -> None:
    result = _check(mixed, MAPPING, "--json", "--rows", "3")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert {name: answer[name] for name in ("rows", "accepted", "refused", "repeated_case_numbers")} == {
        "rows": 10,
        "accepted": 5,
        "refused": 5,
        "repeated_case_numbers": 0,
    }
    assert {(one["reason"], one["field"], one["count"], one["first_row"]) for one in answer["refusals"]} == {
        ("DATE_INVALID", "case.report.reported_time", 2, 4),
        ("VALUE_UNMAPPED", "case.report.source_code", 2, 10),
        ("VALUE_UNMAPPED", "case.assignment.handler_id", 1, 9),
    }
    assert {(one["columns"], one["table"], one["value"], one["count"]) for one in answer["unmapped"]} == {
        ("处置部门", "handlers", "绿化所", 3),
        ("处置部门", "units", "绿化所", 3),
        ("问题来源", "sources", "[red]路过\x1b[2J", 2),
    }
    assert answer["unmapped_unlisted"] == 0
    shown = answer["first"]
    assert [one["row"] for one in shown] == [2, 3, 4]
    assert shown[0]["fields"]["case_no"] == "ZF-000000"
    assert shown[2]["refused"]["reason"] == "DATE_INVALID"
    assert "时间格式" in shown[2]["refused"]["message_zh"]


def test_repeated_case_numbers_are_noted(tmp_path: Path) -> None:
    rows = rows_of("ZF", 3)
    result = _check(write_sheet(tmp_path / "a.jsonl", [*rows, rows[0], rows[0]]))
    assert result.exit_code == 0
    assert "2 行的案件编号重复" in result.output
    assert "Case numbers repeat" in result.output


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.xlsx"])
def test_every_kind_of_sheet_gives_the_same(tmp_path: Path, name: str) -> None:
    with SHEET.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    answer = json.loads(_check(write_sheet(tmp_path / name, rows), MAPPING, "--json").stdout)
    assert (answer["rows"], answer["accepted"]) == (12, 12)
    expected = json.loads(_check(SHEET, MAPPING, "--json").stdout)["first"]
    assert [one["fields"] for one in answer["first"]] == [one["fields"] for one in expected]


def test_a_sheet_that_lacks_a_column_is_refused_row_by_row(tmp_path: Path) -> None:
    rows = [{name: text for name, text in row.items() if name != "修订号"} for row in rows_of("ZF", 2)]
    result = _check(write_sheet(tmp_path / "a.csv", rows))
    assert result.exit_code == 1
    assert _lines(result, "COLUMN_MISSING", "case.report.revision", "该行没有列 修订号")


def test_a_text_that_has_no_bytes_is_printed_all_the_same(tmp_path: Path) -> None:
    # JSON can name half of a surrogate pair; no encoding can.
    path = tmp_path / "a.jsonl"
    (row,) = rows_of("ZF", 1)
    path.write_text(json.dumps(row | {"处置部门": "\ud800"}) + "\n", encoding="utf-8")
    answer = json.loads(_check(path, MAPPING, "--json").stdout)
    assert {one["value"] for one in answer["unmapped"]} == {"\ud800"}
    assert _check(path).exit_code == 1


def test_a_sheet_of_a_header_alone_has_nothing_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("案件编号\n", encoding="utf-8")
    result = _check(path)
    assert result.exit_code == 0
    assert "共 0 行" in result.output


@pytest.mark.parametrize(
    ("name", "content", "chinese", "english"),
    [
        ("a.csv", None, "文件不存在", "there is no such file"),
        ("a.csv", b"", "文件为空", "the file is empty"),
        ("a.csv", b'a,"b\n', "不是有效的 CSV", "is not valid CSV"),
        ("a.csv", "案件编号".encode("utf-16"), "UTF-16", "UTF-16"),
        ("a.csv.gz", b"\x1f\x8b broken", "压缩文件已损坏", "the file is damaged"),
        ("a.jsonl", b"[1]\n", "应为 JSON 对象", "must be a JSON object"),
        ("a.xlsx", b"PK\x03\x04 broken", "压缩文件已损坏", "the file is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "无法识别的文件类型", "unknown kind of file"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_explained(
    tmp_path: Path, name: str, content: bytes | None, chinese: str, english: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for options in ((), ("--json",)):
        result = _check(path, MAPPING, *options)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert f"{path}：" in result.stderr
        assert chinese in result.stderr
        assert english in result.stderr


@pytest.mark.parametrize(
    ("content", "chinese", "english"),
    [
        (None, "请检查路径", "check the path"),
        (b"version = ", "不是有效的 TOML", "not valid TOML"),
        (b"\xff\xfe", "另存为 UTF-8", "save it as UTF-8"),
        (b"version = 1", "times.zone", "name an IANA zone"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_explained(
    tmp_path: Path, content: bytes | None, chinese: str, english: str
) -> None:
    path = tmp_path / "mapping.toml"
    if content is not None:
        path.write_bytes(content)
    result = _check(SHEET, path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"映射文件 {path}" in result.stderr
    assert chinese in result.stderr
    assert english in result.stderr


def test_the_mapping_must_be_named() -> None:
    assert CliRunner().invoke(app, ["mapping", "check", str(SHEET)]).exit_code == 2
