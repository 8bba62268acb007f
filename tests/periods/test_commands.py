"""``sanji figures`` on periods, over a filled ledger."""

import asyncio
import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from exchange_db.session import Ledger, driver_url
from hub.cli import figure_comparison, figure_gathering, figure_indicators, figure_locks, figure_periods, proposals  # noqa: F401
from hub.cli.app import app
from hub.clock import system_clock
from hub.settings import HubPart, Settings
from tests.support.builders import CITY
from tests.support.filled import fill


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """Settings of a hub whose ledger is filled, where one person may lock."""

    async def filled() -> None:
        async with Ledger(database_url) as ledger:
            await fill(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), system_clock)

    asyncio.run(filled())
    path = tmp_path / "sanji.toml"
    path.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化"\n[database]\nurl = "{database_url}"\n'
        '[periods]\nfrozen = ["month", "quarter"]\n[approvals]\nrequired = ["figures.correct"]\n',
        encoding="utf-8",
    )
    return path


def _figures(config: Path, *words: str) -> Result:
    arguments = ["figures", *words, "--config", str(config)]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "240", "NO_COLOR": "1"})


def _json(config: Path, *words: str) -> list[dict[str, object]]:
    result = _figures(config, *words, "--json")
    assert result.exit_code in (0, 1), result.output
    found: list[dict[str, object]] = json.loads(result.output)
    return found


def test_a_period_is_frozen_locked_corrected_and_looked_back_at(config: Path, database_url: str) -> None:
    result = _figures(config, "freeze", "2020-06")
    assert (result.exit_code, "2020-06：已冻结 3 个单元" in result.output) == (0, True), result.output
    assert _figures(config, "freeze", "2099-06").exit_code == 2
    (row,) = _json(config, "periods", "--kind", "month")
    assert (row["period"], row["revision"], row["is_locked"]) == ("2020-06", 1, False)
    assert "已锁定" in _figures(config, "lock", "2020-06", "--purpose", "月报").output
    with psycopg.connect(driver_url(database_url)) as connection:
        connection.execute("UPDATE figures SET done = done + 2 WHERE month = 202006 AND unit_code = 'hw02'")
    told = _figures(config, "corrections", "2020-06")
    assert "重新计数 recounted：完成 +2" in told.output, told.output
    assert "sanji proposals make figures.correct 2020-06" in told.output
    said = json.loads(_figures(config, "as-of", "2020-06", "--on", "2099-01-01", "--by", "unit", "--json").output)
    assert (said["origin"], said["revision"]) == ("frozen", 1)
    assert sum(line["counts"]["done"] for line in said["lines"]) == 5
    assert "冻结数及修正" in _figures(config, "as-of", "2020-06", "--on", "2099-01-01").output
    assert "已解锁" in _figures(config, "unlock", "2020-06", "--purpose", "更正").output
    assert "是" not in _figures(config, "periods").output
    runs = _json(config, "runs", "--work", "freeze")
    assert [(run["kind"], run["first_day"], run["trouble"]) for run in runs] == [("month", 20200601, "")]


def test_what_takes_two_people_is_sent_to_a_proposal(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace('["figures.correct"]', '["figures.lock", "figures.unlock"]')
    config.write_text(text, encoding="utf-8")
    for command in ("lock", "unlock"):
        result = _figures(config, command, "2020-06", "--purpose", "月报")
        assert result.exit_code == 1
        assert "sanji proposals make" in result.output


def test_a_comparison_is_offered_or_says_why_not(config: Path) -> None:
    offered = _figures(config, "compare", "F1", "2020-06", "--with", "previous")
    assert offered.exit_code == 0, offered.output
    assert "月问题解决率 83.33（5/6）" in offered.output
    assert "变化 / change" in offered.output
    refused = _figures(
        config, "compare", "closing_rate", "2020-06", "--profile", "zhuzhou", "--with-profile", "nanyang"
    )
    assert refused.exit_code == 1
    assert "指标定义不同" in refused.output
    assert "分母不同" in refused.output
    assert "重算" in refused.output
    assert _figures(config, "compare", "F1", "2020-02-29", "--with", "last-year").exit_code == 1
    assert _figures(config, "compare", "nonsense", "2020-06").exit_code == 2


def test_all_indicators_of_a_profile_are_listed_with_their_changes(config: Path) -> None:
    result = _figures(config, "indicators", "--from", "202006", "--to", "202006", "--profile", "zhongfang")
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.output.splitlines() if "月问题解决率" in line]
    assert [cell.strip() for cell in line.strip("│┃").split("│")] == [
        "F1", "月问题解决率", "5", "6", "83.33 %", "-16.67 %", "—",
    ]  # fmt: skip
    result = _figures(config, "indicators", "--from", "202006", "--to", "202006", "--json")
    told = {one["metric_id"]: one for one in json.loads(result.output)["indicators"]}
    assert (told["closing_rate"]["numerator"], told["closing_rate"]["denominator"]) == ("5", "6")
    assert _figures(config, "indicators", "--profile", "nobody").exit_code != 0


def test_who_has_sent_what_and_what_was_found_are_listed(config: Path) -> None:
    matrix = _json(config, "completeness", "--from", "2020-05", "--to", "2020-06", "--region", "431221")
    assert {(cell["month"], cell["state"], cell["revision"]) for cell in matrix if cell["reporter_id"] == CITY} == {
        ("2020-05", "sent_late", 1),
        ("2020-06", "sent_late", 1),
    }
    table = _figures(config, "completeness", "--from", "2020-05", "--to", "2020-06")
    assert "迟报" in table.output
    assert _json(config, "findings", "--from", "2020-01", "--to", "2020-12") == []
    assert "0 项" in _figures(config, "findings", "--from", "2020-01", "--to", "2020-12").output


def test_mistakes_are_answered_in_words(config: Path) -> None:
    for words in (
        ("freeze", "2020-13"),
        ("lock", "2020-06", "--purpose", "x"),
        ("corrections", "2020-06"),
        ("as-of", "2020-06", "--on", "2000-01-01"),
        ("as-of", "2020-06", "--on", "yesterday"),
        ("completeness", "--region", "430000"),
    ):
        result = _figures(config, *words)
        assert result.exit_code == 2, (words, result.output)
        assert "/" in result.output
        assert "Traceback" not in result.output
