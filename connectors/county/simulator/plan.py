"""What happens in the simulated year, fixed by a seed: 中方县 2020 with the figures its self-evaluation states.

Source: S004 of the domain notes: 14,664 received, 12,299 given on, 8,907 done; 5,867 in time is the only whole number
that gives the stated 40.01 %. The second county reports in the source shares of 南阳 2021 (S002), at 1 : 100.
"""

import random
from enum import IntEnum
from typing import NamedTuple

RECEIVED, GIVEN_ON, DONE, ON_TIME = 14_664, 12_299, 8_907, 5_867
#: Of those given on and never done, how many asked for a check and failed it; of the done, how many failed once.
FAILED_FOR_GOOD, FAILED_ONCE = 500, 300
#: Beside those of the self-evaluation, because neither counts as received: voided, and merged with another.
VOIDED, MERGED = 150, 90
#: Problem sources of the second county, in hundreds of 2021: collectors, self-handled, 12319, others.
SOURCES = {"collector": 4_275, "collector_self": 687, "hotline_12319": 90, "other": 45}

HOUR = 3_600_000_000
DAY = 24 * HOUR
#: Time that an extension or a suspension adds.
GRACE = 2 * DAY
#: First instants of the months of 2020 and of January 2021 in Asia/Shanghai, microseconds since 1970.
_FIRST = 1_577_808_000_000_000
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEIGHTS = (6, 4, 8, 9, 10, 9, 9, 9, 9, 9, 9, 9)
_UNITS = tuple(f"11431221MB{number:06d}XA" for number in range(1, 19))
_CLASSES = ("0110", "0112", "0118", "0128", "0201", "0203", "0302", "0306", "0401", "0405", "0406", "0409")


class Fate(IntEnum):
    """How far a case comes in the simulated year."""

    RECEIVED_ONLY = 1
    GIVEN_ON = 2
    DONE_LATE = 3
    DONE_ON_TIME = 4
    VOIDED = 5
    MERGED = 6


class Turn(IntEnum):
    """What happens on the way, beside the seven steps."""

    NONE = 0
    RETURNED = 1
    DISPUTED = 2
    EXTENDED = 3
    SUSPENDED = 4
    APPEALED = 5


#: How many cases take each turn. Invented: the sources count none of them for this county.
TURNS = {Turn.RETURNED: 600, Turn.DISPUTED: 60, Turn.EXTENDED: 400, Turn.SUSPENDED: 120, Turn.APPEALED: 80}


class CasePlan(NamedTuple):
    """One case of the year; times in microseconds since 1970. ``deadline_time`` is the one in force at the end."""

    case_no: str
    fate: Fate
    turn: Turn
    failures: int
    unit_code: str
    class_code: str
    reported_time: int
    deadline_time: int
    requested_time: int
    x: float
    y: float


class OwnPlan(NamedTuple):
    """One case the second county reports and settles itself."""

    case_no: str
    source_code: str
    class_code: str
    reported_time: int
    is_self_handled: bool


def year_of_county(seed: int = 2020) -> list[CasePlan]:
    """Returns the cases the city dispatches to 中方县 in 2020, by report time."""
    chance = random.Random(seed)  # noqa: S311 — a workload, not a secret
    fates = (
        [Fate.DONE_ON_TIME] * ON_TIME
        + [Fate.DONE_LATE] * (DONE - ON_TIME)
        + [Fate.GIVEN_ON] * (GIVEN_ON - DONE)
        + [Fate.RECEIVED_ONLY] * (RECEIVED - GIVEN_ON)
    )
    chance.shuffle(fates)
    fates += [Fate.VOIDED] * VOIDED + [Fate.MERGED] * MERGED
    left = {Fate.GIVEN_ON: FAILED_FOR_GOOD, Fate.DONE_LATE: FAILED_ONCE}
    turns = dict(TURNS)
    plans = []
    for number, fate in enumerate(fates, 1):
        month = chance.choices(range(12), _WEIGHTS)[0]
        deadline = _FIRST + sum(_DAYS[:month]) * DAY + chance.randrange(_DAYS[month] * 24 * 60) * HOUR // 60
        reported = deadline - chance.randrange(8, 7 * 24) * HOUR
        share = 0.2 + 0.75 * chance.random()
        requested = reported + int((deadline - reported) * share)
        if fate is Fate.DONE_LATE:
            requested = deadline + chance.randrange(1, 120) * HOUR
        failures = 1 if left.get(fate, 0) > 0 else 0
        if failures:
            left[fate] -= 1
        span = 0 if deadline < _FIRST + GRACE else deadline - reported
        turn = _turn_of(number, fate, failures, span, turns)
        if turn in (Turn.EXTENDED, Turn.SUSPENDED) and fate is Fate.DONE_ON_TIME:
            # Asked for more time, so it was done in the time that was added.
            requested = deadline - int((1 - share) * GRACE / 2)
        plans.append(
            CasePlan(
                f"HH2020-{number:06d}", fate, turn, failures, chance.choice(_UNITS), chance.choice(_CLASSES), reported,
                deadline, requested, 109.94 + chance.random() / 20, 27.41 + chance.random() / 20,
            )
        )  # fmt: skip
    return sorted(plans, key=lambda plan: plan.reported_time)


def _turn_of(number: int, fate: Fate, failures: int, span: int, left: dict[Turn, int]) -> Turn:
    """Gives every fourth case the next turn that fits it; uses up ``left``."""
    if number % 4 or failures or fate in (Fate.RECEIVED_ONLY, Fate.VOIDED, Fate.MERGED):
        return Turn.NONE
    for turn, count in left.items():
        is_fitting = {
            Turn.EXTENDED: span >= 2 * GRACE,
            Turn.SUSPENDED: span >= 2 * GRACE,
            Turn.APPEALED: fate is Fate.DONE_LATE,
        }.get(turn, True)
        # Turns are spread over the year by passing each one over now and then.
        if count and is_fitting and (number // 4 + turn) % 3 == 0:
            left[turn] = count - 1
            return turn
    return Turn.NONE


def turns_of(plans: list[CasePlan]) -> dict[str, int]:
    """Counts what happened beside the seven steps, and how many extensions moved a case into the next month."""
    turns = {turn.name.lower(): sum(plan.turn is turn for plan in plans) for turn in Turn if turn}
    ends = [plan.deadline_time for plan in plans if plan.turn in (Turn.EXTENDED, Turn.SUSPENDED)]
    moved = [end for end in ends if _month(end) != _month(end - GRACE)]
    failures = sum(plan.failures for plan in plans)
    fates = {fate.name.lower(): sum(plan.fate is fate for plan in plans) for fate in (Fate.VOIDED, Fate.MERGED)}
    return turns | {"moved_to_next_month": len(moved), "failed_checks": failures} | fates


def _month(moment: int) -> int:
    """Returns the month of 2020 a moment lies in, from 0; for moments of that year."""
    days = (moment - _FIRST) // DAY
    return next((month for month in range(12) if days < sum(_DAYS[: month + 1])), 12)


def year_of_reporter(seed: int = 2021) -> list[OwnPlan]:
    """Returns the cases of the second county, by report time."""
    chance = random.Random(seed)  # noqa: S311 — a workload, not a secret
    sources = [source for source, count in SOURCES.items() for _ in range(count)]
    chance.shuffle(sources)
    times = sorted(_FIRST + chance.randrange(366 * 24 * 60) * HOUR // 60 for _ in sources)
    return [
        OwnPlan(
            f"LK2020-{number:05d}",
            source,
            chance.choice(_CLASSES),
            reported,
            is_self_handled=source == "collector_self",
        )
        for number, (source, reported) in enumerate(zip(sources, times, strict=True), 1)
    ]
