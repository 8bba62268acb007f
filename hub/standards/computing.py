"""Until when something must be done: a limit or a filing condition, counted by the rule book in force.

Pure. The hub of the dispatching city computes once and everybody else carries the result. Called by the standards
service and ``sanji deadline``.

Source: 1.5 of the domain notes; section 6 there, question 19.
"""

from typing import NamedTuple

from hub.standards.deadlines import DeadlinePolicy, Milestone, Pause, milestones_of
from hub.standards.limits import WORKING_UNITS, LimitRule
from hub.standards.release_tables import FilingCondition, Region
from hub.standards.rulebook import ConditionKey, Origin, RuleBook, is_ended


class DeadlineQuestion(NamedTuple):
    """What is asked: a region, a start (microseconds since 1970), a limit or the filing condition that has it."""

    region: int
    start_time: int
    rule: LimitRule | ConditionKey
    pauses: tuple[Pause, ...] = ()


class ComputedDeadline(NamedTuple):
    """The answer.

    ``condition`` is ``None`` where the limit was given. ``unknown_years``: years on the way without a holiday notice,
    in which Monday to Friday stand in. ``is_season_known``: the season the limit is written for is set, or it names
    none. ``region``: the entry of the region code, ``None`` when no table has it; ``successors``: what holds in its
    place, if it was abolished before the start and anything does. ``origins``: the releases all this was read from.
    """

    steps: tuple[Milestone, ...]
    rule: LimitRule
    condition: FilingCondition | None
    unknown_years: tuple[int, ...]
    is_season_known: bool
    region: Region | None
    is_region_abolished: bool
    successors: tuple[Region, ...]
    origins: tuple[Origin, ...]

    @property
    def is_certain(self) -> bool:
        """Whether all days on the way are known."""
        return not self.unknown_years and self.is_season_known


def computed(question: DeadlineQuestion, book: RuleBook, policy: DeadlinePolicy) -> ComputedDeadline:
    """Returns the deadlines of all steps.

    Raises:
        RuleBroken: ``TIME_OUT_OF_RANGE``, ``PAUSE_REVERSED``, or as ``RuleBook.condition`` says.
    """
    calendar = book.calendar(question.region)
    day = calendar.date_of(calendar.known(question.start_time))
    origins, condition = list(book.calendar_origins), None
    if isinstance(question.rule, ConditionKey):
        condition, origin = book.condition(question.rule, question.region, day)
        rule = condition.limit
        origins.append(origin)
    else:
        rule = question.rule
    entry = book.region(question.region, day)
    if entry is not None:
        origins.append(entry[1])
    steps = milestones_of(question.start_time, rule, calendar, policy, question.pauses)
    unknown = {
        year
        for step in steps
        if step.limit.unit in WORKING_UNITS
        for year in range(
            calendar.date_of(step.start_time).year, calendar.date_of(step.deadline_time or step.start_time).year + 1
        )
        if not calendar.is_certain(year)
    }
    return ComputedDeadline(
        steps,
        rule,
        condition,
        tuple(sorted(unknown)),
        not rule.condition or calendar.season(rule.condition) is not None,
        entry[0] if entry else None,
        entry is not None and is_ended(entry[0], day),
        book.successors(question.region, day),
        tuple(origins),
    )
