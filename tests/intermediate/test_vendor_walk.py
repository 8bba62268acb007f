"""What the page tells a vendor works from nothing, with the engine's own command line and plain SQL."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connectors.table_rows import TableRow, section_of
from exchange_db.intermediate import schema
from exchange_db.intermediate.capture import CHANGE_LOG, Standing, show
from exchange_db.intermediate.dialect import expression
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.scripts import WATCHED
from hub.cli.inspection import WRONG
from hub.cli.intermediate_inspection import inspect_link
from hub.demo.mariadb import MariadbServer
from hub.intermediate.link_files import DatabaseLink
from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "intermediate-database.md"
Client = Callable[[str], str]
EXAMPLE_LOG = [
    ("x_case", "I"),
    ("x_case_action", "I"),
    ("x_case", "U"),
    ("x_handling", "I"),
    ("x_handling", "U"),
]


def _client(url: str, mariadb: MariadbServer) -> Client:
    """The engine's command line, as a vendor has it."""
    if url.startswith("mysql"):
        name = make_url(url).database
        assert name is not None
        return lambda statements: mariadb.run(name, statements)
    if url.startswith("sqlite"):
        return lambda statements: _in_file(Path(url.removeprefix("sqlite:///")), statements)
    program = shutil.which("psql")
    if program is None:
        pytest.skip("needs psql")
    command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]
    return lambda statements: _printed(command, statements)


def _printed(command: list[str], statements: str) -> str:
    done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _in_file(path: Path, statements: str) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()
    return ""


@pytest.fixture
def client(partner_url: str, mariadb: MariadbServer) -> Client:
    """The command line on an empty database of each engine in turn."""
    return _client(partner_url, mariadb)


def _engine(url: str) -> str:
    return {"mysql": "mariadb"}.get(url.partition(":")[0], url.partition(":")[0])


def _script(folder: str, name: str) -> str:
    assert f"{folder}/{name}" in PAGE.read_text(encoding="utf-8"), "the page names the file"
    return (ROOT / "docs" / folder / name).read_text(encoding="utf-8")


async def test_a_vendor_gets_from_nothing_to_a_noted_case(partner_url: str, client: Client) -> None:
    engine = _engine(partner_url)
    for _ in range(2):  # again does no harm
        client(_script("sql", f"{engine}.sql"))
    client(_script("examples", f"intermediate-{engine}.sql"))
    async with open_partner(partner_url) as partner:
        assert {one.standing for one in await show(partner, WATCHED)} == {Standing.INSTALLED}
        noted = await partner.fetch(f"SELECT table_name, op, row_key FROM {CHANGE_LOG} ORDER BY log_id")
        assert [(table, op) for table, op, _ in noted] == EXAMPLE_LOG
        key = noted[0][2] if isinstance(noted[0][2], list) else json.loads(noted[0][2])
        assert key == ["431221.platform", "2020-0001"]
        for table in (schema.CASE, schema.ACTION, schema.HANDLING):
            columns = ", ".join(expression(partner.dialect, column) for column in table.columns)
            (row,) = await partner.fetch(f"SELECT {columns} FROM {table.name}")
            # What the example writes keeps the contract: a record comes of it.
            made = section_of(TableRow(table, row), 1)
        assert made.close_requested_time == 1_605_856_200_000_000  # 2020-11-20 15:10 in China


async def test_the_meanings_can_be_read_where_the_tables_are(
    postgresql_url: str, mariadb_url: str, sqlite_url: str, mariadb: MariadbServer
) -> None:
    questions = {
        postgresql_url: "SELECT col_description('x_case'::regclass, 4)",
        mariadb_url: "SHOW FULL COLUMNS FROM x_case",
        sqlite_url: "SELECT sql FROM sqlite_master WHERE name = 'x_case'",
    }
    for url, question in questions.items():
        _client(url, mariadb)(_script("sql", f"{_engine(url)}.sql"))
        async with open_partner(url) as partner:
            assert "状态：reported 上报、verifying 核实" in str(await partner.fetch(question))


async def test_the_grants_of_the_page_are_all_a_hub_needs(
    postgresql_url: str, mariadb_url: str, mariadb: MariadbServer
) -> None:
    grants = PAGE.read_text(encoding="utf-8").partition("```sql")[2].partition("```")[0].replace("…", "secret")
    of_mariadb, _, of_postgresql = grants.partition("-- PostgreSQL")
    name = make_url(mariadb_url).database
    of_mariadb = of_mariadb.replace("@'10.%'", "@localhost").replace("exchange.*", f"{name}.*")
    try:
        for url, statements in ((mariadb_url, of_mariadb), (postgresql_url, of_postgresql)):
            client = _client(url, mariadb)
            client(_script("sql", f"{_engine(url)}.sql"))
            client(statements)
            login = make_url(url).set(username="sanji_hub", password="secret")
            link = DatabaseLink(
                "431221.platform", "中方县平台", login.render_as_string(hide_password=False), zone="UTC"
            )
            findings = await inspect_link(link, "431200.hub")
            assert [finding.chinese for finding in findings if finding.mark == WRONG] == []
    finally:
        _client(postgresql_url, mariadb)("DROP OWNED BY sanji_hub; DROP ROLE sanji_hub")
        mariadb.run("mysql", "DROP USER sanji_hub@localhost")


async def test_the_view_shows_supervised_cases(partner_url: str, client: Client) -> None:
    client(_script("sql", f"{_engine(partner_url)}.sql"))
    truth = {"postgresql": ("true", "false"), "mariadb": ("1", "0"), "sqlite": ("1", "0")}[_engine(partner_url)]
    for number, flag in enumerate(truth):
        client(f"INSERT INTO x_assignment (issuer_id, case_no, is_supervised) VALUES ('a', '{number}', {flag})")
    async with open_partner(partner_url) as partner:
        assert await partner.fetch("SELECT case_no FROM x_supervise") == [("0",)]
