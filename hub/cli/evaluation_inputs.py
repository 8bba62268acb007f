"""``sanji evaluation input``, ``inspection`` and ``survey``: what people and places bring to the scores."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from connectors.sheets import SheetInvalid, SheetRow, read_rows
from exchange_db.inspections import PlaceRow
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.evaluation import commands
from hub.cli.evaluation_runs import Config, Region, SchemeId, answered, region_in
from hub.cli.terminal import fail, plain
from hub.clock import system_clock
from hub.evaluation.desk import ScoreDesk
from hub.evaluation.inspecting import Checked, Finding, InspectionDesk, RoundKey
from hub.evaluation.intake import Given, GroupEntry, InputDesk
from hub.evaluation.schemes import Scheme
from hub.evaluation.surveying import MOST_ANSWERS, AnswerGiven, SurveyDesk, SurveyState
from hub.evaluation.surveys import SurveyInvalid, read_survey
from hub.settings import Settings

inputs = typer.Typer(
    no_args_is_help=True, help="填报：单位分组、专项督办分、正负面清单。 / Groups, scores and list entries people give."
)
commands.add_typer(inputs, name="input")
inspection = typer.Typer(no_args_is_help=True, help="现场抽检：点位、抽取、结果。 / Field inspections.")
commands.add_typer(inspection, name="inspection")
survey = typer.Typer(no_args_is_help=True, help="满意度调查：建立、导入、汇总。 / Surveys of satisfaction.")
commands.add_typer(survey, name="survey")

SheetFile = Annotated[Path, typer.Argument(help="表格：.csv、.xlsx / a sheet")]
InputNumber = Annotated[UUID, typer.Argument(help="填报编号 / number of what was given")]
RoundId = Annotated[str, typer.Argument(help="轮次，如 2020-W11 / name of the round")]
SurveyId = Annotated[str, typer.Argument(help="调查标识 / id of the survey")]
_STATES = {"proposed": "待批准", "approved": "已生效", "refused": "未批准"}


async def _scheme(ledger: Ledger, settings: Settings, region: int, scheme_id: str) -> Scheme:
    found = await ScoreDesk(ledger, settings, system_clock).definitions(region)
    if scheme_id not in found.schemes:
        raise Violated("SCHEME_UNKNOWN", "scheme", scheme_id)
    return found.schemes[scheme_id]


def _rows(file: Path) -> Iterator[SheetRow]:
    try:
        yield from read_rows(file)
    except SheetInvalid as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file}：无法读取，请检查路径。 / {file}: cannot be read ({error.strerror}).")


def _cell(row: SheetRow, name: str, *, is_needed: bool = True) -> str:
    text = row.values.get(name, "").strip()
    if is_needed and not text:
        fail(f"第 {row.number} 行缺少 {name}。 / Row {row.number} has no {name}.")
    return text


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{place}：{text} 不是日期，写法如 2020-03-20。 / {place}: {text} is no date; write 2020-03-20.")


@inputs.command()
def groups(file: SheetFile, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """导入单位分组（列：unit_code、group_code、first_day，可有 last_day、unit_name），整体替换。 / Groups."""
    settings = load(config)
    where = region_in(settings, region)
    entries = []
    for row in _rows(file):
        last = _cell(row, "last_day", is_needed=False)
        entries.append(
            GroupEntry(
                _cell(row, "unit_code"),
                _cell(row, "group_code"),
                _day(_cell(row, "first_day"), f"第 {row.number} 行 first_day"),
                _day(last, f"第 {row.number} 行 last_day") if last else None,
                _cell(row, "unit_name", is_needed=False),
            )
        )

    async def act(ledger: Ledger) -> None:
        await InputDesk(ledger, settings, system_clock).put_groups(where, entries)

    answered(settings, act)
    typer.echo(f"已登记 {len(entries)} 条分组。 / {len(entries)} entries are kept.")


@inputs.command()
def give(
    scheme: SchemeId,
    entry: Annotated[str, typer.Argument(help="方案中的项，如 supervision、praise / part, list entry or indicator")],
    value: Annotated[str, typer.Argument(help="分值，或清单项的次数 / score, or how often")],
    day: Annotated[str, typer.Option(help="计入的日期 / the day it counts at")],
    reason: Annotated[str, typer.Option(help="依据 / why")],
    unit: Annotated[str, typer.Option(help="单位代码 / the unit")] = "",
    evidence: Annotated[str, typer.Option(help="佐证材料 / evidence")] = "",
    target: Annotated[str, typer.Option(help="定量指标的目标值 / target of a quantitative indicator")] = "",
    verdict: Annotated[str, typer.Option(help="定性指标：met、partly、not_met / of a qualitative one")] = "",
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """填报一项分值或清单项；清单项须经他人批准才计入。 / Give a score, or a list entry for approval."""
    settings = load(config)
    where = region_in(settings, region)
    given = Given(entry, unit, _day(day, "--day"), value, reason, evidence, target, verdict)

    async def act(ledger: Ledger) -> Any:
        found = await _scheme(ledger, settings, where, scheme)
        return await InputDesk(ledger, settings, system_clock).give(where, found, given)

    row = answered(settings, act)
    typer.echo(f"已登记 {row.input_id}（{_STATES[row.state]}）。 / It is kept.")


@inputs.command()
def approve(number: InputNumber, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """批准他人填报的清单项。 / Approve what somebody else gave."""
    _decide(config, region, number, is_approved=True)


@inputs.command()
def refuse(number: InputNumber, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """不批准他人填报的清单项。 / Refuse what somebody else gave."""
    _decide(config, region, number, is_approved=False)


def _decide(config: Path, region: str, number: UUID, *, is_approved: bool) -> None:
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> Any:
        return await InputDesk(ledger, settings, system_clock).decide(where, number, is_approved=is_approved)

    typer.echo(f"{number}：{_STATES[answered(settings, act).state]}。 / Done.")


@inputs.command(name="list")
def list_inputs(config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """列出填报的内容。 / List what was given."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> Any:
        return await InputDesk(ledger, settings, system_clock).listing(subtree(where))

    table = Table()
    for title in ("编号", "方案", "项", "单位", "日期", "取值", "依据", "填报", "状态", "决定"):
        table.add_column(title, overflow="fold")
    for row in answered(settings, act):
        table.add_row(
            str(row.input_id), row.scheme_id, row.entry_id, plain(row.unit_code), f"{row.day}", row.value,
            plain(row.reason), plain(row.given_by), _STATES[row.state], plain(row.decided_by),
        )  # fmt: skip
    Console().print(table)


@inspection.command()
def places(file: SheetFile, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """导入点位名录（列：place_id、unit_code、kind、name），整体替换。 / Import the places."""
    settings = load(config)
    where = region_in(settings, region)
    found = [
        PlaceRow(
            _cell(row, "place_id"), _cell(row, "unit_code"), _cell(row, "kind"), _cell(row, "name", is_needed=False)
        )
        for row in _rows(file)
    ]

    async def act(ledger: Ledger) -> None:
        await InspectionDesk(ledger, settings, system_clock).put_places(where, found)

    answered(settings, act)
    typer.echo(f"已登记 {len(found)} 个点位。 / {len(found)} places are kept.")


@inspection.command(name="open")
def open_round(
    scheme: SchemeId,
    name: RoundId,
    day: Annotated[str, typer.Option(help="计入的日期 / the day it counts at")],
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """建立一轮抽检：固定点位和随机种子，公布种子摘要。 / Open a round and show the digest of its seed."""
    settings = load(config)
    key = RoundKey(region_in(settings, region), scheme, name)

    async def act(ledger: Ledger) -> Any:
        found = await _scheme(ledger, settings, key.region, scheme)
        return await InspectionDesk(ledger, settings, system_clock).open_round(key, found, _day(day, "--day"))

    typer.echo(f"种子摘要 {answered(settings, act).commitment}。 / Publish this digest before the draw.")


@inspection.command()
def draw(scheme: SchemeId, name: RoundId, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """抽取点位（只能抽取一次）。 / Draw the spots of a round, once."""
    settings = load(config)
    key = RoundKey(region_in(settings, region), scheme, name)

    async def act(ledger: Ledger) -> Any:
        return await InspectionDesk(ledger, settings, system_clock).draw(key)

    table = Table()
    for title in ("单位", "种类", "点位"):
        table.add_column(title)
    for spot in answered(settings, act):
        table.add_row(plain(spot.unit), plain(spot.kind), plain(spot.place_id))
    Console().print(table)


@inspection.command()
def enter(
    scheme: SchemeId,
    name: RoundId,
    file: SheetFile,
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """录入结果（列：place_id、score，可有 photos、note；photos 为附件摘要，以空格分隔）。 / Enter what was found."""
    settings = load(config)
    key = RoundKey(region_in(settings, region), scheme, name)
    findings = [
        Finding(
            _cell(row, "place_id"),
            _cell(row, "score"),
            tuple(_cell(row, "photos", is_needed=False).split()),
            _cell(row, "note", is_needed=False),
        )
        for row in _rows(file)
    ]

    async def act(ledger: Ledger) -> None:
        await InspectionDesk(ledger, settings, system_clock).enter(key, findings)

    answered(settings, act)
    typer.echo(f"已录入 {len(findings)} 个点位。 / {len(findings)} spots are entered.")


@inspection.command()
def reveal(scheme: SchemeId, name: RoundId, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """公布种子，供任何人复核抽取。 / Show the seed, so that anybody can draw again."""
    settings = load(config)
    key = RoundKey(region_in(settings, region), scheme, name)

    async def act(ledger: Ledger) -> Checked:
        return await InspectionDesk(ledger, settings, system_clock).reveal(key)

    _print_check(answered(settings, act))


@inspection.command(name="check")
def check_round(scheme: SchemeId, name: RoundId, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """复核一轮抽取；不符时退出码为 1。 / Draw a round again and compare."""
    settings = load(config)
    key = RoundKey(region_in(settings, region), scheme, name)

    async def act(ledger: Ledger) -> Checked:
        return await InspectionDesk(ledger, settings, system_clock).check(key)

    _print_check(answered(settings, act))


def _print_check(found: Checked) -> None:
    typer.echo(f"种子摘要 {found.commitment}")
    if found.seed:
        typer.echo(f"种子 {found.seed}")
    typer.echo(f"点位 {len(found.spots)} 个，已有结果 {found.result_count} 个。 / Spots, and those with a result.")
    if not found.is_right:
        fail("尚未抽取，或抽取结果与种子不符。 / Not drawn yet, or not what the seed gives.", 1)
    typer.echo("OK：抽取结果与种子相符。 / The draw is what the seed gives.")


@survey.command(name="open")
def open_survey(
    file: Annotated[Path, typer.Argument(help="调查（TOML），写法见 docs/evaluation.md / the survey")],
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """建立一项调查。 / Open a survey."""
    settings = load(config)
    where = region_in(settings, region)
    try:
        found = read_survey(file.name, file.read_bytes())
    except SurveyInvalid as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file}：无法读取，请检查路径。 / {file}: cannot be read ({error.strerror}).")

    async def act(ledger: Ledger) -> None:
        await SurveyDesk(ledger, settings, system_clock).open_survey(where, found)

    answered(settings, act)
    typer.echo(f"已建立调查 {found.id}。 / The survey is open.")


@survey.command(name="import")
def import_answers(
    name: SurveyId,
    file: SheetFile,
    channel: Annotated[str, typer.Option(help="渠道名称 / where the answers come from")] = "import",
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """导入答卷（列：respondent、各题标识，可有 unit_code、day）；重复的不计。 / Import answers."""
    settings = load(config)
    where = region_in(settings, region)
    own = ("respondent", "unit_code", "day")
    given = []
    numbers = []
    for row in _rows(file):
        day = _cell(row, "day", is_needed=False)
        answers = {title: text for title, text in row.values.items() if title not in own}
        given.append(
            AnswerGiven(
                _cell(row, "respondent"),
                answers,
                _cell(row, "unit_code", is_needed=False),
                _day(day, f"第 {row.number} 行 day") if day else None,
            )
        )
        numbers.append(row.number)

    async def act(ledger: Ledger) -> Any:
        desk = SurveyDesk(ledger, settings, system_clock)
        outcome = []
        for start in range(0, len(given), MOST_ANSWERS):
            outcome += await desk.load(where, name, channel, given[start : start + MOST_ANSWERS])
        return outcome

    outcome = answered(settings, act)
    for number, violation in zip(numbers, outcome, strict=True):
        if violation is not None:
            typer.echo(f"第 {number} 行 {plain(violation.field_path)}：{plain(violation.message_zh)}", err=True)
    taken = sum(violation is None for violation in outcome)
    typer.echo(f"计入 {taken} 份，未计入 {len(outcome) - taken} 份。 / {taken} taken, {len(outcome) - taken} not.")
    if taken < len(outcome):
        raise typer.Exit(1)


@survey.command(name="show")
def show_survey(
    name: SurveyId,
    unit: Annotated[str, typer.Option(help="只看一个单位 / only this unit")] = "",
    config: Config = Path("sanji.toml"),
    region: Region = "",
) -> None:
    """显示调查的实时汇总。 / Show what the answers add up to now."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> SurveyState:
        return await SurveyDesk(ledger, settings, system_clock).state(where, name, unit)

    found = answered(settings, act)
    counts = {(one.question_id, one.option_id): one.answer_count for one in found.tallies}
    table = Table(title=plain(found.definition.zh))
    for title in ("题目", "选项", "份数"):
        table.add_column(title, overflow="fold")
    for question in found.definition.questions:
        for option in question.options:
            table.add_row(plain(question.zh), plain(option.zh), str(counts.get((question.id, option.id), 0)))
    Console().print(table)
    content, asked = found.satisfaction
    rate = f"{content * 100 / asked:.2f} %" if asked else "—"
    typer.echo(f"满意 {content} / {asked}，满意率 {rate}。 / Content among those asked.")


@survey.command(name="close")
def close_survey(name: SurveyId, config: Config = Path("sanji.toml"), region: Region = "") -> None:
    """提前结束一项调查。 / End a survey."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> None:
        await SurveyDesk(ledger, settings, system_clock).close(where, name)

    answered(settings, act)
    typer.echo(f"已结束调查 {name}。 / The survey has ended.")
