"""What the commands about reports have in common: opening the desk, reading what was asked, telling the answer."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region
from exchange_db.reports import ReportKey, ReportRun
from exchange_db.session import Ledger
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail, plain
from hub.clock import system_clock
from hub.reports.content import KIND_NAMES, ReportKind
from hub.reports.desk import Made, ReportDesk
from hub.reports.shelf import TemplateBroken
from hub.settings import Settings
from hub.statistics.disagreements import COUNTER_NAMES
from hub.statistics.periods import Period, parse_period
from hub.statistics.reading import FigureReader

T = TypeVar("T")


def desk_at(settings: Settings, ledger: Ledger) -> ReportDesk:
    """Returns the desk of a hub."""
    return ReportDesk(ledger, settings, FigureReader(ledger, settings), system_clock)


def done(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Runs ``act`` with the hub's ledger; says what cannot be done: 2 when it was asked wrongly, 1 for a template."""
    try:
        return with_ledger(settings, act)
    except Violated as refused:
        violation = refused.violation
        fail(f"{violation.field_path}：{violation.message_zh} / {violation.message}")
    except TemplateBroken as error:
        fail(str(error), 1)


def span_in(text: str) -> Period:
    """Reads the time a report is about."""
    try:
        return parse_period(text)
    except ValueError:
        fail(
            f"--span {text}：应为 2020-06-15、2020-W25、2020-06 或 2020。"
            f" / --span {text}: a day, week, month or year, as 2020-06."
        )


def region_in(settings: Settings, text: str) -> int:
    """Reads a region; empty means that of the hub."""
    try:
        return parse_region(text) if text else settings.hub.region
    except ValueError:
        fail(f"--region {text}：应为六位行政区划代码。 / --region {text}: six digits.")


def key_of(settings: Settings, kind: ReportKind, region: str, when: str, subject: str) -> ReportKey:
    """Returns the key of a report as it was named."""
    return ReportKey(region_in(settings, region), str(kind), span_in(when).name, subject)


def say_made(made: Made) -> None:
    """Tells which version there is now."""
    run = made.run
    told = f"{run.title} {run.number} 第{run.version}版"
    if made.is_new:
        typer.echo(f"已生成：{told}。 / Made, version {run.version}.")
    else:
        typer.echo(f"内容和模板未变，仍为：{told}。 / Nothing has changed; version {run.version} stands.")


def run_as_json(run: ReportRun) -> dict[str, Any]:
    """Returns a version as JSON."""
    return {
        "region": format_region(run.region),
        "kind": run.kind,
        "span": run.span,
        "subject": run.subject,
        "version": run.version,
        "title": run.title,
        "number": run.number,
        "made_by": run.made_by,
        "made_time": round(run.made_time.timestamp() * 1_000_000),
        "data_digest": run.data_digest.hex(),
        "template_digest": run.template_digest.hex(),
        "document_id": run.document_id,
        "formats": list(run.formats),
    }


def print_data(run: ReportRun, data: Any) -> None:
    """Prints the figures of a version."""
    table = Table(title=f"{plain(run.title)} {plain(run.number)} 第{run.version}版")
    for title in ("项目", "本期", "上期", "上年同期"):
        table.add_column(title, justify="right" if title != "项目" else "left")
    whole = data["whole"]
    if whole is None:
        typer.echo(f"{KIND_NAMES[ReportKind(run.kind)]}：无汇总指标，可用 save 存为文件。 / No figures; save it.")
        return
    lines = [whole["now"], whole["before"], whole["year_ago"]]
    names = list(COUNTER_NAMES)
    for number, name in enumerate(names[: len(lines[0]["counts"])]):
        cells = ["—" if line is None else str(line["counts"][number]) for line in lines]
        if any(cell not in ("0", "—") for cell in cells):
            table.add_row(COUNTER_NAMES[name], *cells)
    for number, metric in enumerate(data["metrics"]):
        cells = ["—" if line is None else line["figures"][number]["display"] or "—" for line in lines]
        table.add_row(f"{plain(metric['name'])}（{metric['metric_id']}，%）", *cells)
    Console().print(table)
