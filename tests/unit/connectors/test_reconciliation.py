"""Comparing two sides: whatever they hold, exactly the records that differ are found, and each has its cause."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.reconciliation import (
    CAUSE_TEXTS,
    LISTED_AT_ONCE,
    Cause,
    ListedSide,
    cause_of,
    differing_days,
    drill,
    total_of,
)
from exchange_db.marks import (
    NOTHING,
    Cell,
    Cells,
    Mark,
    Standing,
    bucket_of,
    cells_of,
    day_before,
    day_of,
    digest_of,
    hour_of,
    hours_of,
    joined,
)
from tests.support.clock import NOON, at

HOUR = 3_600_000_000
DAY = 20200615

_MARKS = st.builds(
    Mark,
    st.binary(min_size=16, max_size=16),
    st.integers(at("2020-06-14T16:00:00"), at("2020-06-15T15:59:59")),
    st.integers(1, 3),
    st.integers(-(2**63), 2**63 - 1),
)
_SETS = st.lists(_MARKS, max_size=60, unique_by=lambda mark: mark.message_key)


class CountedSide(ListedSide):
    """A side that counts how many marks it was made to show."""

    def __init__(self, held: list[Mark]) -> None:
        super().__init__(held)
        self.shown_count = 0

    async def marks(self, hour: int, bucket: int) -> list[Mark]:
        found = await super().marks(hour, bucket)
        self.shown_count += len(found)
        return found

    async def buckets(self, hour: int) -> Cells:
        return cells_of(await super().marks(hour, -1), lambda mark: bucket_of(mark.message_key))


@given(_SETS, st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_order_and_can_be_joined(held: list[Mark], chance: random.Random) -> None:
    shuffled = chance.sample(held, len(held))
    assert cells_of(held, _day) == cells_of(shuffled, _day)
    cut = chance.randint(0, len(held))
    parts = [joined(cells_of(part, _day).values()) for part in (held[:cut], held[cut:])]
    assert joined(parts) == joined(cells_of(held, _day).values())


@given(_SETS, st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)))
async def test_exactly_the_differing_records_are_found(
    held: list[Mark], lost: set[int], strange: set[int], changed: set[int]
) -> None:
    sender = [mark for n, mark in enumerate(held) if n not in strange]
    receiver = [
        mark._replace(digest=mark.digest ^ 1) if n in changed else mark
        for n, mark in enumerate(held)
        if n not in lost - strange
    ]
    found = await drill(ListedSide(sender), ListedSide(receiver), DAY)
    places = range(len(held))
    assert set(found.sender_only) == {held[n] for n in places if n in lost - strange}
    assert {mark.message_key for mark in found.receiver_only} == {held[n].message_key for n in places if n in strange}
    assert {mark.message_key for mark in found.altered} == {
        held[n].message_key for n in places if n in changed - lost - strange
    }
    sums = [await ListedSide(side).days(DAY, DAY) for side in (sender, receiver)]
    assert differing_days(*sums) == ([DAY] if found.total else [])


async def test_of_a_full_hour_only_the_bucket_that_differs_is_listed() -> None:
    chance = random.Random(1)
    held = [Mark(chance.randbytes(16), NOON + n, 1, chance.getrandbits(63)) for n in range(20_000)]
    sender, receiver = CountedSide(held), CountedSide(held[1:])
    found = await drill(sender, receiver, DAY)
    assert (found.sender_only, found.receiver_only, found.altered) == ([held[0]], [], [])
    assert sender.shown_count < LISTED_AT_ONCE / 5


def test_a_day_of_china_begins_at_16_in_utc_and_has_24_hours() -> None:
    assert [day_of(at(text)) for text in ("2020-06-14T15:59:59.999999", "2020-06-14T16:00:00")] == [20200614, DAY]
    assert {day_of(hour * HOUR) for hour in hours_of(DAY)} == {DAY}
    assert len(hours_of(DAY)) == 24
    assert hour_of(NOON) in hours_of(DAY)
    assert day_before(20200301) == 20200229
    with pytest.raises(ValueError, match="day"):
        hours_of(20200231)


def test_a_digest_is_the_head_of_sha256() -> None:
    assert digest_of(b"abc").to_bytes(8, "big", signed=True).hex() == "ba7816bf8f01cfea"


def test_totals_are_of_all_kinds() -> None:
    cells = {(DAY, 1): Cell(2, 5), (DAY, 2): Cell(3, 6), (20200616, 1): Cell(1, 1)}
    assert total_of(cells, DAY) == Cell(5, 3)
    assert total_of(cells, 20200617) == NOTHING


@pytest.mark.parametrize(
    ("sender", "receiver", "cause"),
    [
        (Standing.WAITING, Standing.UNKNOWN, Cause.UNNUMBERED),
        (Standing.SENT, Standing.UNKNOWN, Cause.UNDELIVERED),
        (Standing.REFUSED, Standing.UNKNOWN, Cause.REFUSED),
        (Standing.DELIVERED, Standing.UNKNOWN, Cause.NEVER_ARRIVED),
        (Standing.DELIVERED, Standing.LOST, Cause.LOST),
        (Standing.SENT, Standing.LOST, Cause.LOST),
        (Standing.DELIVERED, Standing.DAMAGED, Cause.DAMAGED),
        (Standing.DELIVERED, Standing.HELD, None),
        (Standing.UNKNOWN, Standing.HELD, Cause.UNKNOWN_AT_SENDER),
        (Standing.LOST, Standing.HELD, Cause.SENDER_LOST),
        (Standing.DAMAGED, Standing.HELD, Cause.SENDER_DAMAGED),
    ],
)
def test_every_difference_has_its_cause(sender: Standing, receiver: Standing, cause: Cause | None) -> None:
    assert cause_of(sender, receiver) is cause


def test_whatever_two_sides_say_there_is_one_answer() -> None:
    for pair in product(Standing, Standing):
        assert cause_of(*pair) is None or cause_of(*pair) in CAUSE_TEXTS
    assert CAUSE_TEXTS.keys() == set(Cause)


def _day(mark: Mark) -> int:
    return day_of(mark.created_time)
