"""Field inspections: which places are looked at, drawn so that anybody can draw them again. Pure.

F11 of the domain notes (S004): each unit every week, nine spots: main roads 2, back lanes 2, and one each of
residential quarter, market, building site, public toilet and other; equal time and content. Who knows the seed, the
list of places, unit and week gets the same nine; the seed is published afterwards, its digest before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

#: Which kinds of place, and how many of each; the same for every unit.
SPOTS: Mapping[str, int] = {
    "main_road": 2,
    "back_lane": 2,
    "residential": 1,
    "market": 1,
    "building_site": 1,
    "public_toilet": 1,
    "other": 1,
}


class Place(Struct, frozen=True, kw_only=True):
    """A place of a unit's area that can be inspected."""

    place_id: str
    unit: str
    kind: str


class Spot(Struct, frozen=True, kw_only=True):
    """A place drawn for a week; ``draw`` is the number it won by, in hex, for who checks the drawing."""

    week: str
    unit: str
    kind: str
    place_id: str
    draw: str


class TooFewPlaces(Exception):
    """A unit has fewer places of a kind than are to be inspected, so the draw would not be equal."""

    def __init__(self, unit: str, kind: str, found: int, wanted: int) -> None:
        super().__init__(
            f"{unit} 的 {kind} 点位只有 {found} 个，应抽 {wanted} 个，请补充点位名录。"
            f" / {unit} has {found} places of kind {kind}, {wanted} are to be drawn; add places."
        )


def draw_spots(places: Sequence[Place], week: str, seed: bytes, plan: Mapping[str, int] = SPOTS) -> tuple[Spot, ...]:
    """Draws the spots of a week, the same number of each kind for every unit.

    Args:
        places: all places that can be drawn; their order does not matter.
        week: such as ``2020-W11``.
        seed: secret until the week has been drawn; its digest is published before (``commitment_of``).
        plan: how many of each kind.

    Raises:
        TooFewPlaces: a unit cannot be inspected as the others are.
    """
    spots: list[Spot] = []
    for unit in sorted({place.unit for place in places}):
        for kind, wanted in plan.items():
            drawn = sorted(
                (_number(seed, week, place), place.place_id)
                for place in places
                if place.unit == unit and place.kind == kind
            )
            if len(drawn) < wanted:
                raise TooFewPlaces(unit, kind, len(drawn), wanted)
            spots += [
                Spot(week=week, unit=unit, kind=kind, place_id=place_id, draw=number)
                for number, place_id in drawn[:wanted]
            ]
    return tuple(spots)


def commitment_of(seed: bytes) -> str:
    """Returns what is published of a seed before the draw."""
    return hashlib.sha256(seed).hexdigest()


def is_drawn_rightly(
    spots: Sequence[Spot],
    places: Sequence[Place],
    week: str,
    seed: bytes,
    commitment: str,
    plan: Mapping[str, int] = SPOTS,
) -> bool:
    """Tells whether spots are those of the seed that was committed to."""
    return commitment_of(seed) == commitment and draw_spots(places, week, seed, plan) == tuple(spots)


def inspection_score(results: Mapping[str, Fraction], spots: Sequence[Spot]) -> Fraction:
    """Returns the score out of 100 of one unit's spots: the mean, every spot counting the same.

    Args:
        results: score out of 100 by place.
        spots: the spots drawn for one unit and week.

    Raises:
        KeyError: a spot was not inspected; its place is named, not skipped.
    """
    return sum((results[spot.place_id] for spot in spots), Fraction(0)) / len(spots)


def _number(seed: bytes, week: str, place: Place) -> str:
    parts = (week, place.unit, place.kind, place.place_id)
    text = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.sha256(len(seed).to_bytes(4, "big") + seed + text).hexdigest()
