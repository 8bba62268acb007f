"""Composite scores: the examples of the domain notes, the cap, the veto, groups, ranks, and what always holds."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.evaluation.composite import (
    InputInvalid,
    Membership,
    RunInputs,
    Standing,
    UnitInput,
    UnitScore,
    annual_points,
    composite_scores,
    fall_points,
    rolled_up,
)
from hub.evaluation.schemes import CompositeScheme, Granularity, Ties, Veto
from hub.evaluation.shipped import shipped_schemes

_SHIPPED = shipped_schemes()["zhongfang.monthly"]
assert isinstance(_SHIPPED, CompositeScheme)
SCHEME = _SHIPPED
_POINTS = st.fractions(0, 100, max_denominator=100)


def _unit(
    name: str,
    *scores: str,
    events: Mapping[str, int] | None = None,
    cases: int = 5,
    filed: tuple[int, int] | None = None,
) -> UnitInput:
    parts = dict(zip(("digital", "inspection", "supervision"), map(Fraction, scores), strict=True)) if scores else {}
    now, before = filed or (None, None)
    return UnitInput(unit=name, case_count=cases, parts=parts, events=events or {}, filed=now, filed_last_year=before)


def _scored(*units: UnitInput, scheme: CompositeScheme = SCHEME, month: int = 202003) -> tuple[UnitScore, ...]:
    return composite_scores(scheme, RunInputs(month=month, units=units))


def _score(unit: UnitInput, scheme: CompositeScheme = SCHEME) -> UnitScore:
    (found,) = _scored(unit, scheme=scheme)
    return found


def test_sixty_twenty_twenty_and_the_list() -> None:
    scheme = replace(SCHEME, items=(replace(SCHEME.items[1], points=Fraction("0.3")), *SCHEME.items[2:]))
    found = _score(_unit("a", "51.41", "88", "90", events={"praise": 1}), scheme)
    assert [line.points for line in found.lines] == [
        Fraction("30.846"),
        Fraction("17.6"),
        Fraction(18),
        Fraction("0.3"),
    ]
    assert (found.score, found.display) == (Fraction("66.746"), "66.75")


@pytest.mark.parametrize(
    ("events", "points"),
    [
        ({"title_new": 3, "title_kept": 1, "praise": 1}, "5"),
        ({"loss": 3, "criticised": 1}, "-5"),
        ({"loss": 1, "title_kept": 1}, "-1"),
        ({}, "0"),
    ],
)
def test_the_list_counts_for_five_points_at_most_either_way(events: dict[str, int], points: str) -> None:
    assert _score(_unit("a", "80", "80", "80", events=events)).list_points == Fraction(points)


def test_a_veto_makes_the_month_zero_or_the_unit_last() -> None:
    vetoed, poor = _unit("a", "99", "99", "99", events={"exposed": 1}), _unit("b", "10", "10", "10")
    by_zero = _scored(vetoed, poor)
    assert [(one.unit, one.display, one.rank, one.is_vetoed) for one in by_zero] == [
        ("b", "10.00", 1, False),
        ("a", "0.00", 2, True),
    ]
    by_rank = _scored(vetoed, poor, scheme=replace(SCHEME, veto=Veto.LAST))
    assert [(one.unit, one.display, one.rank) for one in by_rank] == [("b", "10.00", 1), ("a", "99.00", 2)]


@pytest.mark.parametrize(
    ("filed", "granularity", "points"),
    [
        ((1_100, 1_200), Granularity.PROPORTIONAL, "0.83"),
        ((1_100, 1_200), Granularity.WHOLE, "0.8"),
        ((1_300, 1_200), Granularity.PROPORTIONAL, "0"),
        ((0, 1_200), Granularity.PROPORTIONAL, "5"),
        ((5, 0), Granularity.PROPORTIONAL, "0"),
        (None, Granularity.PROPORTIONAL, "0"),
    ],
)
def test_fewer_cases_than_last_year_earn_a_bonus(
    filed: tuple[int, int] | None, granularity: Granularity, points: str
) -> None:
    found = _score(_unit("a", "50", "50", "50", filed=filed), replace(SCHEME, granularity=granularity))
    assert found.list_points == Fraction(points)


def test_groups_are_ranked_apart_and_change_with_the_day() -> None:
    memberships = (
        Membership(unit="a", group="A", first_day=date(2020, 1, 1)),
        Membership(unit="b", group="A", first_day=date(2020, 1, 1), last_day=date(2020, 3, 31)),
        Membership(unit="b", group="B", first_day=date(2020, 4, 1)),
        Membership(unit="c", group="B", first_day=date(2020, 1, 1)),
    )
    units = (
        _unit("a", "90", "90", "90"),
        _unit("b", "80", "80", "80"),
        _unit("c", "70", "70", "70"),
        _unit("d", "9", "9", "9"),
    )

    def places(month: int) -> list[tuple[str, str, int, Standing]]:
        found = composite_scores(SCHEME, RunInputs(month=month, units=units, memberships=memberships))
        return [(one.group, one.unit, one.rank, one.standing) for one in found]

    outside = ("", "d", 0, Standing.NO_GROUP)
    ranked = Standing.RANKED
    assert places(202003) == [outside, ("A", "a", 1, ranked), ("A", "b", 2, ranked), ("B", "c", 1, ranked)]
    assert places(202004) == [outside, ("A", "a", 1, ranked), ("B", "b", 1, ranked), ("B", "c", 2, ranked)]


def test_a_unit_cannot_be_in_two_groups_on_a_day() -> None:
    twice = tuple(Membership(unit="a", group=group, first_day=date(2020, 1, 1)) for group in "AB")
    with pytest.raises(InputInvalid, match="同时在两个组"):
        composite_scores(SCHEME, RunInputs(month=202003, units=(), memberships=twice))


def test_a_unit_without_cases_is_left_out_of_the_ranking() -> None:
    found = _scored(_unit("a", cases=0), _unit("b", "60", "60", "60"))
    assert [(one.unit, one.rank, one.display, one.standing) for one in found] == [
        ("b", 1, "60.00", Standing.RANKED),
        ("a", 0, "", Standing.NO_CASES),
    ]


@pytest.mark.parametrize(("ties", "ranks"), [(Ties.SKIP, [1, 1, 3]), (Ties.DENSE, [1, 1, 2])])
def test_equal_scores_have_equal_ranks(ties: Ties, ranks: list[int]) -> None:
    """66.664 and 66.662 are both shown as 66.66: who is shown the same is ranked the same."""
    units = (
        _unit("a", "66.664", "66.664", "66.664"),
        _unit("b", "66.662", "66.662", "66.662"),
        _unit("c", "1", "1", "1"),
    )
    found = _scored(*units, scheme=replace(SCHEME, ties=ties))
    assert [one.rank for one in found] == ranks


def test_ranking_is_a_switch() -> None:
    found = _scored(_unit("b", "60", "60", "60"), scheme=replace(SCHEME, is_ranked=False))
    assert [(one.rank, one.standing, one.display) for one in found] == [(0, Standing.NOT_RANKED, "60.00")]


def test_a_quarter_is_the_mean_of_the_months_with_cases() -> None:
    months = [
        _scored(_unit("a", "60", "60", "60"), _unit("b", "70", "70", "70"), _unit("c", cases=0)),
        _scored(_unit("a", cases=0), _unit("b", "50", "50", "50"), _unit("c", cases=0)),
    ]
    found = {one.unit: (one.display, one.rank, one.standing) for one in rolled_up(SCHEME, months)}
    assert found == {
        "a": ("60.00", 1, Standing.RANKED),
        "b": ("60.00", 1, Standing.RANKED),
        "c": ("", 0, Standing.NO_CASES),
    }


def test_a_full_score_is_worth_three_points_of_the_year() -> None:
    assert annual_points(SCHEME, Fraction(100)) == 3
    assert annual_points(SCHEME, Fraction("66.746")) == Fraction("2.00238")


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        (UnitInput(unit="a", case_count=1, parts={"digital": Fraction(1)}), "units a inspection：缺少分值"),
        (_unit("a", "101", "1", "1"), "units a digital：101 不在 0 至 100 之间"),
        (_unit("a", "1", "1", "1", events={"prise": 1}), "units a prise：方案中没有这一项"),
        (_unit("a", "1", "1", "1", events={"praise": -1}), "units a praise：次数 -1 不应为负"),
    ],
)
def test_inputs_that_do_not_suffice_are_refused(unit: UnitInput, told: str) -> None:
    with pytest.raises(InputInvalid, match=told):
        _score(unit)
    assert _score(_unit("a", "1", "1", "1", events={"praise": 1})).display == "1.50"


def test_a_month_and_the_units_must_be_right() -> None:
    with pytest.raises(InputInvalid, match="202013 不是月份"):
        _scored(month=202013)
    with pytest.raises(InputInvalid, match="单位重复"):
        _scored(_unit("a", "1", "1", "1"), _unit("a", "2", "2", "2"))


@given(st.lists(st.tuples(_POINTS, _POINTS, _POINTS), min_size=1, max_size=12))
def test_ranks_follow_the_scores_shown_and_their_order_does_not_matter(
    scores: list[tuple[Fraction, Fraction, Fraction]],
) -> None:
    units = [_unit(f"u{number:02d}", *map(str, parts)) for number, parts in enumerate(scores)]
    found = _scored(*units)
    assert _scored(*reversed(units)) == found
    shown = [Fraction(one.display) for one in found]
    assert shown == sorted(shown, reverse=True)
    assert [one.rank for one in found] == [1 + sum(other > own for other in shown) for own in shown]
    for one in found:
        assert one.score == sum(line.points for line in one.lines)
        assert 0 <= one.score <= 100


@given(
    st.dictionaries(st.sampled_from(["praise", "title_new", "loss", "criticised"]), st.integers(0, 50)),
    st.integers(0, 2_000),
    st.integers(0, 2_000),
)
def test_the_list_never_leaves_its_bounds_and_a_fall_never_costs(events: dict[str, int], now: int, before: int) -> None:
    found = _score(_unit("a", "50", "50", "50", events=events, filed=(now, before)))
    assert -5 <= found.list_points <= 5
    assert 0 <= fall_points(SCHEME, now, before) <= 100
