"""How often somebody may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import Violated
from hub.throttle import RateLimited, Throttle, Windows
from tests.support.clock import FakeClock

SECOND = 1_000_000


def _admitted(throttle: Throttle, caller: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            throttle.admit(caller)
        except Violated as refused:
            assert refused.violation.reason == "RATE_LIMITED"
        else:
            count += 1
    return count


def test_a_minutes_worth_may_come_at_once_and_then_as_the_window_moves(clock: FakeClock) -> None:
    throttle = Throttle(clock, 60)
    assert _admitted(throttle, "a", 40) == 40
    clock.now += 30 * SECOND
    assert _admitted(throttle, "a", 100) == 20
    assert _admitted(throttle, "b", 100) == 60
    clock.now += 30 * SECOND
    assert _admitted(throttle, "a", 100) == 40
    clock.now += 3_600 * SECOND
    assert _admitted(throttle, "a", 100) == 60


@given(steps=st.lists(st.integers(0, 90), max_size=60), most=st.integers(1, 5))
def test_no_minute_ever_sees_more_calls_than_are_allowed(steps: list[int], most: int) -> None:
    clock = FakeClock()
    throttle = Throttle(clock, most)
    came: list[int] = []
    for seconds in steps:
        clock.now += seconds * SECOND
        if _admitted(throttle, "a", 1):
            came.append(clock.now)
        assert sum(moment > clock.now - 60 * SECOND for moment in came) <= most


def test_a_refusal_says_how_long_to_wait_and_then_it_is_so(clock: FakeClock) -> None:
    throttle = Throttle(clock, 2)
    assert _admitted(throttle, "a", 1) == 1
    clock.now += 20 * SECOND
    assert _admitted(throttle, "a", 1) == 1
    with pytest.raises(RateLimited, match="Wait 40 seconds") as refused:
        throttle.admit("a")
    clock.now += (refused.value.retry_seconds - 1) * SECOND
    assert _admitted(throttle, "a", 1) == 0
    clock.now += SECOND
    assert _admitted(throttle, "a", 2) == 1


def test_who_is_counted_by_failures_may_look_without_being_counted(clock: FakeClock) -> None:
    throttle = Throttle(clock, 2)
    for _ in range(5):
        throttle.require_room("a")
    throttle.count("a")
    throttle.count("a")
    with pytest.raises(RateLimited):
        throttle.require_room("a")
    clock.now += 60 * SECOND
    throttle.require_room("a")


def test_callers_whose_minute_is_over_are_forgotten(clock: FakeClock) -> None:
    windows = Windows(clock)
    for number in range(10_000):
        assert windows.acquire_entry(f"{number}", 1, 60)
    clock.now += 61 * SECOND
    assert windows.acquire_entry("one more", 1, 60)
    assert windows.reset() == 1
    assert windows.check()
    assert (windows.incr("x", 60, 2), windows.get("x")) == (2, 2)
    assert windows.get_expiry("x") > windows.get_expiry("y")
    windows.clear("x")
    assert windows.get("x") == 0
