"""What ``sanji intermediate check`` and ``register`` look at in a partner's database, each as a finding in words.

Changes nothing: rights are tried with statements that touch no row.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import NamedTuple

from connectors.mapping_file import MappingInvalid, read_mapping
from exchange_db.intermediate import schema
from exchange_db.intermediate.capture import CHANGE_LOG, READER, Standing
from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.partner import Partner, PartnerRefused, PartnerUnreachable, open_partner
from hub.cli.inspection import DOUBTFUL, GOOD, WRONG, Finding
from hub.intermediate import installing
from hub.intermediate.link_files import Capture, DatabaseLink

_SECONDS = 60
_MOST_SKEW_SECONDS = 5
#: Oldest version of each engine, as its number and as told.
_OLDEST = {
    "postgresql": ((12,), "PostgreSQL 12"),
    "mariadb": ((8,), "MariaDB 10.6 / MySQL 8"),
    "sqlite": ((3, 38), "SQLite 3.38"),
}
_VERSION = {"postgresql": "SHOW server_version", "mariadb": "SELECT version()", "sqlite": "SELECT sqlite_version()"}
_ENCODING = {
    "postgresql": "SELECT current_setting('server_encoding')",
    "mariadb": "SELECT @@character_set_database",
    "sqlite": "PRAGMA encoding",
}
_UNICODE = {"UTF8", "utf8mb4", "UTF-8", "UTF-16le", "UTF-16be"}
_NOW = {"postgresql": "clock_timestamp()", "mariadb": "now(6)"}
_VERBS = {
    "SELECT": "SELECT {columns} FROM {table} WHERE 1 = 0",
    "INSERT": "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE 1 = 0",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
    "DELETE": "DELETE FROM {table} WHERE 1 = 0",
}


async def inspect_link(link: DatabaseLink, hub_id: str) -> list[Finding]:
    """Looks at a partner's database and its link file; returns the findings in the order they are shown."""
    findings = list(_file_findings(link))
    try:
        async with asyncio.timeout(_SECONDS), open_partner(link.url, link.zone) as partner:
            findings += await _server_findings(partner, link)
            findings += await _table_findings(partner, link, hub_id)
    except PartnerUnreachable as error:
        findings.append(
            Finding(
                WRONG,
                f"数据库无法连接：{error}。请检查地址、端口、防火墙与服务是否启动。",
                "The database does not answer. Check address, port, firewall, and whether the server runs.",
            )
        )
    except PartnerRefused as error:
        findings.append(
            Finding(
                WRONG,
                f"数据库拒绝：{error}。请检查库名、账号、密码与授权。",
                "The database refused. Check database, account, password and rights.",
            )
        )
    except TimeoutError:
        findings.append(
            Finding(
                WRONG,
                f"{_SECONDS} 秒内未检查完，可能有长事务锁住了表。",
                f"Not done after {_SECONDS} seconds; a long transaction may hold the tables.",
            )
        )
    return findings


def _file_findings(link: DatabaseLink) -> Iterator[Finding]:
    for source in link.source:
        try:
            mapping = read_mapping(link.folder / source.mapping)
        except MappingInvalid as error:
            yield from (Finding(WRONG, chinese, english) for chinese, english in error.problems)
            continue
        # Sections of cases that another platform numbered may be answered by any mapping.
        is_reporting = any(section.name in ("report", "component") for section in mapping.sections)
        if is_reporting and mapping.issuer_id != link.peer:
            yield Finding(
                WRONG,
                f"映射文件 {source.mapping} 的 issuer_id 为 {mapping.issuer_id}，应为 {link.peer}。",
                f"Mapping {source.mapping} is of {mapping.issuer_id}; it must be of {link.peer}.",
            )


async def _server_findings(partner: Partner, link: DatabaseLink) -> list[Finding]:
    begin = time.monotonic()
    version = str((await partner.fetch(_VERSION[link.engine]))[0][0])
    milliseconds = (time.monotonic() - begin) * 1000
    findings = [
        Finding(
            GOOD,
            f"已连接，应答 {milliseconds:.0f} 毫秒",
            f"connected, it answers within {milliseconds:.0f} milliseconds",
        ),
        _version_finding(link.engine, version),
    ]
    encoding = str((await partner.fetch(_ENCODING[link.engine]))[0][0])
    if encoding in _UNICODE:
        findings.append(Finding(GOOD, f"字符集 {encoding}", f"character set {encoding}"))
    else:
        findings.append(
            Finding(
                DOUBTFUL,
                f"字符集 {encoding}：其中没有的字（生僻字等）写入时逐行拒绝并指明列，不会写成问号。",
                f"character set {encoding}: a row with a letter it lacks is refused and the column named.",
            )
        )
    if link.engine in _NOW:
        now = await partner.fetch(f"SELECT {partner.dialect.time_as_number(_NOW[link.engine])}")
        findings.append(_clock_finding(int(now[0][0]) / 1e6 - time.time(), link.zone))
    return findings


def _version_finding(engine: str, version: str) -> Finding:
    numbers = tuple(int(part) for part in re.split(r"[-\s]", version, maxsplit=1)[0].split(".") if part.isdigit())
    oldest, told = _OLDEST[engine]
    # MariaDB counts from 10 on, MySQL from 8.
    is_old = numbers < ((10, 6) if "mariadb" in version.lower() else oldest)
    if is_old:
        return Finding(
            WRONG, f"服务器版本 {version} 过低，需 {told} 及以上。", f"server {version} is too old, {told} is wanted."
        )
    return Finding(GOOD, f"服务器版本 {version}", f"server {version}")


def _clock_finding(skew: float, zone: str) -> Finding:
    if abs(skew) <= _MOST_SKEW_SECONDS:
        return Finding(GOOD, f"时钟相差 {abs(skew):.1f} 秒", f"its clock differs by {abs(skew):.1f} seconds")
    return Finding(
        DOUBTFUL,
        f"数据库时钟与本机相差 {skew:.0f} 秒：请校时；若相差整小时，请改正链路文件的 zone（现为 {zone}）。",
        f"Its clock differs by {skew:.0f} seconds: set it, or the link file's zone if hours are off (now {zone}).",
    )


async def _table_findings(partner: Partner, link: DatabaseLink, hub_id: str) -> list[Finding]:
    amiss = [one for one in await installing.show(partner, link) if one.standing.is_amiss]
    names = "、".join(f"{one.table}:{one.name}" if one.table else one.name for one in amiss[:6])
    findings = [Finding(GOOD, "表与触发器齐全", "tables and triggers are all there")]
    hint = "若脚本已执行，请给枢纽账号 TRIGGER 权限，否则它看不到触发器。" if link.engine == "mariadb" else ""
    if amiss:
        findings = [
            Finding(
                WRONG,
                f"{len(amiss)} 个对象缺失或不同（{names}{'…' if len(amiss) > 6 else ''}）。"
                f"请执行 sanji intermediate install {link.peer}。{hint}",
                f"{len(amiss)} things are missing or altered. Run sanji intermediate install {link.peer}.",
            )
        ]
    if not any(one.name == schema.LINK.name for one in amiss):
        findings += _owner_findings(await installing.owner_of(partner), link, hub_id)
    missing = {one.name for one in amiss if one.standing is Standing.MISSING}
    for need in _needs_of(link):
        if need.table not in missing:
            findings += await _need_findings(partner, need)
    return findings


def _owner_findings(owner: tuple[str, str] | None, link: DatabaseLink, hub_id: str) -> Iterator[Finding]:
    if owner is not None and owner != (link.peer, hub_id):
        yield Finding(
            WRONG,
            f"此库属于链路 {owner[0]}（枢纽 {owner[1]}），请核对链路文件的 url；确为换用，请先清空 x_link。",
            f"This database belongs to the link {owner[0]} of {owner[1]}: check the url, or empty x_link to reuse it.",
        )


class _Need(NamedTuple):
    """A table, the columns that are used there, and what the hub's account must be allowed to do."""

    table: str
    columns: tuple[str, ...]
    verbs: tuple[str, ...]


def _needs_of(link: DatabaseLink) -> Iterator[_Need]:
    for table in installing.tables_of(link):
        yield _Need(table.name, table.names, ("SELECT", "INSERT", "UPDATE"))
    if installing.watched_of(link):
        yield _Need(CHANGE_LOG, ("table_name", "row_key", "op"), ("SELECT", "INSERT", "DELETE"))
        if link.engine == "postgresql":
            yield _Need(READER, ("reader_id", "position"), ("SELECT", "INSERT", "UPDATE"))
    for source in link.source:
        capture = source.capture or link.capture
        columns = (*source.key, source.column) if source.column else source.key
        yield _Need(source.name, columns, ("SELECT", "UPDATE") if capture is Capture.STATUS else ("SELECT",))
    for target in link.target:
        columns = tuple(dict.fromkeys((*target.key, *target.columns, *target.constants)))
        yield _Need(target.name, columns, ("SELECT", "INSERT", "UPDATE"))


async def _need_findings(partner: Partner, need: _Need) -> list[Finding]:
    there = await read_columns(partner, need.table)
    if not there:
        return [
            Finding(
                WRONG,
                f"表 {need.table} 不存在或无权查看，请核对表名（区分大小写）与授权。",
                f"There is no table {need.table}, or we may not see it. Check its name, letter by letter, and rights.",
            )
        ]
    absent = [name for name in need.columns if name not in there]
    if absent:
        known = "、".join(list(there)[:20])
        return [
            Finding(
                WRONG,
                f"表 {need.table} 没有列 {'、'.join(absent)}，现有列：{known}。请改正链路文件或表。",
                f"{need.table} has no column {', '.join(absent)}. Correct the link file or the table.",
            )
        ]
    quoted = partner.dialect.quoted
    names = list(map(quoted, need.columns))
    for verb in need.verbs:
        statement = _VERBS[verb].format(table=quoted(need.table), columns=", ".join(names), column=names[0])
        try:
            await partner.execute(statement)
        except PartnerRefused as error:
            return [
                Finding(
                    WRONG,
                    f"不能对 {need.table} 执行 {verb}：{error}。请由数据库管理员授权（GRANT {verb}）。",
                    f"{verb} on {need.table} is refused. Let an administrator GRANT it.",
                )
            ]
    return []
