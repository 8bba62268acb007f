"""``sanji reconcile``: comparing links with their other ends, repairing them, and showing the days of a year."""

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation
from connectors.reconciliation import CAUSE_TEXTS, REPAIRABLE, Cause
from exchange_db import link_days, wakeups
from exchange_db.link_days import LinkDay, LinkDifference
from exchange_db.marks import day_before, day_of, hours_of
from exchange_db.records import RecordKind
from exchange_db.session import Ledger
from hub.bootstrap import make_reconciler, make_register
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger
from hub.cli.terminal import as_json, plain
from hub.clock import system_clock
from hub.intake.desk import IntakeDesk
from hub.intake.seals import SealJudge
from hub.listener import Listener
from hub.reconciliation.compared import ComparedDay, ComparedLink
from hub.recording import told
from hub.settings import Settings

commands = typer.Typer(
    invoke_without_command=True, help="链路对账：比对、补发、查看。 / Compare links with their ends."
)
app.add_typer(commands, name="reconcile")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Neighbour = Annotated[str, typer.Option("--peer", help="只看这个邻居 / one neighbour only")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / as JSON")]

_WAYS = {True: "发往 to", False: "来自 from"}
_KINDS = {
    RecordKind.CASE: "案件",
    RecordKind.COMPONENT: "部件",
    RecordKind.FIGURE_SHEET: "报表",
    RecordKind.DOCUMENT: "文书",
    RecordKind.EVALUATION: "评价",
}


def _read_day(text: str) -> int:
    """Reads a day, as 2020-06-15 or 20200615."""
    try:
        day = int(text.replace("-", ""))
        hours_of(day)
    except ValueError:
        raise typer.BadParameter(f"{text} 不是日期，请写成 2020-06-15。 / is no day; write it as 2020-06-15.") from None
    return day


@commands.callback()
def reconcile(
    context: typer.Context,
    peer: Neighbour = "",
    day: Annotated[str, typer.Option(help="只对这一天，如 2020-06-15；默认今天以前的所有日 / one day only")] = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="补发对方或本方缺失的记录 / send again what is missing on either side")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="中间库：未写入过的表也重新汇总 / databases: sum all tables up anew")
    ] = False,
    is_json: AsJson = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """与可连接的邻居逐日对账，列出差异及原因。 / Compare with the neighbours that can be dialled."""
    if context.invoked_subcommand is not None:
        return
    settings, wanted = load(config), _read_day(day) if day else 0
    if repair:
        require_single(settings, Operation.LINK_REPAIR, peer or "431200.hub")

    async def act(ledger: Ledger) -> list[ComparedLink]:
        if repair:
            return await _repair(ledger, settings, peer, wanted, is_full=full)
        return await compare(ledger, settings, peer, wanted, is_repairing=False, is_full=full)

    links = with_ledger(settings, act)
    if is_json:
        typer.echo(as_json([_link_as_json(link) for link in links]))
    else:
        _print_links(links, peer)
    raise typer.Exit(0 if links and all(map(_is_well, links)) else 1)


async def _repair(ledger: Ledger, settings: Settings, peer_id: str, day: int, *, is_full: bool) -> list[ComparedLink]:
    """Compares and repairs; the act is in the audit log before it begins."""
    async with told(ledger, "link.repair", peer_id or "*", detail={"day": day}) as detail:
        links = await compare(ledger, settings, peer_id, day, is_repairing=True, is_full=is_full)
        detail["resent"] = sum(len(one.resent) for link in links for one in link.days)
        return links


async def compare(
    ledger: Ledger, settings: Settings, peer_id: str, day: int, *, is_repairing: bool, is_full: bool = False
) -> list[ComparedLink]:
    """Compares beside a hub that may be running; what is fetched enters the log through a desk of its own."""
    register = make_register(settings)
    async with ledger.read() as session:
        await register.read(session, system_clock())
    listener = Listener(ledger)
    judge = SealJudge(ledger, listener, settings.hub.id, system_clock)
    desk = IntakeDesk(ledger, listener, settings.hub.region, system_clock, register.check, judge)
    working = asyncio.create_task(desk.run())
    try:
        reconciler = make_reconciler(ledger, settings, system_clock, desk, register)
        links = await reconciler.run(peer_id, day, is_repairing=is_repairing, is_full=is_full)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    async with ledger.watching() as connection:
        await wakeups.wake(connection.driver, wakeups.INBOX, wakeups.OUTBOX)
    return links


def _is_well(link: ComparedLink) -> bool:
    return not link.trouble and all(day.is_clean for day in link.days)


def _print_links(links: list[ComparedLink], peer: str) -> None:
    if not links:
        who = f"{peer} " if peer else ""
        typer.echo(
            f"{who}没有可由本枢纽连接的邻居；只能由对方发起的链路，由对方对账，结果见 sanji reconcile show。"
            " / No neighbour that can be dialled; the other end compares, and sanji reconcile show has the result."
        )
        return
    table = Table()
    for title in ("邻居", "方向", "日期", "本侧", "对侧", "差异", "已补发", "剩余", "原因"):
        table.add_column(title, overflow="fold")
    for link in links:
        for day in link.days:
            if day.found:
                table.add_row(*_row(link.peer_id, day))
    if table.row_count:
        Console().print(table)
    for link in links:
        equal = sum(not day.found for day in link.days)
        typer.echo(
            f"{link.peer_id}：{len(link.days)} 日次对账，{equal} 日次相符。 / {equal} of {len(link.days)} equal."
        )
        if link.trouble:
            typer.echo(f"  未能完成 / not to the end: {plain(link.trouble)}")
    if any(item.cause in REPAIRABLE for item in _left(links)):
        typer.echo("用 sanji reconcile --repair 补发。 / Send again with --repair.")


def _left(links: list[ComparedLink]) -> list[Any]:
    return [
        item for link in links for day in link.days for item in day.found if item.mark.message_key not in day.resent
    ]


def _row(peer_id: str, day: ComparedDay) -> tuple[str, ...]:
    causes = "\n".join(f"{count} × {_cause(cause)}" for cause, count in day.causes.most_common())
    counts = (day.own_count, day.other_count, len(day.found), len(day.resent), day.left_count)
    return (peer_id, _WAYS[day.is_sent], _date(day.day), *map(str, counts), causes)


def _cause(cause: str) -> str:
    chinese, english = CAUSE_TEXTS[Cause(cause)]
    return f"{chinese} / {english}"


def _date(day: int) -> str:
    return f"{day // 10_000:04d}-{day // 100 % 100:02d}-{day % 100:02d}"


def _link_as_json(link: ComparedLink) -> dict[str, Any]:
    return {
        "peer_id": link.peer_id,
        "trouble": link.trouble,
        "days": [
            {
                "is_sent": day.is_sent,
                "day": _date(day.day),
                "own_count": day.own_count,
                "other_count": day.other_count,
                "left_count": day.left_count,
                "differences": [
                    {
                        "message_key": item.mark.message_key.hex(),
                        "kind": RecordKind(item.mark.kind).name.lower(),
                        "cause": item.cause,
                        "place": item.place,
                        "is_resent": item.mark.message_key in day.resent,
                    }
                    for item in day.found
                ],
            }
            for day in link.days
        ],
    }


@commands.command()
def show(
    peer: Neighbour = "",
    days: Annotated[int, typer.Option(min=1, help="最近多少天 / how many days back")] = 14,
    differences: Annotated[
        bool, typer.Option("--differences", help="逐条列出差异 / the differences one by one")
    ] = False,
    is_json: AsJson = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """查看每日覆盖率、时效、序号完整性和差异。 / Show coverage, freshness, completeness and differences by day."""
    first_day = day_before(day_of(system_clock()), days)

    async def act(ledger: Ledger) -> tuple[list[LinkDay], list[LinkDifference]]:
        async with ledger.read() as session:
            told = await link_days.differences(session, peer) if differences else []
            return await link_days.listing(session, peer, first_day), told

    kept, told = with_ledger(load(config), act)
    if is_json:
        typer.echo(
            as_json([_difference_as_json(item) for item in told] if differences else list(map(_day_as_json, kept)))
        )
    elif differences:
        _print_differences(told)
    else:
        _print_days(kept)


def _print_days(kept: list[LinkDay]) -> None:
    if not kept:
        typer.echo("还没有每日统计；任务 reconcile-links 会写入，或执行 sanji reconcile。 / Nothing was counted yet.")
        return
    table = Table()
    for title in (
        "邻居",
        "方向",
        "日期",
        "应有",
        "已回执",
        "拒收",
        "覆盖率",
        "时效 p95",
        "传输 p95",
        "缺号",
        "差异",
        "对账",
    ):
        table.add_column(title, overflow="fold")
    for day in kept:
        due = day.own_count if day.is_sent else day.other_count
        table.add_row(
            day.peer_id,
            _WAYS[day.is_sent],
            _date(day.day),
            "—" if due is None else str(due),
            str(day.receipted_count),
            str(day.refused_count),
            "—" if day.coverage is None else f"{day.coverage * 100:.2f} %",
            _span(day.age_p95_ms),
            _span(day.transit_p95_ms),
            str(day.gap_count),
            "—" if day.compared_time is None else str(day.difference_count),
            "未对账" if day.compared_time is None else f"{_moment(day.compared_time)} {day.compared_by}".strip(),
        )
    Console().print(table)


def _print_differences(told: list[LinkDifference]) -> None:
    table = Table()
    for title in ("邻居", "方向", "日期", "种类", "消息或行", "原因", "发现", "补发", "结清"):
        table.add_column(title, overflow="fold")
    for item in told:
        kind = _KINDS.get(RecordKind(item.kind), "")
        times = (_moment(item.found_time), _moment(item.resent_time), _moment(item.settled_time))
        table.add_row(
            item.peer_id,
            _WAYS[item.is_sent],
            _date(item.day),
            kind,
            item.place or item.message_key.hex(),
            _cause(item.cause),
            *times,
        )
    Console().print(table)


def _moment(time: datetime | None) -> str:
    return time.astimezone().strftime("%m-%d %H:%M:%S") if time else "—"


def _span(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "—"
    if milliseconds < 10_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3_600:.1f} h"


def _day_as_json(day: LinkDay) -> dict[str, Any]:
    found = day._asdict() | {"day": _date(day.day), "coverage": day.coverage}
    return found | {"compared_time": day.compared_time.isoformat() if day.compared_time else None}


def _difference_as_json(item: LinkDifference) -> dict[str, Any]:
    times = {
        name: moment.isoformat() if (moment := getattr(item, name)) else None
        for name in ("found_time", "resent_time", "settled_time")
    }
    return item._asdict() | times | {"day": _date(item.day), "message_key": item.message_key.hex()}
