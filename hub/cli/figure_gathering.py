"""``sanji figures``: who has sent what, what rules have found, and the runs of the work on periods."""

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.figure_findings import FindingRow
from exchange_db.figure_runs import FigureRun
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.figure_periods import Limit
from hub.cli.figures import Config, Json, Region, commands
from hub.cli.ledger import ask
from hub.cli.terminal import plain
from hub.clock import system_clock
from hub.statistics.calendar import HubCalendar
from hub.statistics.completeness import Completeness, Matrix, SheetState, usual_months
from hub.statistics.findings import PlausibilityDesk
from hub.statistics.gathering import Gathering
from hub.statistics.periods import Period
from hub.statistics.plausibility import RULE_NAMES, Rule
from hub.statistics.registry import counter_name

First = Annotated[str, typer.Option("--from", help="起始月份，如 2020-01，缺省为一年前 / first month")]
Last = Annotated[str, typer.Option("--to", help="截止月份，缺省为本月 / last month")]

_STATES = {
    SheetState.LOCKED: "锁定",
    SheetState.ON_TIME: "按时",
    SheetState.REVISED: "有修订",
    SheetState.LATE: "迟报",
    SheetState.WAITING: "未到期",
    SheetState.MISSING: "缺报",
    SheetState.UNEXPECTED: "—",
}


@commands.command()
def completeness(
    first: First = "",
    last: Last = "",
    region: Region = "",
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """显示下级报表的齐全情况：按时、迟报、修订、锁定、缺报。 / Show who has sent what."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> Matrix:
        span = _span(calendar, first, last)
        asked = region or format_region(calendar.region)
        return await Completeness(ledger, calendar, system_clock).matrix(calendar.regions, asked, *span)

    matrix = ask(settings, act)
    if as_json:
        print(terminal.as_json(_matrix_as_json(matrix)))
        return
    table = Table()
    for title in ("区域", "报送方", *(month.name for month in matrix.months)):
        table.add_column(title, overflow="fold")
    for row in matrix.rows:
        cells = [
            f"{_STATES[cell.state]}{f' r{cell.revision}' if cell.revision else ''}{'' if cell.is_comparable else ' ≠'}"
            for cell in row.cells
        ]
        table.add_row(format_region(row.region), row.reporter_id, *cells)
    Console().print(table)
    typer.echo("，".join(f"{_STATES[state]} {count}" for state, count in sorted(matrix.numbers.items())))


@commands.command()
def findings(
    first: First = "",
    last: Last = "",
    region: Region = "",
    rule: Annotated[Rule | None, typer.Option(help="只看此规则 / only this rule")] = None,
    every: Annotated[bool, typer.Option("--all", help="包括已消除的 / those that are gone as well")] = False,
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """列出合理性校验发现的问题。 / List what the rules have found."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> list[FindingRow]:
        span = _span(calendar, first, last)
        asked = region or format_region(calendar.region)
        desk = PlausibilityDesk(ledger, calendar, system_clock)
        return await desk.findings(calendar.regions, asked, *span, rule or "", is_open=not every)

    rows = ask(settings, act)
    if as_json:
        print(terminal.as_json([_finding_as_json(row) for row in rows]))
        return
    for row in rows:
        typer.echo(terminal.visible(_in_words(row)))
    typer.echo(f"{len(rows)} 项 / findings")


@commands.command()
def runs(
    work: Annotated[str, typer.Option(help="只看 gather、freeze、correct 或 check / only this work")] = "",
    limit: Limit = 50,
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """列出归集、冻结、修正与校验的运行记录。 / List the runs of the work on periods."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> list[FigureRun]:
        return await Gathering(ledger, calendar, system_clock).runs(work, limit)

    rows = ask(settings, act)
    if as_json:
        print(terminal.as_json([_run_as_json(row) for row in rows]))
        return
    table, zone = Table(), ZoneInfo(calendar.rules.zone)
    for title in ("工作", "周期", "计划时间", "开始", "用时（秒）", "结果", "故障"):
        table.add_column(title, overflow="fold")
    for row in rows:
        seconds = "" if row.ended_time is None else f"{(row.ended_time - row.started_time).total_seconds():.1f}"
        told = "，".join(f"{name} {value}" for name, value in row.result.items() if not isinstance(value, list))
        moments = (row.planned_time, row.started_time)
        planned, started = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in moments)
        period = f"{row.kind} {row.first_day or ''}".strip()
        table.add_row(row.work, period, planned, started, seconds, plain(told), plain(row.trouble))
    Console().print(table)


def _span(calendar: HubCalendar, first: str, last: str) -> tuple[Period, Period]:
    usual = usual_months(calendar, system_clock())
    return (calendar.parse(first) if first else usual[0]), (calendar.parse(last) if last else usual[1])


def _matrix_as_json(matrix: Matrix) -> list[dict[str, Any]]:
    return [
        {
            "region": format_region(row.region), "reporter_id": row.reporter_id, "month": month.name,
            "state": cell.state, "revision": cell.revision, "is_comparable": cell.is_comparable,
            "first_time": cell.first_time and cell.first_time.isoformat(),
            "last_time": cell.last_time and cell.last_time.isoformat(),
            "cutoff_time": cell.cutoff_time and cell.cutoff_time.isoformat(),
        }
        for row in matrix.rows
        for month, cell in zip(matrix.months, row.cells, strict=True)
    ]  # fmt: skip


def _in_words(row: FindingRow) -> str:
    one = row.finding
    place = f"{format_region(one.region)} {one.kind} {one.first_day} {one.reporter_id}"
    cell = f"{one.unit_code}/{one.class_key}/{one.source_code}".strip("/")
    counter = f"{counter_name(one.counter)}（{one.counter}）"
    other = counter_name(one.other) if one.other else ""
    numbers = f"{counter} {one.value}，{other} {one.other_value}" if other else f"{counter} {one.value}"
    doubt = "存疑 / doubt " if one.is_doubt else ""
    gone = "（已消除 / gone）" if row.gone_time else ""
    return f"{doubt}{one.rule}：{RULE_NAMES[one.rule][0]}。{place} {cell}：{numbers}{gone}"


def _finding_as_json(row: FindingRow) -> dict[str, Any]:
    one = row.finding
    return {
        **one._asdict(),
        "region": format_region(one.region),
        "found_time": row.found_time.isoformat(),
        "gone_time": row.gone_time and row.gone_time.isoformat(),
    }


def _run_as_json(row: FigureRun) -> dict[str, Any]:
    return {
        **row._asdict(),
        "region": format_region(row.region),
        "planned_time": row.planned_time.isoformat(),
        "started_time": row.started_time.isoformat(),
        "ended_time": row.ended_time and row.ended_time.isoformat(),
    }
