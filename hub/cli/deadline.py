"""``sanji deadline``: computes a deadline and shows every day on the way, so that a person can check it by hand."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.mapping_values import Clock, TimeUncertain, half_width, moment
from exchange_db.counting import CountingRules, month_of
from exchange_db.records import printable
from exchange_db.regions import format_region, parse_region
from hub.cli.app import app
from hub.standards.calendar import Day, DayKind, WorkingCalendar
from hub.standards.calendar_file import read_calendar
from hub.standards.deadlines import DeadlinePolicy, Milestone, milestones_of
from hub.standards.limits import WORKING_UNITS, LimitRule, LimitUnit, RuleBroken, parse_limit

_FORMATS = tuple(
    f"{day}{between}{time}{offset}"
    for day in ("%Y-%m-%d", "%Y/%m/%d")
    for between in (" ", "T")
    for time in ("%H:%M", "%H:%M:%S")
    for offset in ("", "%z", " %z")
)
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_KINDS = {
    DayKind.WORKING: "工作日",
    DayKind.MAKE_UP: "调休上班",
    DayKind.EXTRA_WORKING: "本地加班",
    DayKind.WEEKEND: "周末",
    DayKind.HOLIDAY: "放假",
    DayKind.EXTRA_HOLIDAY: "本地放假",
}
#: Most lines of days that are printed of one step; ``--json`` gives all.
_SHOWN = 40
_SECOND = 1_000_000


class _Days(NamedTuple):
    """A day that counts, or a run of days that do not for the same reason."""

    first: date
    last: date
    day: Day
    counted: str = ""


@app.command()
def deadline(
    start: Annotated[str, typer.Option(help='起算时间，如 "2021-12-31 17:00"，无时区的按区域时区 / local time')],
    limit: Annotated[str, typer.Option(help="时限，如 4工作时、'2紧急工作时围护 | 5工作日修复' / limit")],
    region: Annotated[str, typer.Option(help="行政区划代码，缺省为全国 / region")] = "000000",
    calendar: Annotated[Path | None, typer.Option(help="区域日历文件（TOML）/ what regions have set")] = None,
    is_day_end: Annotated[
        bool, typer.Option("--day-end", help="工作日算到下班，缺省保留起算时刻 / days end with the working day")
    ] = False,
    is_consecutive: Annotated[
        bool, typer.Option("--consecutive", help="各步首尾相接，缺省均自起算时间计 / steps follow one another")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """计算截止时间，列出跳过的每一天及其原因。 / Compute a deadline and show the days on the way."""
    policy = DeadlinePolicy(is_day_end, is_consecutive)
    try:
        known = read_calendar(calendar) if calendar else {}
        working = WorkingCalendar(known, _region(region))
        start_time = _start(start, working)
        rule = parse_limit(limit)
        steps = milestones_of(start_time, rule, working, policy)
        notes = list(_notes(start_time, rule, steps, working, policy))
        ways = [list(_way(step, working, policy)) for step in steps]
    except RuleBroken as error:
        _fail(str(error))
    if as_json:
        print(json.dumps(_as_json(start_time, rule, steps, ways, notes, working), ensure_ascii=False, indent=2))
    else:
        _print(start_time, steps, ways, notes, working)


def _region(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        shown = printable(text[:20])
        _fail(f"--region {shown!r}：应为六位行政区划代码，如 431200。 / write six digits such as 431200.")


def _start(text: str, calendar: WorkingCalendar) -> int:
    shown = printable(text[:40])
    try:
        return calendar.known(moment(half_width(text), _FORMATS, Clock(calendar.zone)))
    except TimeUncertain:
        _fail(
            f"--start {shown!r}：因夏令时调整，该时刻不存在或出现两次，请写明时区，如 +08:00。"
            " / clocks were changed then; write the offset, such as +08:00."
        )
    except ValueError:
        _fail(
            f'--start {shown!r}：应为日期和时间，如 "2021-12-31 17:00"。'
            ' / write date and time, such as "2021-12-31 17:00".'
        )


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)


def _way(step: Milestone, calendar: WorkingCalendar, policy: DeadlinePolicy) -> Iterator[_Days]:
    """Yields the days from the start of a step to its deadline; none where every hour counts."""
    if step.limit.unit not in WORKING_UNITS:
        return
    number, run = 0, None
    is_hours = step.limit.unit is LimitUnit.WORKING_HOUR
    begin = _begin(step, calendar, policy)
    last, start_day = calendar.date_of(_due(step) - 1), calendar.date_of(begin)
    day = calendar.date_of(step.start_time)
    while day <= last:
        kind = calendar.day(day)
        if kind.is_working:
            if run is not None:
                yield run
                run = None
            number += day > start_day
            counted = _hours_counted(day, step, calendar) if is_hours else _day_counted(day, number, begin, calendar)
            yield _Days(day, day, kind, counted)
        elif run is not None and run.day == kind:
            run = run._replace(last=day)
        else:
            if run is not None:
                yield run
            run = _Days(day, day, kind)
        day += timedelta(1)


def _begin(step: Milestone, calendar: WorkingCalendar, policy: DeadlinePolicy) -> int:
    """Returns the moment a step really counts from."""
    is_whole_days = step.limit.unit is LimitUnit.WORKING_DAY and step.limit.value.denominator == 1
    if step.limit.unit not in WORKING_UNITS or (policy.is_day_end and is_whole_days):
        return step.start_time
    return calendar.opening(step.start_time)


def _hours_counted(day: date, step: Milestone, calendar: WorkingCalendar) -> str:
    parts = [
        (max(opens, step.start_time), min(closes, _due(step)))
        for opens, closes in calendar.intervals(day)
        if opens < _due(step) and closes > step.start_time
    ]
    if not parts:
        return "已下班"
    spans = "、".join(f"{_clock(first, calendar)}–{_clock(last, calendar)}" for first, last in parts)
    return f"{spans}，计 {_duration(sum(last - first for first, last in parts))}"


def _day_counted(day: date, number: int, begin: int, calendar: WorkingCalendar) -> str:
    start_day = calendar.date_of(begin)
    if day < start_day:
        return "已下班"
    return f"第 {number} 个工作日" if day > start_day else f"{_clock(begin, calendar)} 起算"


def _notes(
    start_time: int, rule: LimitRule, steps: tuple[Milestone, ...], calendar: WorkingCalendar, policy: DeadlinePolicy
) -> Iterator[str]:
    """Yields what a person must know to check the answer, and what is not certain about it."""
    if rule.condition and calendar.season(rule.condition) is None:
        yield (
            f"条件“{rule.condition}”的起止日期未设置（可写入日历文件的 seasons），按条件成立计算，未经核实。"
            " / The season is not set; taken as given."
        )
    elif rule.condition and steps[0].start_time != start_time:
        yield (
            f"起算时不在“{rule.condition}”，自 {_local(steps[0].start_time, calendar)} 起算；这一读法未经核实。"
            " / Waits for the season."
        )
    for step in steps:
        begin = _begin(step, calendar, policy)
        if begin != step.start_time:
            told = f"“{step.name}”起算时不在工作时间，自 {_local(begin, calendar)} 起算。"
            yield f"{told} / Begins when people next work."
        if step.limit.unit is LimitUnit.WORKING_DAY and step.limit.value.denominator > 1:
            yield f"“{step.name}”不足一日的部分按工作时间折算。 / A part of a day is that part of its working time."
        if step.limit.unit not in WORKING_UNITS:
            yield f"“{step.name}”昼夜连续计算，节假日照计。 / Every hour counts, holidays included."
    unknown = _unknown_years(steps, calendar)
    if unknown:
        years = "、".join(map(str, unknown))
        yield (
            f"日历不确定：{years} 年的放假通知未收录，按周一至周五计算；可在日历文件中补充。"
            f" / Calendar uncertain: no holiday notice for {unknown[0]}; Monday to Friday stand in."
        )
    else:
        yield "日历确定：所涉日期均有放假通知或本地设置。 / Calendar certain."


def _unknown_years(steps: tuple[Milestone, ...], calendar: WorkingCalendar) -> list[int]:
    """Returns the years on the way whose days are not known, where days matter."""
    years = {
        year
        for step in steps
        if step.limit.unit in WORKING_UNITS
        for year in range(calendar.date_of(step.start_time).year, calendar.date_of(_due(step)).year + 1)
    }
    return sorted(year for year in years if not calendar.is_certain(year))


def _print(
    start_time: int, steps: tuple[Milestone, ...], ways: list[list[_Days]], notes: list[str], calendar: WorkingCalendar
) -> None:
    console = Console()
    console.print(f"起算 {_local(start_time, calendar)}（{calendar.zone.key}），区域 {format_region(calendar.region)}")
    table = Table("步骤", "时限", "截止时间", "统计月份")
    for step in steps:
        table.add_row(escape(step.name), str(step.limit), _local(_due(step), calendar), _month(_due(step), calendar))
    console.print(table)
    for step, way in zip(steps, ways, strict=True):
        if not way:
            continue
        table = Table("日期", "星期", "性质", "计时", title=f"{escape(step.name)}（{step.limit}）逐日")
        hidden = len(way) - _SHOWN
        for index, days in enumerate(way):
            if hidden > 0 and index == _SHOWN // 2:
                table.add_row("…", "", f"另有 {hidden} 行", "见 --json")
            if hidden <= 0 or not _SHOWN // 2 <= index < len(way) - _SHOWN // 2:
                table.add_row(*_line(days, is_last=index == len(way) - 1, step=step, calendar=calendar))
        console.print(table)
    for note in notes:
        typer.echo(note)


def _line(days: _Days, *, is_last: bool, step: Milestone, calendar: WorkingCalendar) -> tuple[str, str, str, str]:
    counted = days.counted or "不计"
    if is_last and step.limit.unit is LimitUnit.WORKING_DAY:
        counted += f"，到 {_clock(_due(step), calendar)}"
    name = _KINDS[days.day.kind] + (f"：{days.day.festival}" if days.day.festival else "")
    if days.first == days.last:
        return f"{days.first}", _WEEKDAYS[days.first.weekday()], name, counted
    weekdays = f"{_WEEKDAYS[days.first.weekday()]}–{_WEEKDAYS[days.last.weekday()]}"
    return f"{days.first} – {days.last:%m-%d}", weekdays, f"{name}，{(days.last - days.first).days + 1} 天", counted


def _as_json(
    start_time: int,
    rule: LimitRule,
    steps: tuple[Milestone, ...],
    ways: list[list[_Days]],
    notes: list[str],
    calendar: WorkingCalendar,
) -> dict[str, Any]:
    return {
        "start": _iso(start_time, calendar),
        "start_time": start_time,
        "region": format_region(calendar.region),
        "zone": calendar.zone.key,
        "condition": rule.condition,
        "is_certain": not _unknown_years(steps, calendar),
        "milestones": [
            {
                "name": step.name,
                "limit": str(step.limit),
                "limit_unit": int(step.limit.unit),
                "deadline": _iso(_due(step), calendar),
                "deadline_time": _due(step),
                "weekday": _WEEKDAYS[calendar.date_of(_due(step)).weekday()],
                "month": _month(_due(step), calendar),
                "days": [
                    {"from": f"{days.first}", "to": f"{days.last}", "kind": days.day.kind.value}
                    | {"festival": days.day.festival, "is_counted": days.day.is_working, "counted": days.counted}
                    for days in way
                ],
            }
            for step, way in zip(steps, ways, strict=True)
        ],
        "notes": notes,
    }


def _due(step: Milestone) -> int:
    if step.deadline_time is None:  # only a pause leaves it open, and this command knows of none
        raise AssertionError(step)
    return step.deadline_time


def _month(moment_time: int, calendar: WorkingCalendar) -> str:
    month = month_of(moment_time, CountingRules(zone=calendar.zone.key))
    return f"{month // 100}-{month % 100:02d}"


def _zoned(moment_time: int, calendar: WorkingCalendar) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_time)).astimezone(calendar.zone)


def _iso(moment_time: int, calendar: WorkingCalendar) -> str:
    return _zoned(moment_time, calendar).isoformat()


def _local(moment_time: int, calendar: WorkingCalendar) -> str:
    found = _zoned(moment_time, calendar)
    return f"{found:%Y-%m-%d} {_WEEKDAYS[found.weekday()]} {_clock(moment_time, calendar)}"


def _clock(moment_time: int, calendar: WorkingCalendar) -> str:
    found = _zoned(moment_time, calendar)
    return f"{found:%H:%M:%S}" if found.second else f"{found:%H:%M}"


def _duration(amount: int) -> str:
    minutes, seconds = divmod(amount // _SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "小时"), (minutes, "分"), (seconds, "秒"))
    return " ".join(f"{value} {name}" for value, name in parts if value) or "0 小时"
