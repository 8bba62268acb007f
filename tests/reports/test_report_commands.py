"""``sanji reports`` as people run it: made, listed, looked at, saved, templates tried, and told what is wrong."""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import pytest
from docx import Document
from typer.testing import CliRunner

from exchange_db.session import Ledger
from hub.cli import app as command_line
from tests.rules.test_audited_acts import _every_command
from tests.support.applied import a_dispatched_case, apply_records


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    told: str


class Site(NamedTuple):
    """A hub that does not run: its settings."""

    config: Path

    def run(self, *words: object) -> Said:
        done = CliRunner().invoke(
            command_line.app, [*map(str, words), "--config", str(self.config)], env={"COLUMNS": "250"}
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Said(done.exit_code, done.output)


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Site:
    """A hub with two cases of a unit in June 2020."""
    _every_command()

    async def fill() -> None:
        async with Ledger(database_url, pool_size=1) as ledger:
            await apply_records(ledger, *a_dispatched_case("1"), *a_dispatched_case("2"))

    asyncio.run(fill())
    config = tmp_path / "sanji.toml"
    config.write_text(
        f'[hub]\nid = "431200.hub"\nname = "怀化市城市管理和综合执法局"\n[database]\nurl = "{database_url}"\n'
        '[reports]\ntemplates = "own"\n',
        encoding="utf-8",
    )
    return Site(config)


def test_a_bulletin_is_made_listed_shown_and_saved(site: Site, tmp_path: Path) -> None:
    made = site.run("reports", "make", "monthly", "--span", "2020-06")
    assert (made.code, "第1版" in made.told) == (0, True)
    again = site.run("reports", "make", "monthly", "--span", "2020-06")
    assert (again.code, "未变" in again.told) == (0, True)
    listed = site.run("reports", "list")
    assert "〔2020〕第6期" in listed.told
    (run,) = json.loads(site.run("reports", "list", "--json").told)
    assert (run["kind"], run["span"], run["version"], run["formats"]) == ("monthly", "2020-06", 1, ["docx", "xlsx"])
    assert "案件总数" in site.run("reports", "show", "monthly", "--span", "2020-06").told
    data = json.loads(site.run("reports", "show", "monthly", "--span", "2020-06", "--json").told)["data"]
    assert data["whole"]["now"]["counts"][0] == 2
    saved = tmp_path / "通报.docx"
    assert site.run("reports", "save", "monthly", "--span", "2020-06", "-o", saved).code == 0
    assert any("应处置城市管理案件2件" in one.text for one in Document(str(saved)).paragraphs)


def test_a_letter_is_written_about_the_cases_of_a_unit(site: Site, tmp_path: Path) -> None:
    words = ["--span", "2020-06", "--unit", "hw01", "--class", "GB/T-30428.2-2013|E|0203", "--due", "2020-07-01"]
    assert site.run("reports", "letter", "assignment", *words).code == 0
    saved, subject = tmp_path / "函.docx", "hw01|GB/T-30428.2-2013|E|0203"
    done = site.run("reports", "save", "assignment", "--span", "2020-06", "--subject", subject, "-o", saved)
    assert done.code == 0
    table = Document(str(saved)).tables[0]
    assert sorted(row.cells[0].text for row in table.rows[1:]) == ["1", "2"]
    nothing = site.run("reports", "letter", "assignment", *words[:2], "--unit", "hw77", *words[4:])
    assert (nothing.code, "没有可写的内容" in nothing.told) == (2, True)


def test_templates_are_saved_changed_and_tried(site: Site, tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert site.run("reports", "templates", "-o", own).code == 0
    assert len(list(own.iterdir())) == 9
    broken = Document()
    broken.add_paragraph("{{ report.heading }}")
    broken.save(str(own / "monthly.docx"))
    tried = site.run("reports", "templates")
    assert (tried.code, "monthly.docx" in tried.told, "heading" in tried.told) == (1, True, True)
    made = site.run("reports", "make", "monthly", "--span", "2020-06")
    assert (made.code, "monthly.docx" in made.told) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("make", "monthly", "--span", "2020-6"), "--span 2020-6"),
        (("make", "monthly", "--span", "2020"), "时段"),
        (("make", "monthly", "--span", "2020-06", "--region", "43"), "六位"),
        (("make", "monthly", "--span", "2020-06", "--region", "430000"), "权限"),
        (("show", "monthly", "--span", "2020-05"), "没有可查看的报告"),
        (("scores", "0123"), "0123"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(site: Site, words: tuple[str, ...], told: str) -> None:
    done = site.run("reports", *words)
    assert (done.code, told in done.told) == (2, True), done.told
