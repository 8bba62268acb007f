"""``sanji stats``: questions people put together over facts of cases, kept and exported, and the archive of facts."""

import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table as Grid

from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import ask
from hub.cli.terminal import fail, plain, visible
from hub.clock import system_clock
from hub.questions.answers import Answer, table_of, title_of
from hub.questions.desk import QuestionDesk
from hub.questions.errors import QuestionInvalid
from hub.questions.exports import exact, form_named, words_of
from hub.questions.planning import planned
from hub.questions.question import Question, from_json, listed_in, parse_filter
from hub.questions.saved import SavedQuestions
from hub.questions.vocabulary import BY, DIMENSIONS, measures
from hub.recording import told
from hub.settings import Settings

commands = typer.Typer(
    help="自定义查询：筛选、分组、透视、保存、导出，以及案件归档。 / Questions of your own, and the archive of facts.",
    no_args_is_help=True,
)
app.add_typer(commands, name="stats")

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，含其下级，缺省为本枢纽 / region and all below it")]
From = Annotated[str, typer.Option("--from", help="起：2020、2020Q3、2020-07 或 2020-07-15 / first day, month or year")]
To = Annotated[str, typer.Option("--to", help="止（含），写法同上 / last one, included")]
By = Annotated[
    str,
    typer.Option(help="按哪个时间统计：reported、dispatched、deadline、close_requested、closed / which time"),
]
Where = Annotated[
    list[str] | None,
    typer.Option(help="条件，可多次：state=closed、单位!=hw01,hw02、class=02* / a condition; may be repeated"),
]
Group = Annotated[str, typer.Option(help="分组，最多三个，用逗号分隔：unit,month / dimensions")]
MeasureNames = Annotated[str, typer.Option("--measure", help="度量，用逗号分隔：count,on_time,F1 / what is counted")]
Pivot = Annotated[str, typer.Option(help="以该分组的取值为列 / the group whose values become columns")]
Order = Annotated[str, typer.Option(help="排序，前加 - 为降序：-count,unit / columns to sort by")]
Limit = Annotated[int, typer.Option(min=0, help="最多显示的行数，0 为全部 / lines shown, 0 for all")]
Source = Annotated[str, typer.Option(help="数据来源：ledger 台账、archive 归档 / where the facts come from")]
Export = Annotated[Path | None, typer.Option(help="写入文件：.xlsx、.csv 或 .json / write a file instead")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Name = Annotated[str, typer.Argument(help="查询名称 / name of the question")]


@commands.command()
def query(
    config: Config = Path("sanji.toml"),
    region: Region = "",
    first: From = "",
    last: To = "",
    by: By = "",
    where: Where = None,
    group: Group = "",
    measure: MeasureNames = "count",
    pivot: Pivot = "",
    order: Order = "",
    limit: Limit = 0,
    source: Source = "ledger",
    export: Export = None,
    as_json: Json = False,
) -> None:
    """查询：不写 SQL 的筛选、分组、透视；可用字段见 sanji stats fields。 / Ask a question."""
    question = _question(region, first, last, by, where, group, measure, pivot, order, limit)
    settings = load(config)
    _tell(_answer(settings, question, source), export, as_json=as_json)


@commands.command()
def save(
    name: Name,
    config: Config = Path("sanji.toml"),
    region: Region = "",
    first: From = "",
    last: To = "",
    by: By = "",
    where: Where = None,
    group: Group = "",
    measure: MeasureNames = "count",
    pivot: Pivot = "",
    order: Order = "",
    limit: Limit = 0,
    is_shared: Annotated[bool, typer.Option("--shared", help="与可见该区域的人共享 / let others run it")] = False,
) -> None:
    """保存查询，供以后运行；同名者被替换。 / Keep a question under a name."""
    question = _question(region, first, last, by, where, group, measure, pivot, order, limit)
    settings = load(config)
    hub_region = subtree(settings.hub.region)

    async def act(ledger: Ledger) -> None:
        kept = QuestionDesk(ledger, settings).settled(question, hub_region)
        await SavedQuestions(ledger, system_clock).save(name, kept, is_shared=is_shared)

    _asked(settings, act)
    typer.echo(f"已保存：{name}。运行：sanji stats run {shlex.quote(name)} / Kept.")


@commands.command(name="list")
def list_(config: Config = Path("sanji.toml"), as_json: Json = False) -> None:
    """列出自己保存的和他人共享的查询。 / List kept questions."""
    settings = load(config)

    async def act(ledger: Ledger) -> list[tuple[str, str, bool, Question]]:
        found = await SavedQuestions(ledger, system_clock).listing(subtree(settings.hub.region))
        return [(one.name, one.owner, one.is_shared, from_json(one.question)) for one in found]

    rows = _asked(settings, act)
    if as_json:
        told_rows = [
            {"name": name, "owner": owner, "is_shared": is_shared, "options": list(words_of(question))}
            for name, owner, is_shared, question in rows
        ]
        print(terminal.as_json(told_rows))
        return
    grid = Grid()
    for title in ("名称", "保存者", "共享", "查询"):
        grid.add_column(title, overflow="fold")
    for name, owner, is_shared, question in rows:
        grid.add_row(plain(name), plain(owner), "是" if is_shared else "", plain(shlex.join(words_of(question))))
    Console().print(grid)


@commands.command()
def run(
    name: Name,
    config: Config = Path("sanji.toml"),
    source: Source = "ledger",
    export: Export = None,
    as_json: Json = False,
) -> None:
    """运行保存的查询；结果限于运行者可见的范围。 / Run a kept question."""
    settings = load(config)

    async def act(ledger: Ledger) -> Answer:
        seen = subtree(settings.hub.region)
        found = await SavedQuestions(ledger, system_clock).find(name, seen)
        return await QuestionDesk(ledger, settings).ask(from_json(found.question), seen, source)

    _tell(_asked(settings, act), export, as_json=as_json)


@commands.command()
def delete(name: Name, config: Config = Path("sanji.toml")) -> None:
    """删除自己保存的查询。 / Forget a kept question of your own."""

    async def act(ledger: Ledger) -> None:
        await SavedQuestions(ledger, system_clock).delete(name)

    _asked(load(config), act)
    typer.echo(f"已删除：{visible(name)}。 / Deleted.")


@commands.command()
def fields(as_json: Json = False) -> None:
    """列出可用的字段、取值和度量。 / List dimensions, their values, and measures."""
    if as_json:
        told_words = {
            "dimensions": {
                one.name: {"zh": one.name_zh, "en": one.name_en, "values": [choice.name for choice in one.choices]}
                for one in DIMENSIONS
            },
            "measures": {one.name: {"zh": one.name_zh, "en": one.name_en} for one in measures()},
            "by": {name: {"zh": zh, "en": en} for name, (zh, en) in BY.items()},
        }
        print(terminal.as_json(told_words))
        return
    for title, rows in (
        ("字段 / dimensions", [(one.name, one.name_zh, _choices(one.choices)) for one in DIMENSIONS]),
        ("度量 / measures", [(one.name, one.name_zh, one.name_en) for one in measures()]),
        ("时间 / times (--by)", [(name, zh, en) for name, (zh, en) in BY.items()]),
    ):
        grid = Grid(title=title)
        for head in ("名称", "中文", "说明"):
            grid.add_column(head, overflow="fold")
        for row in rows:
            grid.add_row(*map(plain, row))
        Console().print(grid)


@commands.command()
def archive(config: Config = Path("sanji.toml")) -> None:
    """把案件事实归档为 Parquet，只重写有变化的部分。 / Bring the archive up to the ledger."""
    from hub.questions.archive import Archive, ArchiveBroken, ArchiveBusy, ArchiveRun

    settings = load(config)
    folder = settings.archive.path
    if folder is None:
        fail("archive.path：未设置归档目录。 / archive.path: no folder is set.")

    async def act(ledger: Ledger) -> ArchiveRun:
        async with told(ledger, "archive.write", settings.hub.id) as found:
            done = await Archive(ledger, settings, folder, system_clock).run()
            found |= {"part_count": done.part_count, "written_count": done.written_count, "row_count": done.row_count}
            return done

    try:
        done = _asked(settings, act)
    except ArchiveBusy:
        fail("另一个归档正在进行，请稍后再试。 / Another run is writing the archive; try again later.", 1)
    except (ArchiveBroken, OSError) as error:
        fail(f"归档未完成，原归档未变：{error} / The archive is as it was: {error}", 1)
    typer.echo(
        f"{done.row_count} 件案件，{done.part_count} 个分区，重写 {done.written_count}，移出 {done.removed_count}。"
        f" / {done.row_count} cases, {done.part_count} parts, {done.written_count} written."
    )


def _question(
    region: str, first: str, last: str, by: str, where: list[str] | None, group: str, measure: str, pivot: str,
    order: str, limit: int,
) -> Question:  # fmt: skip
    try:
        question = Question(
            region=region,
            first=first,
            last=last,
            by=by,
            where=tuple(map(parse_filter, where or ())),
            group=listed_in(group),
            measure=listed_in(measure),
            pivot=pivot,
            order=listed_in(order),
            limit=limit,
        )
        planned(question)
    except QuestionInvalid as error:
        fail(str(error))
    return question


def _answer(settings: Settings, question: Question, source: str) -> Answer:
    async def act(ledger: Ledger) -> Answer:
        return await QuestionDesk(ledger, settings).ask(question, subtree(settings.hub.region), source)

    return _asked(settings, act)


def _asked(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    try:
        return ask(settings, act)
    except QuestionInvalid as error:
        fail(str(error))


def _tell(answer: Answer, export: Path | None, *, as_json: bool) -> None:
    if export is not None:
        try:
            made, _ = form_named(export.suffix.removeprefix("."))
            export.write_bytes(made(answer, "zh"))
        except QuestionInvalid as error:
            fail(str(error))
        except OSError as error:
            fail(f"{export}：无法写入。 / {export}: cannot be written ({error.strerror}).", 1)
        typer.echo(f"已写入 {visible(str(export))}，{len(answer.lines)} 组。 / {len(answer.lines)} groups written.")
        return
    if as_json:
        print(terminal.as_json(exact(answer)))
        return
    table = table_of(answer)
    grid = Grid(title=plain(title_of(answer)), show_footer=bool(table.total))
    total = [cell.text for cell in table.total] or [""] * len(table.heads)
    for index, (head, foot) in enumerate(zip(table.heads, total, strict=True)):
        side: Literal["left", "right"] = "left" if index < table.key_count else "right"
        grid.add_column(plain(head), footer=plain(foot), justify=side, overflow="fold")
    for row in table.rows:
        grid.add_row(*(plain(cell.text) for cell in row))
    Console().print(grid)
    if len(table.rows) < answer.group_count and answer.plan.pivot is None:
        typer.echo(f"共 {answer.group_count} 组，显示 {len(table.rows)} 组。 / {answer.group_count} groups in all.")


def _choices(choices: tuple[tuple[object, str, str, str], ...]) -> str:
    return "、".join(f"{name} {name_zh}" if name != name_zh else name for _, name, name_zh, _ in choices)
