"""``sanji followup``: letters about frequent problems, and lists of cases somebody must look at."""

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.cases import CaseState
from exchange_db.document_records import DocumentKind, SubjectCase
from exchange_db.followup import ProposalFilter, ProposalRow
from exchange_db.followup_lists import Listed, Pair, Selector
from exchange_db.records import Violated
from exchange_db.regions import Regions, format_region, parse_region, region_of, subtree
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import with_ledger
from hub.cli.report_answers import desk_at
from hub.cli.terminal import as_json, fail, local_time, plain, visible
from hub.clock import system_clock
from hub.followup.escalation import ProposalState
from hub.followup.making import FollowupDesks, make_followup
from hub.followup.wording import LETTER_NAMES
from hub.reports.printing import LetterPrinter
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="高发问题函件与督办清单。 / Letters about frequent problems, lists.")
app.add_typer(commands, name="followup")

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
Number = Annotated[UUID, typer.Argument(help="建议编号 / number of the proposal")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")]

STATE_NAMES = {
    ProposalState.PROPOSED: "待确认",
    ProposalState.DISMISSED: "已放弃",
    ProposalState.SENT: "已发出",
    ProposalState.ANSWERED: "已办结",
    ProposalState.RETURNED: "已退回",
    ProposalState.UNANSWERED: "逾期未复",
}
_SELECTORS = "、".join((*Selector, "duplicates"))


@commands.command()
def propose(
    day: Annotated[str, typer.Option(help="日报日期，如 2020-06-15，缺省为昨日 / day of the report")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """按日报查找高发问题并核对答复（定时任务也会执行）。 / Look for frequent problems and answers now."""
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        fail(f"{day} 不是日期，应写作 2020-06-15。 / Write a day as 2020-06-15.")

    async def act(desks: FollowupDesks) -> str:
        found = await desks.letters.run_by_hand(chosen)
        return f"{found.proposed_count} 项新建议 / new proposals，{found.answered_count} 件已答复 / answered"

    typer.echo(_do(load(config), act))


@commands.command()
def proposals(
    state: Annotated[str, typer.Option(help=f"状态：{'、'.join(ProposalState)} / only in this state")] = "",
    region: Region = "",
    limit: Limit = 50,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出函件建议，最新的在前。 / List proposed letters, the newest first."""
    settings = load(config)
    if state and state not in tuple(ProposalState):
        fail(f"没有 {state} 这种状态，可用：{'、'.join(ProposalState)}。 / There is no such state.")
    wanted = ProposalFilter(_regions(settings, region), (state,) if state else ())
    rows = _do(settings, lambda desks: desks.letters.listing(wanted, limit))
    if json:
        print(as_json([_as_json(row) for row in rows]))
        return
    table = Table()
    for title in ("编号", "函件", "区域", "类别", "网格/单位", "件数", "日报", "收文", "状态", "期限"):
        table.add_column(title, overflow="fold")
    zone = ZoneInfo(settings.figures.zone)
    for row in rows:
        table.add_row(
            str(row.proposal_id), LETTER_NAMES[DocumentKind(row.letter_kind)], format_region(row.region),
            plain(row.class_key), plain(row.place), str(len(row.cases)), row.day.isoformat(), row.addressee_id or "?",
            STATE_NAMES[ProposalState(row.state)], local_time(row.deadline_time, zone),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def show(number: Number, config: Config = Path("sanji.toml")) -> None:
    """显示一项建议的全部步骤。 / Show a proposal with all steps of its problem."""
    settings = load(config)
    zone = ZoneInfo(settings.figures.zone)
    lines = []
    for row in _do(settings, lambda desks: desks.letters.chain(number, _regions(settings, ""))):
        letter, state = LETTER_NAMES[DocumentKind(row.letter_kind)], STATE_NAMES[ProposalState(row.state)]
        lines += [
            f"{row.step + 1}. {letter} {row.proposal_id} {state}",
            f"   {format_region(row.region)} {row.class_key} {row.place} {row.day}，{len(row.cases)} 件 / cases",
            f"   收文 / to: {row.addressee_id} {row.unit_name}",
            *([f"   文书 / document: {row.document_id}"] if row.document_id else []),
            *([f"   期限 / deadline: {local_time(row.deadline_time, zone)}"] if row.deadline_time else []),
            *([f"   {row.decided_by} {local_time(row.decided_time, zone)} {row.reason}"] if row.decided_by else []),
            *(f"   案件 / case: {case.issuer_id}/{case.case_no}" for case in row.cases),
        ]
    typer.echo(visible("\n".join(lines)))


@commands.command()
def confirm(
    number: Number,
    to: Annotated[str, typer.Option(help="收文平台，缺省为建议中的平台 / addressee in place of the one found")] = "",
    text: Annotated[str, typer.Option(help="正文，缺省按设置生成 / text in place of the usual one")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """确认并发出函件。 / Send the letter of a proposal."""
    settings, by = load(config), local_user().name
    regions = _regions(settings, "")
    row = _do(settings, lambda desks: desks.letters.confirm(number, regions, by, to=to, text=text))
    typer.echo(visible(f"已发往 {row.addressee_id}：{settings.hub.id}/{row.document_id} / Sent."))


@commands.command()
def dismiss(
    number: Number,
    reason: Annotated[str, typer.Option(help="事由 / why")],
    config: Config = Path("sanji.toml"),
) -> None:
    """放弃一项建议。 / Give a proposal up."""
    settings, by = load(config), local_user().name
    _do(settings, lambda desks: desks.letters.dismiss(number, _regions(settings, ""), by, reason))
    typer.echo("已放弃。 / Dismissed.")


@commands.command(name="list")
def list_cases(
    selector: Annotated[str, typer.Argument(help=f"清单：{_SELECTORS}；留空显示各清单件数 / list; empty: counts")] = "",
    region: Region = "",
    days: Annotated[int, typer.Option(min=1, max=3_660, help="重复件的查找天数 / days, for duplicates")] = 7,
    limit: Limit = 100,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """督办清单：超期、返工、推诿、上级交办、挂账、未派、错派、重复。 / Lists of cases somebody must look at."""
    settings = load(config)
    regions = _regions(settings, region)
    if not selector:
        counted = _do(settings, lambda desks: desks.lists.counts(regions))
        if json:
            print(as_json({name.value: count for name, count in counted.items()}))
        else:
            typer.echo("\n".join(f"{LIST_NAMES[name]} {name}：{count}" for name, count in counted.items()))
        return
    if selector == "duplicates":
        _print_pairs(settings, _do(settings, lambda desks: desks.lists.duplicates(regions, days, limit)), json=json)
        return
    if selector not in tuple(Selector):
        fail(f"没有 {selector} 这个清单，可用：{_SELECTORS}。 / There is no such list.")
    page = _do(settings, lambda desks: desks.lists.page(Selector(selector), regions, None, limit))
    if json:
        print(as_json([_case_json(row) for row in page.rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    table = Table(title=LIST_NAMES[Selector(selector)])
    for title in ("来源平台", "案件编号", "区域", "状态", "类别", "单位", "处置平台", "自", "至/期限", "督办"):
        table.add_column(title, overflow="fold")
    for row in page.rows:
        table.add_row(
            row.issuer_id, plain(row.case_no), format_region(row.region), CaseState(row.state).name.lower(),
            plain(row.class_key), plain(row.unit_code), row.handler_id, local_time(row.since_time, zone),
            local_time(row.until_time or row.deadline_time, zone), "是" if row.is_supervised else "",
        )  # fmt: skip
    Console().print(table)
    if page.next_place is not None:
        typer.echo(f"只显示了前 {limit} 件，可用 --limit 增加。 / There are more; raise --limit.")


LIST_NAMES = {
    Selector.OVERDUE: "超期未结",
    Selector.REOPENED: "返工",
    Selector.DISPUTED: "推诿待裁定",
    Selector.UPPER_TIER: "上级交办",
    Selector.SUSPENDED: "挂账",
    Selector.SUSPENSION_ENDING: "挂账将到期或已到期",
    Selector.UNSENT: "超时未派",
    Selector.RETURNED: "被退回",
    Selector.MISDISPATCHED: "错派",
}


@commands.command()
def supervise(
    case: Annotated[list[str], typer.Option(help="案件 平台/编号，可重复 / ISSUER/NO, may be repeated")],
    to: Annotated[str, typer.Option(help="收文平台 / addressee")],
    text: Annotated[str, typer.Option(help="正文 / text")],
    days: Annotated[int, typer.Option(min=1, max=365, help="答复期限（日） / days to answer")] = 5,
    config: Config = Path("sanji.toml"),
) -> None:
    """就清单中的案件发督办函，并在案件经过中记一笔。 / Send a letter of supervision about cases."""
    settings = load(config)
    try:
        region = region_of(to)
    except ValueError as error:
        fail(str(error))
    cases = tuple(_case(one) for one in case)
    document = _do(settings, lambda desks: desks.lists.supervise(cases, to, region, days, text))
    number = document.content.number if document.content else ""
    typer.echo(visible(f"已发出 {number} {document.issuer_id}/{document.document_id} / Sent."))


@commands.command()
def clear(
    first: Annotated[str, typer.Argument(help="先上报的案件 平台/编号 / the earlier case")],
    second: Annotated[str, typer.Argument(help="后上报的案件 平台/编号 / the later case")],
    reason: Annotated[str, typer.Option(help="事由 / why they are not one problem")],
    days: Annotated[int, typer.Option(min=1, max=3_660, help="查找天数 / days to look back")] = 30,
    config: Config = Path("sanji.toml"),
) -> None:
    """确认一对案件不是重复。 / Say that two cases are not the same problem."""
    settings, by = load(config), local_user().name
    wanted = (_case(first), _case(second))

    async def act(desks: FollowupDesks) -> bool:
        for pair in await desks.lists.duplicates(_regions(settings, ""), days, 10_000):
            found = (
                SubjectCase(pair.first_issuer_id, pair.first_case_no),
                SubjectCase(pair.second_issuer_id, pair.second_case_no),
            )
            if found == wanted:
                await desks.lists.clear(pair, by, reason)
                return True
        return False

    if not _do(settings, act):
        fail("清单中没有这一对案件。 / The list has no such pair.", 1)
    typer.echo("已记录。 / Noted.")


def _do(settings: Settings, act: Callable[[FollowupDesks], Awaitable[T]]) -> T:
    async def acting(ledger: Ledger) -> T:
        printer = LetterPrinter(ledger, desk_at(settings, ledger), ZoneInfo(settings.figures.zone))
        return await act(make_followup(settings, ledger, system_clock, print_letter=printer.print))

    try:
        return with_ledger(settings, acting)
    except Violated as refused:
        violation = refused.violation
        fail(f"{violation.field_path} {violation.message_zh} / {violation.message}".strip(), 1)


def _regions(settings: Settings, region: str) -> Regions:
    try:
        return subtree(parse_region(region) if region else settings.hub.region)
    except ValueError:
        fail(f"{region} 不是六位行政区划代码。 / is not a six-digit region code.")


def _case(name: str) -> SubjectCase:
    issuer_id, sign, case_no = name.partition("/")
    if not (sign and case_no):
        fail(f"{name} 应写作 平台/编号。 / Write ISSUER/NO.")
    return SubjectCase(issuer_id, case_no)


def _print_pairs(settings: Settings, pairs: list[Pair], *, json: bool) -> None:
    if json:
        shown = [
            {
                "region": format_region(pair.region),
                "class_key": pair.class_key,
                "first": f"{pair.first_issuer_id}/{pair.first_case_no}",
                "second": f"{pair.second_issuer_id}/{pair.second_case_no}",
                "metres": round(pair.metres, 1),
                "seconds": (pair.second_time - pair.first_time) // 1_000_000,
            }
            for pair in pairs
        ]
        print(as_json(shown))
        return
    zone = ZoneInfo(settings.figures.zone)
    table = Table(title="疑似重复采集")
    for title in ("区域", "类别", "先上报", "时间", "后上报", "时间", "相距（米）"):
        table.add_column(title, overflow="fold")
    for pair in pairs:
        table.add_row(
            format_region(pair.region), plain(pair.class_key), plain(f"{pair.first_issuer_id}/{pair.first_case_no}"),
            local_time(pair.first_time, zone), plain(f"{pair.second_issuer_id}/{pair.second_case_no}"),
            local_time(pair.second_time, zone), f"{pair.metres:.0f}",
        )  # fmt: skip
    Console().print(table)


def _as_json(row: ProposalRow) -> dict[str, Any]:
    return {
        "proposal_id": str(row.proposal_id),
        "chain_id": str(row.chain_id),
        "step": row.step,
        "letter": DocumentKind(row.letter_kind).name.lower(),
        "state": row.state,
        "region": format_region(row.region),
        "class_key": row.class_key,
        "place": row.place,
        "day": row.day.isoformat(),
        "addressee_id": row.addressee_id,
        "unit_code": row.unit_code,
        "document_id": row.document_id,
        "deadline_time": row.deadline_time,
        "cases": [f"{case.issuer_id}/{case.case_no}" for case in row.cases],
        "reason": row.reason,
    }


def _case_json(row: Listed) -> dict[str, Any]:
    return {
        "issuer_id": row.issuer_id,
        "case_no": row.case_no,
        "region": format_region(row.region),
        "state": CaseState(row.state).name.lower(),
        "class_key": row.class_key,
        "source_code": row.source_code,
        "authority_id": row.authority_id,
        "handler_id": row.handler_id,
        "unit_code": row.unit_code,
        "is_supervised": row.is_supervised,
        "reported_time": row.reported_time,
        "deadline_time": row.deadline_time,
        "since_time": row.since_time,
        "until_time": row.until_time,
    }
