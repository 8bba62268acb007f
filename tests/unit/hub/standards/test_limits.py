"""Limits as tables write them: read exactly, or refused in words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.standards.limits import MOST_VALUE, UNIT_NAMES, Limit, LimitRule, LimitStep, LimitUnit, RuleBroken, parse_limit


def _one(value: int | Fraction, unit: LimitUnit, name: str = "处置") -> LimitRule:
    return LimitRule((LimitStep(name, Limit(value, unit)),))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("4工作时", 4, LimitUnit.WORKING_HOUR),
        ("2紧急工作时", 2, LimitUnit.URGENT_HOUR),
        (" 5工作日", 5, LimitUnit.WORKING_DAY),
        ("\u30001紧急工作日\n", 1, LimitUnit.URGENT_DAY),
        ("15日", 15, LimitUnit.DAY),
        ("15自然日", 15, LimitUnit.DAY),
        ("７工作日", 7, LimitUnit.WORKING_DAY),
        ("3个工作日", 3, LimitUnit.WORKING_DAY),
        ("3 个工作日内", 3, LimitUnit.WORKING_DAY),
        ("0.5工作日", Fraction(1, 2), LimitUnit.WORKING_DAY),
        ("1．5工作时", Fraction(3, 2), LimitUnit.WORKING_HOUR),
        ("15分钟", Fraction(1, 4), LimitUnit.URGENT_HOUR),
        ("30 min", Fraction(1, 2), LimitUnit.URGENT_HOUR),
        ("20分钟", Fraction(1, 3), LimitUnit.URGENT_HOUR),
        ("24小时", 24, LimitUnit.URGENT_HOUR),
    ],
)
def test_a_limit_is_read_as_tables_write_it(text: str, value: int | Fraction, unit: LimitUnit) -> None:
    """1.5 of the domain notes, with the damage of 1.3.4."""
    assert parse_limit(text) == _one(value, unit)


def test_a_limit_of_two_steps_names_each() -> None:
    assert parse_limit("2紧急工作时围护 | 5工作日修复") == LimitRule(
        (
            LimitStep("围护", Limit(2, LimitUnit.URGENT_HOUR)),
            LimitStep("修复", Limit(5, LimitUnit.WORKING_DAY)),
        )
    )
    assert parse_limit("2紧急工作日制止｜15日") == LimitRule(
        (LimitStep("制止", Limit(2, LimitUnit.URGENT_DAY)), LimitStep("处置", Limit(15, LimitUnit.DAY)))
    )
    three = parse_limit("3紧急工作时围护 / 8紧急工作时修复 / 5工作日恢复")
    assert [step.name for step in three.steps] == ["围护", "修复", "恢复"]


def test_a_season_is_kept_as_a_label() -> None:
    rule = parse_limit("种植季节15工作日")
    assert (rule.condition, rule.steps) == ("种植季节", _one(15, LimitUnit.WORKING_DAY).steps)


@pytest.mark.parametrize(
    "text",
    [
        *("", "工作日", "五工作日", "5", "5工作月", "-5工作日", "≦5工作日", "5工作日10工作时", "1..5工作日"),
        *("5工作日|", "5工作日|种植季节3工作日", "30 minutes", "1.2345工作日", "\x1b[2J5工作日", "1e3工作日"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        parse_limit(text)
    assert refused.value.rule == "LIMIT_UNREADABLE"
    assert "4工作时" in refused.value.chinese
    assert "4工作时" in refused.value.english
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["0工作日", "0.0工作时", f"{MOST_VALUE + 1}日", "|".join(["1日"] * 11)])
def test_a_limit_without_sense_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        parse_limit(text)
    assert refused.value.rule == "LIMIT_OUT_OF_RANGE"


@given(st.integers(1, MOST_VALUE * 1000), st.sampled_from(LimitUnit))
def test_a_limit_reads_back_as_it_is_printed(thousandths: int, unit: LimitUnit) -> None:
    limit = Limit(Fraction(thousandths, 1000), unit)
    assert parse_limit(str(limit)).steps[0].limit == limit


def test_units_have_the_numbers_of_the_contract() -> None:
    from protos.case.v1 import case_pb2

    assert {unit.name: unit.value for unit in LimitUnit} == {
        name.removeprefix("LIMIT_UNIT_"): number for name, number in case_pb2.LimitUnit.items() if number
    }
    assert set(UNIT_NAMES) == set(LimitUnit)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rule = parse_limit(text)
    except RuleBroken as refused:
        assert refused.rule.startswith("LIMIT_")
    else:
        assert all(step.limit.value > 0 and 1 <= len(step.name) <= 40 for step in rule.steps)
