"""A nation's front-end host: two tables stand there, figures go up, codes come down as a draft's file."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_db.intermediate.dialects.sqlite import SqliteDialect
from exchange_db.intermediate.partner import open_partner
from exchange_db.session import Ledger
from hub.cli import intermediate, intermediate_codes  # noqa: F401 — defines the commands
from hub.cli.app import app
from hub.intermediate import installing
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link
from hub.intermediate.sources import sources_of
from tests.support.builders import CITY, a_case, a_sheet, an_entry
from tests.support.clock import NOON, FakeClock
from tests.support.partners import enrol_partner, lay_down, until_delivered, writing

NATION = "000000.platform"


@pytest.fixture
def link(tmp_path: Path, sqlite_url: str) -> DatabaseLink:
    """A link that exchanges figures and codes only."""
    (tmp_path / "nation.toml").write_text(
        f'peer = "{NATION}"\nname = "国家平台"\nurl = "{sqlite_url}"\ntables = ["x_figure", "x_code_list"]\n',
        encoding="utf-8",
    )
    return find_link(tmp_path, NATION)


@pytest.fixture(autouse=True)
async def _tables(link: DatabaseLink) -> None:
    async with open_partner(link.url) as partner:
        await installing.install(partner, link, CITY)


async def test_figures_go_up_and_cases_do_not(ledger: Ledger, link: DatabaseLink) -> None:
    peer = await enrol_partner(ledger, NATION, "parent")
    await lay_down(ledger, peer, [an_entry(a_sheet(), CITY), an_entry(a_case("c1"), "431222.platform")])
    codes = [("GB", "event", "0101", "积水", "01")]
    async with writing(ledger, peer, link, FakeClock(NOON), codes), open_partner(link.url) as partner:
        await until_delivered(ledger, peer, 2)
        assert (await partner.fetch("SELECT count(*) FROM x_figure"))[0][0] > 0
        tables = {row[0] for row in await partner.fetch("SELECT name FROM sqlite_master WHERE name LIKE 'x_%%'")}
        assert tables == {"x_figure", "x_code_list", "x_receipt", "x_link", "x_reconcile"}
        # The codes there are the nation's own.
        assert await partner.fetch("SELECT * FROM x_code_list") == []
    assert sources_of(link, SqliteDialect("Asia/Shanghai")) == []


async def test_its_codes_become_a_draft_s_file(link: DatabaseLink, tmp_path: Path) -> None:
    async with open_partner(link.url) as partner:
        for code, is_in_force in (("01", True), ("0101", None), ("0102", False)):
            await partner.execute(
                "INSERT INTO x_code_list (standard_ref, class_kind, code, name, is_in_force)"
                " VALUES ('GB/T-30428.2-2013', 'event', %s, '积水', %s)",
                (code, is_in_force),
            )
    (tmp_path / "sanji.toml").write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市枢纽"\n[intermediate]\nfolder = "{tmp_path}"\n', encoding="utf-8"
    )

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["intermediate", "codes", NATION, *words], catch_exceptions=False)

    out = tmp_path / "codes.csv"
    result = await asyncio.to_thread(lambda: run("--out", str(out), "--config", str(tmp_path / "sanji.toml")))
    assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8-sig").splitlines() == [
        "standard_ref,kind,code,name",
        "GB/T-30428.2-2013,event,01,积水",
        "GB/T-30428.2-2013,event,0101,积水",
    ]


def test_a_table_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nation.toml").write_text(
        f'peer = "{NATION}"\nname = "国家平台"\nurl = "sqlite:///x"\ntables = ["x_receipt"]\n', encoding="utf-8"
    )
    with pytest.raises(LinkFileInvalid, match="x_figure"):
        find_link(tmp_path, NATION)
