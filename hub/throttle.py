"""How often somebody may ask: so many calls in any minute, told before anything dear is done.

Used by every edge: by neighbour, by person, and for those nobody knows by address. The windows are those of
``limits``; its own store in memory reads the wall clock and starts a thread a call, so ours is here.
"""

from collections import deque

from limits import RateLimitItemPerMinute
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

from exchange_db.records import Violated
from hub.clock import Clock
from hub.sections.limits import LimitsPart

_SECOND = 1_000_000
#: Keys that are remembered at most; beyond them those whose minute is over are forgotten.
_KEPT_KEYS = 10_000


class RateLimited(Violated):
    """Somebody asks too often.

    Args:
        retry_seconds: seconds until the next call is let in.
    """

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("RATE_LIMITED", value=retry_seconds)
        self.retry_seconds = retry_seconds


class Windows(Storage, MovingWindowSupport):
    """The calls of the last minute, in this process, by a clock that is handed in.

    Args:
        clock: the hub's clock.
    """

    STORAGE_SCHEME = None
    base_exceptions = ValueError

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        #: When each key's calls in the window were let in, oldest first; seconds since 1970.
        self._calls: dict[str, deque[float]] = {}

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Lets calls in if the window has room for them."""
        calls = self._within(key, expiry)
        if len(calls) + amount > limit:
            return False
        calls.extend([self._clock() / _SECOND] * amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 — of limits
        """Returns when the window's oldest call came, and how many there are."""
        calls = self._within(key, expiry)
        return (calls[0] if calls else self._clock() / _SECOND), len(calls)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counts calls that were let in anyhow."""
        calls = self._within(key, expiry)
        calls.extend([self._clock() / _SECOND] * amount)
        return len(calls)

    def get(self, key: str) -> int:
        """Returns the calls that are remembered."""
        return len(self._calls.get(key, ()))

    def get_expiry(self, key: str) -> float:
        """Returns when the newest of them came."""
        return self._calls[key][-1] if self._calls.get(key) else 0.0

    def check(self) -> bool:
        """Returns that memory is there."""
        return True

    def reset(self) -> int:
        """Forgets everything; returns how many keys there were."""
        count = len(self._calls)
        self._calls.clear()
        return count

    def clear(self, key: str) -> None:
        """Forgets one key."""
        self._calls.pop(key, None)

    def _within(self, key: str, expiry: int) -> deque[float]:
        begin = self._clock() / _SECOND - expiry
        calls = self._calls.get(key)
        if calls is None:
            if len(self._calls) >= _KEPT_KEYS:
                self._calls = {known: kept for known, kept in self._calls.items() if kept and kept[-1] > begin}
            calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= begin:
            calls.popleft()
        return calls


class Throttle:
    """Counts the calls of each caller in this process.

    Args:
        clock: the hub's clock.
        per_minute: calls a caller may make in any minute.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._item = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(Windows(clock))

    def admit(self, caller: str) -> None:
        """Lets a call in and counts it.

        Raises:
            RateLimited: RATE_LIMITED, with the seconds to wait.
        """
        if not self._limiter.hit(self._item, caller):
            self._refuse(caller)

    def require_room(self, caller: str) -> None:
        """Checks that a call would be let in, and does not count it.

        Raises:
            RateLimited: RATE_LIMITED, with the seconds to wait.
        """
        if not self._limiter.test(self._item, caller):
            self._refuse(caller)

    def count(self, caller: str) -> None:
        """Counts a call that failed; for those who are counted by their failures only."""
        self._limiter.hit(self._item, caller)

    def _refuse(self, caller: str) -> None:
        begun, _ = self._limiter.get_window_stats(self._item, caller)
        raise RateLimited(max(1, -int(-(begun - self._clock() / _SECOND) // 1)))


def throttles(part: LimitsPart, clock: Clock) -> tuple[Throttle, Throttle]:
    """Returns how often a neighbour may call at an edge, and how often an address may call without being believed."""
    return Throttle(clock, part.neighbour_calls_per_minute), Throttle(clock, part.failures_per_minute)
