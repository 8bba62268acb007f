"""What comparing links showed."""

from collections import Counter
from typing import NamedTuple

from connectors.reconciliation import UNDER_WAY, Cause, Found


class ComparedDay(NamedTuple):
    """What comparing one day of a link in one direction showed; ``resent`` are keys of records sent again."""

    is_sent: bool
    day: int
    own_count: int
    other_count: int
    found: tuple[Found, ...] = ()
    resent: frozenset[bytes] = frozenset()

    @property
    def causes(self) -> Counter[Cause]:
        """How many differences there are of each cause."""
        return Counter(item.cause for item in self.found)

    @property
    def left_count(self) -> int:
        """How many differences are left after what was sent again."""
        return sum(item.mark.message_key not in self.resent for item in self.found)

    @property
    def is_clean(self) -> bool:
        """Whether both sides hold the same, but for what is on its way."""
        return all(item.cause in UNDER_WAY or item.mark.message_key in self.resent for item in self.found)


class ComparedLink(NamedTuple):
    """What comparing a link showed; ``trouble`` says why it could not be compared to the end."""

    peer_id: str
    days: tuple[ComparedDay, ...]
    trouble: str = ""
