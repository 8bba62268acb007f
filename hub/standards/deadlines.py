"""Deadlines: from when a case must be done, how long its clock stood still, and when it may be extended.

Pure functions over a working calendar; the city that dispatches a case computes its deadline once (section 6 of the
domain notes, question 19), and everybody else carries it. Called by ``sanji deadline``.

Source: 1.5 and 2.3 of the domain notes. They leave open: where a working day that begins outside working time
begins, whether it ends with the day, what half a working day is, and from when later steps run. What was decided
stands in ``docs/deadlines.md``; what may be decided otherwise is in ``DeadlinePolicy``.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from msgspec import Struct

from hub.standards.calendar import Season, WorkingCalendar
from hub.standards.limits import WORKING_UNITS, Limit, LimitRule, LimitUnit, RuleBroken

HOUR = 3_600_000_000
#: Extensions of one case (2.3 of the domain notes); refused ones do not count.
MOST_EXTENSIONS = 2

_NATURAL = {LimitUnit.URGENT_HOUR: HOUR, LimitUnit.URGENT_DAY: 24 * HOUR, LimitUnit.DAY: 24 * HOUR}


class DeadlinePolicy(Struct, frozen=True):
    """Open questions of the rule; unverified, so each tenant may decide.

    ``is_day_end``: whole working days end with the working day instead of keeping the time of day; the day of the
    start does not count. ``are_steps_consecutive``: a later step begins at the deadline of the one before, not at the
    start of all.
    """

    is_day_end: bool = False
    are_steps_consecutive: bool = False


class Pause(NamedTuple):
    """An interval [from, to) in which the clock stands still; ``to_time`` is 0 while it is open."""

    from_time: int
    to_time: int = 0


class Milestone(NamedTuple):
    """One step and its deadline; ``None`` while its clock stands still."""

    name: str
    start_time: int
    limit: Limit
    deadline_time: int | None


USUAL_POLICY = DeadlinePolicy()


def deadline_of(start_time: int, limit: Limit, calendar: WorkingCalendar, policy: DeadlinePolicy = USUAL_POLICY) -> int:
    """Returns the moment a limit ends.

    Raises:
        RuleBroken: ``TIME_OUT_OF_RANGE``.
    """
    amount = limit.value
    natural = _NATURAL.get(limit.unit)
    if natural is not None:
        return calendar.known(start_time + amount.numerator * natural // amount.denominator)
    if limit.unit is LimitUnit.WORKING_HOUR:
        return calendar.added(start_time, amount.numerator * HOUR // amount.denominator)
    count, rest = divmod(amount.numerator, amount.denominator)
    if policy.is_day_end and not rest:
        return calendar.day_end(start_time, count)
    start = calendar.opening(start_time)
    reached = calendar.day_later(start, count) if count else start
    if not rest:
        return reached
    # A part of a working day is that part of the working time until the same time a working day later.
    day = calendar.elapsed(reached, calendar.day_later(start, count + 1))
    return calendar.added(reached, day * rest // amount.denominator)


def working_between(start_time: int, end_time: int, unit: LimitUnit, calendar: WorkingCalendar) -> int:
    """Returns the microseconds that count for a unit between two moments; 0 if the second is not later."""
    if unit in WORKING_UNITS:
        return calendar.elapsed(start_time, end_time)
    return max(0, end_time - start_time)


def deadline_with_pauses(
    start_time: int,
    limit: Limit,
    pauses: Iterable[Pause],
    calendar: WorkingCalendar,
    policy: DeadlinePolicy = USUAL_POLICY,
) -> int | None:
    """Returns the moment a limit ends whose clock stood still at times; ``None`` while it stands still.

    Each pause that begins before the deadline moves it by what the pause would have counted. Pauses may overlap.

    Raises:
        RuleBroken: ``PAUSE_REVERSED`` or ``TIME_OUT_OF_RANGE``.
    """
    deadline = deadline_of(start_time, limit, calendar, policy)
    for pause in _merged(pauses):
        if pause.from_time >= deadline:
            break
        if not pause.to_time:
            return None
        amount = working_between(max(pause.from_time, start_time), pause.to_time, limit.unit, calendar)
        if limit.unit not in WORKING_UNITS:
            deadline = calendar.known(deadline + amount)
        elif amount:
            deadline = calendar.added(deadline, amount)
    return deadline


def _merged(pauses: Iterable[Pause]) -> list[Pause]:
    """Returns pauses in order and apart: those that overlap or touch are one, empty ones none."""
    merged: list[Pause] = []
    for pause in sorted(pauses):
        if pause.to_time and pause.to_time < pause.from_time:
            raise RuleBroken(
                "PAUSE_REVERSED",
                "暂停区间的止时早于起时，请更正 to_time。",
                "a pause ends before it begins; correct its to_time.",
            )
        last = merged[-1] if merged else None
        if last is not None and (not last.to_time or pause.from_time <= last.to_time):
            is_open = not (last.to_time and pause.to_time)
            merged[-1] = last._replace(to_time=0 if is_open else max(last.to_time, pause.to_time))
        elif pause.from_time != pause.to_time:
            merged.append(pause)
    return merged


def milestones_of(
    start_time: int,
    rule: LimitRule,
    calendar: WorkingCalendar,
    policy: DeadlinePolicy = USUAL_POLICY,
    pauses: Iterable[Pause] = (),
) -> tuple[Milestone, ...]:
    """Returns the deadlines of all steps of a rule, the last one being that of the case.

    Raises:
        RuleBroken: ``PAUSE_REVERSED`` or ``TIME_OUT_OF_RANGE``.
    """
    season = calendar.season(rule.condition) if rule.condition else None
    start: int | None = start_time if season is None else season_start(start_time, season, calendar)
    held = tuple(pauses)
    made: list[Milestone] = []
    for step in rule.steps:
        if start is None:
            break
        deadline = deadline_with_pauses(start, step.limit, held, calendar, policy)
        made.append(Milestone(step.name, start, step.limit, deadline))
        if policy.are_steps_consecutive:
            start = deadline
    return tuple(made)


def season_start(moment: int, season: Season, calendar: WorkingCalendar) -> int:
    """Returns the moment itself if its day is in the season, else the midnight at which the next season begins.

    That a limit for 种植季节 waits for the season is our reading, unverified.
    """
    day = calendar.date_of(calendar.known(moment))
    if day in season:
        return moment
    while day not in season:
        day += timedelta(1)
    return calendar.midnight(day)


def extended(
    deadline_time: int,
    limit: Limit,
    extension_count: int,
    asked_time: int,
    calendar: WorkingCalendar,
    policy: DeadlinePolicy = USUAL_POLICY,
) -> int:
    """Returns the deadline after one more extension: the original limit, counted on from the deadline in force.

    Source: 2.3 of the domain notes.

    Raises:
        RuleBroken: ``EXTENSION_TOO_LATE``, ``EXTENSION_TOO_MANY`` or ``TIME_OUT_OF_RANGE``.
    """
    if extension_count >= MOST_EXTENSIONS:
        raise RuleBroken(
            "EXTENSION_TOO_MANY",
            f"已延期 {extension_count} 次，最多 {MOST_EXTENSIONS} 次，不能再延期；确需时间的请申请挂账。",
            f"extended {extension_count} times already, at most {MOST_EXTENSIONS} are allowed; suspend the case.",
        )
    if asked_time >= deadline_time:
        raise RuleBroken(
            "EXTENSION_TOO_LATE",
            "延期须在截止时间之前申请，现已到期，不能延期。",
            "an extension must be asked for before the deadline, which has passed.",
        )
    return deadline_of(deadline_time, limit, calendar, policy)
