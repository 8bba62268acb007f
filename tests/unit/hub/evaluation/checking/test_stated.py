"""Numbers and sums as people write them, and which whole numbers a rate allows."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.evaluation.checking.solving import bases_of, fits, numerators_of, solvable_bases
from hub.evaluation.checking.stated import (
    ExpressionInvalid,
    Stated,
    is_expression,
    number_text,
    parse_stated,
    value_of,
)
from hub.statistics.rounding import decimal_text


def _stated(text: str) -> Stated:
    found = parse_stated(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "value", "places", "is_percent", "relation", "unit"),
    [
        ("99.67%", "99.67", 2, True, "", "%"),
        ("９９．６７％", "99.67", 2, True, "", "%"),
        ("509,566.00件", "509566", 2, False, "", "件"),
        ("≧ 950 件/天", "950", 0, False, ">=", "件/天"),
        ("≤60万元", "60", 0, False, "<=", "万元"),
        ("不低于95%", "95", 0, True, ">=", "%"),
        ("500+", "500", 0, False, ">=", ""),
        ("10+次", "10", 0, False, ">=", "次"),
        ("30件以上", "30", 0, False, ">=", "件"),
        ("-8.33", "-8.33", 2, False, "", ""),
        ("1,271.76", "1271.76", 2, False, "", ""),
    ],
)
def test_numbers_are_read_as_they_are_written(
    text: str, value: str, places: int, is_percent: bool, relation: str, unit: str
) -> None:
    found = _stated(text)
    assert found[1:] == (Fraction(value), places, is_percent, relation, unit)


@pytest.mark.parametrize("text", ["", "—", "达成", "1,23", "1.2.3", "2020-01-02", "12 34", "9" * 31, "１２e5x9"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_stated(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("103.77+1022.51", "1126.28"),
        ("60.74×0.55 + 40.01×0.45", "51.4115"),
        ("(1＋2)×3−4÷2", "7"),
        ("上报-自行处置", "7"),
        ("-（2-5）", "3"),
        ("12345热线 / 2", "5"),
        ("50%×4", "2"),
        ("1,000 - 1", "999"),
    ],
)
def test_sums_are_computed_exactly(text: str, value: str) -> None:
    names = {"上报": Fraction(10), "自行处置": Fraction(3), "12345热线": Fraction(10)}
    assert is_expression(text)
    assert value_of(text, names) == Fraction(value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1+", "不完整"),
        ("1/0", "除数为零"),
        ("(1+2", "括号"),
        ("1+2)", "括号"),
        ("1+*2", "不完整"),
        ("1+未知", "没有给出“未知”的数值"),
        ("1+" * 300 + "1", "算式过长"),
        ("", "不完整"),
    ],
)
def test_what_cannot_be_computed_is_told(text: str, told: str) -> None:
    with pytest.raises(ExpressionInvalid, match=told):
        value_of(text, {})
    assert value_of("1+2", {}) == 3


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_a_sum_of_numbers_is_their_sum(numbers: list[int]) -> None:
    assert value_of("+".join(map(str, numbers)), {}) == sum(numbers)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = parse_stated(text)
    assert found is None or found.places >= 0
    try:
        assert isinstance(value_of(text, {}), Fraction)
    except ExpressionInvalid as invalid:
        assert str(invalid)


def test_numbers_are_told_with_as_few_decimals_as_they_need() -> None:
    assert [number_text(Fraction(text)) for text in ("5", "2.50", "-0.125")] == ["5", "2.5", "-0.125"]
    assert number_text(Fraction(1, 3)) == "0.333333…"


@given(st.integers(1, 2_000), st.data(), st.integers(0, 3))
def test_a_rate_allows_the_counts_it_was_made_of(base: int, data: st.DataObject, places: int) -> None:
    count = data.draw(st.integers(1, base))
    exact = Fraction(count * 100, base)
    stated = _stated(f"{decimal_text(exact, places)}%")
    assert fits(stated, exact)
    counts = numerators_of(stated, base)
    assert counts.first <= count <= counts.last
    assert all(fits(stated, Fraction(one * 100, base)) for one in counts)
    assert not fits(stated, Fraction((counts.last + 1) * 100, base))
    assume(stated.value > stated.half_step)
    bases = bases_of(stated, count)
    assert bases.first <= base <= bases.last
    assert all(fits(stated, Fraction(count * 100, one)) for one in bases)
    assert bases.first == 1 or not fits(stated, Fraction(count * 100, bases.first - 1))
    assert not fits(stated, Fraction(count * 100, bases.last + 1))


def test_intervals_meet_and_may_be_empty() -> None:
    both = bases_of(_stated("96.50%"), 498_024) & bases_of(_stated("96.45%"), 497_794)
    assert (str(both), bool(both)) == ("516090–516113", True)
    assert not numerators_of(_stated("97.47%"), 583)
    assert not bases_of(_stated("0.00%"), 5)
    assert str(numerators_of(_stated("40.01%"), 14_664)) == "5867"
    assert solvable_bases(_stated("50%"), 2) == [(1, 2)]
