"""What ``sanji deadline`` prints: the steps, every day on the way, what was used, and what is not certain."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exchange_db.counting import CountingRules, month_of
from exchange_db.regions import format_region
from hub.standards.calendar import Day, DayKind, WorkingCalendar
from hub.standards.codes import spelled_code
from hub.standards.computing import ComputedDeadline, DeadlineQuestion
from hub.standards.deadlines import DeadlinePolicy, Milestone
from hub.standards.limits import WORKING_UNITS, LimitUnit
from hub.standards.manifest import StandardKind
from hub.standards.rulebook import Origin
from hub.standards.suggestions import KIND_NAMES

_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_KINDS = {
    DayKind.WORKING: "工作日",
    DayKind.MAKE_UP: "调休上班",
    DayKind.EXTRA_WORKING: "本地加班",
    DayKind.WEEKEND: "周末",
    DayKind.HOLIDAY: "放假",
    DayKind.EXTRA_HOLIDAY: "本地放假",
}
_ORIGINS: dict[str, str] = {
    StandardKind.CALENDAR: "日历",
    StandardKind.FILING_CONDITIONS: "立案条件",
    StandardKind.REGIONS: "区划",
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


class Shown(NamedTuple):
    """All there is to show. ``left_out``: releases in force that could not be read."""

    question: DeadlineQuestion
    found: ComputedDeadline
    calendar: WorkingCalendar
    policy: DeadlinePolicy
    left_out: tuple[Origin, ...]


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


def _notes(shown: Shown) -> Iterator[str]:
    """Yields what a person must know to check the answer, and what is not certain about it."""
    calendar, steps, season = shown.calendar, shown.found.steps, shown.found.rule.condition
    yield from _region_notes(shown)
    if not shown.found.is_season_known:
        yield (
            f"条件“{season}”的起止日期未设置（可写入日历文件的 seasons），按条件成立计算，未经核实。"
            " / The season is not set; taken as given."
        )
    elif season and steps[0].start_time != shown.question.start_time:
        yield (
            f"起算时不在“{season}”，自 {_local(steps[0].start_time, calendar)} 起算；这一读法未经核实。"
            " / Waits for the season."
        )
    for step in steps:
        begin = _begin(step, calendar, shown.policy)
        if begin != step.start_time:
            told = f"“{step.name}”起算时不在工作时间，自 {_local(begin, calendar)} 起算。"
            yield f"{told} / Begins when people next work."
        if step.limit.unit is LimitUnit.WORKING_DAY and step.limit.value.denominator > 1:
            yield f"“{step.name}”不足一日的部分按工作时间折算。 / A part of a day is that part of its working time."
        if step.limit.unit not in WORKING_UNITS:
            yield f"“{step.name}”昼夜连续计算，节假日照计。 / Every hour counts, holidays included."
    if unknown := shown.found.unknown_years:
        years = "、".join(map(str, unknown))
        yield (
            f"日历不确定：{years} 年的放假通知未收录，按周一至周五计算；可在日历文件中补充。"
            f" / Calendar uncertain: no holiday notice for {unknown[0]}; Monday to Friday stand in."
        )
    else:
        yield "日历确定：所涉日期均有放假通知或本地设置。 / Calendar certain."
    yield "依据 / by: " + "；".join(map(_origin, shown.found.origins))
    for origin in shown.left_out:
        yield (
            f"发布 {_origin(origin)} 已损坏或无法读取，未采用；请运行 sanji standards releases 查看。"
            " / This release cannot be read and was left out."
        )


def _region_notes(shown: Shown) -> Iterator[str]:
    region = shown.found.region
    if region is None or not shown.found.is_region_abolished:
        return
    following = "、".join(f"{format_region(one.region)} {one.name}" for one in shown.found.successors)
    instead = f"后继为 {following}，请改用后继代码" if following else "未列后继"
    yield (
        f"区划代码 {format_region(region.region)} {region.name} 已于 {region.valid_to} 停用，{instead}。"
        f" / This code was abolished{f'; use {following}' if following else ''}."
    )


def _origin(origin: Origin) -> str:
    by = origin.publisher_id or "随软件收录 / shipped"
    kind = _ORIGINS.get(origin.kind, origin.kind)
    return f"{' '.join(filter(None, (kind, origin.name, origin.version)))}（{by}）"


def print_deadline(shown: Shown) -> None:
    """Prints the answer for people."""
    console, calendar, found = Console(), shown.calendar, shown.found
    name = f" {escape(found.region.name)}" if found.region else ""
    console.print(
        f"起算 {_local(shown.question.start_time, calendar)}（{calendar.zone.key}），"
        f"区域 {format_region(shown.question.region)}{name}"
    )
    if (held := found.condition) is not None:
        named = f"{held.standard_ref} {KIND_NAMES[held.kind][0]} {spelled_code(held.code)}"
        closing = f"；结案条件：{held.closing}" if held.closing else ""
        console.print(escape(f"{named} 立案条件 {held.condition_no}：{held.condition}{closing}"))
    table = Table("步骤", "时限", "截止时间", "统计月份")
    for step in found.steps:
        table.add_row(escape(step.name), str(step.limit), _local(_due(step), calendar), _month(_due(step), calendar))
    console.print(table)
    for step in found.steps:
        way = list(_way(step, calendar, shown.policy))
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
    for note in _notes(shown):
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


def as_json(shown: Shown) -> dict[str, Any]:
    """Returns the answer for programs."""
    found, calendar = shown.found, shown.calendar
    condition = found.condition
    return {
        "start": _iso(shown.question.start_time, calendar),
        "start_time": shown.question.start_time,
        "region": format_region(shown.question.region),
        "region_name": found.region.name if found.region else "",
        "successors": [format_region(one.region) for one in found.successors],
        "zone": calendar.zone.key,
        "condition": found.rule.condition,
        "filing_condition": condition
        and {"condition_no": condition.condition_no, "condition": condition.condition, "closing": condition.closing},
        "is_certain": found.is_certain,
        "standards": [origin._asdict() for origin in found.origins],
        "left_out": [origin._asdict() for origin in shown.left_out],
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
                    for days in _way(step, calendar, shown.policy)
                ],
            }
            for step in found.steps
        ],
        "notes": list(_notes(shown)),
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
