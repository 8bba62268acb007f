"""A clock that tests hold in their hand."""

from datetime import UTC, datetime

#: 2020-06-15T02:00:00Z, which is 10:00 in the hub's zone; builders date their records around it.
NOON = 1_592_186_400_000_000


class FakeClock:
    """Gives microseconds since 1970 like ``hub.clock.system_clock``, and moves only when told to."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> int:
        """Moves on and returns the new time."""
        self.now += round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000)
        return self.now


def at(text: str) -> int:
    """Returns the microseconds of an ISO time; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)
