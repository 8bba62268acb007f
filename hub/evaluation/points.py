"""Points for one indicator, exact. Pure.

Source: F13 to F16 and F18 of section 3.1 of the domain notes (S001, S004 and their forms of self-evaluation).
Called by ``hub.evaluation.tree`` and the check of self-evaluations.
"""

from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct


class Direction(StrEnum):
    """Whether more is better (≥ the target) or less is (≤)."""

    HIGHER = "higher"
    LOWER = "lower"


class Verdict(StrEnum):
    """How far a qualitative target was reached."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"


class Band(NamedTuple):
    """Which parts of the weight a verdict may be given: from ``low`` to ``high``; ``is_high_open``: below ``high``."""

    low: Fraction
    high: Fraction
    is_high_open: bool

    def holds(self, share: Fraction) -> bool:
        """Tells whether a part of the weight lies in the band."""
        return self.low <= share and (share < self.high if self.is_high_open else share <= self.high)


#: F16: 达成 100–80 % (80 included), 部分达成 80–50 % (50 included), 未达成 50–0 %.
BANDS: dict[Verdict, Band] = {
    Verdict.MET: Band(Fraction(80, 100), Fraction(1), is_high_open=False),
    Verdict.PARTLY: Band(Fraction(50, 100), Fraction(80, 100), is_high_open=True),
    Verdict.NOT_MET: Band(Fraction(0), Fraction(50, 100), is_high_open=True),
}


class Grade(Struct, frozen=True):
    """A word for results from ``least`` points of 100 on, up to the next grade."""

    name_zh: str
    name_en: str
    least: Fraction


#: F14. Source: S001; the others use the same four words without their bounds.
GRADES: tuple[Grade, ...] = (
    Grade("优", "excellent", Fraction(90)),
    Grade("良", "good", Fraction(80)),
    Grade("中", "fair", Fraction(60)),
    Grade("差", "poor", Fraction(0)),
)


def execution_rate(spent: Fraction, budget: Fraction) -> Fraction | None:
    """Returns F13, what was spent of the year's budget; ``None`` without a budget. Above 1 is legal."""
    return spent / budget if budget else None


def execution_points(weight: Fraction, spent: Fraction, budget: Fraction) -> Fraction | None:
    """Returns the points for spending: the weight by the rate, never more than the weight."""
    rate = execution_rate(spent, budget)
    return None if rate is None else _within(weight, weight * rate)


def quantitative_points(weight: Fraction, target: Fraction, actual: Fraction, direction: Direction) -> Fraction | None:
    """Returns F15: B/A of the weight where more is better, A/B where less is, never more than the weight.

    ``None`` where it cannot be divided: a target of 0 that should be exceeded. Nothing at all where less is better is
    the best there is.
    """
    if direction is Direction.LOWER:
        return weight if actual <= 0 else _within(weight, weight * target / actual)
    return None if not target else _within(weight, weight * actual / target)


def is_met(target: Fraction, actual: Fraction, direction: Direction) -> bool:
    """Tells whether a target was reached; what equals it reaches it."""
    return actual <= target if direction is Direction.LOWER else actual >= target


def grade_of(points: Fraction, grades: tuple[Grade, ...] = GRADES) -> Grade:
    """Returns the grade of a result out of 100, which is not rounded before."""
    return next((one for one in grades if points >= one.least), grades[-1])


def _within(weight: Fraction, points: Fraction) -> Fraction:
    return max(Fraction(0), min(weight, points))
