"""``sanji standards``: lists, shows, compares and checks, and never ends with an error of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hub.cli import standards as _standards  # noqa: F401 — defines the command
from hub.cli.app import app
from hub.standards.shipped import DATA
from tests.support.sheets import write_sheet

OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"


def _run(*words: str) -> Result:
    result = CliRunner().invoke(app, ["standards", *words], env={"COLUMNS": "240", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def _json(*words: str) -> Any:
    result = _run(*words, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.output)


def _lines(result: Result, *words: str) -> list[str]:
    return [line for line in result.output.splitlines() if all(word in line for word in words)]


def test_the_standards_are_listed_with_what_is_known_of_them() -> None:
    result = _run("list")
    assert result.exit_code == 0
    (line,) = [one for one in _lines(result, NEW) if one.startswith(f"│ {NEW}") and "管理部件和事项" in one]
    assert [cell.strip() for cell in line.split("│")[3:8]] == ["153", "250", "0", "413", "5"]
    assert _lines(result, OLD, CURRENT, "107")
    listed = _json("list")
    assert [one["standard_ref"] for one in listed["standards"]] == [OLD, CURRENT, NEW]
    assert listed["standards"][2]["valid_from"] == "2026-07-01"
    assert [(one["from_ref"], one["to_ref"]) for one in listed["crosswalks"]] == [(OLD, CURRENT), (CURRENT, NEW)]
    assert sum(listed["crosswalks"][0]["marks"].values()) == sum(listed["crosswalks"][0]["relations"].values())


@pytest.mark.parametrize("ref", [OLD, "CJ/T 214-2007", "cj/t 214", "2007"])
def test_a_standard_is_shown_whatever_its_spelling(ref: str) -> None:
    assert _lines(_run("show", ref), OLD)
    assert _json("show", ref)["standard_ref"] == OLD


def test_a_code_is_shown_with_what_becomes_of_it_and_what_its_digits_mean_elsewhere() -> None:
    result = _run("show", "2007", "--code", "05-01", "--kind", "event")
    assert _lines(result, "│ 05-01", "无照经营游商")
    assert _lines(result, CURRENT, "04-01", "无照经营游商", "相同")
    assert _lines(result, NEW, "09-001", "无照经营游商", "相同")
    assert _lines(result, CURRENT, "05-01", "供水管道破裂")
    shown = _json("show", "2007", "--code", "0501", "--kind", "事件")
    assert [one["code"] for one in shown["codes"]] == ["0501"]
    assert [(one["code"], one["is_certain"]) for one in shown["elsewhere"]] == [("0401", True), ("09001", True)]


def test_names_can_be_searched() -> None:
    found = _json("show", "2013", "--search", "井盖")
    assert len(found["codes"]) > 10
    assert all("井盖" in one["name"] for one in found["codes"])
    assert "elsewhere" not in found
    assert _run("show", "2013", "--search", "飞碟").exit_code == 2
    assert _run("show", "2013", "--code", "0777").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("show", "1999"),
        ("show", "GB/T"),
        ("show", "2013", "--kind", "x"),
        ("diff", "2013", "2007"),
        ("diff", "x", "2013"),
    ],
)
def test_what_is_not_known_is_said_in_both_languages(words: tuple[str, ...]) -> None:
    result = _run(*words)
    assert result.exit_code == 2
    assert " / " in result.output or "；" in result.output
    assert any("\u4e00" <= letter <= "\u9fff" for letter in result.output)


def test_a_difference_begins_with_the_swapped_majors() -> None:
    result = _run("diff", OLD, CURRENT)
    assert result.exit_code == 0
    titles = [line.strip() for line in result.output.splitlines() if " / " in line and "│" not in line]
    assert titles[0] == "大类互换，同一代码含义不同 / Majors that changed places"
    assert titles[1] == "同一代码，两种含义 / The same digits, two meanings"
    assert _lines(result, "04 突发事件", "05 突发事件")
    assert _lines(result, "05-01", "无照经营游商", "供水管道破裂")
    assert _lines(result, "05-11 沿街晾挂", "01-07 沿街晾挂")
    assert len(_lines(result, "01-17 立杆", "拆分")) == 5
    found = _json("diff", "2007", "2013")
    assert {(one["before"]["code"], one["after"]["code"]) for one in found["swapped"]} == {("04", "05"), ("05", "04")}
    assert list(found)[:4] == ["from_ref", "to_ref", "swapped", "clashes"]


def test_a_difference_over_a_third_standard_is_shown_too() -> None:
    found = _json("diff", "2007", "2026")
    assert (found["from_ref"], found["to_ref"], found["swapped"]) == (OLD, NEW, [])
    assert "0402" in {one["before"]["code"] for one in found["dropped"]}


def test_a_good_file_passes() -> None:
    result = _run("check", str(DATA / "codes-2013.csv"), str(DATA / "crosswalk-2007-2013.csv"))
    assert result.exit_code == 0
    assert _lines(result, "212 rows: 212 can be taken, 0 are refused")
    assert [one["findings"] for one in _json("check", str(DATA / "regions.csv"))] == [[]]


def test_refused_rows_are_told_with_what_to_do(tmp_path: Path) -> None:
    rows = [
        {"standard_ref": CURRENT, "kind": "event", "code": "0501", "name": "无照经营游商"},
        {"standard_ref": CURRENT, "kind": "event", "code": "110", "name": "暴露(生活)垃圾"},
        {"standard_ref": CURRENT, "kind": "event", "code": "[red]\x1b[2J", "name": "x"},
    ]
    path = write_sheet(tmp_path / "[b]x.csv", rows)
    result = _run("check", str(path))
    assert result.exit_code == 1
    assert _lines(result, "拒绝", "NAME_MISMATCH", "04-01")
    assert _lines(result, "已改正", "CELL_MENDED", "'110'", "'0110'")
    assert _lines(result, "[b]x.csv", "共 3 行，可用 1 行，拒绝 2 行")
    # Neither markup nor the codes of the terminal act.
    assert _lines(result, "[red]")
    assert "\x1b[2J" not in result.output
    (file,) = _json("check", str(path))
    assert (file["rows"], file["taken"], file["refused"]) == (3, 1, 2)
    assert {one["severity"] for one in file["findings"]} == {"refused", "corrected"}


def test_a_file_may_speak_of_what_the_one_before_brings(tmp_path: Path) -> None:
    local = [{"standard_ref": CURRENT, "kind": "event", "code": "0499", "name": "共享单车乱象", "region": "140800"}]
    codes = write_sheet(tmp_path / "codes.csv", local)
    row = {"standard_ref": CURRENT, "kind": "event", "code": "0499", "condition_no": "1", "region": "140800"}
    conditions = write_sheet(tmp_path / "conditions.csv", [row | {"condition": "占道", "limit": "1工作日"}])
    assert _run("check", str(conditions)).exit_code == 1
    assert _run("check", str(codes), str(conditions)).exit_code == 0


def test_many_findings_are_cut_off_for_people_and_whole_for_programs(tmp_path: Path) -> None:
    rows = [{"standard_ref": CURRENT, "kind": "event", "code": "x", "name": "x"}] * 250
    path = write_sheet(tmp_path / "a.csv", rows)
    assert _lines(_run("check", str(path)), "另有 50 条")
    assert len(_json("check", str(path))[0]["findings"]) == 250


@pytest.mark.parametrize("name", ["absent.csv", "a.txt"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    result = _run("check", str(tmp_path / name))
    assert result.exit_code == 2
    assert " / " in result.output
