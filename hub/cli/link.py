"""``sanji link``: how links stand, and what people do with them; the running hub carries it out."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.link_states import LinkState, states_of_links
from exchange_db.outages import Account
from exchange_db.peers import Peer
from exchange_db.reasons import REASONS
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.healths import HEALTHS
from hub.cli.ledger import carry_out, with_ledger
from hub.cli.terminal import as_json, fail, plain
from hub.clock import system_clock
from hub.links.control import LinkDesk
from hub.links.dossier import Dossier
from hub.links.making import make_archive, make_bundler, make_desk
from hub.links.testing import Hop, Outcome
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="链路：查看、测试、暂停、重试、续传、维护、诊断包。 / Operate links.")
app.add_typer(commands, name="link")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
PeerId = Annotated[str, typer.Argument(help="对方标识，如 431221.platform / name of the neighbour")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / as JSON")]

_WAYS = {"out": "发往 to", "in": "来自 from"}
_HOPS = {
    "hop_name": "域名解析 name", "hop_tcp": "TCP 连接 TCP", "hop_tls": "TLS 与证书指纹 TLS and pin",
    "hop_hello": "契约版本 contract", "hop_clock": "时钟偏差 clock", "hop_heartbeat": "心跳 heartbeat",
    "hop_push": "空推送与序号 empty push", "hop_registered": "登记的证书 certificate",
    "hop_heard": "最近来访 last call",
    "hop_link_file": "链路文件 link file", "hop_connect": "连接数据库 connect", "hop_columns": "表与列 columns",
}  # fmt: skip
_OUTCOMES = {Outcome.GOOD: "✓", Outcome.BAD: "✗", Outcome.SKIPPED: "–"}


def _act(settings: Settings, peer_id: str, act: Callable[[LinkDesk, Peer], Awaitable[Any]]) -> Any:
    async def acting(ledger: Ledger) -> Any:
        desk = make_desk(settings, ledger, system_clock)
        return await act(desk, await desk.peer(peer_id))

    return carry_out(settings, acting)


@commands.command(name="list")
def list_links(is_json: AsJson = False, config: Config = Path("sanji.toml")) -> None:
    """列出各链路两个方向的状况。 / List links in both directions."""

    async def act(ledger: Ledger) -> list[LinkState]:
        async with ledger.read() as session:
            return await states_of_links(session, None, datetime.now(UTC))

    states = with_ledger(load(config), act)
    if is_json:
        typer.echo(as_json([_as_plain(state._asdict()) for state in states]))
        return
    table = Table()
    for title in ("邻居", "方向", "状况", "积压", "最早积压", "最近成功", "下次重试", "最近错误"):
        table.add_column(title, overflow="fold")
    for state in states:
        table.add_row(
            state.peer_id, _WAYS[state.direction], HEALTHS[state.health], str(state.lag_records),
            *map(_time, (state.oldest_unsent_time, state.last_success_time, state.next_try_time)),
            plain(state.last_error),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def show(peer_id: PeerId, is_json: AsJson = False, config: Config = Path("sanji.toml")) -> None:
    """查看一条链路的全部情况。 / Show all that is known of one link."""
    settings = load(config)

    async def act(ledger: Ledger) -> Dossier:
        peer = await make_desk(settings, ledger, system_clock).peer(peer_id)
        return await make_archive(settings, ledger, system_clock).dossier(peer)

    found: Dossier = carry_out(settings, act)
    if is_json:
        shown = {"outgoing": found.outgoing._asdict(), "incoming": found.incoming._asdict(), "rate": found.rate}
        shown["availability"] = {"month": found.availability.month.share, "year": found.availability.year.share}
        shown["outages"] = [_as_plain(one._asdict()) for one in found.outages]
        typer.echo(as_json(_as_plain(shown)))
        return
    for state in (found.outgoing, found.incoming):
        typer.echo(f"{_WAYS[state.direction]} {state.peer_id}: {HEALTHS[state.health]}")
        if state.reason:
            typer.echo(f"  {REASONS[state.reason].chinese} / {REASONS[state.reason].english}")
        typer.echo(f"  积压 waiting {state.lag_records}, 最早 oldest {_time(state.oldest_unsent_time)}")
        proof = (state.sent_sequence, state.acked_sequence, state.settled_sequence)
        typer.echo("  序号 numbers: 已编 given {}, 已确认 confirmed {}, 已办结 settled {}".format(*proof))
        if state.last_error:
            typer.echo(f"  {plain(state.last_error)}")
    typer.echo(f"速率 rate {found.rate:.1f}/min; 证书 certificate {found.outgoing.certificate_days} d")
    for name, account in (("本月 month", found.availability.month), ("本年 year", found.availability.year)):
        typer.echo(f"{name}: {_account(account)}")
    for outage in found.outages[:20]:
        typer.echo(f"{outage.direction} {_time(outage.start_time)} – {_time(outage.end_time)} {outage.cause}")


@commands.command(name="test")
def try_now(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """现在测试一条链路，逐跳显示。 / Test a link now, hop by hop."""
    hops: list[Hop] = _act(load(config), peer_id, lambda desk, peer: desk.test(peer))
    for hop in hops:
        typer.echo(f"{_OUTCOMES[hop.outcome]} {_HOPS[hop.name]} {hop.milliseconds} ms {plain(hop.told)}")
    if any(hop.outcome is Outcome.BAD for hop in hops):
        raise typer.Exit(1)


@commands.command()
def pause(
    peer_id: PeerId,
    reason: Annotated[str, typer.Option(help="原因 / why")],
    config: Config = Path("sanji.toml"),
) -> None:
    """暂停一条链路的两个方向。 / Let nothing go over a link."""
    _act(load(config), peer_id, lambda desk, peer: desk.pause(peer, reason))
    typer.echo(f"{peer_id} 已暂停。 / paused.")


@commands.command()
def resume(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """恢复一条链路。 / Resume a link."""
    _act(load(config), peer_id, lambda desk, peer: desk.resume(peer))
    typer.echo(f"{peer_id} 已恢复。 / resumed.")


@commands.command()
def retry(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """立即重试，不等退避时间。 / Try now."""
    _act(load(config), peer_id, lambda desk, peer: desk.retry(peer))
    typer.echo(f"{peer_id} 即将重试。 / It is tried now.")


@commands.command()
def resync(
    peer_id: PeerId,
    since: Annotated[str, typer.Option("--from", help="起始日期 2026-11-01；中间库为编号 / first day, or number")],
    config: Config = Path("sanji.toml"),
) -> None:
    """从某一点起重新同步。 / Bring a link up to date from a point on."""
    first = _act(load(config), peer_id, lambda desk, peer: desk.resync(peer, since))
    typer.echo(f"{peer_id} 将从 {first} 起核对补齐，由运行中的枢纽完成。 / The running hub does it.")


@commands.command()
def maintenance(
    peer_id: Annotated[str, typer.Argument(help="对方标识；* 为整个枢纽 / neighbour, or * for the whole hub")],
    minutes: Annotated[int, typer.Option(min=0, max=43_200, help="时长（分钟），0 为取消 / 0 calls it off")],
    reason: Annotated[str, typer.Option(help="事由 / why")] = "",
    start: Annotated[str, typer.Option(help="开始时间 2026-11-22T22:00，默认现在 / beginning")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """登记计划维护，不计入停机时间。 / Plan maintenance; it is left out of availability."""
    settings = load(config)
    begin = _moment(start, settings.figures.zone)

    async def act(ledger: Ledger) -> None:
        desk = make_desk(settings, ledger, system_clock)
        peer = None if peer_id == "*" else await desk.peer(peer_id)
        if minutes:
            await desk.plan(peer, begin, begin + timedelta(minutes=minutes), reason)
        else:
            await desk.call_off(peer)

    carry_out(settings, act)
    typer.echo(f"{peer_id}：{'已登记维护' if minutes else '维护已取消'}。 / {'planned' if minutes else 'called off'}.")


@commands.command()
def bundle(
    peer_id: PeerId,
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """导出诊断包（不含机密）。 / Export a diagnosis bundle without secrets."""
    settings, path = load(config), out or Path(f"{peer_id}.zip")

    async def act(ledger: Ledger) -> bytes:
        peer = await make_desk(settings, ledger, system_clock).peer(peer_id)
        return await make_bundler(settings, ledger, system_clock).pack(peer)

    packed: bytes = carry_out(settings, act)
    try:
        path.write_bytes(packed)
    except OSError as error:
        fail(f"无法写入 {path}：{error.strerror} / cannot be written.", 1)
    typer.echo(f"诊断包已写入 {path}。 / Written.")


def _moment(text: str, zone: str) -> datetime:
    if not text:
        return datetime.fromtimestamp(system_clock() / 1_000_000, UTC)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        refused = Violated("MAINTENANCE_INVALID", "start", text).violation
        fail(f"--start：{refused.message_zh} / {refused.message}")
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))


def _account(account: Account) -> str:
    return f"{account.share:.4%}, 停机 down {account.down_seconds:.0f} s, 计划 planned {account.planned_seconds:.0f} s"


def _time(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%m-%d %H:%M:%S") if moment else "—"


def _as_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_plain(inner) for name, inner in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value
