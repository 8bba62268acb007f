"""Scoring schemes: what units or cities are scored by. Pure.

A *composite* scheme adds weighted parts and a list of bonuses and deductions, and may rank (F7 to F12 of the domain
notes); a *tree* spreads points over indicators (F13 to F19, and the trees of section 1.9). Both are data; what the
source leaves open is a field with the default of section 6 of the domain notes.
"""

from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from hub.evaluation.points import Direction, Grade
from hub.statistics.rounding import USUAL, Rounding


class Veto(StrEnum):
    """What 一票否决 means: the month's score is 0, or the unit comes last with its score shown."""

    ZERO = "zero"
    LAST = "last"


class Ties(StrEnum):
    """Equal scores have equal ranks; the next rank is left out, or not."""

    SKIP = "skip"
    DENSE = "dense"


class Granularity(StrEnum):
    """A bonus per percentage point: for parts of a point too, or for whole ones only."""

    PROPORTIONAL = "proportional"
    WHOLE = "whole"


class Input(StrEnum):
    """Where the value of a part or an indicator comes from."""

    METRIC = "metric"
    FIELD = "field"
    SURVEY = "survey"
    GIVEN = "given"


class Measure(StrEnum):
    """How an indicator's value becomes points."""

    EXECUTION = "execution"
    QUANTITATIVE = "quantitative"
    QUALITATIVE = "qualitative"
    SHARE = "share"
    GROUP = "group"


class Part(Struct, frozen=True, kw_only=True):
    """A weighted part of a composite, scored out of 100; ``metric_id`` where the hub computes it."""

    part_id: str
    name_zh: str
    name_en: str
    weight: Fraction
    input: Input
    metric_id: str = ""


class Item(Struct, frozen=True, kw_only=True):
    """An entry of the list of bonuses and deductions: points for each time, or for each percentage point of fall."""

    item_id: str
    name_zh: str
    name_en: str
    points: Fraction
    is_per_point_of_fall: bool = False
    is_veto: bool = False


class CompositeScheme(Struct, frozen=True, kw_only=True):
    """F7 to F12: weighted parts and a list whose sum is bounded by ``list_cap`` on both sides.

    ``change_places`` are the decimals of a bonus per percentage point; ``annual_points`` is what a full score is worth
    in a unit's yearly performance.
    """

    scheme_id: str
    version: int
    name_zh: str
    name_en: str
    source: str
    parts: tuple[Part, ...]
    items: tuple[Item, ...]
    list_cap: Fraction
    veto: Veto = Veto.ZERO
    ties: Ties = Ties.SKIP
    granularity: Granularity = Granularity.PROPORTIONAL
    change_places: int = 2
    is_ranked: bool = True
    annual_points: Fraction = Fraction(0)
    rounding: Rounding = USUAL


class Node(Struct, frozen=True, kw_only=True):
    """An indicator, or a group of them (``measure`` GROUP). ``weight`` is ``None`` where the source gives none."""

    node_id: str
    parent: str
    name_zh: str
    name_en: str
    weight: Fraction | None
    measure: Measure
    inputs: tuple[Input, ...] = ()
    direction: Direction = Direction.HIGHER
    target: Fraction | None = None
    metric_id: str = ""


class TreeScheme(Struct, frozen=True, kw_only=True):
    """F13 to F19. ``total`` is what all roots' weights add up to. ``is_ranked``: places may be compared by it."""

    scheme_id: str
    version: int
    name_zh: str
    name_en: str
    source: str
    total: Fraction
    nodes: tuple[Node, ...]
    grades: tuple[Grade, ...]
    is_ranked: bool = False
    rounding: Rounding = USUAL

    @property
    def is_weighted(self) -> bool:
        """Whether all weights are known; without them there are values and no points."""
        return all(node.weight is not None for node in self.nodes)

    def children_of(self, node_id: str) -> tuple[Node, ...]:
        """Returns what stands directly below a node, the roots below the empty id."""
        return tuple(node for node in self.nodes if node.parent == node_id)


Scheme = CompositeScheme | TreeScheme
