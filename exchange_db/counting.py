"""What a case counts for: one rule, as a pure function for the fold and as SQL for the drill-down.

Source: F1–F6 of the domain notes (S004, 2020). A case counts in the month of its deadline in force, in the hub's
zone; void cases count only as void, merged ones not at all, because the case they repeat does; undispatched and
suspended ones are part of the total. Late means the anchor lies after the deadline. A case is also counted as
reported in the month of its report.
"""

from bisect import bisect_right
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo

from msgspec import Struct

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.records import COUNTERS

#: Version of the counters' definitions; travels with every sheet.
DEFINITION = "sanji-counts/1"

#: Years whose months are known; records hold no times outside 1970 to 2200.
_FIRST_YEAR, _LAST_YEAR = 1969, 2201


class Anchor(StrEnum):
    """Which moment decides on time or late (2.5 of the domain notes)."""

    CLOSE_REQUEST_TIME = "close_request_time"
    CHECK_PASS_TIME = "check_pass_time"  # noqa: S105 — the moment the check passed


class CountingRules(Struct, frozen=True):
    """Open questions of the rule, with the defaults of section 6 of the domain notes.

    ``is_equal_on_time``: a moment equal to the deadline is in time. ``is_midnight_next_month``: the first instant of
    a month belongs to it (half-open), not to the month before (24:00).
    """

    zone: str = "Asia/Shanghai"
    anchor: Anchor = Anchor.CLOSE_REQUEST_TIME
    is_equal_on_time: bool = True
    is_midnight_next_month: bool = True


def definition_of(rules: CountingRules) -> str:
    """Returns the name of the counters' definitions under these rules; what is not the default is named in it.

    Two figures may be compared only when these names are equal.
    """
    usual = CountingRules()
    parts = [DEFINITION]
    if rules.anchor is not usual.anchor:
        parts.append("check")
    if rules.is_equal_on_time is not usual.is_equal_on_time:
        parts.append("before")
    if rules.is_midnight_next_month is not usual.is_midnight_next_month:
        parts.append("24h")
    if rules.zone != usual.zone:
        parts.append(rules.zone)
    return "+".join(parts)[:60]


#: Region, month, unit, class and source.
CellKey = tuple[int, int, str, str, str]
#: Cell and the counters to add, in the order of ``COUNTERS``.
Share = tuple[CellKey, tuple[int, ...]]

(TOTAL, DISPATCHED_ON, DONE, ON_TIME, SUSPENDED, SELF_HANDLED, VOID, REWORKED, REPORTED) = range(len(COUNTERS))


_REPORTED: tuple[int, ...] = (0, 0, 0, 0, 0, 0, 0, 0, 1)
_SELF_REPORTED: tuple[int, ...] = (0, 0, 0, 0, 0, 1, 0, 0, 1)
_COUNTS_VOID: tuple[int, ...] = (0, 0, 0, 0, 0, 0, 1, 0, 0)
_COUNTS_NOTHING: tuple[int, ...] = (0,) * len(COUNTERS)
_IS_VOID, _IS_CLOSED, _IS_SUSPENDED = CaseState.VOID, CaseState.CLOSED, CaseState.SUSPENDED
_IS_MERGED, _IS_UPHELD = CaseState.MERGED, AppealState.UPHELD


def shares(row: CaseRow, rules: CountingRules) -> tuple[Share, ...]:
    """Returns what one case adds to the figures: one share for its report, one for its deadline if it has one."""
    region, unit, kind, source = row.region, row.unit_code, row.class_key, row.source_code
    first: Share = (
        (region, month_of(row.reported_time, rules), unit, kind, source),
        _SELF_REPORTED if row.is_self_handled else _REPORTED,
    )
    if not row.deadline_time:
        return (first,)
    return (first, ((region, month_of(row.deadline_time, rules), unit, kind, source), _counts(row, rules)))


def changes(before: CaseRow | None, after: CaseRow, rules: CountingRules) -> tuple[tuple[Share, int], ...]:
    """Returns what a step of one case adds to the figures: each share with how often it counts, 1 or -1.

    The shares of ``after`` less those of ``before``; a step that moves the case to no other cell is found out first,
    because most steps are such.
    """
    if before is None:
        return tuple([(share, 1) for share in shares(after, rules)])
    if _CELL_FIELDS(before) != _CELL_FIELDS(after):
        return (
            *[(share, -1) for share in shares(before, rules)],
            *[(share, 1) for share in shares(after, rules)],
        )
    if not after.deadline_time:
        return ()
    old, new = _counts(before, rules), _counts(after, rules)
    if old == new:
        return ()
    cell = (
        after.region, month_of(after.deadline_time, rules), after.unit_code, after.class_key, after.source_code,
    )  # fmt: skip
    return (((cell, old), -1), ((cell, new), 1))


#: What decides in which cells a case counts, and whether its report counts as self-handled.
_CELL_FIELDS = attrgetter(
    "region", "unit_code", "class_key", "source_code", "reported_time", "deadline_time", "is_self_handled"
)


def _counts(row: CaseRow, rules: CountingRules) -> tuple[int, ...]:
    """Returns what a case with a deadline counts for in the deadline's month, in the order of ``COUNTERS``."""
    state = row.state
    if state == _IS_VOID:
        return _COUNTS_VOID
    if state == _IS_MERGED:
        return _COUNTS_NOTHING
    is_done = state == _IS_CLOSED and row.close_requested_time > 0
    return (
        1,
        int(row.dispatched_on_time > 0),
        int(is_done),
        int(is_done and is_on_time(row, rules)),
        int(state == _IS_SUSPENDED),
        0,
        0,
        row.rework_count,
        0,
    )


def is_on_time(row: CaseRow, rules: CountingRules) -> bool:
    """Tells whether a case that is done was done in time; one whose appeal was upheld is not counted late."""
    if row.appeal_state == _IS_UPHELD:
        return True
    moment = row.close_requested_time if rules.anchor is Anchor.CLOSE_REQUEST_TIME else row.closed_time
    return moment <= row.deadline_time if rules.is_equal_on_time else moment < row.deadline_time


def month_of(moment: int, rules: CountingRules) -> int:
    """Returns the statistics month of a moment as year*100+month."""
    if not rules.is_midnight_next_month:
        moment -= 1
    year, month = divmod(bisect_right(_month_starts(rules.zone), moment) - 1, 12)
    return (_FIRST_YEAR + year) * 100 + month + 1


@lru_cache(maxsize=8)
def _month_starts(zone: str) -> list[int]:
    """Returns the first instants of all months in a zone, microseconds since 1970."""
    local = ZoneInfo(zone)
    return [
        round(datetime(year, month, 1, tzinfo=local).timestamp()) * 1_000_000
        for year in range(_FIRST_YEAR, _LAST_YEAR + 1)
        for month in range(1, 13)
    ]


def month_bounds(month: int, rules: CountingRules) -> tuple[datetime, datetime]:
    """Returns the first instant of a month and of the next one, aware."""
    year, number = divmod(month, 100)
    zone = ZoneInfo(rules.zone)
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone)


def condition_of(counter: str, rules: CountingRules) -> str:
    """Returns the SQL condition of the cases behind one counter; needs ``%(begin)s`` and ``%(end)s``.

    Raises:
        ValueError: no such counter.
    """
    if counter not in COUNTERS:
        raise ValueError(counter)
    opening, closing = (">=", "<") if rules.is_midnight_next_month else (">", "<=")
    column = "reported_time" if counter in ("reported", "self_handled") else "deadline_time"
    within = f"{column} {opening} %(begin)s AND {column} {closing} %(end)s"
    moment = "close_requested_time" if rules.anchor is Anchor.CLOSE_REQUEST_TIME else "closed_time"
    sign = "<=" if rules.is_equal_on_time else "<"
    live = f"state NOT IN ({CaseState.VOID:d}, {CaseState.MERGED:d})"
    done = f"state = {CaseState.CLOSED:d} AND close_requested_time IS NOT NULL"
    further = {
        "total": live,
        "dispatched_on": f"{live} AND dispatched_on_time IS NOT NULL",
        "done": done,
        "on_time": f"{done} AND ({moment} {sign} deadline_time OR appeal_state = {AppealState.UPHELD:d})",
        "suspended": f"state = {CaseState.SUSPENDED:d}",
        "self_handled": "is_self_handled",
        "void": f"state = {CaseState.VOID:d}",
        "reworked": f"{live} AND rework_count > 0",
        "reported": "true",
    }
    return f"{within} AND {further[counter]}"
