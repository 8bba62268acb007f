"""Roundings: the traps of section 3 of the domain notes, and what holds for all values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.statistics.rounding import Rounding, RoundingMode, decimal_text, parse_rounding

_VALUES = st.fractions(-1_000, 1_000, max_denominator=10_000)
_ROUNDINGS = st.builds(Rounding, st.sampled_from(RoundingMode), st.integers(0, 6))


@pytest.mark.parametrize(
    ("rounding", "value", "shown"),
    [
        ("HU2", Fraction(100, 32), "3.13"),
        ("HE2", Fraction(100, 32), "3.12"),
        ("HU2", Fraction(500, 32), "15.63"),
        ("HU2", Fraction(100, 160), "0.63"),
        ("TR0", Fraction(9_999, 100), "99"),
        ("HU0", Fraction(193, 2), "97"),
        ("UP0", Fraction(96_001, 1_000), "97"),
        ("HU2", Fraction(-8_335, 1_000), "-8.34"),
        ("TR1", Fraction(-19, 20), "-0.9"),
        ("UP1", Fraction(-81, 100), "-0.9"),
        ("HU0", Fraction(-1, 3), "0"),
    ],
)
def test_each_mode_rounds_its_own_way(rounding: str, value: Fraction, shown: str) -> None:
    assert parse_rounding(rounding).text(value) == shown


@pytest.mark.parametrize("text", ["", "HU", "HU7", "hu2", "XX2", "HU22"])
def test_what_is_no_rounding_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        parse_rounding(text)


@given(_ROUNDINGS)
def test_a_rounding_is_read_as_it_is_written(rounding: Rounding) -> None:
    assert parse_rounding(str(rounding)) == rounding


@given(_ROUNDINGS, _VALUES)
def test_a_rounded_value_is_near_is_stable_and_its_text_is_the_value(rounding: Rounding, value: Fraction) -> None:
    rounded = rounding.of(value)
    assert abs(rounded - value) * 10**rounding.places < 1
    assert rounding.of(rounded) == rounded
    assert Fraction(rounding.text(value)) == rounded
    assert Fraction(decimal_text(rounded, rounding.places)) == rounded
