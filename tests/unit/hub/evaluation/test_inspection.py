"""Field inspections: equal for every unit, drawn again by who knows the seed, and no place more likely than another."""

from collections import Counter
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.evaluation.inspection import (
    SPOTS,
    Place,
    TooFewPlaces,
    commitment_of,
    draw_spots,
    inspection_score,
    is_drawn_rightly,
)

_SEED = b"a seed of the week"
_SIZES = st.lists(st.integers(2, 5), min_size=1, max_size=4)


def _places(sizes: list[int]) -> list[Place]:
    return [
        Place(place_id=f"{unit}/{kind}/{number}", unit=f"unit {unit}", kind=kind)
        for unit, size in enumerate(sizes)
        for kind in SPOTS
        for number in range(size)
    ]


@given(_SIZES, st.binary(min_size=1, max_size=16), st.randoms(use_true_random=False))
def test_every_unit_gets_the_same_nine_whatever_the_order_of_the_list(
    sizes: list[int], seed: bytes, chance: Random
) -> None:
    places = _places(sizes)
    spots = draw_spots(places, "2020-W11", seed)
    chance.shuffle(places)
    assert draw_spots(places, "2020-W11", seed) == spots
    for unit in {place.unit for place in places}:
        drawn = [spot for spot in spots if spot.unit == unit]
        assert Counter(spot.kind for spot in drawn) == SPOTS
        assert len({spot.place_id for spot in drawn}) == 9


def test_a_draw_can_be_checked_by_anybody_afterwards() -> None:
    places = _places([3, 4])
    spots = draw_spots(places, "2020-W11", _SEED)
    commitment = commitment_of(_SEED)
    assert is_drawn_rightly(spots, places, "2020-W11", _SEED, commitment)
    assert not is_drawn_rightly(spots, places, "2020-W11", b"another", commitment)
    assert not is_drawn_rightly(spots, places, "2020-W12", _SEED, commitment)
    assert not is_drawn_rightly(spots[1:], places, "2020-W11", _SEED, commitment)


def test_weeks_draw_other_places_and_every_place_comes_up() -> None:
    places = _places([5])
    drawn = Counter(
        spot.place_id
        for week in range(200)
        for spot in draw_spots(places, f"2020-{week}", _SEED)
        if spot.kind == "main_road"
    )
    assert set(drawn) == {place.place_id for place in places if place.kind == "main_road"}
    assert all(50 <= count <= 110 for count in drawn.values())


def test_a_unit_with_too_few_places_is_not_inspected_less_than_others() -> None:
    with pytest.raises(TooFewPlaces, match="unit 0 的 main_road 点位只有 1 个，应抽 2 个"):
        draw_spots(_places([1]), "2020-W11", _SEED)
    assert len(draw_spots(_places([2]), "2020-W11", _SEED)) == 9


def test_every_spot_counts_the_same() -> None:
    spots = draw_spots(_places([2]), "2020-W11", _SEED)
    results = {spot.place_id: Fraction(90) for spot in spots} | {spots[0].place_id: Fraction(0)}
    assert inspection_score(results, spots) == 80
    with pytest.raises(KeyError, match=spots[0].place_id):
        inspection_score({spot.place_id: Fraction(90) for spot in spots[1:]}, spots)
