"""Region codes and platform names as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.regions import Tier, format_region, line_of, parse_region, region_of, subtree, tier_of

REGIONS = st.integers(0, 999_999)


@pytest.mark.parametrize(
    ("region", "tier", "first", "last"),
    [
        (0, Tier.NATION, 0, 999_999),
        (430_000, Tier.PROVINCE, 430_000, 439_999),
        (431_200, Tier.CITY, 431_200, 431_299),
        (431_221, Tier.COUNTY, 431_221, 431_221),
        (110_000, Tier.PROVINCE, 110_000, 119_999),
        (110_101, Tier.COUNTY, 110_101, 110_101),
    ],
)
def test_the_digits_tell_the_tier_and_what_lies_below(region: int, tier: Tier, first: int, last: int) -> None:
    assert tier_of(region) is tier
    assert subtree(region) == (first, last)


@given(region=REGIONS)
def test_a_region_lies_in_itself_and_in_everything_above(region: int) -> None:
    for above in (region, region // 100 * 100, region // 10_000 * 10_000, 0):
        assert region in subtree(above)


@given(one=REGIONS, two=REGIONS)
def test_subtrees_nest_or_are_apart(one: int, two: int) -> None:
    first, second = subtree(one), subtree(two)
    is_apart = first.last < second.first or second.last < first.first
    is_nested = one in second or two in first
    assert is_apart is not is_nested
    if one in second:
        assert first.last <= second.last


@given(region=REGIONS)
def test_a_code_is_read_as_it_is_printed(region: int) -> None:
    assert parse_region(format_region(region)) == region
    assert len(format_region(region)) == 6


@pytest.mark.parametrize("text", ["", "43122", "4312211", "43122a", "４３１２２１", "-43122", " 43122", "43122\n"])
def test_what_is_not_six_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        parse_region(text)


def test_the_region_of_a_platform_stands_in_its_name() -> None:
    assert region_of("431221.platform") == 431_221
    assert region_of("000000.hub") == 0


@pytest.mark.parametrize(
    "name",
    [
        "",
        "platform",
        "431221",
        "431221.",
        "431221.Platform",
        "431221.a b",
        "431221.x\n",
        "４３１２２１.x",
        "431221." + "x" * 58,
    ],
)
def test_what_is_no_platform_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="named"):
        region_of(name)


def test_only_numbers_lie_in_a_subtree() -> None:
    text: object = "431221"
    assert text not in subtree(0)


@given(REGIONS, REGIONS)
def test_the_line_of_a_region_is_every_region_whose_subtree_holds_it(region: int, other: int) -> None:
    line = line_of(region)
    assert (line[0], line[-1]) == (0, region)
    assert list(line) == sorted(set(line))
    assert all(region in subtree(above) for above in line)
    assert (region in subtree(other)) is (other in line)
