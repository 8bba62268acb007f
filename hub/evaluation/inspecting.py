"""Field inspections end to end: places, a round with its commitment, the draw, what was found, the seed afterwards.

Places and seed are fixed when a round is opened, so nobody can add or leave out places once they know the draw; the
seed's digest is shown then and the seed after the round, so that everybody can draw again. Called by ``hub.cli``.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from exchange_db import inspections
from exchange_db.inspections import PlaceRow, ResultRow, RoundRow
from exchange_db.records import Violated
from exchange_db.regions import format_region, subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.evidence import read_spots
from hub.evaluation.inspection import (
    SPOTS,
    Place,
    Spot,
    TooFewPlaces,
    commitment_of,
    draw_spots,
    is_drawn_rightly,
)
from hub.evaluation.schemes import CompositeScheme, Input, Scheme
from hub.evaluation.sources import exact, exact_text
from hub.recording import actor, recorded
from hub.settings import Settings


class Finding(NamedTuple):
    """What was found at a spot: a score out of 100 as exact text; photos by SHA-256 in hex."""

    place_id: str
    score: str
    photos: tuple[str, ...] = ()
    note: str = ""


class RoundKey(NamedTuple):
    """Which round: of a region, a scheme, and its own name, such as ``2020-W11``."""

    region: int
    scheme_id: str
    round_id: str

    def __str__(self) -> str:
        return f"{format_region(self.region)} {self.scheme_id} {self.round_id}"


class Checked(NamedTuple):
    """Whether a round was drawn rightly, and how many of its spots have a result."""

    is_right: bool
    commitment: str
    seed: str
    spots: tuple[Spot, ...]
    result_count: int


class InspectionDesk:
    """Keeps rounds of inspections.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._hub_region = settings.hub.region

    async def put_places(self, region: int, places: Sequence[PlaceRow]) -> None:
        """Puts a region's places in the place of what was there.

        Raises:
            Violated: REGION_FORBIDDEN, FIELD_MISSING or ARGUMENT_INVALID.
        """
        self._require_region(region)
        if len({one.place_id for one in places}) < len(places):
            raise Violated("ARGUMENT_INVALID", "place_id", "twice")
        for one in places:
            if not (one.place_id and one.unit_code and one.kind):
                raise Violated("FIELD_MISSING", "place_id, unit_code, kind")
        async with recorded(
            self._ledger,
            "evaluation.places",
            format_region(region),
            region=region,
            detail={"count": len(places)},
        ) as act:
            await inspections.put_places(act.session, region, list(places))

    async def open_round(
        self, key: RoundKey, scheme: Scheme, day: date, plan: Mapping[str, int] | None = None
    ) -> RoundRow:
        """Opens a round: fixes the places and the seed, and shows the seed's digest.

        Args:
            key: which round.
            scheme: what it is for.
            day: the day it counts at.
            plan: how many of each kind; nine of F11 for units, one of each indicator that is inspected for trees.

        Raises:
            Violated: REGION_FORBIDDEN, INSPECTION_ROUND_SETTLED or PLACES_TOO_FEW.
        """
        self._require_region(key.region)
        plan = dict(plan or _plan_of(scheme))
        seed = secrets.token_bytes(32)
        async with recorded(
            self._ledger,
            "evaluation.inspection.open",
            str(key),
            region=key.region,
            detail={"commitment": commitment_of(seed)},
        ) as act:
            if await inspections.find_round(act.session, *key) is not None:
                raise Violated("INSPECTION_ROUND_SETTLED", "round", key.round_id)
            found = await inspections.places_of(act.session, key.region)
            places = [Place(place_id=one.place_id, unit=one.unit_code, kind=one.kind) for one in found]
            _drawn(places, key.round_id, seed, plan)
            row = RoundRow(
                *key, day, plan, msgspec.json.encode(places), commitment_of(seed), seed, None, actor(), self._now(),
                None, None,
            )  # fmt: skip
            await inspections.open_round(act.session, row)
        return row

    async def draw(self, key: RoundKey) -> tuple[Spot, ...]:
        """Draws the spots of a round, once.

        Raises:
            Violated: INSPECTION_ROUND_UNKNOWN or INSPECTION_ROUND_SETTLED.
        """
        async with recorded(self._ledger, "evaluation.inspection.draw", str(key), region=key.region) as act:
            row = await inspections.find_round(act.session, *key)
            if row is None:
                raise Violated("INSPECTION_ROUND_UNKNOWN", "round", key.round_id)
            if row.spots is not None:
                raise Violated("INSPECTION_ROUND_SETTLED", "round", key.round_id)
            spots = _drawn(_places_of(row), row.round_id, row.seed, row.plan)
            act.detail["count"] = len(spots)
            await inspections.change_round(act.session, *key, spots=msgspec.json.encode(spots), drawn_time=self._now())
        return spots

    async def enter(self, key: RoundKey, findings: Sequence[Finding]) -> None:
        """Keeps what was found; what was entered before stays as an earlier revision.

        Raises:
            Violated: INSPECTION_ROUND_UNKNOWN, SPOT_UNKNOWN, NUMBER_INVALID or ARGUMENT_INVALID.
        """
        async with recorded(
            self._ledger,
            "evaluation.inspection.enter",
            str(key),
            region=key.region,
            detail={"count": len(findings)},
        ) as act:
            row = await inspections.find_round(act.session, *key)
            if row is None:
                raise Violated("INSPECTION_ROUND_UNKNOWN", "round", key.round_id)
            drawn = {spot.place_id for spot in read_spots(row.spots)}
            rows = [self._result(key, drawn, one) for one in findings]
            if len({one.place_id for one in rows}) < len(rows):
                raise Violated("ARGUMENT_INVALID", "place_id", "twice")
            if rows:
                await inspections.add_results(act.session, rows)

    def _result(self, key: RoundKey, drawn: set[str], one: Finding) -> ResultRow:
        if one.place_id not in drawn:
            raise Violated("SPOT_UNKNOWN", "place_id", one.place_id)
        try:
            score = exact(one.score)
        except ValueError:
            raise Violated("NUMBER_INVALID", "score", one.score) from None
        if not 0 <= score <= 100:
            raise Violated("NUMBER_INVALID", "score", one.score)
        for photo in one.photos:
            if len(photo) != 64 or not set(photo) <= set("0123456789abcdef"):
                raise Violated("ARGUMENT_INVALID", "photos", photo)
        return ResultRow(*key, one.place_id, 0, exact_text(score), list(one.photos), one.note, actor(), self._now())

    async def reveal(self, key: RoundKey) -> Checked:
        """Shows the seed of a round that was drawn, and tells whether the spots are those of the seed.

        Raises:
            Violated: INSPECTION_ROUND_UNKNOWN.
        """
        async with recorded(self._ledger, "evaluation.inspection.reveal", str(key), region=key.region) as act:
            row = await inspections.find_round(act.session, *key)
            if row is None or row.spots is None:
                raise Violated("INSPECTION_ROUND_UNKNOWN", "round", key.round_id)
            if row.revealed_time is None:
                await inspections.change_round(act.session, *key, revealed_time=self._now())
        return await self.check(key)

    async def check(self, key: RoundKey) -> Checked:
        """Draws a round again from what was kept; the seed is told only once it was revealed.

        Raises:
            Violated: INSPECTION_ROUND_UNKNOWN.
        """
        async with self._ledger.read() as session:
            row = await inspections.find_round(session, *key)
            if row is None:
                raise Violated("INSPECTION_ROUND_UNKNOWN", "round", key.round_id)
            results = await inspections.results_of(session, *key)
        spots = read_spots(row.spots)
        is_right = is_drawn_rightly(spots, _places_of(row), row.round_id, row.seed, row.commitment, row.plan)
        seed = row.seed.hex() if row.revealed_time is not None else ""
        return Checked(bool(spots) and is_right, row.commitment, seed, spots, len(results))

    def _require_region(self, region: int) -> None:
        if region not in subtree(self._hub_region):
            raise Violated("REGION_FORBIDDEN", "region", format_region(region))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _plan_of(scheme: Scheme) -> Mapping[str, int]:
    if isinstance(scheme, CompositeScheme):
        return SPOTS
    return {node.node_id: 1 for node in scheme.nodes if Input.FIELD in node.inputs}


def _places_of(row: RoundRow) -> list[Place]:
    return msgspec.json.decode(row.places, type=list[Place])


def _drawn(places: Sequence[Place], round_id: str, seed: bytes, plan: Mapping[str, int]) -> tuple[Spot, ...]:
    try:
        return draw_spots(places, round_id, seed, plan)
    except TooFewPlaces as error:
        raise Violated("PLACES_TOO_FEW", "places", error) from None
