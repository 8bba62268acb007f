"""Reads what regions have set about their working calendars from a TOML file, and checks all of it.

``docs/deadlines.md`` describes the file. Called by ``sanji deadline`` and ``hub.standards.documents``.
"""

import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from exchange_db.regions import parse_region
from hub.standards.calendar import USUAL_ZONE, HourRules, RegionRules, Season, YearRules, minutes_of
from hub.standards.limits import RuleBroken

Rules = TypeVar("Rules", bound=HourRules)


class _PlainRules(HourRules, frozen=True, forbid_unknown_fields=True):
    """A region's table in the file, without its years."""

    zone: str | None = None
    seasons: dict[str, Season] | None = None


def read_calendar(path: Path) -> dict[int, RegionRules]:
    """Reads what regions have set.

    Raises:
        RuleBroken: ``CALENDAR_INVALID``; names the file and the key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        _refuse(path, "", f"无法读取（{error.strerror}），请检查路径", f"cannot be read ({error.strerror})")
    return read_calendar_content(content, path)


def read_calendar_content(content: bytes, path: Path) -> dict[int, RegionRules]:
    """Reads what regions have set from the bytes of a file; ``path`` is its name in messages.

    Raises:
        RuleBroken: ``CALENDAR_INVALID``; names the file and the key.
    """
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        _refuse(path, "", f"不是有效的 UTF-8 编码 TOML：{error}", f"not valid TOML in UTF-8: {error}")
    regions = document.pop("regions", {})
    for key in document:
        _refuse(path, key, "没有这个键，只有 regions", "is not known; there is regions only")
    return {_region(path, code): _region_rules(path, f"regions.{code}", table) for code, table in _items(path, regions)}


def _region(path: Path, code: str) -> int:
    try:
        return parse_region(code)
    except ValueError:
        _refuse(path, f"regions.{code}", "应为六位行政区划代码，全国为 000000", "name a region by its six digits")


def _region_rules(path: Path, key: str, table: object) -> RegionRules:
    plain = dict(_items(path, table, key))
    years = {}
    for name, rules in _items(path, plain.pop("years", {}), f"{key}.years"):
        place = f"{key}.years.{name}"
        if not re.fullmatch(r"[0-9]{4}", name):
            _refuse(path, place, "应为四位年份", "name a year by its four digits")
        years[int(name)] = _checked(path, place, _converted(path, place, rules, YearRules))
        _check_days(path, place, int(name), years[int(name)])
    rules = _checked(path, key, _converted(path, key, plain, _PlainRules))
    for name, season in (rules.seasons or {}).items():
        _check_season(path, f"{key}.seasons.{name}", season)
    try:
        ZoneInfo(rules.zone or USUAL_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse(path, f"{key}.zone", "应为 IANA 时区名，如 Asia/Shanghai", "name an IANA zone such as Asia/Shanghai")
    return RegionRules(rules.hours, rules.seasonal_hours, rules.zone, rules.seasons, years)


def _converted(path: Path, key: str, table: object, kind: type[Rules]) -> Rules:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        told, _, inside = str(error).partition(" - at `$")
        place = key + (inside.rstrip("`") if inside.startswith((".", "[")) else "")
        _refuse(path, place, "键或值的写法不对，写法见 docs/deadlines.md", f"{told}; docs/deadlines.md shows the form")


def _checked(path: Path, key: str, rules: Rules) -> Rules:
    for number, hours in enumerate([rules.hours or (), *(one.hours for one in rules.seasonal_hours or ())]):
        marks = [mark for interval in hours for mark in minutes_of(interval)]
        if any(later <= earlier for earlier, later in pairwise(marks)):
            place = f"{key}.seasonal_hours[{number - 1}].hours" if number else f"{key}.hours"
            _refuse(path, place, "各时段须由早到晚、互不相接", "list the intervals in order, with gaps between")
    for season in rules.seasonal_hours or ():
        _check_season(path, f"{key}.seasonal_hours", season)
    return rules


def _check_season(path: Path, key: str, season: Season) -> None:
    for mark in (season.first, season.last):
        try:
            date.fromisoformat(f"2000-{mark}")
        except ValueError:
            _refuse(path, key, f"没有 {mark} 这一天", f"there is no day {mark}")


def _check_days(path: Path, key: str, year: int, rules: YearRules) -> None:
    free, worked = rules.extra_holidays or frozenset(), rules.extra_working_days or frozenset()
    for name, days in (("extra_holidays", free), ("extra_working_days", worked)):
        for day in sorted(days):
            if day.year != year:
                _refuse(path, f"{key}.{name}", f"{day} 不在 {year} 年", f"{day} is not in {year}")
    for day in sorted(free & worked):
        _refuse(path, key, f"{day} 既是假日又是工作日，请删去一处", f"{day} is in both lists; remove one")


def _items(path: Path, table: object, key: str = "regions") -> list[tuple[str, Any]]:
    if not isinstance(table, dict):
        _refuse(path, key, "应为一个表", "must be a table")
    return list(table.items())


def _refuse(path: Path, key: str, chinese: str, english: str) -> NoReturn:
    place, spot = (f"，{key}", f", {key}") if key else ("", "")
    raise RuleBroken("CALENDAR_INVALID", f"日历文件 {path}{place}：{chinese}。", f"calendar {path}{spot}: {english}.")
