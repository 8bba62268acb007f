"""``sanji alerts``: what is wrong, who takes it on, silences, rules, and trials of channels."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.alert_records import Alert
from exchange_db.regions import Regions, format_region, parse_region, subtree
from exchange_db.session import Ledger
from hub.alerts.desk import AlertDesk
from hub.alerts.rules import Rule
from hub.alerts.wording import SEVERITIES, title_of
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import carry_out
from hub.cli.terminal import as_json, fail, plain, visible
from hub.clock import system_clock
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="告警、联系人与查岗。 / Alerts, contacts and duty calls.")
app.add_typer(commands, name="alerts")

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")]


@commands.command(name="list")
def listing(
    all_: Annotated[bool, typer.Option("--all", help="包括已恢复的 / those that are over as well")] = False,
    region: Region = "",
    limit: Limit = 50,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出告警；缺省只列未恢复的。 / List alerts, by default those that are open."""
    settings = load(config)
    regions = regions_of(settings, region)
    rows = with_desk(settings, lambda desk: desk.history(regions, limit) if all_ else desk.open(regions, limit))
    if json:
        print(as_json([_as_json(row) for row in rows]))
        return
    table = Table()
    for title in ("编号", "级别", "规则", "对象", "情况", "开始", "恢复", "受理"):
        table.add_column(title, overflow="fold")
    zone = ZoneInfo(settings.figures.zone)
    for row in rows:
        table.add_row(
            str(row.alert_id), SEVERITIES[row.severity][0], title_of(row.rule)[0], plain(row.subject), plain(row.text),
            shown(row.since, zone), shown(row.closed_time, zone), plain(row.acknowledged_by),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def ack(
    number: Annotated[UUID, typer.Argument(help="告警编号 / number of the alert")],
    note: Annotated[str, typer.Option(help="处理说明 / note")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """受理一项告警，不再升级通知。 / Take an alert on; nobody further is told."""
    settings, by = load(config), local_user().name
    row = with_desk(settings, lambda desk: desk.acknowledge(number, regions_of(settings, ""), by, note))
    typer.echo(visible(f"已受理：{row.subject} / Taken on."))


@commands.command()
def silence(
    subject: Annotated[str, typer.Argument(help="对象，可用 * / subject, with * for anything")],
    reason: Annotated[str, typer.Option(help="事由 / why")],
    rule: Annotated[str, typer.Option(help="规则，可用 * / rule, with * for anything")] = "*",
    hours: Annotated[float, typer.Option(help="时长 / hours")] = 2.0,
    region: Region = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """静默一类告警：不发通知，告警照常记录。 / Tell nobody of some alerts for a while."""
    settings, by = load(config), local_user().name
    try:
        place = parse_region(region) if region else None
    except ValueError as error:
        fail(str(error))
    made = with_desk(settings, lambda desk: desk.silence(rule, subject, hours, reason, by, place))
    until = shown(made.until_time, ZoneInfo(settings.figures.zone))
    typer.echo(f"{made.silence_id} 静默至 {until} / Silenced until then.")


@commands.command()
def silences(json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出生效中的静默。 / List the silences in force."""
    settings = load(config)
    rows = with_desk(settings, lambda desk: desk.silences(regions_of(settings, "")))
    if json:
        print(as_json([{**_fields(row), "region": format_region(row.region)} for row in rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    for row in rows:
        line = f"{row.silence_id} {row.rule} {row.subject} {shown(row.until_time, zone)} {row.made_by} {row.reason}"
        typer.echo(visible(line))


@commands.command()
def unsilence(
    number: Annotated[UUID, typer.Argument(help="静默编号 / number of the silence")],
    config: Config = Path("sanji.toml"),
) -> None:
    """立即结束一项静默。 / End a silence now."""
    settings = load(config)
    with_desk(settings, lambda desk: desk.end_silence(number, regions_of(settings, "")))
    typer.echo("已结束。 / Ended.")


@commands.command()
def rules(json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出告警规则。 / List the rules in force."""
    rows = list(with_desk(load(config), lambda desk: desk.rules()).values())
    if json:
        print(as_json([_fields(row) for row in rows]))
        return
    table = Table()
    for title in ("规则", "名称", "级别", "触发值", "时长", "恢复值", "时长", "启用"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row.name, row.title, SEVERITIES[row.severity][0], f"{row.raise_at:g} {row.unit}", f"{row.raise_seconds} s",
            f"{row.clear_at:g} {row.unit}", f"{row.clear_seconds} s", "是" if row.is_on else "否",
        )  # fmt: skip
    Console().print(table)


@commands.command(name="set")
def change(
    name: Annotated[str, typer.Argument(help="规则，如 link.down / name of the rule")],
    raise_at: Annotated[float | None, typer.Option(help="触发值 / raising threshold")] = None,
    clear_at: Annotated[float | None, typer.Option(help="恢复值 / clearing threshold")] = None,
    raise_seconds: Annotated[int | None, typer.Option(help="触发时长 / for how long")] = None,
    clear_seconds: Annotated[int | None, typer.Option(help="恢复时长 / for how long")] = None,
    severity: Annotated[str | None, typer.Option(help="notice、warning 或 critical")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="启用或停用 / whether it is looked at")] = None,
    reset: Annotated[bool, typer.Option(help="恢复出厂 / as shipped")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """修改一条告警规则。 / Change a rule for this hub."""
    given: dict[str, Any] = {
        "raise_at": raise_at, "clear_at": clear_at, "raise_seconds": raise_seconds, "clear_seconds": clear_seconds,
        "severity": severity, "is_on": on,
    }  # fmt: skip
    wanted = {field: value for field, value in given.items() if value is not None}
    if bool(wanted) == reset:
        fail("请给出要修改的项，或只给出 --reset。 / Name what changes, or --reset alone.")
    by = local_user().name

    async def act(desk: AlertDesk) -> Rule:
        now = (await desk.rules()).get(name)
        kept = {} if reset or now is None else {field: getattr(now, field) for field in given}
        return await desk.change_rule(name, {**kept, **wanted} if not reset else {}, by)

    with_desk(load(config), act)
    typer.echo("已修改。 / Changed.")


@commands.command(name="test")
def try_channel(
    channel: Annotated[str, typer.Argument(help="通道名称，邮件为 mail / name of the channel, mail for e-mail")],
    to: Annotated[str, typer.Option(help="收件地址，仅用于邮件 / address, for mail only")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """通过一个通道发送测试消息，由运行中的枢纽发出。 / Have the running hub send a test message."""
    by = local_user().name
    notice = with_desk(load(config), lambda desk: desk.try_channel(channel, to, by))
    typer.echo(f"{notice.event_id} 已交枢纽发送，结果见 sanji alerts notices。 / Handed over for sending.")


@commands.command()
def notices(limit: Limit = 20, json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出最近的通知及其结果。 / List the newest notices and how their sending ended."""
    settings = load(config)
    rows = with_desk(settings, lambda desk: desk.notices(limit))
    if json:
        print(as_json([_fields(row) for row in rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    for row in rows:
        where = f"{row.channel} {row.address}".strip()
        typer.echo(visible(f"{shown(row.made_time, zone)} {row.state} {where} {row.title} {row.trouble}".rstrip()))


def with_desk(settings: Settings, act: Callable[[AlertDesk], Awaitable[T]]) -> T:
    """Runs something at the desk for alerts; says why it was refused."""

    async def acting(ledger: Ledger) -> T:
        return await act(AlertDesk(ledger, settings, system_clock))

    return carry_out(settings, acting)


def regions_of(settings: Settings, region: str) -> Regions:
    """Returns a region and what lies below it, the hub's own for none."""
    try:
        return subtree(parse_region(region) if region else settings.hub.region)
    except ValueError:
        fail(f"{region} 不是六位行政区划代码。 / is not a six-digit region code.")


def shown(moment: datetime | None, zone: ZoneInfo) -> str:
    """Returns a time as people read it; a dash for none."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" if moment else "—"


def _fields(row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return {
        name: value if isinstance(value, bool | int | float) else str(value or "") for name, value in values.items()
    }


def _as_json(row: Alert) -> dict[str, Any]:
    told = {name: value for name, value in _fields(row).items() if name != "told_to"}
    return {**told, "region": format_region(row.region), "title": title_of(row.rule)[0]}
