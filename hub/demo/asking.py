"""Asking a hub for figures through its contract, as a neighbour would."""

from typing import NamedTuple, Self

from connectors.errors import Unreachable
from connectors.figures import fetch_counts
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db.records import Counts
from hub.statistics.rates import METRICS, rate_of

#: The simulated year; some cases of its January were reported in December before.
FIRST_MONTH, LAST_MONTH = 201912, 202012


class Tally(NamedTuple):
    """One tier's counts of the year."""

    total: int
    dispatched_on: int
    done: int
    on_time: int
    reported: int

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """Takes what is shown from a cell."""
        return cls(counts.total, counts.dispatched_on, counts.done, counts.on_time, counts.reported)

    @property
    def rates(self) -> list[str]:
        """F1, F2 and F3, rounded once."""
        counts = Counts(total=self.total, done=self.done, on_time=self.on_time)
        return [rate_of(metric, counts).display for metric in METRICS]


async def ask(target: Target, region_code: str, group_by: str = "") -> dict[str, Tally]:
    """Returns a hub's counts of the year, by group; zeros while it knows nothing or cannot be reached."""
    try:
        async with GrpcPeer(target) as hub:
            found = await fetch_counts(hub, region_code, FIRST_MONTH, LAST_MONTH, group_by)
    except Unreachable:
        found = {}
    tallies = {key: Tally.of(counts) for key, counts in found.items()}
    return tallies or {"": Tally(0, 0, 0, 0, 0)}
