"""``sanji deadline``: computes a deadline and shows every day on the way, so that a person can check it by hand."""

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from connectors.mapping_values import Clock, TimeUncertain, half_width, moment
from exchange_db.records import CodeKind, printable
from exchange_db.regions import parse_region
from exchange_db.session import Ledger
from hub.bootstrap import deadline_policy
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.deadline_listing import Shown, as_json, print_deadline
from hub.cli.ledger import ask
from hub.cli.terminal import fail
from hub.standards.calendar import WorkingCalendar
from hub.standards.calendar_file import read_calendar
from hub.standards.computing import DeadlineQuestion, computed
from hub.standards.deadlines import DeadlinePolicy
from hub.standards.layers import RuleReader, shipped_book
from hub.standards.limits import RuleBroken, parse_limit
from hub.standards.release_cells import KINDS
from hub.standards.rulebook import ConditionKey, RuleBook

_FORMATS = tuple(
    f"{day}{between}{time}{offset}"
    for day in ("%Y-%m-%d", "%Y/%m/%d")
    for between in (" ", "T")
    for time in ("%H:%M", "%H:%M:%S")
    for offset in ("", "%z", " %z")
)


class _Named(NamedTuple):
    """A filing condition as it was typed."""

    standard: str
    kind: str
    code: str
    number: int


@app.command()
def deadline(
    start: Annotated[str, typer.Option(help='起算时间，如 "2021-12-31 17:00"，无时区的按区域时区 / local time')],
    limit: Annotated[str, typer.Option(help="时限，如 4工作时、'2紧急工作时围护 | 5工作日修复' / limit")] = "",
    standard: Annotated[str, typer.Option(help="标准，如 GB/T-30428.2-2013，可只写年份 / standard of --code")] = "",
    kind: Annotated[str, typer.Option(help="部件或事件，可省略 / component or event, where the code is both")] = "",
    code: Annotated[str, typer.Option(help="小类代码，按其立案条件取时限 / class whose filing condition counts")] = "",
    condition: Annotated[
        int, typer.Option(min=0, max=999, help="立案条件序号，只有一个时可省略 / number of the filing condition")
    ] = 0,
    region: Annotated[str, typer.Option(help="行政区划代码，缺省为全国 / region")] = "000000",
    config: Annotated[
        Path | None, typer.Option(help="枢纽设置文件：按其生效的发布计算 / count by the releases in force at this hub")
    ] = None,
    calendar: Annotated[Path | None, typer.Option(help="区域日历文件（TOML）/ what regions have set")] = None,
    is_day_end: Annotated[
        bool, typer.Option("--day-end", help="工作日算到下班，缺省保留起算时刻 / days end with the working day")
    ] = False,
    is_consecutive: Annotated[
        bool, typer.Option("--consecutive", help="各步首尾相接，缺省均自起算时间计 / steps follow one another")
    ] = False,
    is_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """计算截止时间，列出跳过的每一天及其原因。 / Compute a deadline and show the days on the way."""
    if bool(limit) is bool(code):
        fail("请用 --limit 给出时限，或用 --code 给出小类，二者取一。 / give either --limit or --code.")
    if config and calendar:
        fail("--config 与 --calendar 只能取一。 / give --config or --calendar, not both.")
    place, named = _region(region), _Named(standard, kind, code, condition)
    policy = DeadlinePolicy(is_day_end, is_consecutive)
    try:
        rule = parse_limit(limit) if limit else None
        if config:
            settings = load(config)
            usual = deadline_policy(settings)
            policy = DeadlinePolicy(is_day_end or usual.is_day_end, is_consecutive or usual.are_steps_consecutive)
            start_time, book = ask(settings, lambda ledger: _in_force(ledger, place, start))
        else:
            book = shipped_book(read_calendar(calendar) if calendar else {})
            start_time = _start(start, book.calendar(place))
        question = DeadlineQuestion(place, start_time, rule or _condition(book, place, named))
        shown = Shown(question, computed(question, book, policy), book.calendar(place), policy, book.left_out)
    except RuleBroken as error:
        fail(str(error))
    if is_json:
        print(json.dumps(as_json(shown), ensure_ascii=False, indent=2))
    else:
        print_deadline(shown)


async def _in_force(ledger: Ledger, region: int, start: str) -> tuple[int, RuleBook]:
    """Returns the start, read in the zone of the region, and what is in force there and then."""
    reader = RuleReader()
    async with ledger.read() as session:
        book = await reader.book(session, region, _start(start, WorkingCalendar()))
        start_time = _start(start, book.calendar(region))
        return start_time, await reader.book(session, region, start_time)


def _condition(book: RuleBook, region: int, named: _Named) -> ConditionKey:
    if not named.standard:
        fail("--standard：请注明代码所属标准，如 GB/T-30428.2-2013。 / name the standard of the code.")
    standard_ref = book.catalogue.named(named.standard).standard_ref
    if named.kind:
        kind = KINDS.get(half_width(named.kind).lower())
        if kind is None:
            fail(f"--kind {printable(named.kind[:20])!r}：应为 event 或 component。 / write event or component.")
    else:
        known = book.catalogue.lists.get(standard_ref)
        kinds = [one for one in CodeKind if known and known.find(one, named.code, region)]
        if len(kinds) > 1:
            fail(f"--kind：{named.code} 既是部件也是事件，请注明。 / the code is both; say component or event.")
        kind = kinds[0] if kinds else CodeKind.EVENT
    return ConditionKey(standard_ref, kind, named.code, named.number)


def _region(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        shown = printable(text[:20])
        fail(f"--region {shown!r}：应为六位行政区划代码，如 431200。 / write six digits such as 431200.")


def _start(text: str, calendar: WorkingCalendar) -> int:
    shown = printable(text[:40])
    try:
        return calendar.known(moment(half_width(text), _FORMATS, Clock(calendar.zone)))
    except TimeUncertain:
        fail(
            f"--start {shown!r}：因夏令时调整，该时刻不存在或出现两次，请写明时区，如 +08:00。"
            " / clocks were changed then; write the offset, such as +08:00."
        )
    except ValueError:
        fail(
            f'--start {shown!r}：应为日期和时间，如 "2021-12-31 17:00"。'
            ' / write date and time, such as "2021-12-31 17:00".'
        )
