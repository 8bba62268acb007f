"""How often a neighbour may ask: so many calls a minute, saved up for a minute at most."""

from exchange_db.records import Violated
from hub.clock import Clock

_MINUTE = 60_000_000


class Throttle:
    """Counts the calls of each neighbour in this process.

    Args:
        clock: the hub's clock.
        per_minute: calls a neighbour may make in a minute.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._cost = _MINUTE // per_minute
        #: When each neighbour's calls so far will be paid for; microseconds since 1970.
        self._paid_times: dict[str, int] = {}

    def admit(self, peer_id: str) -> None:
        """Lets a call through.

        Raises:
            Violated: RATE_LIMITED, with the seconds to wait.
        """
        now = self._clock()
        paid_time = max(self._paid_times.get(peer_id, 0), now) + self._cost
        if paid_time > now + _MINUTE:
            raise Violated("RATE_LIMITED", value=-(-(paid_time - now - _MINUTE) // 1_000_000))
        self._paid_times[peer_id] = paid_time
