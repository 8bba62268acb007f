"""The clocks of a case: intervals without gaps, the unit's time stopped while others act."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from exchange_db.cases import CaseState
from hub.apply.clocks import ClockStep, Interval, intervals_of, unit_time

S = CaseState
_STEPS = st.lists(st.builds(ClockStep, st.sampled_from([0, *CaseState]), st.integers(1, 1_000)), max_size=20)


def test_the_units_clock_stands_while_the_case_is_returned_suspended_or_checked() -> None:
    steps = [
        ClockStep(S.FILED, 10), ClockStep(S.DISPOSING, 20), ClockStep(S.DISPATCHING, 25), ClockStep(S.DISPOSING, 30),
        ClockStep(S.SUSPENDED, 32), ClockStep(S.DISPOSING, 90), ClockStep(S.DISPOSED, 100), ClockStep(S.DISPOSING, 110),
        ClockStep(S.DISPOSED, 115), ClockStep(S.CLOSED, 120),
    ]  # fmt: skip
    found = intervals_of(steps)
    assert [part.state for part in found if part.is_running] == [S.DISPOSING] * 4
    assert unit_time(found, 1_000) == 5 + 2 + 10 + 5
    assert found[-1] == Interval(S.CLOSED, 120, 0, is_running=False)


def test_the_clock_of_a_case_that_is_being_handled_runs_until_now() -> None:
    found = intervals_of([ClockStep(S.DISPOSING, 20)])
    assert (unit_time(found, 50), unit_time(found, 10)) == (30, 0)


def test_revisions_that_change_no_state_and_steps_from_before_make_no_interval() -> None:
    steps = [ClockStep(0, 5), ClockStep(S.FILED, 10), ClockStep(S.FILED, 12), ClockStep(S.DISPOSING, 20)]
    assert [part.from_time for part in intervals_of(steps)] == [10, 20]


@given(_STEPS)
def test_intervals_follow_one_another_without_gap(steps: list[ClockStep]) -> None:
    found = intervals_of(steps)
    assert all(first.to_time == then.from_time for first, then in pairwise(found))
    assert all(part.from_time <= part.to_time for part in found[:-1])
    assert all(first.state is not then.state for first, then in pairwise(found))
    assert [part.to_time for part in found[-1:]] in ([], [0])
    assert 0 <= unit_time(found, 1_000) <= 1_000
