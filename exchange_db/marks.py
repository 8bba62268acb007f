"""What both sides of a link can say of a record without showing it: its mark, and counts and hashes of marks.

A mark is made from the record's bytes alone, which no tier changes, so both sides make the same one and put it into the
same hour and day: those of the moment the origin wrote into the record. The hash of many marks is their exclusive or:
it does not depend on their order, and adding or taking away one of them needs no other. Each record is marked once.

Pure. Called by both sides of every kind of link: ``connectors.reconciliation`` compares, ``exchange_db`` keeps.
"""

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from hashlib import sha256
from operator import xor
from typing import NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)

_HOUR = 3_600_000_000
#: Hours the day of China is ahead of UTC. Source: one legal time for the whole country, without summer time since 1992.
ZONE_HOURS = 8
_EPOCH = date(1970, 1, 1)


class Mark(NamedTuple):
    """One record: who it is, when it was written (microseconds since 1970), its kind and 8 bytes of its SHA-256."""

    message_key: bytes
    created_time: int
    kind: int
    digest: int


class Cell(NamedTuple):
    """How many marks, and the exclusive or of their digests."""

    mark_count: int
    hash: int


NOTHING = Cell(0, 0)
#: Days, hours or buckets, each by kind of record.
Cells = dict[tuple[int, int], Cell]


def digest_of(payload: bytes) -> int:
    """Returns the first 8 bytes of a record's SHA-256 as a signed number, as the ledger keeps it."""
    return int.from_bytes(sha256(payload).digest()[:8], "big", signed=True)


def hour_of(created_time: int) -> int:
    """Returns the number of hours from 1970 (UTC) to a moment in microseconds."""
    return created_time // _HOUR


def day_of(created_time: int) -> int:
    """Returns the day of China a moment lies in, as 20200615."""
    return day_of_hour(hour_of(created_time))


def day_of_hour(hour: int) -> int:
    """Returns the day of China an hour lies in, as 20200615."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour + ZONE_HOURS)
    return moment.year * 10_000 + moment.month * 100 + moment.day


def hours_of(day: int) -> range:
    """Returns the 24 hours of a day of China.

    Raises:
        ValueError: there is no such day.
    """
    first = (date(day // 10_000, day // 100 % 100, day % 100) - _EPOCH).days * 24 - ZONE_HOURS
    return range(first, first + 24)


def day_before(day: int, count: int = 1) -> int:
    """Returns the day ``count`` days before another one."""
    return day_of_hour(hours_of(day)[0] - 24 * count)


def bucket_of(message_key: bytes) -> int:
    """Returns which of 256 parts of an hour a record falls into."""
    return message_key[0]


def cells_of(marks: Iterable[Mark], place_of: Callable[[Mark], int]) -> dict[tuple[int, int], Cell]:
    """Sums marks up by a place (day, hour, bucket) and their kind."""
    found: dict[tuple[int, int], list[int]] = {}
    for mark in marks:
        found.setdefault((place_of(mark), mark.kind), []).append(mark.digest)
    return {place: Cell(len(digests), reduce(xor, digests)) for place, digests in found.items()}


def joined(cells: Iterable[Cell]) -> Cell:
    """Returns the cell of all that lies in some cells, none of which share a record."""
    count = digest = 0
    for cell in cells:
        count, digest = count + cell.mark_count, digest ^ cell.hash
    return Cell(count, digest)


def differing(ours: dict[K, Cell], theirs: dict[K, Cell]) -> list[K]:
    """Returns the places, sorted, at which two sides do not hold the same."""
    return sorted(  # type: ignore[type-var] # numbers, and pairs of them
        place for place in ours.keys() | theirs.keys() if ours.get(place, NOTHING) != theirs.get(place, NOTHING)
    )


class MarkRef(NamedTuple):
    """Which record is meant: its key, and when it was written, by which it is found."""

    message_key: bytes
    created_time: int


class Standing(StrEnum):
    """Where one side stands with a record: the first five the sender, the others the receiver."""

    UNKNOWN = "unknown"  # was never due, never came
    WAITING = "waiting"  # due, has no number yet
    SENT = "sent"  # has a number, is not answered
    REFUSED = "refused"  # was refused by the receiver, lies in quarantine
    DELIVERED = "delivered"  # is answered: on the receiver's disk
    HELD = "held"  # on disk here
    LOST = "lost"  # was on disk here and is gone
    DAMAGED = "damaged"  # is on disk here with other bytes than it came with
