"""Likely causes: what is made by a slip is explained by that slip, and what is right has none."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.evaluation.checking.causes import Context, agrees, causes_of
from hub.evaluation.checking.findings import CAUSE_NAMES, RULE_NAMES, Cause, Rule
from hub.evaluation.checking.stated import Stated, parse_stated
from hub.statistics.rounding import Rounding, RoundingMode

_EXACT = st.fractions(1, 100, max_denominator=5_000)


def _stated(text: str) -> Stated:
    found = parse_stated(text)
    assert found is not None
    return found


def _causes(stated: str, exact: str, context: Context | None = None) -> list[Cause]:
    return [one.cause for one in causes_of(_stated(stated), Fraction(exact), context or Context())]


@pytest.mark.parametrize(
    ("stated", "exact", "cause"),
    [
        ("99%", "99.87", Cause.TRUNCATED),
        ("99.86%", "99.867", Cause.TRUNCATED),
        ("3.12%", "3.125", Cause.TRUNCATED),
        ("15.62%", "15.625", Cause.TRUNCATED),
        ("3.12%", "3.115", Cause.OTHER_ROUNDING),
        ("100%", "99.67", Cause.OTHER_ROUNDING),
        ("85.00%", "84.498662", Cause.ROUNDED_INTERMEDIATE),
        ("950", "95", Cause.MOVED_POINT),
        ("9.2", "92", Cause.MOVED_POINT),
        ("0.92", "92.071", Cause.NO_PERCENT),
        ("92.70%", "92.0712", Cause.MISPRINT),
    ],
)
def test_slips_are_known_by_what_they_leave(stated: str, exact: str, cause: Cause) -> None:
    assert _causes(stated, exact)[0] is cause


def test_bankers_rounding_is_named_beside_truncation() -> None:
    details = [one.detail for one in causes_of(_stated("3.12%"), Fraction("3.125"), Context())]
    assert any("五成双" in detail for detail in details)


def test_what_else_is_known_is_used() -> None:
    assert _causes("83.98%", "98.289", Context(text_value=_stated("98.29%"))) == [Cause.MISPRINT]
    assert _causes("8.5", "8.1", Context(via={"x": Fraction("8.5")})) == [Cause.ROUNDED_INTERMEDIATE]
    assert _causes("71.30%", "98.2", Context(others={"另一行": _stated("71.30%")})) == [Cause.COPIED]
    assert _causes("84.12%", "92.0712", Context(numerator=Fraction(428_644), bases={"上报": Fraction(509_566)})) == [
        Cause.OTHER_BASE
    ]
    assert _causes("70.00%", "92.0712", Context(numerator=Fraction(428_644))) == [Cause.UNKNOWN_BASE]
    assert _causes("70.00%", "92.0712") == []


@given(_EXACT, st.integers(1, 4))
def test_what_is_rounded_half_up_is_right(exact: Fraction, places: int) -> None:
    assert agrees(_stated(Rounding(RoundingMode.HALF_UP, places).text(exact)), exact)


@given(_EXACT, st.integers(0, 3))
def test_truncation_is_always_found(exact: Fraction, places: int) -> None:
    stated = _stated(Rounding(RoundingMode.TRUNCATED, places).text(exact))
    assume(not agrees(stated, exact))
    assert {Cause.TRUNCATED, Cause.OTHER_ROUNDING} & {one.cause for one in causes_of(stated, exact, Context())}


@given(st.integers(1_000, 9_999), st.sampled_from([10, 100, 1_000]))
def test_a_moved_point_is_always_found(value: int, factor: int) -> None:
    exact = Fraction(value, 100)
    stated = _stated(Rounding(RoundingMode.HALF_UP, 2).text(exact * factor))
    assert Cause.MOVED_POINT in [one.cause for one in causes_of(stated, exact, Context())]


def test_every_rule_and_cause_has_its_words() -> None:
    assert set(RULE_NAMES) == set(Rule)
    assert set(CAUSE_NAMES) == set(Cause)
