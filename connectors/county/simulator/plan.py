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
#: Problem sources of the second county, in hundreds of 2021: collectors, self-handled, 12319, others.
SOURCES = {"collector": 4_275, "collector_self": 687, "hotline_12319": 90, "other": 45}

HOUR = 3_600_000_000
DAY = 24 * HOUR
#: First instants of the months of 2020 and of January 2021 in Asia/Shanghai, microseconds since 1970.
_FIRST = 1_577_808_000_000_000
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEIGHTS = (6, 4, 8, 9, 10, 9, 9, 9, 9, 9, 9, 9)
_UNITS = tuple(f"11431221MB{number:06d}XA" for number in range(1, 19))
_CLASSES = ("01-10", "01-12", "01-18", "01-28", "02-01", "02-03", "03-02", "03-06", "04-01", "04-05", "04-06", "04-09")


class Fate(IntEnum):
    """How far a case comes in the simulated year."""

    RECEIVED_ONLY = 1
    GIVEN_ON = 2
    DONE_LATE = 3
    DONE_ON_TIME = 4


class CasePlan(NamedTuple):
    """One case of the year; times in microseconds since 1970."""

    case_no: str
    fate: Fate
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
    left = {Fate.GIVEN_ON: FAILED_FOR_GOOD, Fate.DONE_LATE: FAILED_ONCE}
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
        plans.append(
            CasePlan(
                f"HH2020-{number:06d}", fate, failures, chance.choice(_UNITS), chance.choice(_CLASSES), reported,
                deadline, requested, 109.94 + chance.random() / 20, 27.41 + chance.random() / 20,
            )
        )  # fmt: skip
    return sorted(plans, key=lambda plan: plan.reported_time)


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
