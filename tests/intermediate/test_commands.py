"""``sanji intermediate`` on real databases: what is made, what is told, and how the commands end."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from exchange_db import peers as registry
from exchange_db.peers import NewPeer
from exchange_db.session import Ledger, driver_url
from hub.cli import intermediate, intermediate_resend, peers  # noqa: F401 — defines the commands
from hub.cli.app import app
from hub.demo.mariadb import MariadbServer
from tests.support.builders import CITY
from tests.support.sources import ROOT

PEER = "431221.platform"
THEIRS = """manner = "theirs"
[[source]]
name = "t_case"
key = ["id"]
mapping = "mapping.toml"
[[target]]
name = "t_task"
key = ["id"]
section = "assignment"
columns = {id = "case_no", state = "state"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hub's folder with its settings."""
    (tmp_path / "links").mkdir()
    (tmp_path / "sanji.toml").write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市枢纽"\n[intermediate]\nfolder = "{tmp_path / "links"}"\n',
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    """Runs ``sanji intermediate`` with these words."""

    def act(*words: object, command: str = "intermediate") -> Result:
        return CliRunner().invoke(
            app,
            [command, *map(str, words), "--config", str(folder / "sanji.toml")],
            env={"COLUMNS": "240", "NO_COLOR": "1"},
            catch_exceptions=False,
        )

    return act


def _database_of(url: str) -> str:
    name = make_url(url).database
    assert name is not None
    return name


def _link(folder: Path, url: str, more: str = "") -> None:
    (folder / "links" / "county.toml").write_text(
        f'peer = "{PEER}"\nname = "中方县平台"\nurl = "{url}"\n{more}', encoding="utf-8"
    )


def test_a_link_is_installed_checked_shown_and_removed(
    folder: Path, run: Callable[..., Result], partner_url: str
) -> None:
    _link(folder, partner_url)
    before = run("check", PEER)
    assert (before.exit_code, "sanji intermediate install 431221.platform" in before.output) == (1, True)
    assert run("show", PEER).exit_code == 1
    first, second = run("install", PEER), run("install", PEER)
    assert (first.exit_code, "已安装" in first.output) == (0, True)
    assert (second.exit_code, "全部就绪" in second.output) == (0, True)
    checked = run("check", PEER)
    assert (checked.exit_code, "✗" in checked.output) == (0, False), checked.output
    assert "时钟" in checked.output or "sqlite" in partner_url
    shown = run("show", PEER)
    assert (shown.exit_code, "缺失" in shown.output, "x_change_log" in shown.output) == (0, False, True)
    removed = run("remove", PEER, "--yes")
    assert (removed.exit_code, "x_change_log" in removed.output, "DROP TABLE x_case" in removed.output) == (
        0,
        True,
        False,
    )
    assert "缺失" in run("show", PEER).output


def test_links_are_listed_with_what_they_guarantee_and_how_their_tables_stand(
    folder: Path, run: Callable[..., Result], database_url: str
) -> None:
    assert "没有链路文件" in run("list").output
    settings = folder / "sanji.toml"
    settings.write_text(f'{settings.read_text(encoding="utf-8")}[database]\nurl = "{database_url}"\n', encoding="utf-8")
    _link(folder, "mysql://u@127.0.0.1:1/county")
    listed = run("list").output
    assert "不丢不重" in listed
    assert "TRUNCATE" in listed
    assert "结构有变" not in listed
    with psycopg.connect(driver_url(database_url), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO pickup_positions VALUES (%s, 'noted/gd_case', 'gd_case.bz2：新增', now()),"
            " (%s, 'unwritten/gd_task', '7', now())",
            (PEER, PEER),
        )
    listed = run("list").output
    for told in ("结构有变", "gd_case.bz2", "暂停写入", "第 7 号"):
        assert told in listed
    assert run("check", "431222.platform").exit_code == 2


def test_a_script_of_a_link_holds_what_it_needs(folder: Path, run: Callable[..., Result]) -> None:
    assert run("script", "--engine", "mariadb").output == (ROOT / "docs/sql/mariadb.sql").read_text(encoding="utf-8")
    assert run("script").exit_code == 2
    _link(folder, "postgresql://u@127.0.0.1:1/county", THEIRS)
    script = run("script", PEER).output
    assert '"x_receipt"' in script
    assert 'ON "t_case"' in script
    assert '"x_case"' not in script


def test_the_partners_own_tables_are_checked_by_name(
    folder: Path, run: Callable[..., Result], mariadb: MariadbServer, mariadb_url: str
) -> None:
    _link(folder, mariadb_url, THEIRS)
    (folder / "links" / "mapping.toml").write_text(
        (ROOT / "docs/examples/generic.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    lost = run("install", PEER)
    assert (lost.exit_code, "t_case" in lost.output) == (1, True)
    database = _database_of(mariadb_url)
    mariadb.run(database, "CREATE TABLE t_case (id varchar(40) PRIMARY KEY); CREATE TABLE t_task (id int PRIMARY KEY)")
    assert run("install", PEER).exit_code == 0
    checked = run("check", PEER)
    assert (checked.exit_code, "表 t_task 没有列 state" in checked.output) == (1, True)
    mariadb.run(database, "ALTER TABLE t_task ADD COLUMN state varchar(20)")
    assert run("check", PEER).exit_code == 0


def test_a_right_that_is_missing_is_named(
    folder: Path, run: Callable[..., Result], mariadb: MariadbServer, mariadb_url: str
) -> None:
    _link(folder, mariadb_url)
    assert run("install", PEER).exit_code == 0
    database = _database_of(mariadb_url)
    tables = [line for line in mariadb.run(database, "SHOW TABLES").split()[1:] if line != "x_supervise"]
    grants = "".join(
        f"GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON {database}.{name} TO x_hub@localhost;" for name in tables
    )
    mariadb.run(
        database, f"CREATE USER x_hub@localhost; {grants} REVOKE UPDATE ON {database}.x_case FROM x_hub@localhost"
    )
    _link(folder, mariadb_url.replace("root@", "x_hub@"))
    try:
        checked = run("check", PEER)
    finally:
        mariadb.run(database, "DROP USER x_hub@localhost")
    assert (checked.exit_code, "不能对 x_case 执行 UPDATE" in checked.output) == (1, True), checked.output
    assert checked.output.count("✗") == 1


def test_a_database_of_another_link_is_refused(folder: Path, run: Callable[..., Result], sqlite_url: str) -> None:
    _link(folder, sqlite_url)
    assert run("install", PEER).exit_code == 0
    path = folder / "links" / "county.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(PEER, "431222.platform"), encoding="utf-8")
    checked = run("check", "431222.platform")
    assert (checked.exit_code, f"此库属于链路 {PEER}" in checked.output) == (1, True)


def test_a_partner_is_registered_once_everything_is_in_order(
    folder: Path, run: Callable[..., Result], sqlite_url: str, database_url: str
) -> None:
    settings = folder / "sanji.toml"
    settings.write_text(f'{settings.read_text(encoding="utf-8")}[database]\nurl = "{database_url}"\n', encoding="utf-8")
    _link(folder, sqlite_url)
    early = run("register", PEER)
    assert (early.exit_code, "未登记" in early.output) == (1, True)
    run("install", PEER)
    for _ in range(2):
        assert run("register", PEER).exit_code == 0
    listed = run("list", command="peers")
    assert PEER in listed.output
    assert "kept" not in run("list").output
    with psycopg.connect(driver_url(database_url)) as ledger:
        ledger.execute(
            "INSERT INTO pickup_pages VALUES (%s, 'key_log', 1, 0, 'x_case', 'rows', '{}', 4321, 2500000, now())",
            (PEER,),
        )
    assert "4321 行 rows, 2.5 MB" in run("list", "--kept").output


def test_a_partner_known_by_a_certificate_changes_to_its_database_only_when_told_to(
    folder: Path, run: Callable[..., Result], sqlite_url: str, database_url: str
) -> None:
    async def enrol() -> None:
        async with Ledger(database_url) as ledger, ledger.write() as session:
            peer = NewPeer(
                PEER, "中方县平台", 431221, "platform", "child", "", "ab" * 32, datetime(2030, 1, 1, tzinfo=UTC)
            )
            await registry.enrol(session, peer)

    async def entered() -> registry.Peer | None:
        async with Ledger(database_url) as ledger, ledger.read() as session:
            return await registry.by_id(session, PEER)

    asyncio.run(enrol())
    settings = folder / "sanji.toml"
    settings.write_text(f'{settings.read_text(encoding="utf-8")}[database]\nurl = "{database_url}"\n', encoding="utf-8")
    _link(folder, sqlite_url)
    run("install", PEER)
    refused = run("register", PEER)
    assert (refused.exit_code, "--replace" in refused.output) == (1, True)
    assert run("register", PEER, "--replace").exit_code == 0
    peer = asyncio.run(entered())
    assert peer is not None
    assert (peer.has_database, peer.is_dialled, peer.thumbprint) == (True, False, f"database:{PEER}")


def test_a_database_that_does_not_answer_is_told(folder: Path, run: Callable[..., Result]) -> None:
    _link(folder, "postgresql://u:secret@127.0.0.1:1/county")
    for word in ("check", "install", "show"):
        told = run(word, PEER)
        assert (told.exit_code, "无法连接" in told.output, "secret" in told.output) == (1, True, False)


def test_rows_are_sent_again_from_a_number_on(
    folder: Path, run: Callable[..., Result], sqlite_url: str, database_url: str
) -> None:
    settings = folder / "sanji.toml"
    settings.write_text(f'{settings.read_text()}[database]\nurl = "{database_url}"\n', encoding="utf-8")
    (folder / "links" / "county.toml").write_text(f'peer = "{PEER}"\nname = "中方县"\nurl = "{sqlite_url}"\n')
    told = run("resend", PEER)
    assert (told.exit_code, "register" in told.output) == (1, True)
    assert run("install", PEER).exit_code == 0
    assert run("register", PEER).exit_code == 0
    assert "没有可重发的行" in run("resend", PEER).output
    with psycopg.connect(driver_url(database_url), autocommit=True) as connection:
        connection.execute("UPDATE links SET last_sequence = 9, acked_sequence = 9")
    with closing(sqlite3.connect(_database_of(sqlite_url))) as county:
        county.execute("UPDATE x_link SET delivered_sequence = 9")
        county.commit()
        told = run("resend", PEER, "--from", "4")
        assert (told.exit_code, "第 4 至 9 号" in told.output) == (0, True)
        assert county.execute("SELECT delivered_sequence FROM x_link").fetchall() == [(3,)]
