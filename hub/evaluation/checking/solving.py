"""Which whole numbers give a rate as it is stated: a rate says more than it seems to. Exact. Pure.

Rates are in percent, rounded half up to the decimals they are stated with. Source: A0-4, A1-4 and A4-2 of section 3.2
of the domain notes.
"""

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from hub.evaluation.checking.stated import Stated
from hub.statistics.rounding import Rounding, RoundingMode


class Interval(NamedTuple):
    """Whole numbers from ``first`` to ``last``, both included; empty when ``first`` is larger."""

    first: int
    last: int

    def __bool__(self) -> bool:
        return self.first <= self.last

    def __and__(self, other: "Interval") -> "Interval":
        return Interval(max(self.first, other.first), min(self.last, other.last))

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def numerators_of(stated: Stated, base: int) -> Interval:
    """Returns which counts of a base are shown as the stated rate."""
    low, high = stated.value - stated.half_step, stated.value + stated.half_step
    return Interval(max(0, ceil(low * base / 100)), ceil(high * base / 100) - 1)


def bases_of(stated: Stated, numerator: int) -> Interval:
    """Returns over which bases a count is shown as the stated rate; for rates above half of their last decimal."""
    low, high = stated.value - stated.half_step, stated.value + stated.half_step
    if low <= 0 or numerator <= 0:
        return Interval(1, 0)
    return Interval(int(numerator * 100 / high) + 1, int(numerator * 100 / low))


def solvable_bases(stated: Stated, most: int) -> list[tuple[int, int]]:
    """Returns all (count, base) that are shown as the stated rate, for bases up to ``most``; one count a base."""
    found = []
    for base in range(1, most + 1):
        counts = numerators_of(stated, base)
        if counts and counts.first <= base:
            found.append((counts.first, base))
    return found


def fits(stated: Stated, value: Fraction) -> bool:
    """Tells whether a value is shown as stated when rounded half up to the decimals stated."""
    return Rounding(RoundingMode.HALF_UP, stated.places).of(value) == stated.value
