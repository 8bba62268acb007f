"""``sanji figures``: periods, freezing them, what was corrected since, and what was said on a date."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db import figure_corrections
from exchange_db.figure_corrections import CauseShown, CorrectionLine, CorrectionRow
from exchange_db.figure_spans import SpanCounts
from exchange_db.frozen_figures import FrozenRow
from exchange_db.period_cells import KEPT
from exchange_db.period_kinds import PeriodKind
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.apply.replaying import changed_cases
from hub.approvals.figure_operations import changes_in_words, lines_of
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.figures import Config, Json, Region, commands
from hub.cli.ledger import ask
from hub.cli.terminal import plain
from hub.clock import system_clock
from hub.settings import Settings
from hub.statistics.as_of import Origin, PastReader, Said, moment_in
from hub.statistics.calendar import HubCalendar
from hub.statistics.causes import REASON_NAMES
from hub.statistics.corrections import CorrectionDesk, Pending
from hub.statistics.freezing import Freezer, Frozen
from hub.statistics.locking import LockDesk
from hub.statistics.rates import metrics_of, rate_of
from hub.statistics.registry import counter_name

PeriodText = Annotated[str, typer.Argument(metavar="PERIOD", help="周期，如 2020-06、2020-Q2、2020-E25 / period")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="最多显示的行数 / most lines shown")]
_ORIGINS = {
    Origin.FROZEN: "冻结数及修正 / frozen, with corrections",
    Origin.SHEETS: "当时的报表 / sheets of then",
    Origin.LEDGER: "本级台账现数 / ledger as it is",
}


@commands.command()
def periods(
    kind: Annotated[PeriodKind | None, typer.Option(help="周期类型，缺省为全部 / kind, default all")] = None,
    limit: Limit = 60,
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """列出已冻结的周期。 / List frozen periods."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> list[FrozenRow]:
        return await Freezer(ledger, calendar, system_clock).listing((kind,) if kind else (), limit)

    rows = ask(settings, act)
    if as_json:
        print(terminal.as_json([_frozen_as_json(calendar, row) for row in rows]))
        return
    table = Table()
    for title in ("周期", "类型", "起", "止", "应冻结", "截止时间", "版本", "最近修正", "单元", "锁定", "口径"):
        table.add_column(title, overflow="fold")
    zone = ZoneInfo(calendar.rules.zone)
    for row in rows:
        table.add_row(
            calendar.period(row).name, row.kind, str(row.first_day), str(row.last_day), _local(row.due_time, zone),
            _local(row.cutoff_time, zone), str(row.revision), _local(row.corrected_time, zone), str(row.cell_count),
            "是" if row.is_locked else "", plain(row.definition_ref),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def freeze(
    period: Annotated[str, typer.Argument(metavar="[PERIOD]", help="周期，缺省为全部到期周期 / default all due")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """冻结一个已结束的周期，或全部到期的周期。 / Freeze a period that has ended, or all that are due."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> list[Frozen]:
        freezer = Freezer(ledger, calendar, system_clock)
        if not period:
            return await freezer.run()
        frozen = await freezer.freeze(calendar.parse(period))
        return [frozen] if frozen else []

    done = ask(settings, act)
    for one in done:
        typer.echo(f"{one.period.name}：已冻结 {one.cell_count} 个单元。 / Frozen with {one.cell_count} cells.")
    if not done:
        typer.echo("没有需要冻结的周期。 / Nothing to freeze.")


@commands.command()
def corrections(
    period: PeriodText,
    number: Annotated[int, typer.Option(min=0, help="只看此号修正的明细 / lines of this correction")] = 0,
    region: Region = "",
    limit: Limit = 200,
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """列出冻结后公布的修正、原因与案件，以及尚未公布的差异。 / List corrections, their reasons and cases."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> tuple[FrozenRow, list[CorrectionRow], Pending]:
        asked = calendar.parse(period)
        row = await LockDesk(ledger, calendar, system_clock).find(asked)
        async with ledger.read() as session:
            published = await figure_corrections.listing(session, row.key)
        pending = await CorrectionDesk(ledger, calendar, system_clock, changed_cases).pending(asked)
        return row, published, pending

    async def detail(ledger: Ledger) -> tuple[list[CorrectionLine], list[CauseShown]]:
        key = calendar.key(calendar.parse(period))
        regions = calendar.asked(calendar.regions, region or format_region(calendar.region))
        async with ledger.read() as session:
            lines = await figure_corrections.lines_of(session, key, number, regions)
            return lines, await figure_corrections.causes_of(session, key, number, regions, limit)

    row, published, pending = ask(settings, act)
    lines, causes = ask(settings, detail) if number else ([], [])
    if as_json:
        print(terminal.as_json(_corrections_as_json(row, published, lines, causes, pending)))
        return
    _print_corrections(calendar, row, published, pending)
    if number:
        _print_lines(row, lines, causes)


@commands.command(name="as-of")
def as_of(
    period: PeriodText,
    on: Annotated[str, typer.Option("--on", help="日期或时刻，如 2020-07-15 / date or time")],
    region: Region = "",
    by: Annotated[Literal["", "region", "unit", "class", "source"], typer.Option(help="分组 / break down by")] = "",
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """查询某日当时公布的数。 / Show what was said of a period on a date."""
    settings = load(config)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> Said:
        return await PastReader(ledger, calendar, system_clock).as_of(
            calendar.regions, region or format_region(calendar.region), calendar.parse(period),
            moment_in(on, calendar.rules.zone), by,
        )  # fmt: skip

    said = ask(settings, act)
    if as_json:
        print(terminal.as_json(_said_as_json(settings, said)))
    else:
        _print_said(settings, said)


def _print_corrections(calendar: HubCalendar, row: FrozenRow, published: list[CorrectionRow], pending: Pending) -> None:
    zone = ZoneInfo(calendar.rules.zone)
    table = Table(title=f"{calendar.period(row).name}：截止 {_local(row.cutoff_time, zone)}")
    for title in ("号", "公布时间", "公布人", "行数", "案件", "说明"):
        table.add_column(title, overflow="fold")
    for one in published:
        table.add_row(
            str(one.number), _local(one.published_time, zone), plain(one.actor), str(one.line_count),
            str(one.case_count), plain(one.purpose),
        )  # fmt: skip
    Console().print(table)
    if not pending.lines:
        typer.echo("现数与已公布数一致。 / Nothing differs from what was published.")
        return
    waiting = "周期已锁定，须经批准公布：" if row.is_locked else "待公布："
    typer.echo(f"{waiting}{len(pending.lines)} 行 / lines not yet published")
    for line in lines_of(pending)[:-1]:
        typer.echo(f"  {terminal.visible(line)}")
    if row.is_locked:
        name = calendar.period(row).name
        typer.echo(f"sanji proposals make figures.correct {name} --purpose …")


def _print_lines(row: FrozenRow, lines: list[CorrectionLine], causes: list[CauseShown]) -> None:
    for line in lines:
        reason = REASON_NAMES[line.reason]
        typer.echo(
            f"{format_region(line.cell[0])} {plain('/'.join(line.cell[1:]))} {reason[0]} / {reason[1]}："
            f"{changes_in_words(row.counters, line.counts)}"
        )
        for cause in causes:
            if (cause.cell, cause.reason) == (line.cell, line.reason):
                changed = changes_in_words(row.counters, cause.counts)
                typer.echo(f"  {cause.issuer_id} {terminal.visible(cause.case_no)}：{changed}")


def _print_said(settings: Settings, said: Said) -> None:
    zone = ZoneInfo(settings.figures.zone)
    refs = "、".join(said.definition_refs)
    typer.echo(
        f"{said.period.name}，{_local(said.moment, zone)} 时：{_ORIGINS[said.origin]}，"
        f"截止 {_local(said.cutoff_time, zone)}，第 {said.revision} 版，口径 {terminal.visible(refs)}"
    )
    metrics = metrics_of(is_suspended_excluded=settings.figures.is_suspended_excluded)
    shown = [name for name in KEPT if any(counts.of(name) for counts in said.counts.values())]
    table = Table()
    table.add_column("")
    for name in shown:
        table.add_column(counter_name(name), justify="right", overflow="fold")
    for metric in metrics:
        table.add_column(metric.metric_id, justify="right", no_wrap=True)
    for key, counts in said.counts.items():
        rates = [rate_of(metric, counts.counts).display or "—" for metric in metrics]
        table.add_row(plain(key), *(str(counts.of(name)) for name in shown), *rates)
    Console().print(table)
    for sheet in said.sheets:
        typer.echo(f"  {format_region(sheet.region)} {sheet.month} {sheet.reporter_id} 第 {sheet.revision} 版")


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _frozen_as_json(calendar: HubCalendar, row: FrozenRow) -> dict[str, Any]:
    return {
        "period": calendar.period(row).name, "kind": row.kind, "first_day": row.first_day, "last_day": row.last_day,
        "due_time": row.due_time.isoformat(), "cutoff_time": row.cutoff_time.isoformat(), "revision": row.revision,
        "corrected_time": row.corrected_time.isoformat(), "cells": row.cell_count, "is_locked": row.is_locked,
        "definition_ref": row.definition_ref,
    }  # fmt: skip


def _changed(counters: list[str], counts: tuple[int, ...]) -> dict[str, int]:
    return {name: count for name, count in zip(counters, counts, strict=True) if count}


def _corrections_as_json(
    row: FrozenRow,
    published: list[CorrectionRow],
    lines: list[CorrectionLine],
    causes: list[CauseShown],
    pending: Pending,
) -> dict[str, Any]:
    def line_as_json(line: CorrectionLine) -> dict[str, Any]:
        region, *cell = line.cell
        changed = _changed(row.counters, line.counts)
        return {
            "cell": [format_region(region), *cell],
            "reason": line.reason,
            "changed": changed,
            "cases": line.case_count,
        }

    return {
        "revision": row.revision,
        "is_locked": row.is_locked,
        "published": [
            {
                "number": one.number, "published_time": one.published_time.isoformat(), "actor": one.actor,
                "purpose": one.purpose, "lines": one.line_count, "cases": one.case_count,
            }
            for one in published
        ],
        "lines": [line_as_json(line) for line in lines],
        "causes": [
            {
                "issuer_id": one.issuer_id, "case_no": one.case_no, "reason": one.reason,
                "changed": _changed(row.counters, one.counts),
            }
            for one in causes
        ],
        "pending": [line_as_json(line) for line in pending.lines],
    }  # fmt: skip


def _said_as_json(settings: Settings, said: Said) -> dict[str, Any]:
    metrics = metrics_of(is_suspended_excluded=settings.figures.is_suspended_excluded)

    def figures_of(counts: SpanCounts) -> dict[str, Any]:
        rates = {metric.metric_id: rate_of(metric, counts.counts) for metric in metrics}
        return {name: {"numerator": rate.numerator, "denominator": rate.denominator, "display": rate.display}
                for name, rate in rates.items()}  # fmt: skip

    return {
        "period": said.period.name,
        "on": said.moment.isoformat(),
        "origin": said.origin,
        "cutoff_time": said.cutoff_time.isoformat(),
        "revision": said.revision,
        "definition_refs": list(said.definition_refs),
        "lines": [
            {"key": key, "counts": {name: counts.of(name) for name in KEPT}, "figures": figures_of(counts)}
            for key, counts in said.counts.items()
        ],
        "sheets": [[format_region(one.region), one.month, one.reporter_id, one.revision] for one in said.sheets],
    }
