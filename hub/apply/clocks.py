"""The two clocks of a case as intervals: how long it stood in each state, and when the unit's time ran.

Pure; the steps are the rows of ``case_sections``. Called by whoever shows a case. Source: 2.3 of the domain notes: the
unit's clock stands while a case is returned, disputed or suspended, and while its work is being checked; a failed
check lets it run on, towards the same deadline.
"""

from collections.abc import Iterable
from typing import NamedTuple

from exchange_db.cases import CaseState


class ClockStep(NamedTuple):
    """A step of a case: the state after it (0 when not known), and when it was taken, microseconds since 1970."""

    state: int
    step_time: int


class Interval(NamedTuple):
    """A state from one step to the next, [from, to); ``to_time`` is 0 while it lasts. ``is_running``: unit's clock."""

    state: CaseState
    from_time: int
    to_time: int
    is_running: bool


def intervals_of(steps: Iterable[ClockStep]) -> tuple[Interval, ...]:
    """Returns the states of a case one after the other, each as long as it lasted.

    Args:
        steps: in the order they took effect. One that is dated before the step it follows is taken to be as late as
            that one: the order of effects is certain, the clocks of platforms are not.
    """
    found: list[Interval] = []
    for step in steps:
        if not step.state or (found and found[-1].state == step.state):
            continue
        moment = step.step_time
        if found:
            moment = max(moment, found[-1].from_time)
            found[-1] = found[-1]._replace(to_time=moment)
        state = CaseState(step.state)
        found.append(Interval(state, moment, 0, state is CaseState.DISPOSING))
    return tuple(found)


def unit_time(intervals: Iterable[Interval], now: int) -> int:
    """Returns how long the unit's clock has run, in microseconds; an open interval runs until ``now``."""
    return sum((part.to_time or max(now, part.from_time)) - part.from_time for part in intervals if part.is_running)
