"""``sanji reports``: bulletins, booklets, result sheets and letters: made, listed, looked at, saved, sent."""

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.regions import format_region, subtree
from exchange_db.reports import ReportRun
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.report_answers import desk_at, done, key_of, print_data, region_in, run_as_json, say_made, span_in
from hub.cli.terminal import as_json, fail, plain
from hub.clock import system_clock
from hub.reports.content import KIND_NAMES, ReportKind
from hub.reports.desk import Made
from hub.statistics.periods import parse_period

commands = typer.Typer(no_args_is_help=True, help="通报、函件、考评结果和环比分析。 / Reports and letters for people.")
app.add_typer(commands, name="reports")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
Bulletin = Annotated[
    Literal["daily", "weekly", "monthly", "yearly", "booklet"], typer.Argument(help="种类 / kind of report")
]
Letters = Annotated[Literal["assignment", "supervision", "special"], typer.Argument(help="函件种类 / kind of letter")]
Kind = Annotated[ReportKind, typer.Argument(help="种类 / kind of report")]
When = Annotated[str, typer.Option("--span", help="时段：2020-06-15、2020-W25、2020-06、2020 / the time it is about")]
Subject = Annotated[str, typer.Option(help="函件的主题，见 list / what a letter is about, see list")]
Version = Annotated[int, typer.Option(min=0, help="版本，缺省为最新 / version, default the newest")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


@commands.command()
def make(kind: Bulletin, when: When, region: Region = "", config: Config = Path("sanji.toml")) -> None:
    """生成通报或环比分析；内容和模板都未变时不产生新版本。 / Make a bulletin or booklet."""
    from hub.reports.drafting import Asked

    settings, span = load(config), span_in(when)
    asked = Asked(ReportKind(kind), region_in(settings, region), span)

    async def act(ledger: Ledger) -> Made:
        return await desk_at(settings, ledger).make(subtree(settings.hub.region), asked)

    say_made(done(settings, act))


@commands.command()
def letter(
    kind: Letters,
    when: When,
    unit: Annotated[str, typer.Option(help="责任单位代码 / the unit it goes to")],
    class_key: Annotated[str, typer.Option("--class", help="类别，如 'GB/T-30428.2-2013|E|0203' / the class")],
    due: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="答复期限 / day of the answer")],
    region: Region = "",
    place: Annotated[str, typer.Option(help="位置的说法，缺省为区域名称 / what the place is called")] = "",
    request: Annotated[str, typer.Option(help="另加的要求 / a further request")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """生成交办函、督办函或重点督办函，案件取自台账。 / Write a letter about the cases of a unit and class."""
    from hub.reports.drafting import Asked
    from hub.reports.letters import LetterAsked, letter_of

    settings, span = load(config), span_in(when)
    where = region_in(settings, region)
    wanted = LetterAsked(where, span, unit, class_key, due.date(), place, request)

    async def act(ledger: Ledger) -> Made:
        desk, visible = desk_at(settings, ledger), subtree(settings.hub.region)
        zone = ZoneInfo(settings.figures.zone)
        written = await letter_of(desk.reader, visible, wanted, await desk.names(), zone)
        return await desk.make_letter(visible, Asked(ReportKind(kind), where, span, f"{unit}|{class_key}"), written)

    say_made(done(settings, act))


@commands.command()
def scores(
    run: Annotated[str, typer.Argument(help="考评批次编号（前几位即可），见 sanji evaluation / a score run")],
    config: Config = Path("sanji.toml"),
) -> None:
    """由考评批次生成考评结果。 / Make the result sheet of a score run."""
    from hub.evaluation.desk import ScoreDesk
    from hub.reports.drafting import Asked
    from hub.reports.scores import result_of

    settings = load(config)

    async def act(ledger: Ledger) -> Made:
        visible = subtree(settings.hub.region)
        shown = await ScoreDesk(ledger, settings, system_clock).find(visible, run)
        desk = desk_at(settings, ledger)
        span = parse_period(shown.head.period)
        asked = Asked(ReportKind.SCORES, shown.head.region, span, shown.head.scheme_id)
        return await desk.make_scores(visible, asked, result_of(shown.kept.run, await desk.names()))

    say_made(done(settings, act))


@commands.command(name="list")
def list_reports(
    kind: Annotated[ReportKind | None, typer.Option(help="只看一种 / only of this kind")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="列出每个版本 / every version")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")] = 50,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出已生成的报告，最新的在前。 / List what was made, the newest first."""
    settings = load(config)

    async def act(ledger: Ledger) -> list[ReportRun]:
        seen = subtree(settings.hub.region)
        return await desk_at(settings, ledger).listing(seen, limit, kind=kind or "", is_every_version=is_all)

    rows = done(settings, act)
    if json:
        print(as_json([run_as_json(run) for run in rows]))
        return
    table, zone = Table(), ZoneInfo(settings.figures.zone)
    for title in ("种类", "区域", "时段", "主题", "版本", "文号", "标题", "生成时间", "生成者", "已发文书"):
        table.add_column(title, overflow="fold")
    for run in rows:
        table.add_row(
            f"{KIND_NAMES[ReportKind(run.kind)]} {run.kind}",
            format_region(run.region),
            run.span,
            plain(run.subject),
            str(run.version),
            plain(run.number),
            plain(run.title),
            f"{run.made_time.astimezone(zone):%Y-%m-%d %H:%M}",
            plain(run.made_by),
            run.document_id or "—",
        )
    Console().print(table)


@commands.command()
def show(
    kind: Kind,
    when: When,
    region: Region = "",
    subject: Subject = "",
    version: Version = 0,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """显示一份报告的数据。 / Show what stands in a report."""
    settings = load(config)

    async def act(ledger: Ledger) -> tuple[ReportRun, object]:
        desk = desk_at(settings, ledger)
        run = await desk.run(subtree(settings.hub.region), key_of(settings, kind, region, when, subject), version)
        return run, await desk.data(run)

    run, data = done(settings, act)
    if json:
        print(as_json(run_as_json(run) | {"data": data}))
        return
    print_data(run, data)


@commands.command()
def save(
    kind: Kind,
    when: When,
    output: Annotated[Path, typer.Option("--output", "-o", help="写入的 .docx 或 .xlsx 文件 / file to write")],
    region: Region = "",
    subject: Subject = "",
    version: Version = 0,
    config: Config = Path("sanji.toml"),
) -> None:
    """将报告存为文件。 / Save a report as a file."""
    settings = load(config)
    name = output.suffix.lower().removeprefix(".")

    async def act(ledger: Ledger) -> bytes:
        desk = desk_at(settings, ledger)
        run = await desk.run(subtree(settings.hub.region), key_of(settings, kind, region, when, subject), version)
        return (await desk.file(run, name)).content

    content = done(settings, act)
    try:
        output.write_bytes(content)
    except OSError as error:
        fail(f"{output}：无法写入（{error.strerror}）。 / {output}: cannot be written.")
    typer.echo(f"已写入 {output}。 / Written.")


@commands.command()
def send(
    kind: Kind,
    when: When,
    to: Annotated[str, typer.Option(help="收文平台，如 431221.platform；缺省为区域内全部 / whom it is for")] = "",
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="答复期限 / day of the answer")] = None,
    region: Region = "",
    subject: Subject = "",
    version: Version = 0,
    config: Config = Path("sanji.toml"),
) -> None:
    """将报告作为文书发送给其他平台。 / Send a report to other platforms as a document."""
    from hub.documents.making import make_document_desk
    from hub.reports.posting import ReportPost

    settings = load(config)
    zone = ZoneInfo(settings.figures.zone)
    deadline = round(datetime.combine(due, time(23, 59, 59), zone).timestamp()) * 1_000_000 if due else 0

    async def act(ledger: Ledger) -> str:
        desk = desk_at(settings, ledger)
        run = await desk.run(subtree(settings.hub.region), key_of(settings, kind, region, when, subject), version)
        post = ReportPost(ledger, desk, make_document_desk(settings, ledger, system_clock))
        return (await post.send(run, to, deadline)).document_id

    typer.echo(f"已发出，文书编号 {done(settings, act)}。 / Sent.")


@commands.command()
def templates(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="将出厂模板存入文件夹 / save the shipped")
    ] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出并试填各模板；可将出厂模板存出来修改。 / List the templates and try each of them."""
    from hub.reports.sampling import tried
    from hub.reports.shelf import TemplateBroken, template_of

    settings = load(config)
    is_broken = False
    for kind in ReportKind:
        try:
            found = template_of(kind, settings.reports.templates)
            tried(kind, found)
        except TemplateBroken as error:
            is_broken = True
            typer.echo(f"✗ {kind} {KIND_NAMES[kind]}：{error}", err=True)
            continue
        origin = f"自有 {found.path} / own" if found.is_own else "出厂 / shipped"
        typer.echo(f"✓ {kind} {KIND_NAMES[kind]}：{origin}")
    if output is not None:
        _save_shipped(output)
    if is_broken:
        raise typer.Exit(1)


def _save_shipped(folder: Path) -> None:
    from hub.reports.shelf import template_of

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ReportKind:
            found = template_of(kind, None)
            if (folder / found.name).exists():
                typer.echo(f"{folder / found.name} 已存在，未覆盖。 / is there already, left alone.")
            else:
                (folder / found.name).write_bytes(found.content)
    except OSError as error:
        fail(f"{error.filename}：无法写入（{error.strerror}）。 / cannot be written.", 1)
    typer.echo(f"已写入 {folder}；修改后在设置中写 reports.templates。 / Written; name the folder in the settings.")
