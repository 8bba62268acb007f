"""``sanji check`` and ``sanji database``: what is wrong is found and said, what is right is left alone."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from auth import certificates
from auth.certificates import Certified
from exchange_db import migrate, peers
from exchange_db.session import Ledger, driver_url
from hub.cli import check, database  # noqa: F401 — they define their commands on the app
from hub.cli.app import app
from tests.support.neighbours import a_new_peer
from tests.support.postgres import Cluster

NOW = datetime.now(UTC)
AUTHORITY = certificates.make_authority("test", NOW)


@dataclass
class Site:
    """A hub's folder with settings and keys."""

    folder: Path
    url: str
    port: int
    console_port: int

    def write(self, hub_id: str = "431200.hub", further: str = "") -> None:
        """Writes the settings."""
        (self.folder / "sanji.toml").write_text(
            f'[hub]\nid = "{hub_id}"\nname = "怀化市枢纽"\n[database]\nurl = "{self.url}"\n'
            f'[listen]\nhost = "127.0.0.1"\nport = {self.port}\n[console]\nport = {self.console_port}\n{further}',
            encoding="utf-8",
        )

    def run(self, *command: str) -> tuple[int, str]:
        """Runs a command with the settings; returns its exit code and what it said."""
        done = CliRunner().invoke(app, [*command, "--config", str(self.folder / "sanji.toml")], env={"COLUMNS": "200"})
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    def put_keys(self, certified: Certified) -> None:
        """Replaces certificate and key."""
        for name in ("hub.pem", "hub.key"):
            (self.folder / "keys" / name).unlink(missing_ok=True)
        certificates.write(certified, self.folder / "keys" / "hub.pem", self.folder / "keys" / "hub.key")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _issued(platform_id: str = "431200.hub", days: int = 365, now: datetime = NOW) -> Certified:
    return certificates.issue(AUTHORITY, platform_id, now, days=days, names=("127.0.0.1",))


@pytest.fixture(scope="module", autouse=True)
def _durable(cluster: Cluster) -> Iterator[None]:
    with cluster.durable():
        yield


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Site:
    made = Site(tmp_path, database_url, _free_port(), _free_port())
    made.write()
    made.put_keys(_issued())
    (tmp_path / "keys" / "authority.pem").write_bytes(AUTHORITY.certificate)
    return made


def _enrol(site: Site, peer_id: str, relation: str = "parent", **changes: Any) -> None:
    async def act() -> None:
        async with Ledger(site.url, pool_size=0) as ledger, ledger.write() as session:
            await peers.enrol(session, a_new_peer(peer_id, relation, **changes))

    asyncio.run(act())


@contextmanager
def _answering(folder: Path, certified: Certified) -> Iterator[int]:
    """A neighbour that shakes hands on a port of this machine."""
    certificates.write(certified, folder / "peer.pem", folder / "peer.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "peer.pem", folder / "peer.key")
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_shake_hands, args=(listening, context))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1)
        except OSError:
            plain.close()


def test_a_site_in_order_passes_and_shows_its_settings(site: Site) -> None:
    code, told = site.run("check")
    assert code == 0, told
    assert "✗" not in told
    for expected in ("hub.id", "431200.hub", "PostgreSQL 18", "表结构为最新", "登记表中没有邻居", "端口"):
        assert expected in told


def test_secrets_are_masked(site: Site) -> None:
    site.url = "postgresql://sanji:top-secret@127.0.0.1:1/sanji"
    site.write()
    code, told = site.run("check")
    assert code == 1
    assert "top-secret" not in told
    assert "sanji:***@127.0.0.1" in told
    assert "无法连接数据库" in told
    assert "database.url" in told


def test_english_and_chinese_can_be_had_alone(site: Site) -> None:
    english, chinese = site.run("check", "--lang", "en")[1], site.run("check", "--lang", "zh")[1]
    assert "tables are up to date" in english
    assert "表结构" not in english
    assert "tables are up to date" not in chinese


def _swap_key(site: Site) -> None:
    (site.folder / "keys" / "hub.key").write_bytes(_issued().key)


def _other_authority(site: Site) -> None:
    (site.folder / "keys" / "authority.pem").write_bytes(certificates.make_authority("other", NOW).certificate)


@pytest.mark.parametrize(
    ("spoil", "expected", "code"),
    [
        (lambda site: (site.folder / "keys" / "hub.pem").unlink(), "tls.certificate：无法读取", 1),
        (lambda site: (site.folder / "keys" / "hub.pem").write_text("x"), "不是可读的 PEM", 1),
        (_swap_key, "不属于证书", 1),
        (_other_authority, "不是由", 1),
        (lambda site: site.write("431300.hub"), "证书属于 431200.hub，而 hub.id 是 431300.hub", 1),
        (lambda site: site.put_keys(_issued(days=1, now=NOW - timedelta(days=9))), "过期", 1),
        (lambda site: site.put_keys(_issued(days=29)), "请尽快更换", 0),
        (lambda site: (site.folder / "keys" / "hub.key").chmod(0o644), "chmod 600", 0),
        (lambda site: site.write(further='[tls]\nkey = "none.key"\n'), "tls.key：无法读取", 1),
    ],
)
def test_trouble_with_certificates_is_found(
    site: Site, spoil: Callable[[Site], object], expected: str, code: int
) -> None:
    spoil(site)
    found, told = site.run("check")
    assert expected in told
    assert found == code


def test_an_empty_database_is_told_and_upgraded(site: Site, cluster: Cluster) -> None:
    with cluster.empty() as url:
        site.url = url
        site.write()
        code, told = site.run("check")
        assert code == 0
        assert "sanji database upgrade" in told
        assert site.run("database", "current")[0] == 1
        assert site.run("database", "upgrade")[0] == 0
        assert site.run("database", "current") == (0, f"{migrate.head()}（最新 / up to date）\n")
        assert "表结构为最新" in site.run("check")[1]


@pytest.mark.parametrize(
    ("statement", "expected", "code"),
    [
        ("SET synchronous_commit = off", "synchronous_commit=off", 1),
        ("SET wal_compression = pglz", "wal_compression=pglz", 0),
    ],
)
def test_a_server_that_may_lose_or_waste_is_told(site: Site, statement: str, expected: str, code: int) -> None:
    with psycopg.connect(driver_url(site.url), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} {statement}".encode())
    found, told = site.run("check")
    assert expected in told
    assert found == code


def test_tables_of_a_newer_software_are_left_alone(site: Site) -> None:
    with psycopg.connect(driver_url(site.url), autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    code, told = site.run("check")
    assert code == 1
    assert "9999" in told
    code, told = site.run("database", "upgrade")
    assert code == 1
    assert "升级软件" in told


def test_ports_taken_by_others_are_found(site: Site) -> None:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", site.port))
        two.bind(("127.0.0.1", site.console_port))
        code, told = site.run("check", "--lang", "zh")
    assert code == 1
    assert f"listen.port：端口 {site.port} 被其他程序占用" in told
    assert f"console.port：端口 {site.console_port} 被其他程序占用" in told


def test_an_address_that_is_not_ours_is_found(site: Site) -> None:
    settings = (site.folder / "sanji.toml").read_text()
    (site.folder / "sanji.toml").write_text(settings.replace('host = "127.0.0.1"', 'host = "192.0.2.1"'))
    code, told = site.run("check")
    assert code == 1
    assert "EADDRNOTAVAIL" in told


def test_a_running_hub_of_our_own_is_recognized(site: Site) -> None:
    keys = site.folder / "keys"
    own = Certified((keys / "hub.pem").read_bytes(), (keys / "hub.key").read_bytes())
    with _answering(site.folder, own) as port:
        site.port = port
        site.write()
        code, told = site.run("check")
    assert code == 0, told
    assert "正由本枢纽使用" in told


def test_neighbours_are_dialled_and_their_certificates_counted(site: Site) -> None:
    province = _issued("430000.hub")
    with _answering(site.folder, province) as port:
        pinned = certificates.thumbprint(province.certificate)
        _enrol(site, "430000.hub", address=f"127.0.0.1:{port}", thumbprint=pinned)
        code, told = site.run("check")
        assert code == 0, told
        assert "430000.hub 可达" in told
        _enrol(site, "430000.hub", address=f"127.0.0.1:{port}", thumbprint="another")
        code, told = site.run("check")
        assert code == 1
        assert "出示的证书不对" in told


def test_a_neighbour_that_does_not_answer_or_whose_certificate_ends_is_told(site: Site) -> None:
    _enrol(site, "430000.hub", address=f"127.0.0.1:{_free_port()}", certificate_end_time=NOW + timedelta(days=5))
    _enrol(site, "431221.platform", "child", certificate_end_time=NOW - timedelta(days=5))
    code, told = site.run("check", "--lang", "zh")
    assert code == 1
    assert "430000.hub：127.0.0.1" in told
    assert "连接不上" in told
    assert "430000.hub 的证书还剩 4 天" in told
    assert "431221.platform 的证书已于" in told
