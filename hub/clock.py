"""Time as records carry it, passed in everywhere so that tests can hold it still."""

import time
from collections.abc import Callable

#: Gives microseconds since 1970-01-01T00:00:00Z.
Clock = Callable[[], int]


def system_clock() -> int:
    """Reads the machine's clock."""
    return time.time_ns() // 1000
