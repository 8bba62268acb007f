"""Comparing what both sides of a link hold: from days down to records, over whatever transport there is. Pure.

A ``Side`` answers with counts and hashes; only where two sides differ it is asked for more. So a day that is equal
costs one sum, and a difference a few hundred, however many records there are. What a difference means is told from
where each side stands with the record (``cause_of``).
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

from exchange_db.marks import (
    NOTHING,
    Cell,
    Cells,
    Mark,
    Standing,
    bucket_of,
    cells_of,
    day_of,
    differing,
    hour_of,
    joined,
)

#: An hour with so many records at most is listed at once, not by buckets.
LISTED_AT_ONCE = 1_000
#: Differences of one day that are told one by one; there may be more.
MOST_DIFFERENCES = 10_000


class Side(Protocol):
    """One end of a link, in one direction."""

    async def days(self, first_day: int, last_day: int) -> Cells:
        """Returns the sums of days, both ends included."""

    async def hours(self, day: int) -> Cells:
        """Returns the sums of the hours of a day."""

    async def buckets(self, hour: int) -> Cells:
        """Returns the sums of the buckets of an hour."""

    async def marks(self, hour: int, bucket: int) -> list[Mark]:
        """Returns the marks of an hour in one bucket, or in all with -1."""


class ExplainingSide(Side, Protocol):
    """A side that also knows where it stands with single records."""

    async def standings(self, marks: list[Mark]) -> list[Standing]:
        """Returns where it stands with each, in order."""


class Differences(NamedTuple):
    """Records that are not the same on both sides; ``altered`` are known to both with other bytes."""

    sender_only: list[Mark]
    receiver_only: list[Mark]
    altered: list[Mark]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(map(len, self))


class Cause(StrEnum):
    """Why a record is not the same on both sides."""

    UNNUMBERED = "unnumbered"
    UNDELIVERED = "undelivered"
    REFUSED = "refused"
    NEVER_ARRIVED = "never_arrived"
    LOST = "lost"
    DAMAGED = "damaged"
    SENDER_LOST = "sender_lost"
    SENDER_DAMAGED = "sender_damaged"
    UNKNOWN_AT_SENDER = "unknown_at_sender"
    ALTERED = "altered"
    UNREAD = "unread"
    UNNOTED = "unnoted"
    ROW_DELETED = "row_deleted"
    ROW_MISSING = "row_missing"
    ROW_CHANGED = "row_changed"


class Found(NamedTuple):
    """A record that is not the same on both sides, and why; ``place`` is table and key of a partner's row."""

    mark: Mark
    cause: Cause
    place: str = ""


class BalancedTable(NamedTuple):
    """What comparing a table of a partner's database showed, in one direction.

    Counts and hashes are of all rows the two sides hold; ``resent`` are keys of differences that were repaired.
    """

    table: str
    is_sent: bool
    own_count: int
    own_hash: str
    other_count: int
    other_hash: str
    found: tuple[Found, ...] = ()
    resent: frozenset[bytes] = frozenset()


#: What sending the record again repairs.
REPAIRABLE = frozenset(
    {Cause.NEVER_ARRIVED, Cause.LOST, Cause.DAMAGED, Cause.UNNOTED, Cause.ROW_MISSING, Cause.ROW_CHANGED}
)
#: What is on its way, and so no fault by itself.
UNDER_WAY = frozenset({Cause.UNNUMBERED, Cause.UNDELIVERED, Cause.UNREAD})

#: Cause in Chinese and English, and what to do.
CAUSE_TEXTS = {
    Cause.UNNUMBERED: ("尚未编号，待发送", "has no number yet, waits to be sent"),
    Cause.UNDELIVERED: ("已编号，尚未送达", "has a number, is not delivered yet"),
    Cause.REFUSED: ("接收方拒收，在隔离区", "refused by the receiver, lies in quarantine"),
    Cause.NEVER_ARRIVED: ("已确认送达，但接收方没有", "was answered as delivered, but the receiver does not know it"),
    Cause.LOST: ("接收方收到后丢失", "came to the receiver and is gone there"),
    Cause.DAMAGED: ("接收方存档内容被改动", "was changed in the receiver's log"),
    Cause.SENDER_LOST: ("发送方存档已丢失", "is gone from the sender's log"),
    Cause.SENDER_DAMAGED: ("发送方存档内容被改动", "was changed in the sender's log"),
    Cause.UNKNOWN_AT_SENDER: ("发送方没有应发记录", "the sender knows nothing of having owed it"),
    Cause.ALTERED: ("同一消息两侧内容不同", "is known to both sides with other bytes"),
    Cause.UNREAD: ("已写入，枢纽尚未接收", "is written and not picked up yet"),
    Cause.UNNOTED: ("已写入，但变更未被捕获", "is written, but its change was not captured"),
    Cause.ROW_DELETED: ("对方删除了自己写入的行", "was deleted by the partner that wrote it"),
    Cause.ROW_MISSING: ("枢纽写入的行在对方库中缺失", "was written by the hub and is missing there"),
    Cause.ROW_CHANGED: ("枢纽写入的行被对方改动", "was written by the hub and changed there"),
}


async def drill(sender: Side, receiver: Side, day: int) -> Differences:
    """Returns what differs on a day; of very many differences the first ``MOST_DIFFERENCES`` or a few more."""
    found = Differences([], [], [])
    sent, received = await sender.hours(day), await receiver.hours(day)
    for hour in sorted({place[0] for place in differing(sent, received)}):
        largest = max(_size(sent, hour), _size(received, hour))
        buckets = [-1] if largest <= LISTED_AT_ONCE else await _differing_buckets(sender, receiver, hour)
        for bucket in buckets:
            _sort_out(await sender.marks(hour, bucket), await receiver.marks(hour, bucket), found)
            if found.total >= MOST_DIFFERENCES:
                return found
    return found


async def explain(sender: ExplainingSide, receiver: ExplainingSide, day: int) -> list[Found]:
    """Returns what differs on a day, each record with its cause; what turns out to be the same is left out."""
    differences = await drill(sender, receiver, day)
    marks = [*differences.sender_only, *differences.receiver_only]
    sent, received = await sender.standings(marks), await receiver.standings(marks)
    found = [
        Found(mark, cause)
        for mark, at_sender, at_receiver in zip(marks, sent, received, strict=True)
        if (cause := cause_of(at_sender, at_receiver)) is not None
    ]
    return [*found, *(Found(mark, Cause.ALTERED) for mark in differences.altered)]


async def _differing_buckets(sender: Side, receiver: Side, hour: int) -> list[int]:
    places = differing(await sender.buckets(hour), await receiver.buckets(hour))
    return sorted({place[0] for place in places})


def _size(cells: Cells, place: int) -> int:
    return joined(cell for (found, _), cell in cells.items() if found == place).mark_count


def _sort_out(sent: list[Mark], received: list[Mark], into: Differences) -> None:
    ours, theirs = ({mark.message_key: mark for mark in side} for side in (sent, received))
    into.sender_only.extend(mark for key, mark in ours.items() if key not in theirs)
    into.receiver_only.extend(mark for key, mark in theirs.items() if key not in ours)
    into.altered.extend(mark for key, mark in ours.items() if key in theirs and theirs[key] != mark)


def differing_days(sent: Cells, received: Cells) -> list[int]:
    """Returns the days, in order, whose sums are not the same on both sides."""
    return sorted({place[0] for place in differing(sent, received)})


def total_of(cells: Cells, place: int) -> Cell:
    """Returns the sum of all kinds at one place."""
    return joined(cells.get(key, NOTHING) for key in cells if key[0] == place)


def cause_of(sender: Standing, receiver: Standing) -> Cause | None:
    """Returns why a record is not the same on both sides; ``None`` when it is after all.

    Args:
        sender: where the sending side stands with it.
        receiver: where the receiving side does.
    """
    if sender is Standing.LOST:
        return Cause.SENDER_LOST
    if sender is Standing.DAMAGED:
        return Cause.SENDER_DAMAGED
    if receiver is Standing.HELD:
        return Cause.UNKNOWN_AT_SENDER if sender is Standing.UNKNOWN else None
    if receiver is Standing.LOST:
        return Cause.LOST
    if receiver is Standing.DAMAGED:
        return Cause.DAMAGED
    return {
        Standing.WAITING: Cause.UNNUMBERED,
        Standing.SENT: Cause.UNDELIVERED,
        Standing.REFUSED: Cause.REFUSED,
    }.get(sender, Cause.NEVER_ARRIVED)


class ListedSide:
    """A side whose marks are in memory: a spool, or a test.

    Args:
        marks: all of them, each once.
    """

    def __init__(self, marks: list[Mark]) -> None:
        self._marks = marks

    async def days(self, first_day: int, last_day: int) -> Cells:
        """Returns the sums of days."""
        return cells_of((m for m in self._marks if first_day <= day_of(m.created_time) <= last_day), _day)

    async def hours(self, day: int) -> Cells:
        """Returns the sums of the hours of a day."""
        return cells_of((m for m in self._marks if day_of(m.created_time) == day), _hour)

    async def buckets(self, hour: int) -> Cells:
        """Returns the sums of the buckets of an hour."""
        return cells_of(await self.marks(hour, -1), _bucket)

    async def marks(self, hour: int, bucket: int) -> list[Mark]:
        """Returns marks of an hour."""
        return [m for m in self._marks if hour_of(m.created_time) == hour and bucket in (-1, bucket_of(m.message_key))]


def _day(mark: Mark) -> int:
    return day_of(mark.created_time)


def _hour(mark: Mark) -> int:
    return hour_of(mark.created_time)


def _bucket(mark: Mark) -> int:
    return bucket_of(mark.message_key)
