"""``sanji figures`` over a filled ledger."""

import asyncio
import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from exchange_db.session import Ledger, driver_url
from hub.cli import figures  # noqa: F401 — defines the commands
from hub.cli.app import app
from hub.clock import system_clock
from hub.settings import HubPart, Settings
from tests.support.builders import CITY
from tests.support.filled import fill


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """Settings of a hub whose ledger is filled."""

    async def filled() -> None:
        async with Ledger(database_url) as ledger:
            await fill(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), system_clock)

    asyncio.run(filled())
    path = tmp_path / "sanji.toml"
    path.write_text(f'[hub]\nid = "{CITY}"\nname = "怀化"\n[database]\nurl = "{database_url}"\n', encoding="utf-8")
    return path


def _figures(config: Path, *arguments: str) -> Result:
    command = next((word for word in arguments if word in ("cases", "rebuild")), None)
    words = ["figures", *([command] if command else []), "--config", str(config)]
    return CliRunner().invoke(
        app, [*words, *(word for word in arguments if word != command)], env={"COLUMNS": "220", "NO_COLOR": "1"}
    )


def test_figures_are_printed_by_month_with_chinese_names(config: Path) -> None:
    result = _figures(config, "--region", "431221", "--from", "202001", "--to", "202012", "--by", "month")
    assert result.exit_code == 0, result.output
    assert "月问题综合解决率" in result.output
    december = next(line for line in result.output.splitlines() if "202012" in line and "│" in line)
    assert [cell.strip() for cell in december.split("│")[2:6]] == ["12", "10", "10", "8"]
    assert "75.83 %" in december


def test_figures_are_given_to_scripts_as_json(config: Path) -> None:
    result = _figures(config, "--json")
    answer = json.loads(result.output)
    (line,) = answer["lines"]
    assert (answer["region"], answer["first_month"], answer["last_month"]) == ("431200", 202001, 202012)
    assert (answer["basis"], line["counts"]["total"], line["counts"]["done"]) == ("ledger", 78, 70)
    assert line["figures"]["F3"]["display"] == "83.97"


def test_the_cases_behind_a_number_are_listed(config: Path) -> None:
    result = _figures(config, "cases", "--counter", "done", "--from", "202005", "--to", "202005", "--json")
    assert sorted(case["case_no"] for case in json.loads(result.output)) == [f"2020-050{n}" for n in range(1, 6)]
    table = _figures(config, "cases", "--counter", "on_time", "--from", "202001", "--to", "202012", "--limit", "3")
    assert "及时完成" in table.output
    assert "--limit" in table.output


def test_a_mistake_is_answered_in_words(config: Path) -> None:
    for arguments in (("--region", "430000"), ("--region", "x"), ("--from", "202013", "--to", "202014")):
        result = _figures(config, *arguments)
        assert result.exit_code == 2
        assert "/" in result.output
        assert "Traceback" not in result.output
    assert _figures(config, "cases", "--counter", "late").exit_code == 2


def test_a_recount_proves_the_figures_or_names_every_difference(config: Path, database_url: str) -> None:
    good = _figures(config, "rebuild", "--check")
    assert (good.exit_code, good.output.startswith("OK：78")) == (0, True), good.output
    with psycopg.connect(driver_url(database_url)) as connection:
        connection.execute("UPDATE figures SET done = done + 2 WHERE month = 202003 AND unit_code = 'hw02'")
    wrong = _figures(config, "rebuild")
    assert wrong.exit_code == 1
    assert "431221 202003 hw02/GB/T-30428.2-2013|E|0203/01：完成（done） 3 → 1" in wrong.output
    assert _figures(config, "rebuild", "--write").exit_code == 0
    assert _figures(config, "rebuild", "--check").exit_code == 0
