"""``sanji figures``: counts and rates of this hub, the cases behind a number, and the proof that figures are right."""

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.cases import CaseRow, CaseState
from exchange_db.figures import Basis
from exchange_db.records import COUNTERS, FIRST_COUNTERS, Counts
from exchange_db.recount import Found
from exchange_db.regions import format_region, subtree
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import ask, with_ledger
from hub.cli.terminal import fail, local_time, plain
from hub.clock import system_clock
from hub.statistics.disagreements import COUNTER_NAMES
from hub.statistics.reading import CasePage, CaseQuery, FigureAnswer, FigureQuery, FigureReader
from hub.statistics.rebuild import FigureRebuild, RebuildBusy

commands = typer.Typer(help="统计指标：数量、比率、案件明细、核对。 / Figures, their cases, their proof.")
app.add_typer(commands, name="figures")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
From = Annotated[
    int, typer.Option("--from", show_default=False, help="起始月份，如 202001，缺省为当年一月 / first month")
]
To = Annotated[
    int, typer.Option("--to", show_default=False, help="截止月份（含），缺省为最近有数据的月份 / last month, inclusive")
]
Unit = Annotated[str, typer.Option(help="责任单位代码 / only this unit")]
ClassKey = Annotated[str, typer.Option("--class", help="类别，如 'GB/T-30428.2-2013|E|0203' / only this class")]
Source = Annotated[str, typer.Option(help="问题来源代码 / only this source")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


_BASES = {"choice": Basis.CHOICE, "ledger": Basis.LEDGER, "sheets": Basis.SHEETS}
_BASIS_NAMES = {Basis.LEDGER: "本级台账", Basis.SHEETS: "下级报表"}
#: Counters shown even when they are 0 everywhere.
_ALWAYS = ("total", "dispatched_on", "done", "on_time")
_GROUP_NAMES = {"": "", "month": "月份", "region": "区域", "unit": "责任单位", "class": "类别", "source": "来源"}


@commands.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    config: Config = Path("sanji.toml"),
    region: Region = "",
    first: From = 0,
    last: To = 0,
    by: Annotated[
        Literal["", "month", "region", "unit", "class", "source"], typer.Option(help="分组 / break down by")
    ] = "",
    basis: Annotated[
        Literal["choice", "ledger", "sheets"], typer.Option(help="依据：自动、台账、报表 / where counts come from")
    ] = "choice",
    unit: Unit = "",
    class_key: ClassKey = "",
    source: Source = "",
    as_json: Json = False,
) -> None:
    """显示统计指标；子命令见下。 / Show figures."""
    if context.invoked_subcommand is not None:
        return
    settings = load(config)
    region = region or format_region(settings.hub.region)

    async def act(ledger: Ledger) -> tuple[FigureQuery, FigureAnswer]:
        reader = FigureReader(ledger, settings)
        span = await span_of(reader, first, last)
        query = FigureQuery(region, *span, _BASES[basis], unit, class_key, source, by)
        return query, await reader.figures(subtree(settings.hub.region), query)

    query, answer = ask(settings, act)
    if as_json:
        print(terminal.as_json(_as_json(query, answer)))
    else:
        _print(query, answer)


@commands.command()
def cases(
    counter: Annotated[str, typer.Option(help=f"计数项：{'、'.join(COUNTERS)} / counter")],
    config: Config = Path("sanji.toml"),
    region: Region = "",
    first: From = 0,
    last: To = 0,
    unit: Unit = "",
    class_key: ClassKey = "",
    source: Source = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多显示的案件数 / most cases shown")] = 100,
    as_json: Json = False,
) -> None:
    """列出一个数字背后的案件。 / List the cases behind a number."""
    settings = load(config)
    region = region or format_region(settings.hub.region)

    async def act(ledger: Ledger) -> tuple[CaseQuery, CasePage]:
        reader = FigureReader(ledger, settings)
        query = CaseQuery(region, *await span_of(reader, first, last), counter, unit, class_key, source, limit)
        return query, await reader.cases(subtree(settings.hub.region), query)

    query, page = ask(settings, act)
    if as_json:
        print(terminal.as_json([_case_as_json(row) for row in page.rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    table = Table(title=f"{COUNTER_NAMES[counter]}：{query.region_code} {query.first_month}–{query.last_month}")
    for title in ("来源平台", "案件编号", "区域", "状态", "责任单位", "上报时间", "截止时间", "结案申请", "结案"):
        table.add_column(title)
    for row in page.rows:
        moments = (row.reported_time, row.deadline_time, row.close_requested_time, row.closed_time)
        table.add_row(
            row.issuer_id,
            plain(row.case_no),
            format_region(row.region),
            CaseState(row.state).name.lower(),
            plain(row.unit_code),
            *(local_time(moment, zone) for moment in moments),
        )
    Console().print(table)
    if page.has_more:
        typer.echo(f"只显示了前 {limit} 件，可用 --limit 增加。 / There are more; raise --limit.")


@commands.command()
def rebuild(
    config: Config = Path("sanji.toml"),
    write: Annotated[
        bool, typer.Option("--write/--check", help="改正差异，或仅核对 / put right what differs, or only compare")
    ] = False,
) -> None:
    """由全部案件重新计数并核对指标。 / Count all cases anew and compare."""
    settings = load(config)

    async def act(ledger: Ledger) -> Found:
        counting = FigureRebuild(ledger, settings.figures.counting)
        return await (counting.write() if write else counting.check())

    try:
        found = with_ledger(settings, act)
    except RebuildBusy:
        fail("另一个核对正在进行，请稍后再试。 / Another recount is running; try again later.", 1)
    for cell, stored, counted in found.differences:
        place = f"{format_region(cell[0])} {cell[1]} {'/'.join(cell[2:])}"
        for name in COUNTERS:
            was, now = getattr(stored, name), getattr(counted, name)
            if was != now:
                typer.echo(f"{place}：{COUNTER_NAMES[name]}（{name}） {was} → {now}")
    if not found.differences:
        typer.echo(f"OK：{found.case_count} 件案件，指标与台账一致。 / {found.case_count} cases, figures are right.")
    elif write:
        typer.echo(f"已改正 {found.cell_count} 处。 / {found.cell_count} cells put right.")
    else:
        fail(f"{found.cell_count} 处不一致，可用 --write 改正。 / Cells differ; --write puts them right.", 1)


async def span_of(reader: FigureReader, first: int, last: int) -> tuple[int, int]:
    """Fills in what was not said: up to the last month anything is known of, from January of that year."""
    usual_last = (await reader.usual_span(system_clock()))[1]
    last = last or max(first, usual_last)
    return first or last // 100 * 100 + 1, last


def _print(query: FigureQuery, answer: FigureAnswer) -> None:
    basis = _BASIS_NAMES[answer.basis]
    table = Table(title=f"{query.region_code} {query.first_month}–{query.last_month}（依据：{basis}）")
    if query.group_by:
        table.add_column(_GROUP_NAMES[query.group_by])
    lines = answer.lines
    shown = [name for name in FIRST_COUNTERS if name in _ALWAYS or any(getattr(line.counts, name) for line in lines)]
    for name in shown:
        table.add_column(COUNTER_NAMES[name], justify="right", overflow="fold")
    metrics = [figure.metric for figure in answer.lines[0].figures] if answer.lines else []
    for metric in metrics:
        table.add_column(metric.metric_id, justify="right", no_wrap=True)
    for line in answer.lines:
        key = [plain(line.key) or "（无）"] if query.group_by else []
        rates = [f"{figure.rate.display} %" if figure.rate.display else "—" for figure in line.figures]
        table.add_row(*key, *(str(getattr(line.counts, name)) for name in shown), *rates)
    Console().print(table)
    typer.echo("，".join(f"{metric.metric_id} {metric.name_zh}" for metric in metrics))
    for text in answer.disagreements:
        typer.echo(f"! {text}", err=True)


def _as_json(query: FigureQuery, answer: FigureAnswer) -> dict[str, Any]:
    return {
        "region": query.region_code,
        "first_month": query.first_month,
        "last_month": query.last_month,
        "basis": answer.basis.name.lower(),
        "lines": [
            {
                "key": line.key,
                "counts": _counts_as_json(line.counts),
                "figures": {
                    figure.metric.metric_id: {
                        "version": figure.metric.version,
                        "name": figure.metric.name_zh,
                        "numerator": figure.rate.numerator,
                        "denominator": figure.rate.denominator,
                        "display": figure.rate.display,
                        "cutoff_time": figure.cutoff_time,
                        "revision": figure.revision,
                    }
                    for figure in line.figures
                },
            }
            for line in answer.lines
        ],
        "disagreements": list(answer.disagreements),
    }


def _counts_as_json(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in COUNTERS}


def _case_as_json(row: CaseRow) -> dict[str, Any]:
    return {
        "issuer_id": row.issuer_id,
        "case_no": row.case_no,
        "region": format_region(row.region),
        "state": CaseState(row.state).name.lower(),
        "unit_code": row.unit_code,
        "class_key": row.class_key,
        "source_code": row.source_code,
        "reported_time": row.reported_time,
        "deadline_time": row.deadline_time,
        "close_requested_time": row.close_requested_time,
        "closed_time": row.closed_time,
    }
