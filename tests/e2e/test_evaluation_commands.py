"""``sanji evaluation`` over a filled ledger: from inputs to a ranking, an objection, and the year's self-evaluation."""

import asyncio
import json
import re
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from exchange_db.session import Ledger
from hub.cli import evaluation, evaluation_inputs, evaluation_runs, evaluation_sending  # noqa: F401 — the commands
from hub.cli.app import app
from hub.clock import system_clock
from hub.evaluation.inspection import SPOTS
from hub.settings import HubPart, Settings
from tests.support.builders import CITY
from tests.support.filled import fill

UNITS = ("hw01", "hw02", "hw03")
SCHEME = "zhongfang.monthly"


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


def _evaluation(config: Path, *words: str, code: int = 0, region: str = "431221") -> Result:
    command = ["evaluation", *words, "--config", str(config)]
    if region:
        command += ["--region", region]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def _sheet(folder: Path, name: str, *lines: str) -> str:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def _give_december(config: Path, folder: Path) -> None:
    groups = [f"{unit},{'A' if unit == 'hw01' else 'B'},2020-01-01" for unit in UNITS]
    _evaluation(config, "input", "groups", _sheet(folder, "groups.csv", "unit_code,group_code,first_day", *groups))
    rows = [f"{u}-{kind}-{n},{u},{kind},点位" for u in UNITS for kind, count in SPOTS.items() for n in range(count + 1)]
    _evaluation(config, "inspection", "places", _sheet(folder, "places.csv", "place_id,unit_code,kind,name", *rows))
    opened = _evaluation(config, "inspection", "open", SCHEME, "2020-W50", "--day", "2020-12-10")
    assert re.search("[0-9a-f]{64}", opened.output)
    drawn = _evaluation(config, "inspection", "draw", SCHEME, "2020-W50").output
    spots = sorted(set(re.findall(r"hw0\d-\w+-\d", drawn)))
    assert len(spots) == 27
    results = _sheet(folder, "results.csv", "place_id,score", *(f"{spot},88" for spot in spots))
    _evaluation(config, "inspection", "enter", SCHEME, "2020-W50", results)
    assert "27" in _evaluation(config, "inspection", "reveal", SCHEME, "2020-W50").output
    for unit in UNITS:
        words = (SCHEME, "supervision", "90", "--day", "2020-12-20", "--reason", "督办通报", "--unit", unit)
        _evaluation(config, "input", "give", *words)


def test_a_month_is_scored_shown_disputed_and_repeated(config: Path, tmp_path: Path) -> None:
    missing = _evaluation(config, "run", SCHEME, "2020-12", code=1)
    assert "缺少分值" in missing.output
    _give_december(config, tmp_path)
    made = json.loads(_evaluation(config, "run", SCHEME, "2020-12", "--json").output)
    assert (made["is_new"], made["head"]["revision"]) == (True, 1)
    run_id = made["head"]["run_id"]
    assert {score["unit"]: score["group"] for score in made["run"]["scores"]} == {"hw01": "A", "hw02": "B", "hw03": "B"}
    assert "未产生新版本" in _evaluation(config, "run", SCHEME, "2020-12").output
    shown = _evaluation(config, "show", run_id[:10], "--unit", "hw02", region="").output
    assert "F3 v1 = " in shown
    assert "督办通报" in shown
    assert "OK" in _evaluation(config, "reproduce", run_id[:10], region="").output
    words = ("object", run_id[:10], "supervision", "--unit", "hw02", "--grounds", "已办结")
    objection = re.search(r"[0-9a-f-]{36}", _evaluation(config, *words, region="").output)
    assert objection
    # Who sits at one keyboard cannot rule on what they objected to.
    rule = ("rule", objection[0], "--uphold", "--value", "95", "--ruling", "属实")
    assert "不能自行决定" in _evaluation(config, *rule, code=2, region="").output
    assert "待裁定" in _evaluation(config, "objections").output
    assert run_id[:12] in _evaluation(config, "runs").output
    assert "send-evaluations" in _evaluation(config, "send", run_id, "result", region="").output
    assert "2020" in _evaluation(config, "schemes").output
    unknown = _evaluation(config, "show", "ffffffffffff", code=2, region="")
    assert "没有评分结果" in unknown.output


def test_a_survey_is_imported_once_and_feeds_the_years_table(config: Path, tmp_path: Path) -> None:
    survey = _sheet(
        tmp_path, "survey.toml", "form = 1", 'id = "year"', 'zh = "年度满意度"', 'en = "Year"',
        'scheme = "self-evaluation"', 'entry = "satisfaction"', 'main = "q1"', "first_day = 2020-01-01",
        "last_day = 2020-12-31", "[[questions]]", 'id = "q1"', 'zh = "是否满意"', 'en = "Content?"',
        'options = [{id = "y", zh = "满意", en = "yes", is_content = true}, {id = "n", zh = "不满意", en = "no"}]',
    )  # fmt: skip
    _evaluation(config, "survey", "open", survey)
    answers = _sheet(
        tmp_path, "answers.csv", "respondent,q1,day", "1,满意,2020-05-01", "2,y,2020-05-01", "3,n,2020-05-02",
        "4,满意,2020-05-03", "1,n,2020-05-04",
    )  # fmt: skip
    imported = _evaluation(config, "survey", "import", "year", answers, code=1)
    assert "计入 4 份，未计入 1 份" in imported.output
    assert "75.00 %" in _evaluation(config, "survey", "show", "year").output
    plan = _sheet(
        tmp_path, "plan.toml", "form = 1", 'project = "数字城管"', "year = 2020", "[[indicators]]",
        'first = "产出指标"', 'second = "数量指标"', 'third = "问题解决率"', 'target = "≥90%"', "weight = 60",
        'metric = "closing_rate"', "[[indicators]]", 'first = "满意度指标"', 'second = "服务对象"', 'third = "满意度"',
        'target = "≥90%"', "weight = 40", 'metric = "satisfaction_rate"',
    )  # fmt: skip
    table = tmp_path / "table.xlsx"
    _evaluation(config, "annual", plan, "-o", str(table), "--year", "2020", "--profile", "zhongfang")
    book = openpyxl.load_workbook(table)
    counts = {row[0].value: row[1].value for row in book["数据"].iter_rows(min_row=2)}
    assert (counts["完成"], counts["案件总数"], counts["满意"]) == (70, 78, 3)
    other_year = _evaluation(config, "annual", plan, "-o", str(table), "--year", "2021", code=2)
    assert "不同" in other_year.output
    _evaluation(config, "survey", "close", "year")


def test_a_form_is_put_beside_the_ledger(config: Path, tmp_path: Path) -> None:
    form = _sheet(
        tmp_path, "form.csv", "计数项,数量", "案件总数,78", "完成,87", "及时完成,60", "指标,填报值",
        "问题解决率,89.74%", "及时解决率,85.71%",
    )  # fmt: skip
    words = ("check", form, "--profile", "zhongfang", "--ledger", "--year", "2020", "--json")
    report = json.loads(_evaluation(config, *words, code=1).output)
    found = {(one["name"], one["rule"]): one for one in report["findings"]}
    assert ("案件总数", "ledger") not in found
    done = found["完成", "ledger"]
    assert (done["stated"], done["computed"]) == ("87", "台账 70")
    assert ("问题解决率", "ledger") not in found
    timely = found["及时解决率", "ledger"]
    # 60 in time over 70 done in place of 78.
    assert ("other_base", "以“台账完成”70 为分母时一致") in [(one["cause"], one["detail"]) for one in timely["causes"]]
    assert "--year" in CliRunner().invoke(app, ["evaluation", "check", form, "--ledger"]).output
