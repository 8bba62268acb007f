"""How long to wait after failures in a row. Pure but for the chance that is passed in."""

#: The pause is multiplied by something between these two, so that many hubs do not come back at once.
JITTER = (0.8, 1.4)


def pause_seconds(failure_count: int, *, first_seconds: float, cap_seconds: float, chance: float) -> float:
    """Returns the pause after one more failure.

    Args:
        failure_count: failures in a row before this one, 0 or more.
        first_seconds: pause after the first failure; doubled with each further one.
        cap_seconds: longest pause.
        chance: a random number from 0 to 1.

    Returns:
        Seconds, never more than ``cap_seconds``.
    """
    doubled = first_seconds * 2.0 ** min(failure_count, 30)
    low, high = JITTER
    return min(cap_seconds, doubled * (low + (high - low) * chance))
