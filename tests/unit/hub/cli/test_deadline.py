"""``sanji deadline`` without a hub: what is shipped counts, and every input that cannot be used is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.cli import deadline  # noqa: F401 — defines the command
from hub.cli.app import app

START = ("--start", "2021-12-31 17:00")
COVER = ("--standard", "2013", "--kind", "component", "--code", "01-01", "--region", "140800")


def _run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deadline", *map(str, words)], env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def _answer(*words: object) -> dict[str, Any]:
    code, told = _run(*START, *words, "--json")
    assert code == 0, told
    found: dict[str, Any] = json.loads(told)
    return found


def test_every_day_on_the_way_is_shown() -> None:
    code, told = _run(*START, "--limit", "4工作时")
    assert code == 0
    assert all(
        text in told for text in ("2022-01-04 周二 11:00", "放假：元旦，3 天", "17:00–18:00，计 1 小时", "日历确定")
    )


def test_the_limit_of_a_filing_condition_is_looked_up() -> None:
    found = _answer(*COVER, "--condition", 2)
    assert [one["deadline"] for one in found["milestones"]] == ["2022-01-04T11:00:00+08:00"]
    assert found["filing_condition"] == {"condition_no": 2, "condition": "井盖破损大于25平方厘米", "closing": ""}
    assert [one["kind"] for one in found["standards"]] == ["calendar", "filing_conditions"]


def test_a_calendar_file_counts_for_its_regions(tmp_path: Path) -> None:
    file = tmp_path / "hours.toml"
    file.write_text('[regions.140800]\nhours = ["09:00-12:00", "13:00-17:30"]\n', encoding="utf-8")
    found = _answer(*COVER, "--condition", 2, "--calendar", file)
    assert [one["deadline"] for one in found["milestones"]] == ["2022-01-04T13:30:00+08:00"]


def test_a_code_that_was_abolished_is_told_with_its_successor() -> None:
    found = _answer("--limit", "1工作日", "--region", "430221")
    assert (found["region_name"], found["successors"]) == ("株洲县", ["430212"])
    assert "后继为 430212 渌口区" in found["notes"][0]
    assert _answer("--limit", "1工作日", "--region", "430212")["successors"] == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), "二者取一"),
        (("--limit", "1日", "--code", "01-01"), "二者取一"),
        (("--limit", "1日", "--config", "a", "--calendar", "b"), "只能取一"),
        (("--code", "01-01"), "--standard"),
        (("--code", "01-01", "--standard", "1999"), "未收录"),
        (("--code", "01-01", "--standard", "2013"), "既是部件也是事件"),
        (("--code", "01-01", "--standard", "2013", "--kind", "x"), "--kind"),
        (COVER, "1 井盖缺失或移位；2 "),
        ((*COVER, "--condition", 9), "没有序号为 9"),
        (("--code", "1-1", "--standard", "2013", "--kind", "event"), "不是 GB/T-30428.2-2013 的代码"),
        (("--limit", "四小时"), "数字加单位"),
    ],
)
def test_what_cannot_be_computed_is_told(words: tuple[object, ...], wanted: str) -> None:
    code, told = _run(*START, *words)
    assert (code, wanted in told) == (2, True), told
