"""``sanji standards`` on one hub: drafting, checking, publishing, withdrawing, and clear words when it fails."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from auth import certificates
from exchange_db.session import Ledger
from hub.cli import deadline, releases  # noqa: F401 — define the commands
from hub.cli.app import app
from tests.support.applied import a_filed_case, apply_records
from tests.support.signed_releases import CODES, STANDARD
from tests.support.sources import ROOT

NOW = datetime.now(UTC)


class Site:
    """A city's settings, keys and ledger."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        authority = certificates.make_authority("test", NOW)
        hub = certificates.issue(authority, "431200.hub", NOW)
        certificates.write(hub, folder / "keys" / "hub.pem", folder / "keys" / "hub.key")
        (folder / "keys" / "authority.pem").write_bytes(authority.certificate)
        text = f'[hub]\nid = "431200.hub"\nname = "怀化市枢纽"\n[database]\nurl = "{url}"\n[approvals]\nrequired = []\n'
        (folder / "sanji.toml").write_text(text, encoding="utf-8")
        (folder / "codes.csv").write_bytes(CODES)

    def run(self, *words: object) -> tuple[int, str]:
        """Runs a command; returns its exit code and all it said."""
        return self.command("standards", *words)

    def command(self, *words: object) -> tuple[int, str]:
        """Does so for any command."""
        command = [*map(str, words), "--config", str(self.folder / "sanji.toml")]
        done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    def publish(self, *words: object, version: str = "1", name: str = "local") -> tuple[int, str]:
        """Publishes the code list, or what the words say instead."""
        given = ("--name", name, "--version", version, "--effective", "2020-01-01")
        return self.run("publish", *(words or (self.folder / "codes.csv",)), *given)

    def states(self) -> dict[str, str]:
        """States of the releases by version, those of drafts too."""
        code, told = self.run("releases", "--json")
        assert code == 0
        found: dict[str, Any] = json.loads(told)
        return {one["version"]: one["state"] for one in (*found["releases"], *found["drafts"])}


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Site:
    """The city."""
    return Site(tmp_path, database_url)


def test_a_draft_is_looked_at_and_published(site: Site) -> None:
    words = ("--name", "local", "--version", "1", "--effective", "2026-07-01", "--stage", "431221=2026-09-01")
    assert site.run("draft", site.folder / "codes.csv", *words)[0] == 0
    assert site.states() == {"1": "draft"}
    code, told = site.run("publish", "--name", "local", "--dry-run")
    assert (code, "检查通过，未发布" in told) == (0, True)
    assert site.states() == {"1": "draft"}
    assert site.run("publish", "--name", "local") == (0, "code_list local 1 已发布。 / Published.\n")
    (one,) = json.loads(site.run("releases", "--json")[1])["releases"]
    assert (one["effective_time"], one["stages"]) == (
        "2026-06-30T16:00:00+00:00", {"431221": "2026-08-31T16:00:00+00:00"},
    )  # fmt: skip
    code, told = site.run("publish", "--name", "local")
    assert (code, "没有 code_list local" in told) == (1, True)


def test_a_folder_is_one_release_and_versions_are_kept(site: Site) -> None:
    folder = site.folder / "release"
    folder.mkdir()
    for name in ("b.csv", "a.csv", ".hidden"):
        (folder / name).write_bytes(CODES)
    assert site.publish(folder)[0] == 0
    (one,) = json.loads(site.run("releases", "--json")[1])["releases"]
    assert one["documents"] == ["a.csv", "b.csv"]
    assert site.publish(version="2")[0] == 0
    assert site.states() == {"1": "past", "2": "in_force"}
    assert site.run("withdraw", "--name", "local", "--version", "2")[0] == 0
    assert site.states() == {"1": "in_force", "2": "withdrawn", "3": "withdrawal"}
    told = site.run("releases")[1]
    assert "已撤回（3）" in told


def test_what_is_in_force_is_written_out_layer_by_layer(site: Site) -> None:
    assert site.publish()[0] == 0
    words = ("export", "--name", "local", "--out", site.folder / "out")
    code, told = site.run(*words)
    assert (code, "codes.csv" in told) == (0, True)
    assert (site.folder / "out" / "1-431200.hub-1" / "codes.csv").read_bytes() == CODES
    for wrong, told in (
        (("--at", "2019-12-31"), "没有生效的"),
        (("--region", "440000"), "没有生效的"),
        (("--region", "44"), "--region 44"),
        (("--at", "never"), "--at never"),
        (("--out", site.folder / "codes.csv"), "无法写入"),
    ):
        code, said = site.run(*words, *wrong)
        assert (code, told in said) == (1, True), said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--version", "01"), "version"),
        (("--version", ""), "请用 --version 指明"),
        (("--effective", "soon"), "--effective soon"),
        (("--stage", "431221"), "--stage 431221"),
        (("--stage", "4312=2026-01-01"), "--stage 4312=2026-01-01"),
        (("--stage", "440000=2026-01-01"), "stages[0].region_code"),
        (("--kind", "Code List"), "kind"),
        (("--title", "a\tb"), "title"),
    ],
)
def test_what_does_not_fit_is_named(site: Site, words: tuple[str, ...], told: str) -> None:
    given = {"--name": "x", "--version": "1", "--effective": "2020-01-01"} | {words[0]: words[1]}
    code, said = site.run("publish", site.folder / "codes.csv", *(part for pair in given.items() for part in pair))
    assert (code, told in said) == (1, True), said
    assert site.states() == {}


def test_documents_that_cannot_be_used_are_refused_with_all_findings(site: Site) -> None:
    (site.folder / "a.csv").write_bytes("名称".encode("gbk"))
    (site.folder / "b.csv").write_bytes(b"x\n\xff")
    code, told = site.publish(site.folder / "a.csv", site.folder / "b.csv")
    assert code == 1
    assert [name in told for name in ("✗ a.csv", "✗ b.csv", "未发布")] == [True] * 3
    (site.folder / "calendar.toml").write_text("[zones]\n")
    code, told = site.run(
        "publish", site.folder / "calendar.toml", "--kind", "calendar", "--name", "x", "--version", "1",
        "--effective", "2020-01-01",
    )  # fmt: skip
    assert (code, "没有这个键" in told) == (1, True), told
    assert "没有文件" in site.publish(_empty(site.folder))[1]
    assert "无法读取" in site.publish(site.folder / "none.csv")[1]
    assert "文件名重复" in site.publish(site.folder / "codes.csv", site.folder / "codes.csv")[1]


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_a_key_that_does_not_serve_is_told_in_words(site: Site) -> None:
    (site.folder / "keys" / "hub.key").write_text("no key")
    code, told = site.publish()
    assert (code, "证书或私钥不可用" in told) == (1, True)
    (site.folder / "keys" / "hub.pem").unlink()
    assert "证书或私钥不可用" in site.publish()[1]
    assert site.states() == {}


def test_the_impact_names_cases_and_mappings(site: Site) -> None:
    assert site.publish(name="GB/T-30428.2-2013")[0] == 0

    async def fill() -> None:
        async with Ledger(site.url, pool_size=0) as ledger:
            await apply_records(ledger, *a_filed_case("ZF-1", class_code="0203"))

    asyncio.run(fill())
    (site.folder / "next.csv").write_bytes(CODES.replace(f"event,0203,违规户外广告,{STANDARD}\n".encode(), b""))
    mapping = ROOT / "docs" / "examples" / "generic.toml"
    words = ("impact", site.folder / "next.csv", "--name", "GB/T-30428.2-2013", "--mapping", mapping)
    code, told = site.run(*words)
    assert code == 0
    assert [text in told for text in ("代码消失", "ZF-1", "违规户外广告", "在办案件 1 件", "tables.classes.")] == [
        True
    ] * 5
    found = json.loads(site.run(*words, "--json")[1])
    assert [(one["effect"], one["region"], one["case_count"]) for one in found["classes"]] == [
        ("vanished", "431221", 1)
    ]
    assert {one["effect"] for one in found["mappings"]} == {"unknown"}
    (site.folder / "wrong.toml").write_text("version = 2")
    assert site.run(*words, "--mapping", site.folder / "wrong.toml")[0] == 1
    (site.folder / "next.csv").write_bytes(b"no,code,list\n1,2,3\n")
    code, told = site.run(*words)
    assert (code, "documents.next.csv:2" in told) == (1, True)


def test_pulling_without_a_parent_takes_nothing(site: Site) -> None:
    assert site.run("pull", "--now") == (0, "新发布 0 项，拒收 0 项。 / New, refused.\n")
    assert "已通知运行中的枢纽" in site.run("pull")[1]


def test_a_deadline_is_counted_by_what_is_in_force_at_the_hub(site: Site) -> None:
    table = (
        f"standard_ref,kind,code,condition_no,region,condition,limit\n{STANDARD},event,0110,1,431200,积存垃圾,4工作时\n"
    )
    (site.folder / "conditions.csv").write_text(table, encoding="utf-8")
    (site.folder / "hours.toml").write_text(
        '[regions.431200]\nhours = ["09:00-12:00", "13:00-17:30"]\n', encoding="utf-8"
    )
    asked = ("deadline", "--start", "2021-12-31 17:00", "--region", "431221", "--standard", "2013", "--code", "01-10")
    code, told = site.command(*asked, "--kind", "event")
    assert (code, "没有 GB/T-30428.2-2013 事件 01-10 的立案条件" in told) == (2, True), told
    for file, kind in (("conditions.csv", "filing_conditions"), ("hours.toml", "calendar")):
        assert site.publish(site.folder / file, "--kind", kind, name="city")[0] == 0
    code, told = site.command(*asked, "--kind", "事件")
    assert code == 0, told
    assert "01-10 立案条件 1：积存垃圾" in told
    assert "2022-01-04 周二 13:30" in told
    assert "日历 city 1（431200.hub）；立案条件 city 1（431200.hub）" in told
