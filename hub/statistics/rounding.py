"""Rounding of exact figures, once, for display. Pure; never binary, never chained.

A rounding is written ``HU2``: half up to 2 decimals; ``TR0``: truncated to whole units; ``UP``, ``HE`` likewise for
always away from zero and for halves to even. Reports of cities mix them (A1-5 of the domain notes), so each definition
names its own. Called by ``hub.statistics`` and ``hub.evaluation``.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

#: Most decimals a figure is shown with.
MOST_PLACES = 6


class RoundingMode(StrEnum):
    """How what lies beyond the last decimal is dealt with."""

    HALF_UP = "HU"
    TRUNCATED = "TR"
    UP = "UP"
    HALF_EVEN = "HE"


class Rounding(NamedTuple):
    """A mode and how many decimals are kept."""

    mode: RoundingMode
    places: int

    def __str__(self) -> str:
        return f"{self.mode}{self.places}"

    def of(self, value: Fraction) -> Fraction:
        """Returns the rounded value, exact again."""
        scale = 10**self.places
        return Fraction(_ROUNDED[self.mode](value * scale), scale)

    def text(self, value: Fraction) -> str:
        """Returns the rounded value in decimal digits."""
        return decimal_text(self.of(value), self.places)


def parse_rounding(text: str) -> Rounding:
    """Reads a rounding such as ``HU2``.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(HU|TR|UP|HE)([0-9])", text)
    if not found or int(found[2]) > MOST_PLACES:
        raise ValueError(text)
    return Rounding(RoundingMode(found[1]), int(found[2]))


def decimal_text(value: Fraction, places: int) -> str:
    """Returns a value that has at most these decimals as digits."""
    units = rounded_half_up(abs(value) * 10**places)
    sign = "-" if value < 0 and units else ""
    if not places:
        return f"{sign}{units}"
    whole, part = divmod(units, 10**places)
    return f"{sign}{whole}.{part:0{places}d}"


def rounded_half_up(value: Fraction) -> int:
    """Rounds to the nearest integer, halves up: never binary, never to even (1/32 is 3.13 %, not 3.12 %)."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _away_from_zero(value: Fraction) -> int:
    return -(-abs(value).numerator // value.denominator) * (1 if value >= 0 else -1)


def _half_away(value: Fraction) -> int:
    """Rounds halves away from zero: −8.335 is −8.34, as −8.335 % of a change is read."""
    return rounded_half_up(abs(value)) * (1 if value >= 0 else -1)


_ROUNDED: dict[RoundingMode, Callable[[Fraction], int]] = {
    RoundingMode.HALF_UP: _half_away,
    RoundingMode.TRUNCATED: int,
    RoundingMode.UP: _away_from_zero,
    RoundingMode.HALF_EVEN: round,
}

#: What figures are shown with where nothing else is said.
USUAL = Rounding(RoundingMode.HALF_UP, 2)
