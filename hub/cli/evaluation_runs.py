"""``sanji evaluation run``, ``runs``, ``show`` and what belongs to them: scores, their reasons, disputes about them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from exchange_db.regions import format_region, parse_region, subtree
from exchange_db.score_runs import RunHead
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.evaluation import commands
from hub.cli.ledger import ask
from hub.cli.terminal import fail, plain
from hub.clock import system_clock
from hub.evaluation.changes import Change
from hub.evaluation.composite import InputInvalid, Standing, UnitScore, rolled_up
from hub.evaluation.desk import Made, Reproduced, ScoreDesk, Shown, reproduce
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.runs import KeptRun, KeptTree
from hub.evaluation.schemes import CompositeScheme
from hub.evaluation.sources import InputSource, Origin, exact_text
from hub.evaluation.spans import parse_period
from hub.settings import Settings
from hub.statistics.rounding import USUAL

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
SchemeId = Annotated[str, typer.Argument(help="评分方案，如 zhongfang.monthly / scoring scheme")]
Period = Annotated[str, typer.Argument(help="期间，如 2020-03、2020-Q1、2020 / period")]
RunId = Annotated[str, typer.Argument(help="评分编号（可只写开头几位） / id of the run, or how it begins")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

_ORIGINS = {
    Origin.LEDGER: "台账",
    Origin.INSPECTION: "现场抽检",
    Origin.SURVEY: "调查",
    Origin.GIVEN: "人工填报",
    Origin.LIST: "正负面清单",
    Origin.RULING: "裁定",
    Origin.RECORD: "下级上报",
}
_MARKS = {Standing.NO_CASES: "当月无案件", Standing.NO_GROUP: "未分组"}
_STATES = {"open": "待裁定", "upheld": "成立", "rejected": "不成立"}


def region_in(settings: Settings, text: str) -> int:
    """Reads a region's code, this hub's when there is none."""
    try:
        return parse_region(text) if text else settings.hub.region
    except ValueError:
        fail(f"--region：{text} 不是六位行政区划代码。 / {text} is no six-digit region code.")


def answered(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Runs an act with the ledger; what the inputs lack is told, and ends with exit code 1."""
    try:
        return ask(settings, act)
    except InputInvalid as error:
        fail(str(error), 1)


@commands.command()
def schemes(config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """列出生效的评分方案。 / List the scoring schemes in force."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> Any:
        return await ScoreDesk(ledger, settings, system_clock).definitions(where)

    table = Table()
    for title in ("方案", "版本", "名称", "种类", "排名", "来源"):
        table.add_column(title, overflow="fold")
    for scheme in answered(settings, act).schemes.values():
        kind = "单位计分" if isinstance(scheme, CompositeScheme) else "指标树"
        table.add_row(
            scheme.scheme_id, str(scheme.version), plain(scheme.name_zh), kind,
            "是" if scheme.is_ranked else "否", plain(scheme.source),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def run(
    scheme: SchemeId,
    period: Period,
    config: Config = Path("sanji.toml"),
    region: Region = "",
    reason: Annotated[str, typer.Option(help="重新评分的原因 / why it is made again")] = "",
    as_json: Json = False,
) -> None:
    """按台账和已填报的内容评分；结果有变化时成为新版本。 / Score a period; what differs is a new revision."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> Made:
        return await ScoreDesk(ledger, settings, system_clock).run(where, scheme, period, reason)

    made = answered(settings, act)
    if as_json:
        print(terminal.as_json(_as_json(made.shown) | {"is_new": made.is_new}))
        return
    _print(made.shown, "")
    _print_changes(made.changes)
    if not made.is_new:
        typer.echo("输入没有变化，未产生新版本。 / Nothing has changed; no new revision was made.")


@commands.command()
def runs(
    config: Config = Path("sanji.toml"),
    region: Region = "",
    scheme: Annotated[str, typer.Option(help="评分方案 / only this scheme")] = "",
    period: Annotated[str, typer.Option(help="期间（可只写年份） / only periods that begin so")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多显示的条数 / most rows")] = 100,
    as_json: Json = False,
) -> None:
    """列出评分结果，新的在前。 / List score runs, newest first."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> list[RunHead]:
        desk = ScoreDesk(ledger, settings, system_clock)
        return await desk.listing(subtree(where), scheme_id=scheme, period=period, limit=limit)

    found = answered(settings, act)
    if as_json:
        print(terminal.as_json([_head_as_json(head) for head in found]))
        return
    table = Table()
    for title in ("编号", "区域", "方案", "期间", "版本", "时间", "经办", "原因"):
        table.add_column(title, overflow="fold")
    for head in found:
        table.add_row(
            head.run_id[:12], format_region(head.region), f"{head.scheme_id} v{head.scheme_version}", head.period,
            str(head.revision), f"{head.made_time.astimezone():%Y-%m-%d %H:%M}", plain(head.made_by),
            plain(head.reason),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def show(
    run_id: RunId,
    config: Config = Path("sanji.toml"),
    unit: Annotated[str, typer.Option(help="只看一个单位的各项来源 / the parts of one unit, with their sources")] = "",
    as_json: Json = False,
) -> None:
    """显示一次评分：得分、名次、各项来源、与上一版的差别。 / Show a run: scores, ranks, sources, what has changed."""
    settings = load(config)

    async def act(ledger: Ledger) -> tuple[Shown, tuple[Change, ...]]:
        desk = ScoreDesk(ledger, settings, system_clock)
        shown = await desk.find(subtree(settings.hub.region), run_id)
        return shown, await desk.changes(shown)

    shown, changes = answered(settings, act)
    if as_json:
        print(terminal.as_json(_as_json(shown)))
        return
    _print(shown, unit)
    _print_changes(tuple(change for change in changes if unit in ("", change.unit)))


@commands.command(name="reproduce")
def reproduce_run(run_id: RunId, config: Config = Path("sanji.toml")) -> None:
    """按留存的方案和输入重新计算并比对摘要；不一致时退出码为 1。 / Repeat a run and compare every digest."""
    settings = load(config)

    async def act(ledger: Ledger) -> Reproduced:
        desk = ScoreDesk(ledger, settings, system_clock)
        return reproduce(await desk.find(subtree(settings.hub.region), run_id))

    found = answered(settings, act)
    for name, told, again in found.digests:
        typer.echo(f"{'✓' if told == again else '✗'} {name} {told}{'' if told == again else f' → {again}'}")
    if not found.is_same:
        fail("重新计算的结果不一致。 / It does not come out the same.", 1)
    typer.echo(f"OK：{found.shown.head.run_id} 可重现。 / It comes out the same.")


@commands.command()
def review(
    scheme: SchemeId,
    period: Annotated[str, typer.Argument(help="季度、半年或年，如 2020-Q1、2020 / quarter, half-year or year")],
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """按各月评分汇总一个季度或一年（有案件的月份取平均）。 / Join the months of a quarter or year."""
    settings = load(config)
    where, span = region_in(settings, region), parse_period_or_fail(period)

    async def act(ledger: Ledger) -> list[Shown]:
        desk = ScoreDesk(ledger, settings, system_clock)
        return [await desk.of_period(where, scheme, str(month)) for month in span.months]

    months = answered(settings, act)
    kept = [shown.kept for shown in months if isinstance(shown.kept, KeptRun)]
    if len(kept) < len(months):
        fail("只有单位计分的方案可以汇总。 / Only runs of units can be joined.")
    _print_units(f"{scheme} {span.period}", rolled_up(kept[-1].run.scheme, [one.run.scores for one in kept]))


def parse_period_or_fail(text: str) -> Any:
    """Reads a period, or ends the command in words."""
    from exchange_db.records import Violated

    try:
        return parse_period(text)
    except Violated as refused:
        fail(f"期间 {text}：{refused.violation.message_zh} / {refused.violation.message}")


@commands.command(name="object")
def object_to(
    run_id: RunId,
    entry: Annotated[str, typer.Argument(help="有异议的项，如 supervision / the part or entry")],
    grounds: Annotated[str, typer.Option(help="理由 / why")],
    unit: Annotated[str, typer.Option(help="单位代码 / the unit")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """对评分中的一项提出异议。 / Object to a part of a score."""
    settings = load(config)

    async def act(ledger: Ledger) -> Any:
        scores = ScoreDesk(ledger, settings, system_clock)
        shown = await scores.find(subtree(settings.hub.region), run_id)
        return await ObjectionDesk(ledger, settings, system_clock, scores).object_to(shown, unit, entry, grounds)

    row = answered(settings, act)
    typer.echo(f"已受理异议 {row.objection_id}。 / The objection is kept.")


@commands.command()
def rule(
    number: Annotated[UUID, typer.Argument(help="异议编号 / number of the objection")],
    ruling: Annotated[str, typer.Option(help="裁定理由 / the reasons")],
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="成立，或不成立 / whether the unit is right")],
    value: Annotated[str, typer.Option(help="成立时改用的分值或次数 / what takes the place of the value")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """裁定异议（不得由提出人裁定）；成立时重新评分。 / Rule on an objection; one upheld makes a new revision."""
    settings = load(config)

    async def act(ledger: Ledger) -> Any:
        scores = ScoreDesk(ledger, settings, system_clock)
        desk = ObjectionDesk(ledger, settings, system_clock, scores)
        return await desk.rule(subtree(settings.hub.region), number, ruling=ruling, value=value, is_upheld=uphold)

    ruled = answered(settings, act)
    if ruled.made is None:
        typer.echo("异议不成立，评分不变。 / Rejected; the score stands.")
        return
    head = ruled.made.shown.head
    typer.echo(f"异议成立，第 {head.revision} 版 {head.run_id[:12]}。 / Upheld; revision {head.revision}.")
    _print_changes(ruled.made.changes)


@commands.command()
def objections(config: Config = Path("sanji.toml"), region: Region = "", as_json: Json = False) -> None:
    """列出异议和裁定。 / List objections and rulings."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> Any:
        scores = ScoreDesk(ledger, settings, system_clock)
        return await ObjectionDesk(ledger, settings, system_clock, scores).listing(subtree(where))

    rows = answered(settings, act)
    if as_json:
        print(terminal.as_json([msgspec.to_builtins(row._asdict()) for row in rows]))
        return
    table = Table()
    for title in ("编号", "方案", "期间", "单位", "项", "理由", "提出", "状态", "裁定"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.objection_id), row.scheme_id, row.period, plain(row.unit_code), row.entry_id, plain(row.grounds),
            plain(row.made_by), _STATES[row.state], plain(f"{row.ruled_value} {row.ruling}".strip()),
        )  # fmt: skip
    Console().print(table)


def _print(shown: Shown, unit: str) -> None:
    head = shown.head
    title = f"{format_region(head.region)} {head.scheme_id} {head.period} 第 {head.revision} 版"
    if isinstance(shown.kept, KeptTree):
        _print_tree(title, shown.kept)
    else:
        _print_units(title, tuple(one for one in shown.kept.run.scores if unit in ("", one.unit)))
    if unit or isinstance(shown.kept, KeptTree):
        _print_sources(shown.kept.sources, unit)
    typer.echo(f"编号 {head.run_id}，{head.code_version}。 / run {head.run_id}.")


def _print_units(title: str, scores: tuple[UnitScore, ...]) -> None:
    table = Table(title=plain(title))
    for name in ("组", "名次", "单位", "得分", "各项", "标记"):
        table.add_column(name, overflow="fold")
    for score in scores:
        lines = "，".join(f"{line.name_zh} {USUAL.text(line.points)}" for line in score.lines)
        mark = "一票否决" if score.is_vetoed else _MARKS.get(score.standing, "")
        table.add_row(
            plain(score.group), str(score.rank or "—"), plain(score.unit), score.display or "—", plain(lines), mark
        )
    Console().print(table)


def _print_tree(title: str, kept: KeptTree) -> None:
    table = Table(title=plain(title))
    for name in ("指标", "权重", "取值", "得分"):
        table.add_column(name, overflow="fold")
    for score in kept.run.scores.scores:
        value = "—" if score.value is None else USUAL.text(score.value)
        weight = "" if score.node.weight is None else f"{float(score.node.weight):g}"
        points = "—" if score.points is None else USUAL.text(score.points)
        table.add_row(plain("　" * score.depth + score.node.name_zh), weight, value, points)
    Console().print(table)
    scores = kept.run.scores
    if scores.display:
        typer.echo(f"得分 {scores.display} {scores.grade.name_zh if scores.grade else ''}")
    if scores.missing:
        typer.echo(f"缺少 {len(scores.missing)} 项：{'、'.join(scores.missing)}。 / These are missing.")


def _print_sources(sources: tuple[InputSource, ...], unit: str) -> None:
    table = Table(title="来源 / sources")
    for name in ("项", "取值", "来源", "依据"):
        table.add_column(name, overflow="fold")
    for one in sources:
        if one.unit == unit:
            table.add_row(one.entry, exact_text(one.value), _ORIGINS[one.origin], plain(_basis(one)))
    Console().print(table)


def _basis(one: InputSource) -> str:
    if one.metric_id and one.denominator is not None and one.numerator is not None:
        return f"{one.metric_id} v{one.metric_version} = {exact_text(one.numerator)}/{exact_text(one.denominator)}"
    return " ".join(filter(None, (one.metric_id, *one.references, one.person, one.reason)))


def _print_changes(changes: tuple[Change, ...]) -> None:
    for change in changes:
        typer.echo(f"{plain(change.unit)} {change.entry}：{change.before or '—'} → {change.after or '—'}")


def _head_as_json(head: RunHead) -> dict[str, Any]:
    return head._asdict() | {"region": format_region(head.region), "made_time": head.made_time.isoformat()}


def _as_json(shown: Shown) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(shown.kept, enc_hook=exact_text)
    return {"head": _head_as_json(shown.head), **found}
