"""What a metric is: weighted counters over weighted counters, with everything two figures must share to be compared.

Definitions are data (``hub/statistics/data``, releases of kind ``metrics``); ``hub.statistics.registry`` reads and
keeps them. Pure. Called by ``hub.statistics`` and ``hub.evaluation``.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct

from exchange_db.counting import Anchor
from hub.statistics.derived import KEPT, Kept, kept
from hub.statistics.rounding import USUAL, Rounding

#: A counter's name and its weight.
Term = tuple[str, int]

_TERM = re.compile(r"\s*([+-]?)\s*(?:([1-9][0-9]{0,5})\s+)?([a-z][a-z0-9_]{0,59})\s*")


class Cohort(StrEnum):
    """Which cases or events a figure of a period is about.

    Figures of one cohort can be put beside each other; over the cohorts they cannot, because what is carried over
    counts differently (16 of section 6 of the domain notes).
    """

    DEADLINE = "deadline"
    REPORTED = "reported"
    FILED = "filed"
    ACTIVITY = "activity"
    STATE = "state"
    YEAR = "year"


class MonthRule(StrEnum):
    """To which month the first instant of a month belongs: to it (half-open), or to the month before (24:00)."""

    HALF_OPEN = "half_open"
    MIDNIGHT_BEFORE = "midnight_before"


class Handling(StrEnum):
    """What becomes of suspended or void cases."""

    INCLUDED = "included"
    EXCLUDED = "excluded"
    NOT_SAID = "not_said"


class Unit(StrEnum):
    """What a figure is shown in."""

    PERCENT = "percent"
    NUMBER = "number"


class Counter(Struct, frozen=True, kw_only=True):
    """A named count. ``unit`` is what is counted; ``is_whole`` is false of money and areas.

    ``other_names`` are what tables of cities call it.
    """

    name: str
    name_zh: str
    name_en: str
    unit: str = "件"
    is_whole: bool = True
    other_names: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the ledger tells it; the others are given by sheets, surveys, track feeds and tables."""
        return self.name in KEPT


class MetricDefinition(Struct, frozen=True, kw_only=True):
    """One metric of one profile. Two figures may be compared only when id and version are equal.

    ``concept`` is what the definitions of one indicator have in common over the profiles. ``filters`` narrows both
    parts, ``numerator_filters`` the numerator: a dimension (``source``, ``class``, ``stage``) and the values that
    count. ``anchor`` is empty where nothing is early or late. ``clause`` is the place in the source; ``is_verified``
    says whether its text was at hand.
    """

    metric_id: str
    version: int
    concept: str
    profile: str
    name_zh: str
    name_en: str
    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...]
    cohort: Cohort
    source: str
    clause: str = ""
    is_verified: bool = False
    other_names: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = {}
    numerator_filters: Mapping[str, tuple[str, ...]] = {}
    month_rule: MonthRule = MonthRule.HALF_OPEN
    anchor: Anchor | None = None
    suspended: Handling = Handling.NOT_SAID
    void: Handling = Handling.NOT_SAID
    unit: Unit = Unit.PERCENT
    rounding: Rounding = USUAL
    is_lower_better: bool = False
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the ledger tells all counters it needs; otherwise it is computed from counts that are given."""
        return all(one is not None for one in (*self.numerator_kept, *self.denominator_kept))

    @property
    def numerator_kept(self) -> tuple[Kept | None, ...]:
        """What each term of the numerator is in the ledger, the filters applied."""
        filters = {**self.filters, **self.numerator_filters}
        return tuple(kept(name, filters) for name, _ in self.numerator)

    @property
    def denominator_kept(self) -> tuple[Kept | None, ...]:
        """What each term of the denominator is in the ledger, the filters applied."""
        return tuple(kept(name, self.filters) for name, _ in self.denominator)

    @property
    def counters(self) -> frozenset[str]:
        """Names of all counters it needs."""
        return frozenset(name for name, _ in (*self.numerator, *self.denominator))


class Quotient(NamedTuple):
    """An exact figure with both its parts; a denominator of 0 means: nothing to divide by, no figure."""

    metric: MetricDefinition
    numerator: Fraction
    denominator: Fraction

    @property
    def value(self) -> Fraction | None:
        """The figure itself; a percentage as a part of 1."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def shown(self) -> Fraction | None:
        """The figure in the unit it is shown in, not rounded."""
        if self.value is None:
            return None
        return self.value * 100 if self.metric.unit is Unit.PERCENT else self.value

    @property
    def display(self) -> str:
        """The figure as it is shown, rounded once; empty when there is none."""
        return "" if self.shown is None else self.metric.rounding.text(self.shown)


class CountMissing(Exception):
    """A metric cannot be computed because counters it needs were not given; ``names`` are theirs."""

    def __init__(self, metric: MetricDefinition, names: frozenset[str]) -> None:
        listed = "、".join(sorted(names))
        super().__init__(
            f"{metric.name_zh}（{metric.metric_id}）缺少计数：{listed}，请给出。"
            f" / {metric.metric_id} needs counts that were not given: {', '.join(sorted(names))}; give them."
        )
        self.names = names


def quotient_of(metric: MetricDefinition, counts: Mapping[str, int | Fraction]) -> Quotient:
    """Computes one metric from counts by name; the counts must have gone through the metric's filters already.

    Raises:
        CountMissing: a counter is missing; an absent one is never taken for 0.
    """
    missing = metric.counters - counts.keys()
    if missing:
        raise CountMissing(metric, missing)
    return Quotient(metric, _weighted(metric.numerator, counts), _weighted(metric.denominator, counts))


def _weighted(terms: tuple[Term, ...], counts: Mapping[str, int | Fraction]) -> Fraction:
    return sum((weight * Fraction(counts[name]) for name, weight in terms), Fraction(0))


def parse_terms(text: str) -> tuple[Term, ...]:
    """Reads weighted counters such as ``55 done + 45 on_time`` or ``filed - void``.

    Raises:
        ValueError: the text is none, or names a counter twice.
    """
    terms: list[Term] = []
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if not found or (terms and not found[1]):
            raise ValueError(text)
        weight = int(found[2] or 1)
        terms.append((found[3], -weight if found[1] == "-" else weight))
        place = found.end()
    if not terms or len({name for name, _ in terms}) < len(terms):
        raise ValueError(text)
    return tuple(terms)


def terms_text(terms: tuple[Term, ...]) -> str:
    """Returns weighted counters the way ``parse_terms`` reads them."""
    text = " ".join(
        f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight)} '}{name}" for name, weight in terms
    )
    return text.removeprefix("+ ")


def change_of(now: Fraction | int | None, before: Fraction | int | None) -> Fraction | None:
    """Returns how much a value changed against an earlier one, as a part of it; ``None`` when that cannot be said.

    There is none without both values, nor on a base of 0 (同比 and 环比; trap of section 3.2 of the domain notes).
    """
    if now is None or not before:
        return None
    return (Fraction(now) - Fraction(before)) / abs(Fraction(before))
