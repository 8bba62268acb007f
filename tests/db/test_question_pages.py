"""The page of questions and its commands: asked, exported, kept and shared, each within one's rights and recorded."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from auth.person import Role
from exchange_db.session import Ledger
from hub.cli import stats as stats_commands
from hub.cli.app import app
from hub.questions.question import Filter, Question, as_json
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import CITY
from tests.support.consoles import Seat, console_at, console_for
from tests.support.people import a_person

_COUNTY, _OTHER, _HUB = 431221, 431222, 431200
_ASKED = urlencode(
    [
        ("from", "2020"), ("to", "2020"), ("group", "unit"), ("group", "month"), ("pivot", "month"),
        ("measure", "count"), ("measure", "F1"), ("field1", "state"), ("sign1", "not"), ("value1", "作废"),
    ]
)  # fmt: skip


@pytest.fixture
async def told(ledger: Ledger) -> Ledger:
    """A ledger with three cases of one county and one of another."""
    await apply_records(
        ledger,
        *a_closed_case("1", unit_code="<b>hw01"),
        *a_dispatched_case("2", unit_code="hw02"),
        *a_filed_case("3"),
        *a_filed_case("4", region_code="431222"),
    )
    return ledger


async def test_a_question_is_asked_answered_and_exported(told: Ledger) -> None:
    async with console_for(told, a_person((Role.VIEWER, _HUB))) as ask:
        status, form = await ask("/questions")
        assert status == 200
        assert "<nav" in form
        assert "自定义查询" in form
        status, page = await ask(f"/questions?{_ASKED}")
        assert status == 200
        assert "431200 · 2020-01-01 – 2020-12-31 · 截止时间 · 台账" in page
        assert "&lt;b&gt;hw01" in page
        assert "<b>hw01" not in page
        assert "2020-06 案件数" in page
        assert "100.00" in page
        status, english = await ask(f"/questions?{_ASKED}&lang=en")
        assert "2020-06 Cases" in english
        assert "Measures" in english
        status, text = await ask(f"/questions/export?{_ASKED}&format=csv")
        assert status == 200
        assert text.lstrip("\ufeff").startswith("责任单位,2020-06 案件数")
        status, text = await ask(f"/questions/export?{_ASKED}&format=json")
        assert json.loads(text)["question"]["where"] == [{"field": "state", "values": ["作废"], "is_excluded": True}]


async def test_a_mistake_is_told_on_the_page(told: Ledger) -> None:
    async with console_for(told, a_person((Role.VIEWER, _HUB))) as ask:
        status, page = await ask("/questions?measure=speed")
        assert (status, "没有“speed”" in page) == (400, True)
        status, page = await ask("/questions?measure=count&group=colour&lang=en")
        assert (status, "possible: region" in page) == (400, True)
        assert (await ask("/questions/export?measure=count&format=pdf"))[0] == 400
        assert (await ask("/questions?measure=count&limit=many"))[0] == 400
        assert (await ask("/questions?measure=count&source=archive"))[0] == 400


async def test_a_county_asks_about_itself_alone(told: Ledger) -> None:
    async with console_for(told, a_person((Role.VIEWER, _OTHER))) as ask:
        status, page = await ask("/questions?measure=count&group=region")
        assert (status, "431222" in page) == (200, True)
        assert "431221" not in page
        for region in ("431221", "431200", "000000"):
            assert (await ask(f"/questions?measure=count&region={region}"))[0] == 400
            assert (await ask(f"/questions/export?measure=count&region={region}"))[0] == 400
    async with console_for(told, a_person((Role.SECURITY_OFFICER, _HUB))) as ask:
        assert (await ask("/questions?measure=count"))[0] == 403
    async with console_for(told, a_person((Role.AUDITOR, _HUB))) as ask:
        assert (await ask("/questions?measure=count"))[0] == 200
        assert (await ask("/questions/export?measure=count"))[0] == 403


async def test_questions_are_kept_shared_and_deleted(told: Ledger) -> None:
    zhang, li = a_person((Role.VIEWER, _HUB), subject="zhang"), a_person((Role.VIEWER, _COUNTY), subject="li")
    kept = as_json(Question(where=(Filter("state", ("closed",)),), group=("unit",)))
    seat = Seat(zhang)
    async with console_at(told, seat) as (_, ask):
        for name, question, shared in (("全市", kept, "1"), ("本人", kept, ""), ("中方", '{"region": "431221"}', "1")):
            form = {"name": name, "question": question} | ({"is_shared": "1"} if shared else {})
            assert (await ask("/questions/save", "POST", data=form))[0] == 303
        page = (await ask("/questions"))[1]
        assert all(name in page for name in ("全市", "本人", "中方"))
        seat.person = li
        page = (await ask("/questions"))[1]
        assert "中方" in page
        assert "全市" not in page, "it is about more than they may see"
        assert "本人" not in page
        assert (await ask("/questions/delete", "POST", data={"name": "中方"}))[0] == 400
        assert (await ask("/questions/save", "POST", data={"name": "x", "question": '{"region": "431200"}'}))[0] == 400
        assert (await ask("/questions/save", "POST", data={"name": "", "question": kept}))[0] == 400
        seat.person = zhang
        assert (await ask("/questions/delete", "POST", data={"name": "中方"}))[0] == 303
        assert "中方" not in (await ask("/questions"))[1].partition("已保存的查询")[2]
    async with told.read() as session:
        found = await session.driver.execute(
            "SELECT action, actor, outcome FROM audit_entries WHERE action LIKE 'question.%' ORDER BY number"
        )
        entries = await found.fetchall()
    assert ("question.save", "person:local/zhang", "done") in entries
    assert ("question.delete", "person:local/li", "failed") in entries
    assert ("question.delete", "person:local/zhang", "done") in entries


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """A city's settings file over the ledger of this test, with an archive."""
    path = tmp_path / "sanji.toml"
    path.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化"\n[database]\nurl = "{database_url}"\n[archive]\npath = "archive"\n',
        encoding="utf-8",
    )
    return path


def _run(config: Path | None, *words: object) -> tuple[int, str]:
    options = ["--config", str(config)] if config else []
    done = CliRunner().invoke(app, ["stats", *map(str, words), *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_commands_ask_keep_run_archive_and_export(config: Path, tmp_path: Path, database_url: str) -> None:
    assert stats_commands.commands.registered_commands
    words = ("--group", "unit,month", "--measure", "count,on_time", "--pivot", "month", "--where", "状态!=作废")
    assert _run(config, "query", *words)[0] == 0
    assert _run(config, "save", "月报", *words, "--shared") == (
        0,
        "已保存：月报。运行：sanji stats run '月报' / Kept.\n",
    )
    code, text = _run(config, "list", "--json")
    assert json.loads(text)[0]["options"][:2] == ["--region", "431200"]
    assert "月报" in _run(config, "list")[1]
    code, text = _run(config, "archive")
    assert (code, "0 件案件" in text) == (0, True)
    for source in ("ledger", "archive"):
        code, text = _run(config, "run", "月报", "--source", source, "--json")
        assert (code, json.loads(text)["source"]) == (0, source)
    for name in ("a.xlsx", "a.csv", "a.json"):
        assert _run(config, "run", "月报", "--export", tmp_path / name)[0] == 0
        assert (tmp_path / name).stat().st_size > 0
    assert _run(config, "run", "月报", "--export", tmp_path / "a.pdf")[0] == 2
    assert _run(config, "run", "月报", "--export", tmp_path / "no" / "a.csv")[0] == 1
    assert _run(config, "delete", "月报")[0] == 0
    for act in ("delete", "run"):
        code, text = _run(config, act, "月报")
        assert (code, "没有保存过名为“月报”的查询" in text) == (2, True)


def test_commands_name_the_field_and_what_is_possible(config: Path) -> None:
    for words, told in (
        (("query", "--group", "颜色"), "group：没有“颜色”，可用：region 区域"),
        (("query", "--where", "状态=好"), "state：没有“好”，可用：reported 待受理"),
        (("query", "--where", "状态"), "where："),
        (("query", "--from", "去年"), "from：“去年”应为 2020、2020Q3"),
        (("query", "--region", "431221", "--source", "moon"), "source："),
        (("query", "--region", "4312"), "region："),
        (("query", "--region", "430000"), "region："),
        (("query", "--source", "archive"), "尚无归档"),
    ):
        code, text = _run(config, *words)
        assert (code, told in text) == (2, True), (words, text)
    assert "及时完成" in _run(None, "fields")[1]
    assert "closed" in json.loads(_run(None, "fields", "--json")[1])["dimensions"]["state"]["values"]
