"""``sanji intermediate``: partners whose database is the link to them, and what stands in those databases."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exchange_db.intermediate.capture import CaptureRefused, Finding, Standing
from exchange_db.intermediate.partner import Partner, PartnerRefused, PartnerUnreachable, open_partner
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.terminal import fail, plain, visible
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, Manner, find_link, read_links
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="数据交换中间库：安装、检查、登记。 / Intermediate databases.")
app.add_typer(commands, name="intermediate")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
PeerId = Annotated[str, typer.Argument(metavar="PEER", help="对方标识，如 431221.platform / name of the partner")]
T = TypeVar("T")

_STANDINGS = {
    Standing.INSTALLED: "已安装",
    Standing.MISSING: "缺失",
    Standing.DIFFERS: "与应有的不同",
    Standing.DISABLED: "已停用",
    Standing.UNKNOWN: "链路文件未提及",
}
_MANNERS = {Manner.OURS: "本方表", Manner.THEIRS: "对方表"}
_COLOURS = {"✓": "green", "!": "yellow", "✗": "red"}


class Engine(StrEnum):
    """Engines for which there is a script."""

    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"
    SQLITE = "sqlite"
    ORACLE = "oracle"
    DAMENG = "dameng"
    SQLSERVER = "sqlserver"


@commands.command(name="list")
def list_links(
    config: Config = Path("sanji.toml"),
    with_kept: Annotated[bool, typer.Option("--kept", help="也列出已取走、尚未入库的行 / rows kept unread")] = False,
) -> None:
    """列出各链路：数据库、方式、变更捕获及其保证。 / List links and what their capture guarantees."""
    from hub.intermediate.guarantees import captures_of, guarantee_of

    settings = load(config)
    links = _links(settings)
    if not links:
        typer.echo(
            f"{settings.intermediate.folder} 中没有链路文件，写法见 docs/intermediate-database.md。 / No link files."
        )
        return
    kept = _kept(settings) if with_kept else {}
    table = Table()
    for title in ("标识", "名称", "数据库", "方式", "变更捕获", "保证 / guarantee"):
        table.add_column(title, overflow="fold")
    if with_kept:
        table.add_column("已取走未入库 / kept", overflow="fold")
    for link in links.values():
        captures = captures_of(link)
        guarantees = "\n".join("\n  ".join(guarantee_of(capture, link.engine)) for capture in captures)
        told = [kept.get(link.peer, "0")] if with_kept else []
        manner = _MANNERS[link.manner]
        table.add_row(link.peer, plain(link.name), link.engine, manner, "\n".join(captures), guarantees, *told)
    Console(highlight=False).print(table)
    with suppress(typer.Exit):  # it is said that the ledger does not answer; the links are listed all the same
        _print_states(settings, list(links))


def _kept(settings: Settings) -> dict[str, str]:
    """Returns what is kept of each partner and no record yet, in words."""
    from exchange_db import pickup_pages
    from exchange_db.session import Ledger
    from hub.cli.ledger import with_ledger

    async def act(ledger: Ledger) -> dict[str, pickup_pages.Waiting]:
        async with ledger.read() as session:
            return await pickup_pages.waiting_by_peer(session.driver)

    return {
        peer: f"{one.row_count} 行 rows, {one.byte_count / 1_000_000:.1f} MB, 始于 since {_local(one.oldest_time)}"
        for peer, one in with_ledger(settings, act).items()
    }


def _local(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone().strftime("%m-%d %H:%M:%S")


@commands.command()
def script(
    peer_id: Annotated[str, typer.Argument(metavar="[PEER]", help="某一链路所需的脚本 / of one link")] = "",
    engine: Annotated[Engine | None, typer.Option(help="数据库种类 / engine")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """打印建库脚本，交给数据库管理员执行。 / Print the script an administrator runs."""
    from exchange_db.intermediate.scripts import DIALECTS, as_file
    from hub.intermediate.installing import script_of

    if peer_id:
        link = _link(load(config), peer_id)
        dialect = DIALECTS[link.engine]
        typer.echo(as_file(dialect, script_of(link, dialect)), nl=False)
    elif engine is not None:
        typer.echo(as_file(DIALECTS[engine]), nl=False)
    else:
        fail("请给出 PEER 或 --engine，如 --engine mariadb。 / Name a PEER or an --engine.")


@commands.command()
def install(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """在对方库中建表、安装触发器；已有的不动，可重复执行。 / Make tables and triggers; harmless twice."""
    from hub.intermediate import installing

    settings = load(config)
    link = _link(settings, peer_id)
    try:
        made = _changing_partner(
            settings, link, "partner.install", lambda partner: installing.install(partner, link, settings.hub.id)
        )
    except CaptureRefused as error:
        fail(f"未安装：{error}", 1)
    _print_findings(made, "原先 / before")
    typer.echo("全部就绪。 / Everything was there already." if not made else f"已安装 {len(made)} 项。 / Installed.")


@commands.command()
def show(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """查看对方库中已安装、缺失、被改动的对象；有问题时退出码为 1。 / Show what is installed there."""
    from hub.intermediate import installing

    link = _link(load(config), peer_id)
    findings = _with_partner(link, lambda partner: installing.show(partner, link))
    _print_findings(findings, "状态 / standing")
    if any(one.standing.is_amiss for one in findings):
        fail(f"有对象不符，请执行 sanji intermediate install {peer_id}。 / Not all is in order.", 1)


@commands.command()
def remove(
    peer_id: PeerId,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 / do not ask")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """从对方库中移除触发器与键日志；业务表与数据保留。 / Take capture away; tables and rows stay."""
    from hub.intermediate import installing

    settings = load(config)
    link = _link(settings, peer_id)
    if not yes:
        typer.confirm("移除后的改动不再可见，尚未取走的键日志将丢失。继续？ / Go on?", abort=True)
    statements = _changing_partner(settings, link, "partner.remove", lambda partner: installing.remove(partner, link))
    for statement in statements:
        typer.echo(statement)
    typer.echo(f"已移除 {len(statements)} 项，业务表保留。 / Removed; tables stay.")


@commands.command()
def check(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """检查连接、版本、字符集、时钟、表、权限与映射文件。 / Check a link from one end to the other."""
    settings = load(config)
    if not _inspect(_link(settings, peer_id), settings):
        raise typer.Exit(1)


@commands.command()
def register(
    peer_id: PeerId,
    kind: Annotated[Literal["hub", "platform"], typer.Option(help="枢纽或业务平台 / hub or platform")] = "platform",
    relation: Annotated[
        Literal["child", "parent"], typer.Option(help="对方是下级还是上级 / what it is to us")
    ] = "child",
    replace: Annotated[
        bool, typer.Option("--replace", help="改用数据库，停用其原有证书 / in place of its certificate")
    ] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """检查无误后登记为邻居，枢纽随即开始交换。 / Check, then enter the partner as a neighbour."""
    from exchange_db.records import Violated
    from exchange_db.session import Ledger
    from hub.cli.ledger import with_ledger
    from hub.federation.enrolment import enter_database

    settings = load(config)
    link = _link(settings, peer_id)
    if not _inspect(link, settings):
        fail("未登记：请先处理上面标 ✗ 的问题。 / Not registered: mend what is marked ✗ first.", 1)

    async def act(ledger: Ledger) -> bool:
        return await enter_database(
            ledger, settings, peer_id=peer_id, name=link.name, kind=kind, relation=relation, is_replacing=replace
        )

    try:
        is_entered = with_ledger(settings, act)
    except Violated as error:
        fail(f"未登记 {peer_id}：{error.violation.message_zh} / {error.violation.message}", 1)
    if not is_entered:
        fail(
            f"{peer_id} 已以证书或密钥登记。如改用数据库交换，请加 --replace。"
            " / It is known by a certificate or secret; --replace makes the database its link.",
            1,
        )
    typer.echo(f"{peer_id}（{link.name}）已登记。 / Registered.")


def _links(settings: Settings) -> dict[str, DatabaseLink]:
    try:
        return read_links(settings.intermediate.folder)
    except LinkFileInvalid as error:
        fail(f"链路文件有误：{error}")


def _link(settings: Settings, peer_id: str) -> DatabaseLink:
    with suppress(LinkFileInvalid):
        # What is wrong with other partners' files does not matter here.
        return find_link(settings.intermediate.folder, peer_id)
    links = _links(settings)
    if peer_id not in links:
        known, folder = "、".join(links) or "无", settings.intermediate.folder
        fail(f"{folder} 中没有 {peer_id} 的链路文件，现有：{known}。 / There is no link file of it.")
    return links[peer_id]


def _with_partner(link: DatabaseLink, act: Callable[[Partner], Awaitable[T]]) -> T:
    """Runs ``act`` with the partner's database; says what is wrong when that refuses or does not answer."""

    async def run() -> T:
        async with open_partner(link.url, link.zone) as partner:
            return await act(partner)

    with _partner_errors(link):
        return asyncio.run(run())


@contextmanager
def _partner_errors(link: DatabaseLink) -> Iterator[None]:
    """Ends the command with what a partner's database has said."""
    try:
        yield
    except PartnerUnreachable as error:
        fail(f"{link.peer} 的数据库无法连接：{visible(str(error))}\n请检查地址与网络。 / It does not answer.", 1)
    except PartnerRefused as error:
        fail(
            f"{link.peer} 的数据库拒绝：{visible(str(error))}\n若是权限不足，请将 sanji intermediate script {link.peer}"
            " 的输出交给数据库管理员执行。 / Refused; if rights are missing, let an administrator run the script.",
            1,
        )


def _changing_partner(settings: Settings, link: DatabaseLink, action: str, act: Callable[[Partner], Awaitable[T]]) -> T:
    """Does the same for what changes the partner's database: the act is in the hub's audit log before it begins."""
    from exchange_db.session import Ledger
    from hub.cli.ledger import with_ledger
    from hub.recording import told

    async def run(ledger: Ledger) -> T:
        async with told(ledger, action, link.peer), open_partner(link.url, link.zone) as partner:
            return await act(partner)

    with _partner_errors(link):
        return with_ledger(settings, run)


def _inspect(link: DatabaseLink, settings: Settings) -> bool:
    from hub.cli.intermediate_inspection import inspect_link

    console = Console(highlight=False, soft_wrap=True)
    findings = asyncio.run(inspect_link(link, settings.hub.id))
    for finding in findings:
        told = f"{finding.chinese}\n  {finding.english}"
        console.print(f"[{_COLOURS[finding.mark]}]{finding.mark}[/] ", Text(told), sep="")
    return all(finding.mark != "✗" for finding in findings)


def _print_states(settings: Settings, peer_ids: list[str]) -> None:
    """Prints what is to be known of the partners' tables: paused ones, and changes nobody has accepted."""
    from exchange_db.session import Ledger
    from hub.cli.ledger import with_ledger
    from hub.intermediate.table_states import TableState, states_of

    async def act(ledger: Ledger) -> list[tuple[str, TableState]]:
        async with ledger.dedicated() as connection:
            return [(peer_id, one) for peer_id in peer_ids for one in await states_of(connection.driver, peer_id)]

    states = with_ledger(settings, act)
    if not states:
        return
    table = Table("标识", "表 / table", "情况 / state", "说明 / told")
    for peer_id, one in states:
        table.add_row(peer_id, plain(one.table), one.word, plain(one.told))
    Console(highlight=False).print(table)


def _print_findings(findings: list[Finding], title: str) -> None:
    if not findings:
        return
    table = Table("表 / table", "对象 / object", title)
    for one in findings:
        table.add_row(plain(one.table), plain(one.name), f"{_STANDINGS[one.standing]} / {one.standing}")
    Console(highlight=False).print(table)
