"""The commands of documents and follow-up as an operator runs them, and what the audit log says of it."""

import asyncio
import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exchange_db.document_records import Document
from exchange_db.records import ReportState
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.clock import system_clock
from tests.support.applied import apply_records, apply_waiting, take_in
from tests.support.builders import CITY, COUNTY, PROVINCE, a_case, a_letter, a_payload, a_report
from tests.support.commands import Ran
from tests.support.neighbours import enrolled

GRID = "431221001001001"


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """The settings file of the city's hub."""
    file = tmp_path / "sanji.toml"
    file.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市枢纽"\n[database]\nurl = "{database_url}"\n'
        '[documents]\nnumber_prefix = "怀城管"\n[evidence]\nfolder = "store"\n',
        encoding="utf-8",
    )
    return file


async def sanji(config: Path, *words: object) -> Ran:
    """Runs a command in this process: what is tried here are its words, not its start."""
    for name in ("documents", "followup"):
        importlib.import_module(f"hub.cli.{name}")
    all_words = [*map(str, words), "--config", str(config)]
    done = await asyncio.to_thread(CliRunner().invoke, app, all_words, "", {"COLUMNS": "250", "NO_COLOR": "1"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.output)


async def told_json(config: Path, *words: object) -> Any:
    """Runs a command that prints JSON."""
    done = await sanji(config, *words, "--json")
    assert done.code == 0, done.told
    return json.loads(done.told)


async def _acts(ledger: Ledger) -> list[tuple[str, str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT action, outcome FROM audit_entries WHERE action ~ '^(document|followup)[.]' ORDER BY number"
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def test_a_paper_is_issued_with_its_file_listed_shown_and_taken_back(
    config: Path, ledger: Ledger, tmp_path: Path
) -> None:
    known = (await enrolled(ledger, COUNTY), await enrolled(ledger, PROVINCE, "parent"))
    paper = tmp_path / "函.pdf"
    paper.write_bytes(b"%PDF-1.7\n")
    sent = await sanji(
        config, "documents", "send", "--kind", "assignment_letter", "--title", "交办", "--to", COUNTY, "--days", 7,
        "--text", "请办理", "--case", f"{COUNTY}/2020-0001", "--file", paper,
    )  # fmt: skip
    year = datetime.now(UTC).year
    assert (sent.code, f"怀城管交〔{year}〕1号" in sent.told) == (0, True), sent.told
    again = await sanji(
        config, "documents", "send", "--kind", "bulletin", "--title", "通报", "--text", "全市", "--region", "431200"
    )
    assert f"怀城管通〔{year}〕1号" in again.told, "every kind has a series of its own"
    await apply_waiting(ledger, peers=known)
    rows = await told_json(config, "documents", "list")
    assert [(row["kind"], row["is_open"]) for row in rows] == [("bulletin", False), ("assignment_letter", True)]
    letter = rows[1]
    assert letter["files"][0]["name"] == "函.pdf"
    assert letter["cases"] == [{"issuer_id": COUNTY, "case_no": "2020-0001"}]
    assert "待答复" in (await sanji(config, "documents", "list", "--open", "--region", "431221")).told
    assert await told_json(config, "documents", "list", "--kind", "booklet") == []
    shown = await sanji(config, "documents", "show", f"{CITY}/{letter['document_id']}")
    assert "请办理" in shown.told
    assert (await told_json(config, "documents", "show", f"{CITY}/{letter['document_id']}"))["title"] == "交办"
    answered = await sanji(config, "documents", "answer", f"{CITY}/{letter['document_id']}", "--text", "x")
    assert (answered.code, "归 431221.platform 所有" in answered.told) == (1, True)
    assert (await sanji(config, "documents", "withdraw", letter["document_id"], "--reason", "重复")).code == 0
    await apply_waiting(ledger, peers=known)
    assert "已撤回" in (await sanji(config, "documents", "list")).told
    assert await _acts(ledger) == [
        ("document.issue", "done"),
        ("document.issue", "done"),
        ("document.answer", "refused"),
        ("document.withdraw", "done"),
    ]


async def test_what_is_asked_wrongly_is_told_and_nothing_is_issued(
    config: Path, ledger: Ledger, tmp_path: Path
) -> None:
    page = tmp_path / "page.txt"
    page.write_bytes(b"<html><script>")
    for words, code, text in (
        (("send", "--kind", "poem", "--title", "x"), 2, "poem"),
        (("send", "--kind", "bulletin", "--title", "x", "--to", "nowhere"), 2, "nowhere"),
        (("send", "--kind", "bulletin", "--title", "x", "--region", "43"), 2, "43"),
        (("send", "--kind", "assignment_letter", "--title", "x"), 1, "addressee_id"),
        (("send", "--kind", "assignment_letter", "--title", "x", "--to", PROVINCE), 1, "所辖区域"),
        (("send", "--kind", "bulletin", "--title", "x", "--file", str(page)), 1, "text/plain"),
        (("send", "--kind", "bulletin", "--title", "x", "--file", str(tmp_path / "none.pdf")), 1, "无法读取"),
        (("list", "--region", "x"), 2, "行政区划"),
        (("show", "431200.hub"), 2, "平台/编号"),
        (("show", f"{CITY}/none"), 1, "没有可查看的文书"),
        (("answer", f"{CITY}/none", "--text", "x"), 1, "没有可查看的文书"),
        (("answer", f"{CITY}/none", "--state", "perhaps"), 2, "perhaps"),
        (("withdraw", "none", "--reason", "x"), 1, "没有可查看的文书"),
    ):
        done = await sanji(config, "documents", *words)
        assert (done.code, text in done.told) == (code, True), (words, done.told)
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT count(*) FROM inbox")
        assert await cursor.fetchall() == [(0,)]
        cursor = await session.driver.execute("SELECT count(*) FROM document_numbers")
        assert await cursor.fetchall() == [(0,)], "a number is given with its document or not at all"


async def test_a_document_for_this_hub_is_answered(config: Path, ledger: Ledger) -> None:
    letter: Document = a_letter("P-1", issuer_id=PROVINCE, addressee_id=CITY, region_code="431200")
    assert (await take_in(ledger, [a_payload(letter)], hub_id=PROVINCE)).outcomes == "D"
    known = (await enrolled(ledger, PROVINCE, "parent"),)
    await apply_waiting(ledger, peers=known)
    assert (await sanji(config, "documents", "answer", f"{PROVINCE}/P-1", "--state", "received")).code == 0
    await apply_waiting(ledger, peers=known)
    assert (await sanji(config, "documents", "answer", f"{PROVINCE}/P-1", "--text", "已办")).code == 0
    await apply_waiting(ledger, peers=known)
    row = await told_json(config, "documents", "show", f"{PROVINCE}/P-1")
    assert (row["answer"]["state"], row["answer"]["revision"], row["is_open"]) == ("answered", 2, False)


async def test_proposals_and_lists_are_worked_through_from_the_command_line(config: Path, ledger: Ledger) -> None:
    known = (await enrolled(ledger, COUNTY),)
    moment = system_clock() - 3 * 86_400_000_000
    # All within a minute: the same day in every zone but for one minute of it.
    cases = [
        a_case(f"F-{number}", report=a_report(state=ReportState.FILED, grid_code=GRID, reported_time=moment + number))
        for number in range(3)
    ]
    await apply_records(ledger, *cases, peers=known, now=system_clock())
    day = (datetime.fromtimestamp(moment / 1_000_000, UTC) + timedelta(hours=8)).date().isoformat()
    assert "1 项新建议" in (await sanji(config, "followup", "propose", "--day", day)).told
    (proposal,) = await told_json(config, "followup", "proposals", "--state", "proposed")
    number = proposal["proposal_id"]
    assert GRID in (await sanji(config, "followup", "show", number)).told
    assert (await sanji(config, "followup", "dismiss", number, "--reason", "")).code == 1
    confirmed = await sanji(config, "followup", "confirm", number, "--text", "请整改")
    assert (confirmed.code, COUNTY in confirmed.told) == (0, True), confirmed.told
    again = await sanji(config, "followup", "confirm", number)
    assert (again.code, "此前已处理" in again.told) == (1, True)
    assert "已发出" in (await sanji(config, "followup", "proposals")).told
    assert "1 项" not in (await sanji(config, "followup", "propose")).told

    counted = await told_json(config, "followup", "list")
    assert (counted["unsent"], counted["overdue"]) == (3, 0)
    assert [row["case_no"] for row in await told_json(config, "followup", "list", "unsent")] == ["F-0", "F-1", "F-2"]
    assert "F-1" in (await sanji(config, "followup", "list", "unsent", "--limit", "2")).told
    pairs = await told_json(config, "followup", "list", "duplicates")
    assert [(pair["first"], pair["second"]) for pair in pairs].count((f"{COUNTY}/F-0", f"{COUNTY}/F-1")) == 1
    cleared = ("followup", "clear", f"{COUNTY}/F-0", f"{COUNTY}/F-1", "--reason", "两处")
    assert (await sanji(config, *cleared)).code == 0
    assert (await sanji(config, *cleared)).code == 1
    assert "疑似重复" in (await sanji(config, "followup", "list", "duplicates")).told
    supervised = await sanji(
        config, "followup", "supervise", "--case", f"{COUNTY}/F-1", "--to", COUNTY, "--text", "限期办结"
    )
    assert (supervised.code, "督〔" in supervised.told) == (0, True), supervised.told
    for words, code in (
        (("list", "everything"), 2),
        (("list", "unsent", "--region", "x"), 2),
        (("proposals", "--state", "x"), 2),
        (("propose", "--day", "monday"), 2),
        (("supervise", "--case", "x", "--to", COUNTY, "--text", "x"), 2),
    ):
        assert (await sanji(config, "followup", *words)).code == code, words
    await apply_waiting(ledger, peers=known)
    rows = await told_json(config, "documents", "list")
    assert sorted(row["kind"] for row in rows) == ["assignment_letter", "supervision_letter"]
    assert [act for act, outcome in await _acts(ledger) if outcome == "done"] == [
        "followup.propose", "followup.confirm", "followup.propose", "followup.clear", "followup.supervise",
    ]  # fmt: skip
