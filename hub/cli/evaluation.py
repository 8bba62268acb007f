"""``sanji evaluation``: self-evaluations checked, and drawn from counts."""

from collections.abc import Awaitable, Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from connectors.sheets import SheetInvalid
from hub.cli import terminal
from hub.cli.app import app
from hub.cli.terminal import fail, plain
from hub.evaluation.checking.check import NothingToCheck, check_document
from hub.evaluation.checking.documents import read_document
from hub.evaluation.checking.findings import CAUSE_NAMES, RULE_NAMES, CauseFound, Report, Severity
from hub.evaluation.checking.ledger_rules import HeldCounts
from hub.statistics.definition_file import DefinitionInvalid
from hub.statistics.registry import NATIONAL, MetricRegistry, MetricUnknown, shipped_registry

T = TypeVar("T")

commands = typer.Typer(
    help="综合评价：评分、抽检、调查、异议、自评表。 / Evaluation: scores, surveys, self-evaluations.",
    no_args_is_help=True,
)
app.add_typer(commands, name="evaluation")

_SEVERITIES = {Severity.WRONG: "不符", Severity.DOUBTFUL: "存疑", Severity.NOTE: "提示"}


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="绩效自评表或数据表：.xlsx、.docx、.csv / a filled-in form")],
    profile: Annotated[
        str, typer.Option(help="指标口径，如 national、zhongfang、zhuzhou、nanyang、yueyang / whose definitions")
    ] = NATIONAL,
    definitions: Annotated[
        list[Path] | None, typer.Option(help="另加的指标定义（TOML），可多次 / further definitions")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="枢纽设置文件：用其生效的指标定义 / use the definitions in force at this hub")
    ] = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="同时按台账核对（须给出 --config、--year） / also against the ledger")
    ] = False,
    region: Annotated[str, typer.Option(help="表中的区域，缺省为本枢纽 / the form's region")] = "",
    year: Annotated[int, typer.Option(min=0, max=2200, show_default=False, help="表中的年度 / the form's year")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """核对绩效自评表：逐项重新计算，列出不符之处；有不符或存疑时退出码为 1。 / Recompute a form."""
    if ledger and (config is None or not year):
        fail("--ledger 须同时给出 --config 和 --year。 / --ledger needs --config and --year.")
    try:
        registry = shipped_registry() if config is None else _in_force(config)
        if definitions:
            registry = registry.laid_over({path.name: path.read_bytes() for path in definitions})
        held = _held(config, region, year) if ledger and config is not None else None
        report = check_document(read_document(file), registry, profile, held)
    except (SheetInvalid, NothingToCheck, MetricUnknown, DefinitionInvalid) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}：无法读取，请检查路径。 / {error.filename}: cannot be read ({error.strerror}).")
    if as_json:
        print(terminal.as_json(_as_json(report)))
    else:
        _print(report)
    if report.has_disagreements:
        raise typer.Exit(1)


@commands.command()
def table(
    plan: Annotated[Path, typer.Argument(help="自评表内容（TOML），写法见 docs/evaluation.md / what the table has")],
    counts: Annotated[Path, typer.Option(help="计数项和数量（.csv、.xlsx、.docx）/ the counts")],
    output: Annotated[Path, typer.Option("--output", "-o", help="写入的 .xlsx 文件 / file to write")],
    profile: Annotated[str, typer.Option(help="指标口径 / whose definitions")] = NATIONAL,
) -> None:
    """由计数生成绩效自评表，保留公式。 / Draw the form of self-evaluation from counts, with its formulas."""
    from hub.evaluation.annual_table import PlanInvalid, draw_annual_table, read_plan
    from hub.statistics.definitions import CountMissing

    registry = shipped_registry()
    try:
        given = _given_counts(counts, registry, profile)
        output.write_bytes(draw_annual_table(read_plan(plan.name, plan.read_bytes()), registry, profile, given))
    except (SheetInvalid, PlanInvalid, MetricUnknown, CountMissing) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}：无法读写，请检查路径。 / {error.filename}: {error.strerror}; look at the path.")
    typer.echo(f"已写入 {output}。 / Written.")


@commands.command()
def annual(
    plan: Annotated[Path, typer.Argument(help="自评表内容（TOML），写法见 docs/evaluation.md / what the table has")],
    output: Annotated[Path, typer.Option("--output", "-o", help="写入的 .xlsx 文件 / file to write")],
    year: Annotated[int, typer.Option(min=1990, max=2200, help="年度 / year")],
    region: Annotated[str, typer.Option(help="区域，缺省为本枢纽 / region, default this hub's")] = "",
    counts: Annotated[
        Path | None, typer.Option(help="台账没有的计数项（.csv、.xlsx、.docx） / counts the ledger does not hold")
    ] = None,
    profile: Annotated[str, typer.Option(help="指标口径 / whose definitions")] = NATIONAL,
    config: Annotated[Path, typer.Option(help="设置文件 / settings file")] = Path("sanji.toml"),
) -> None:
    """由台账和调查生成年度绩效自评表，保留公式。 / Draw a year's self-evaluation from the ledger and its surveys."""
    from hub.evaluation.annual_table import PlanInvalid, draw_annual_table, read_plan
    from hub.statistics.definitions import CountMissing

    registry = _in_force(config)
    try:
        drawn = read_plan(plan.name, plan.read_bytes())
        if drawn.year != year:
            fail(f"{plan.name} year：{drawn.year} 与 --year {year} 不同。 / The plan is of another year.")
        given = {} if counts is None else _given_counts(counts, registry, profile)
        held = _annual(config, region, year)
        # What the ledger has counted is not overruled by a file.
        output.write_bytes(draw_annual_table(drawn, registry, profile, {**given, **held}))
    except (SheetInvalid, PlanInvalid, MetricUnknown, CountMissing) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}：无法读写，请检查路径。 / {error.filename}: {error.strerror}; look at the path.")
    typer.echo(f"已写入 {output}。 / Written.")


def _given_counts(file: Path, registry: MetricRegistry, profile: str) -> dict[str, Fraction]:
    from hub.evaluation.checking.desk import Desk
    from hub.evaluation.checking.figure_rules import take_counts
    from hub.evaluation.checking.forms import rows_of

    desk = Desk(registry, profile)
    take_counts(desk, rows_of(read_document(file)))
    return {name: stated.value for name, stated in desk.counters.items()}


def _held(config: Path, region: str, year: int) -> HeldCounts:
    from hub.evaluation.ledger_year import held_counts

    return _of_year(config, region, year, held_counts)


def _annual(config: Path, region: str, year: int) -> Mapping[str, int | Fraction]:
    from hub.evaluation.ledger_year import annual_counts

    return _of_year(config, region, year, annual_counts)


def _of_year(config: Path, region: str, year: int, read: Callable[..., Awaitable[T]]) -> T:
    """Reads something about a region and year from the ledger."""
    from exchange_db.figures import Basis
    from exchange_db.regions import format_region, parse_region, subtree
    from exchange_db.session import Ledger
    from hub.cli.configuration import load
    from hub.cli.ledger import ask
    from hub.statistics.sheets import draws_sheets

    settings = load(config)
    code = region or format_region(settings.hub.region)
    try:
        where = parse_region(code)
    except ValueError:
        fail(f"--region：{code} 不是六位行政区划代码。 / {code} is no six-digit region code.")
    if where not in subtree(settings.hub.region):
        fail(f"--region：{code} 不在本枢纽辖区内。 / {code} is not below this hub.")
    is_own = draws_sheets(settings.figures.draws_sheets, settings.hub.region)

    async def act(ledger: Ledger) -> T:
        async with ledger.read() as session:
            return await read(session, where, year, Basis.LEDGER if is_own else Basis.CHOICE)

    return ask(settings, act)


def _in_force(config: Path) -> MetricRegistry:
    from exchange_db.session import Ledger
    from hub.cli.configuration import load
    from hub.cli.ledger import ask
    from hub.clock import system_clock
    from hub.evaluation.releases import Definitions, definitions_in_force

    settings = load(config)

    async def act(ledger: Ledger) -> Definitions:
        async with ledger.read() as session:
            return await definitions_in_force(session, settings.hub.region, system_clock())

    found = ask(settings, act)
    for origin in found.left_out:
        typer.echo(f"! {origin.name} {origin.version} 无法读取，未采用。 / left out, cannot be read.", err=True)
    return found.metrics


def _as_json(report: Report) -> Any:
    return msgspec.to_builtins(report) | {"has_disagreements": report.has_disagreements}


def _print(report: Report) -> None:
    if report.findings:
        table = Table(title=f"核对结果（口径：{report.profile}）")
        for title in ("结论", "位置", "项目", "规则", "填报", "核算", "可能原因"):
            table.add_column(title, overflow="fold")
        for one in report.findings:
            table.add_row(
                _SEVERITIES[one.severity],
                plain(one.place),
                plain(one.name),
                RULE_NAMES[one.rule],
                plain(one.stated),
                plain(one.computed),
                "\n".join(plain(_cause_text(cause)) for cause in one.causes),
            )
        Console().print(table)
    counted = {kind: sum(one.severity is kind for one in report.findings) for kind in Severity}
    told = "，".join(f"{_SEVERITIES[kind]} {count} 处" for kind, count in counted.items())
    typer.echo(f"核对 {report.checked_count} 项：{told}。 / {report.checked_count} figures checked.")


def _cause_text(found: CauseFound) -> str:
    return f"{CAUSE_NAMES[found.cause]}（{found.detail}）" if found.detail else CAUSE_NAMES[found.cause]
