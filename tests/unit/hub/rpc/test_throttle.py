"""How often a neighbour may ask."""

import pytest

from exchange_db.records import Violated
from hub.rpc.throttle import Throttle
from tests.support.clock import FakeClock

SECOND = 1_000_000


def _admitted(throttle: Throttle, peer_id: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            throttle.admit(peer_id)
        except Violated as refused:
            assert refused.violation.reason == "RATE_LIMITED"
        else:
            count += 1
    return count


def test_a_minutes_worth_may_come_at_once_and_then_as_time_allows(clock: FakeClock) -> None:
    throttle = Throttle(clock, 60)
    assert _admitted(throttle, "a", 100) == 60
    assert _admitted(throttle, "b", 100) == 60
    clock.now += 10 * SECOND
    assert _admitted(throttle, "a", 100) == 10
    clock.now += 3_600 * SECOND
    assert _admitted(throttle, "a", 100) == 60


def test_a_refusal_says_how_long_to_wait(clock: FakeClock) -> None:
    throttle = Throttle(clock, 2)
    assert _admitted(throttle, "a", 2) == 2
    with pytest.raises(Violated, match="Wait 30 seconds"):
        throttle.admit("a")
