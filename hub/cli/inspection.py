"""What ``sanji check`` looks at: certificates, database, ports and neighbours, each as findings in words.

Changes nothing: no table is made, no migration run; a port is bound for an instant to see whether it is free.
"""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
import sqlalchemy.exc

from auth import certificates
from connectors.errors import CredentialsRefused, Unreachable
from connectors.transports.grpc_peer import Target, check_pin
from exchange_db import link_states, migrate
from exchange_db.errors import EmbeddedServerFailed
from exchange_db.link_states import Neighbour
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger, connect
from hub.bootstrap import make_dialler
from hub.clock import system_clock
from hub.database import open_database
from hub.settings import Settings

GOOD, DOUBTFUL, WRONG = "✓", "!", "✗"

_FEW_DAYS = 30
_OLDEST_VERSION = 150_000
_MOST_SKEW_MS = 5_000


class Finding(NamedTuple):
    """One line: ``mark`` is ✓, ! or ✗; the texts say what is wrong and what to do."""

    mark: str
    chinese: str
    english: str


async def inspect(settings: Settings) -> list[Finding]:
    """Looks at everything a hub with these settings stands on; returns the findings in the order they are shown."""
    now = datetime.now(UTC)
    findings = list(_certificate_findings(settings, now))
    are_keys_usable = all(finding.mark != WRONG for finding in findings)
    async with AsyncExitStack() as stack:
        opened = await _open(settings, stack)
        findings += opened if isinstance(opened, list) else await _database_findings(opened)
        findings.append(await _port_finding(settings, are_keys_usable=are_keys_usable))
        findings.append(await _console_finding(settings))
        if isinstance(opened, str):
            findings += await _peer_findings(opened, settings, now, are_keys_usable=are_keys_usable)
    return findings


def _certificate_findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    tls = settings.tls
    contents: dict[Path, bytes] = {}
    for setting, path in (("tls.authority", tls.authority), ("tls.certificate", tls.certificate), ("tls.key", tls.key)):
        try:
            contents[path] = path.read_bytes()
        except OSError as error:
            yield Finding(
                WRONG,
                f"{setting}：无法读取 {path}（{error.strerror}）。请用 sanji keys issue 签发，或改正设置。",
                f"{setting}: cannot read {path} ({error.strerror}). Issue one with `sanji keys issue`, or correct it.",
            )
    if len(contents) < 3:
        return
    certificate, key = contents[tls.certificate], contents[tls.key]
    try:
        yield from _chain_findings(settings, contents[tls.authority], certificate, key)
        yield _days_finding("本枢纽证书", "certificate of this hub", certificates.end_time_of(certificate), now)
    except ValueError as error:
        yield Finding(
            WRONG,
            f"证书或私钥不是可读的 PEM 文件：{error}。请检查 tls 小节的三个文件。",
            f"A certificate or key is not readable PEM: {error}. Check the three files of section tls.",
        )
    if tls.key.stat().st_mode & 0o077:
        yield Finding(
            DOUBTFUL,
            f"私钥 {tls.key} 可被他人读取，请执行 chmod 600。",
            f"Others may read the private key {tls.key}. Run chmod 600 on it.",
        )


def _chain_findings(settings: Settings, authority: bytes, certificate: bytes, key: bytes) -> Iterator[Finding]:
    is_whole = True
    if not certificates.is_key_of(certificate, key):
        is_whole = False
        yield Finding(
            WRONG,
            f"私钥 {settings.tls.key} 不属于证书 {settings.tls.certificate}，请换成同一次签发的文件。",
            f"The key {settings.tls.key} does not belong to the certificate. Use the pair issued together.",
        )
    if not certificates.is_issued_by(certificate, authority):
        is_whole = False
        yield Finding(
            WRONG,
            f"证书不是由 {settings.tls.authority} 中的机构签发，对方会拒绝连接。请用联邦的签发机构。",
            f"The certificate was not issued by {settings.tls.authority}; neighbours refuse it. Use their authority.",
        )
    try:
        platform_id = certificates.id_of(certificate)
    except Violated:
        platform_id = "—"
    if platform_id != settings.hub.id:
        is_whole = False
        yield Finding(
            WRONG,
            f"证书属于 {platform_id}，而 hub.id 是 {settings.hub.id}。请为本枢纽签发证书，或改正 hub.id。",
            f"The certificate is of {platform_id}, but hub.id is {settings.hub.id}. Issue one, or correct hub.id.",
        )
    if is_whole:
        yield Finding(GOOD, f"证书与私钥属于 {platform_id}", f"certificate and key are of {platform_id}")


def _days_finding(chinese: str, english: str, end: datetime, now: datetime) -> Finding:
    days = (end - now).days
    if end <= now:
        return Finding(
            WRONG,
            f"{chinese}已于 {end:%Y-%m-%d} 过期，请更换证书。",
            f"The {english} ended on {end:%Y-%m-%d}. Renew it.",
        )
    if days < _FEW_DAYS:
        return Finding(
            DOUBTFUL, f"{chinese}还剩 {days} 天，请尽快更换。", f"The {english} ends in {days} days. Renew it soon."
        )
    return Finding(GOOD, f"{chinese}还剩 {days} 天", f"{english} ends in {days} days")


async def _open(settings: Settings, stack: AsyncExitStack) -> str | list[Finding]:
    folder = settings.database.folder
    if settings.database.url is None and not (folder / "PG_VERSION").exists():
        return [
            Finding(
                DOUBTFUL,
                f"内置数据库 {folder} 尚未建立，首次运行 sanji serve 时自动建立。",
                f"The embedded database {folder} does not exist yet; the first `sanji serve` makes it.",
            )
        ]
    try:
        return await asyncio.to_thread(open_database, settings, stack)
    except (EmbeddedServerFailed, psycopg.Error, OSError) as error:
        return [
            Finding(
                WRONG,
                f"内置数据库 {folder} 未能启动：{error}。请查看该目录下的 log 文件。",
                f"The embedded database {folder} did not start: {error}. See the file log in there.",
            )
        ]


async def _database_findings(url: str) -> list[Finding]:
    try:
        driver = await connect(url)
    except (psycopg.Error, sqlalchemy.exc.ArgumentError) as error:
        told = str(error).strip().splitlines()[-1]
        return [
            Finding(
                WRONG,
                f"无法连接数据库：{told}。请检查 database.url 的地址、用户、口令，以及 pg_hba.conf。",
                f"Cannot connect to the database: {told}. Check database.url and the server's pg_hba.conf.",
            )
        ]
    async with driver:
        names = ("server_version_num", "server_version", "synchronous_commit", "fsync", "wal_compression")
        columns = ", ".join(f"current_setting('{name}')" for name in (*names, "server_encoding"))
        cursor = await driver.execute(f"SELECT {columns}, has_schema_privilege(current_schema(), 'CREATE')".encode())
        row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — one row always
    findings = list(_server_findings(*row))
    return [*findings, await _schema_finding(url)] if findings[0].mark == GOOD else findings


def _server_findings(
    number: str, version: str, commit: str, fsync: str, compression: str, encoding: str, may_create: bool | None
) -> Iterator[Finding]:
    if int(number) < _OLDEST_VERSION:
        yield Finding(
            WRONG,
            f"PostgreSQL 版本是 {version}，需要 15 或更高，请升级数据库。",
            f"PostgreSQL is version {version}; 15 or later is needed. Upgrade it.",
        )
        return
    yield Finding(GOOD, f"数据库可用，PostgreSQL {version}", f"database answers, PostgreSQL {version}")
    if "off" in (commit, fsync):
        yield Finding(
            WRONG,
            f"synchronous_commit={commit}、fsync={fsync}：断电会丢失已确认的记录。请都设为 on。",
            f"synchronous_commit={commit}, fsync={fsync}: acknowledged records may be lost. Set both to on.",
        )
    if compression in ("on", "pglz"):
        yield Finding(
            DOUBTFUL,
            f"wal_compression={compression}（pglz）会拖慢写入，请设为 off 或 lz4。",
            f"wal_compression={compression} (pglz) slows writing down. Set it to off or lz4.",
        )
    if encoding != "UTF8":
        yield Finding(
            WRONG,
            f"数据库编码是 {encoding}，须为 UTF8，请重新建库。",
            f"The database's encoding is {encoding}; it must be UTF8. Make it anew.",
        )
    if not may_create:
        yield Finding(
            WRONG,
            "数据库用户无权建表，请授予当前 schema 的 CREATE 权限。",
            "The database user may not make tables. Grant CREATE on its schema.",
        )


async def _schema_finding(url: str) -> Finding:
    head = migrate.head()
    current = await asyncio.to_thread(migrate.current, url)
    if current == head:
        return Finding(GOOD, f"表结构为最新（{head}）", f"tables are up to date ({head})")
    if current is not None and not migrate.is_known(current):
        return Finding(
            WRONG,
            f"表结构版本 {current} 不为本软件所知，数据库可能由更新的版本使用过。请升级软件。",
            f"The tables are of {current}, unknown to this software: a newer one was here. Upgrade the software.",
        )
    return Finding(
        DOUBTFUL,
        f"表结构为 {current or '空'}，需要 {head}。请执行 sanji database upgrade（sanji serve 也会自动执行）。",
        f"The tables are at {current or 'nothing'}, needed is {head}. Run `sanji database upgrade`, or just serve.",
    )


async def _port_finding(settings: Settings, *, are_keys_usable: bool) -> Finding:
    host, port = settings.listen.host, settings.listen.port
    problem = _problem_of_binding(host, port)
    if problem is None:
        return Finding(GOOD, f"端口 {host}:{port} 可用", f"port {host}:{port} is free")
    if problem == errno.EADDRINUSE and are_keys_usable:
        tls = settings.tls
        near = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host  # noqa: S104
        mine = certificates.thumbprint(tls.certificate.read_bytes())
        target = Target(settings.hub.id, f"{near}:{port}", mine, tls.authority, tls.certificate, tls.key)
        try:
            await check_pin(target)
        except (CredentialsRefused, Unreachable):
            pass
        else:
            return Finding(GOOD, f"端口 {port} 正由本枢纽使用", f"port {port} is in use by this hub")
    return _taken("listen.port", host, port, problem)


async def _console_finding(settings: Settings) -> Finding:
    host, port = settings.console.host, settings.console.port
    problem = _problem_of_binding(host, port)
    if problem is None:
        return Finding(GOOD, f"控制台端口 {port} 可用", f"console port {port} is free")
    if problem == errno.EADDRINUSE and await _is_console(host, port):
        return Finding(GOOD, f"控制台端口 {port} 正由枢纽控制台使用", f"console port {port} is in use by a console")
    return _taken("console.port", host, port, problem)


def _taken(setting: str, host: str, port: int, problem: int) -> Finding:
    if problem == errno.EADDRINUSE:
        return Finding(
            WRONG,
            f"{setting}：端口 {port} 被其他程序占用。请停止该程序（ss -ltnp 可查），或更换端口。",
            f"{setting}: port {port} is taken by another programme. Stop it (see ss -ltnp), or choose another.",
        )
    return Finding(
        WRONG,
        f"{setting}：无法监听 {host}:{port}（{errno.errorcode.get(problem, problem)}）。请检查地址与权限。",
        f"{setting}: cannot listen on {host}:{port} ({errno.errorcode.get(problem, problem)}). Check both.",
    )


def _problem_of_binding(host: str, port: int) -> int | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno
    return None


async def _is_console(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = b""
            while b"sanji" not in answer and len(answer) < 65_536 and (more := await reader.read(8_192)):
                answer += more
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b"sanji" in answer


async def _peer_findings(url: str, settings: Settings, now: datetime, *, are_keys_usable: bool) -> list[Finding]:
    try:
        async with Ledger(url, pool_size=0) as ledger, ledger.read() as session:
            found = await link_states.neighbours(session, None, now)
    except (sqlalchemy.exc.DBAPIError, psycopg.Error):
        return []
    if not found:
        return [
            Finding(
                DOUBTFUL,
                "登记表中没有邻居。请用 sanji peers invite 邀请，或用 sanji peers accept 接受邀请。",
                "No neighbour is registered. Use `sanji peers invite` or `sanji peers accept`.",
            )
        ]
    findings: list[Finding] = []
    for one in found:
        peer = one.peer
        findings += _entry_findings(one, now)
        if peer.is_dialled and peer.state == "active" and are_keys_usable:
            findings.append(await _reach_finding(peer, make_dialler(settings, system_clock).target(peer)))
    return findings


def _entry_findings(one: Neighbour, now: datetime) -> Iterator[Finding]:
    peer, skew_ms = one.peer, one.outgoing.clock_skew_ms
    if peer.state == "waiting":
        yield Finding(
            DOUBTFUL,
            f"{peer.peer_id} 已加入，待核对指纹后执行 sanji peers confirm {peer.peer_id}。",
            f"{peer.peer_id} has joined; compare its thumbprint, then `sanji peers confirm {peer.peer_id}`.",
        )
        return
    if peer.state != "active":
        yield Finding(
            DOUBTFUL,
            f"{peer.peer_id} 已停用，恢复请用 sanji peers unblock {peer.peer_id}。",
            f"{peer.peer_id} is blocked; `sanji peers unblock {peer.peer_id}` welcomes it again.",
        )
        return
    if peer.has_database:
        yield Finding(
            GOOD,
            f"{peer.peer_id} 以数据库交换，检查请用 sanji intermediate check {peer.peer_id}",
            f"{peer.peer_id} is linked over its database; see `sanji intermediate check {peer.peer_id}`",
        )
        return
    yield _days_finding(f"{peer.peer_id} 的证书", f"certificate of {peer.peer_id}", peer.certificate_end_time, now)
    if abs(skew_ms) > _MOST_SKEW_MS:
        yield Finding(
            DOUBTFUL,
            f"{peer.peer_id} 的时钟与本机相差 {skew_ms / 1000:.1f} 秒，请用 NTP 校时。",
            f"The clock of {peer.peer_id} differs by {skew_ms / 1000:.1f} s. Set both by NTP.",
        )


async def _reach_finding(peer: Peer, target: Target) -> Finding:
    try:
        await check_pin(target)
    except CredentialsRefused as error:
        return Finding(
            WRONG,
            f"{peer.peer_id}：{peer.address} 出示的证书不对（{error}）。请向对方核实，换证后重新邀请。",
            f"{peer.peer_id}: {peer.address} shows a wrong certificate ({error}). Ask them; invite again if renewed.",
        )
    except Unreachable as error:
        return Finding(
            WRONG if peer.relation == "parent" else DOUBTFUL,
            f"{peer.peer_id}：{peer.address} 连接不上（{error}）。请检查网络与防火墙；积压会自动补送。",
            f"{peer.peer_id}: {peer.address} does not answer ({error}). Check the network; what waits is sent later.",
        )
    return Finding(GOOD, f"{peer.peer_id} 可达（{peer.address}）", f"{peer.peer_id} answers at {peer.address}")
