"""The examples made up to decide what real figures cannot: months, extensions, the list's cap, and rounding traps."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from exchange_db.cases import CaseState
from exchange_db.counting import CountingRules, month_of
from exchange_db.shares import CaseCounting
from hub.evaluation.composite import RunInputs, UnitInput, composite_scores
from hub.evaluation.schemes import CompositeScheme, Granularity, Veto
from hub.evaluation.shipped import shipped_schemes
from hub.statistics.definitions import quotient_of
from hub.statistics.registry import shipped_registry
from hub.statistics.rounding import USUAL
from tests.support.builders import a_case_row
from tests.support.clock import at

_SHIPPED = shipped_schemes()["zhongfang.monthly"]
assert isinstance(_SHIPPED, CompositeScheme)
SCHEME = _SHIPPED


@pytest.mark.parametrize(
    ("moment", "half_open", "midnight_before"),
    [("2020-03-31T23:59:59+08:00", 202003, 202003), ("2020-04-01T00:00:00+08:00", 202004, 202003)],
)
def test_the_last_instant_of_a_month_is_a_parameter(moment: str, half_open: int, midnight_before: int) -> None:
    assert month_of(at(moment), CountingRules()) == half_open
    assert month_of(at(moment), CountingRules(is_midnight_next_month=False)) == midnight_before


def test_an_extended_case_counts_in_the_later_month_only() -> None:
    row, extended = (
        a_case_row(reported_time=at("2020-01-20"), deadline_time=at(day), state=CaseState.DISPOSING)
        for day in ("2020-02-10", "2020-03-05")
    )
    counting = CaseCounting(CountingRules())
    assert [cell[1] // 100 for cell, _ in counting.shares(row)] == [202001, 202002]
    assert [cell[1] // 100 for cell, _ in counting.shares(extended)] == [202001, 202003]


@pytest.mark.parametrize(
    ("counts", "exact", "chained"),
    [((7, 4, 2), "44.29", "44.28"), ((7, 5, 1), "45.71", "45.72"), ((11, 6, 5), "50.45", "50.46")],
)
def test_from_counts_and_from_rounded_rates_are_not_the_same(
    counts: tuple[int, int, int], exact: str, chained: str
) -> None:
    total, done, on_time = counts
    named = {"total": total, "done": done, "on_time": on_time}
    solved, in_time, weighted = (
        quotient_of(shipped_registry().metric(name), named).display for name in ("F1", "F2", "F3")
    )
    assert weighted == exact
    assert USUAL.text((Fraction(solved) * 55 + Fraction(in_time) * 45) / 100) == chained


def _list_points(scheme: CompositeScheme, events: dict[str, int], filed: tuple[int, int] | None = None) -> Fraction:
    parts = {part.part_id: Fraction(50) for part in scheme.parts}
    now, before = filed or (None, None)
    unit = UnitInput(unit="a", case_count=1, parts=parts, events=events, filed=now, filed_last_year=before)
    (score,) = composite_scores(scheme, RunInputs(month=202003, units=(unit,)))
    return score.list_points


def test_the_composite_of_the_example() -> None:
    parts = {"digital": Fraction("51.41"), "inspection": Fraction(88), "supervision": Fraction(90)}
    unit = UnitInput(unit="a", case_count=1, parts=parts, filed=97, filed_last_year=100)
    (score,) = composite_scores(SCHEME, RunInputs(month=202003, units=(unit,)))
    assert (score.list_points, score.score, score.display) == (Fraction("0.3"), Fraction("66.746"), "66.75")


def test_the_list_is_capped_on_both_sides() -> None:
    assert _list_points(SCHEME, {"title_new": 3, "title_kept": 1, "praise": 1}) == 5
    assert _list_points(SCHEME, {"loss": 3, "criticised": 1}) == -5


def test_fewer_cases_than_last_year_with_and_without_parts_of_a_point() -> None:
    whole = replace(SCHEME, granularity=Granularity.WHOLE)
    assert _list_points(SCHEME, {}, (1_100, 1_200)) == Fraction("0.83")
    assert _list_points(whole, {}, (1_100, 1_200)) == Fraction("0.8")
    assert _list_points(SCHEME, {}, (1_100, 0)) == 0


@pytest.mark.parametrize(("veto", "shown"), [(Veto.ZERO, "0.00"), (Veto.LAST, "90.00")])
def test_a_veto_is_read_in_either_way(veto: Veto, shown: str) -> None:
    parts = {part.part_id: Fraction(90) for part in SCHEME.parts}
    unit = UnitInput(unit="a", case_count=1, parts=parts, events={"exposed": 1})
    (score,) = composite_scores(replace(SCHEME, veto=veto), RunInputs(month=202003, units=(unit,)))
    assert (score.display, score.is_vetoed) == (shown, True)
