"""Frequent problems: three in a day's report and more, one letter after the other, as the settings say."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.evaluation.repeats import Letter, Occurrence, RepeatRules, Sent, proposals_of

_DAY = date(2021, 5, 10)
_RULES = RepeatRules()
_PROBLEM = ("GB|E|0203", "grid 1")


def _cases(count: int, *, grid: str = "grid 1", unit: str = "unit 1", first: int = 0) -> list[Occurrence]:
    return [
        Occurrence(case_ref=f"case {first + number}", class_key="GB|E|0203", grid_code=grid, unit_code=unit)
        for number in range(count)
    ]


def test_three_are_enough_and_two_are_not() -> None:
    assert proposals_of(_cases(2), [], _DAY, _RULES) == ()
    (found,) = proposals_of(_cases(3), [], _DAY, _RULES)
    assert (found.problem, found.letter, found.due_day) == (_PROBLEM, Letter.ASSIGNMENT, date(2021, 5, 17))
    assert found.case_refs == ("case 0", "case 1", "case 2")


def test_a_case_counts_once() -> None:
    assert proposals_of([*_cases(2), *_cases(2)], [], _DAY, _RULES) == ()


def test_one_letter_follows_the_other_and_the_last_stays() -> None:
    days = [date(2021, 5, day) for day in (1, 3, 5, 7)]
    sent: list[Sent] = []
    letters = []
    for day in days:
        (found,) = proposals_of(_cases(3), sent, day, _RULES)
        letters.append(found.letter)
        sent.append(Sent(problem=found.problem, letter=found.letter, day=day))
    assert letters == [Letter.ASSIGNMENT, Letter.SUPERVISION, Letter.SPECIAL, Letter.SPECIAL]


def test_a_problem_that_was_quiet_for_long_begins_anew() -> None:
    old = Sent(problem=_PROBLEM, letter=Letter.ASSIGNMENT, day=date(2021, 2, 8))
    (found,) = proposals_of(_cases(3), [old], _DAY, _RULES)
    assert found.letter is Letter.ASSIGNMENT
    (found,) = proposals_of(_cases(3), [replace(old, day=date(2021, 2, 9))], _DAY, _RULES)
    assert found.letter is Letter.SUPERVISION


def test_it_may_be_counted_by_unit() -> None:
    spread = [*_cases(2, grid="grid 1"), *_cases(1, grid="grid 2", first=2)]
    assert proposals_of(spread, [], _DAY, _RULES) == ()
    (found,) = proposals_of(spread, [], _DAY, replace(_RULES, is_by_unit=True))
    assert found.problem == ("GB|E|0203", "unit 1")


@given(st.integers(1, 6), st.integers(0, 12))
def test_a_letter_is_proposed_exactly_from_the_threshold_on(least: int, count: int) -> None:
    found = proposals_of(_cases(count), [], _DAY, replace(_RULES, least=least))
    assert bool(found) is (count >= least)
