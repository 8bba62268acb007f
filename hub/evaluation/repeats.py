"""Frequent problems: the same class in the same grid, or at the same unit, again and again in a day's report. Pure.

F20 of the domain notes (S001): "3 次以上" (3 included) leads to a letter of assignment, of supervision, of special
supervision. How a problem goes from one letter to the next is not given in the source: steps are settings.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct


class Letter(StrEnum):
    """交办函, 督办函, 重点督办函."""

    ASSIGNMENT = "assignment"
    SUPERVISION = "supervision"
    SPECIAL = "special"


class Step(Struct, frozen=True, kw_only=True):
    """A letter and how many days it gives. After that many earlier letters of one problem this one is sent."""

    letter: Letter
    days: int


class RepeatRules(Struct, frozen=True, kw_only=True):
    """How often makes it frequent, what is counted together, and the letters in order.

    A letter is remembered for ``memory_days``; a problem that was quiet for longer begins anew.
    """

    least: int = 3
    is_by_unit: bool = False
    memory_days: int = 90
    steps: tuple[Step, ...] = (
        Step(letter=Letter.ASSIGNMENT, days=7),
        Step(letter=Letter.SUPERVISION, days=5),
        Step(letter=Letter.SPECIAL, days=3),
    )


class Occurrence(Struct, frozen=True, kw_only=True):
    """A case in a day's report: ``class_key`` is its minor class."""

    case_ref: str
    class_key: str
    grid_code: str
    unit_code: str


class Sent(Struct, frozen=True, kw_only=True):
    """A letter that was sent about a problem."""

    problem: tuple[str, str]
    letter: Letter
    day: date


class Proposal(Struct, frozen=True, kw_only=True):
    """A letter that is due: to whom, about which cases, answered by when. A person decides whether it is sent."""

    problem: tuple[str, str]
    letter: Letter
    units: tuple[str, ...]
    case_refs: tuple[str, ...]
    due_day: date


def proposals_of(
    occurrences: Iterable[Occurrence], sent: Iterable[Sent], day: date, rules: RepeatRules
) -> tuple[Proposal, ...]:
    """Returns the letters a day's report leads to, by problem.

    Args:
        occurrences: the cases of the day; a case counts once.
        sent: letters of earlier days.
        day: the day of the report.
        rules: the settings.
    """
    problems: dict[tuple[str, str], dict[str, Occurrence]] = {}
    for one in occurrences:
        place = one.unit_code if rules.is_by_unit else one.grid_code
        if place:
            problems.setdefault((one.class_key, place), {})[one.case_ref] = one
    since = day - timedelta(days=rules.memory_days)
    earlier = [one for one in sent if since <= one.day < day]
    found = []
    for problem, cases in sorted(problems.items()):
        if len(cases) < rules.least:
            continue
        count = sum(one.problem == problem for one in earlier)
        step = rules.steps[min(count, len(rules.steps) - 1)]
        found.append(
            Proposal(
                problem=problem,
                letter=step.letter,
                units=tuple(sorted({one.unit_code for one in cases.values() if one.unit_code})),
                case_refs=tuple(sorted(cases)),
                due_day=day + timedelta(days=step.days),
            )
        )
    return tuple(found)
