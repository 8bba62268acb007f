"""``sanji alerts`` as an operator runs it, and what the audit log says of it."""

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from exchange_db import alerts
from exchange_db.alert_records import Alert, Severity
from exchange_db.session import Ledger
from hub.alerts.desk import AlertDesk
from hub.cli.app import app
from hub.clock import system_clock
from hub.settings import HubPart, Settings
from tests.support.builders import CITY, COUNTY
from tests.support.commands import Ran
from tests.support.neighbours import enrolled


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """The settings file of the city's hub."""
    file = tmp_path / "sanji.toml"
    file.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市枢纽"\n[database]\nurl = "{database_url}"\n[evidence]\nfolder = "store"\n'
        '[alerts.channels."值班群"]\nkind = "wecom"\nurl = "https://qyapi.weixin.qq.com/x"\n'
        'addresses = ["10.1.1.1:443"]\n',
        encoding="utf-8",
    )
    return file


async def sanji(config: Path, *words: object) -> Ran:
    """Runs a command in this process: what is tried here are its words, not its start."""
    for name in ("alerts", "alert_contacts"):
        importlib.import_module(f"hub.cli.{name}")
    all_words = ["alerts", *map(str, words), "--config", str(config)]
    done = await asyncio.to_thread(CliRunner().invoke, app, all_words, "", {"COLUMNS": "250", "NO_COLOR": "1"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.output)


async def told_json(config: Path, *words: object) -> Any:
    """Runs a command that prints JSON."""
    done = await sanji(config, *words, "--json")
    assert done.code == 0, done.told
    return json.loads(done.told)


async def test_an_operator_works_from_the_terminal(config: Path, ledger: Ledger) -> None:
    now = AlertDesk(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), system_clock).now()
    alert = Alert(
        region=431221, alert_id=uuid4(), rule="link.down", subject=COUNTY, since=now, severity=Severity.CRITICAL,
        text="中断", text_en="down",
    )  # fmt: skip
    async with ledger.write() as session:
        await alerts.open_new(session, [alert])
    assert COUNTY in (await sanji(config, "list")).told
    assert await told_json(config, "list", "--region", "431222") == []
    assert (await sanji(config, "ack", alert.alert_id, "--note", "已联系")).code == 0
    assert (await sanji(config, "ack", alert.alert_id)).code == 1

    assert (await sanji(config, "silence", "431221.*", "--reason", "检修", "--hours", "3")).code == 0
    (silence,) = await told_json(config, "silences")
    assert (await sanji(config, "unsilence", silence["silence_id"])).code == 0

    assert (await sanji(config, "set", "link.slow", "--raise-at", "600", "--off")).code == 0
    assert (await sanji(config, "set", "link.slow", "--severity", "critical")).code == 0
    rules = {one["name"]: one for one in await told_json(config, "rules")}
    slow = rules["link.slow"]
    assert (slow["raise_at"], slow["severity"], slow["is_on"]) == (600, "critical", False)
    assert (await sanji(config, "set", "link.slow", "--reset")).code == 0
    assert (await sanji(config, "set", "link.slow")).code == 2

    added = await sanji(config, "contacts", "add", "张三", "--robot", "值班群", "--hours", "8-18", "--region", "431221")
    assert added.code == 0, added.told
    (contact,) = await told_json(config, "contacts", "list")
    assert (contact["name"], contact["duty_until"], contact["role"]) == ("张三", 18, "officer")
    assert (await sanji(config, "contacts", "add", "李四", "--hours", "all")).code == 2
    assert (await sanji(config, "contacts", "remove", contact["contact_id"])).code == 0

    assert (await sanji(config, "test", "值班群")).code == 0
    assert [(one["channel"], one["state"]) for one in await told_json(config, "notices")] == [("值班群", "waiting")]

    await enrolled(ledger, COUNTY)
    assert (await sanji(config, "duty", "call", COUNTY, "--minutes", "5")).code == 0
    assert (await sanji(config, "duty", "answer", f"{CITY}/none", "--name", "张三")).code == 1
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT DISTINCT action FROM audit_entries WHERE outcome = 'done'"
            " AND action ~ '^(alert|contact|document)[.]'"
        )
        done = {row[0] for row in await cursor.fetchall()}
    assert done == {
        "alert.acknowledge", "alert.silence", "alert.unsilence", "alert.rule", "alert.test", "contact.keep",
        "contact.remove", "document.issue",
    }  # fmt: skip
