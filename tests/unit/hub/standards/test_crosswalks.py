"""Crosswalks: every trap between the generations, what is lost on the way, and no way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import CodeKind
from hub.standards.codes import Code, Mark
from hub.standards.comparison import Pair, compare
from hub.standards.crosswalk import CERTAIN, Candidate, Crosswalk, Crosswalks, Relation, joined
from hub.standards.limits import RuleBroken
from hub.standards.shipped import shipped_catalogue

C, E = CodeKind.COMPONENT, CodeKind.EVENT
OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
CATALOGUE = shipped_catalogue()
FIRST, SECOND = CATALOGUE.crosswalks.between(OLD, CURRENT), CATALOGUE.crosswalks.between(CURRENT, NEW)
THROUGH = CATALOGUE.crosswalks.between(OLD, NEW)
#: Words that only emergencies have in their names.
_URGENT = ("破裂", "塌陷", "积水", "堵塞", "积雪", "架空线缆", "群发性")
_OLD_EVENTS = [code for code in CATALOGUE.lists[OLD] if code.kind is E]


def _targets(crosswalk: Crosswalk, kind: CodeKind, code: str) -> list[tuple[str, Relation]]:
    return [(one.to_code, one.relation) for one in crosswalk.translate(kind, code)]


@given(code=st.sampled_from(_OLD_EVENTS))
def test_no_event_of_street_order_becomes_an_emergency_nor_the_other_way(code: Code) -> None:
    for candidate in FIRST.translate(E, code.code):
        if candidate.to_code:
            assert (candidate.to_code[:2] == "05") is (code.code[:2] == "04")
            target = CATALOGUE.lists[CURRENT].find(E, candidate.to_code)
            assert target is not None
            assert any(word in target.name for word in _URGENT) is (code.code[:2] == "04" and not target.is_major)


@given(code=st.sampled_from(_OLD_EVENTS))
def test_no_event_of_2007_keeps_digits_that_mean_something_else_in_2013(code: Code) -> None:
    same = CATALOGUE.lists[CURRENT].find(E, code.code)
    kept = [one for one in FIRST.translate(E, code.code) if one.to_code == code.code]
    if kept and same is not None and kept[0].relation is Relation.EXACT:
        assert same.name == code.name


@given(code=st.sampled_from([code for code in CATALOGUE.lists[OLD] if not code.region]))
def test_the_way_over_2013_says_what_both_halves_say(code: Code) -> None:
    found = THROUGH.translate(code.kind, code.code)
    assert found
    reached = {
        two.to_code
        for one in FIRST.translate(code.kind, code.code)
        if one.to_code
        for two in SECOND.translate(code.kind, one.to_code)
        if two.to_code
    }
    assert {one.to_code for one in found} - {""} == reached
    for one in found:
        assert (one.from_ref, one.to_ref, one.from_code) == (OLD, NEW, code.code)
        if one.relation in CERTAIN:
            assert len(found) == 1


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        # Rule 1: majors 04 and 05 are swapped.
        (E, "04", [("05", Relation.EXACT)]),
        (E, "05", [("04", Relation.EXACT)]),
        (E, "0501", [("0401", Relation.EXACT)]),
        (E, "0401", [("0505", Relation.EXACT)]),
        (E, "0402", [("0501", Relation.RENAMED)]),
        # Rule 3: minors that went to another major.
        (E, "0507", [("0136", Relation.EXACT)]),
        (E, "0508", [("0128", Relation.EXACT)]),
        (E, "0510", [("0129", Relation.EXACT)]),
        (E, "0511", [("0107", Relation.EXACT)]),
        (E, "0513", [("0109", Relation.EXACT)]),
        # Rule 4: one to several, and several to one.
        (C, "0117", [(code, Relation.SPLIT) for code in ("0130", "0131", "0132", "0133", "0134")]),
        (C, "0307", [("0306", Relation.SPLIT), ("0307", Relation.SPLIT)]),
        # The minors 99 are 其他 and stand for nothing later; extensions are everybody's own.
        (E, "0599", [("", Relation.NONE)]),
        (E, "21", [("", Relation.NONE)]),
        (C, "21", [("", Relation.NONE)]),
        (E, "0599x", []),
    ],
)
def test_from_2007_to_2013(kind: CodeKind, code: str, expected: list[tuple[str, Relation]]) -> None:
    assert _targets(FIRST, kind, code) == expected


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        # Rule 2: majors move again.
        (E, "01", [("06", Relation.RENAMED)]),
        (E, "02", [("07", Relation.RENAMED)]),
        (E, "03", [("08", Relation.RENAMED)]),
        (E, "04", [("09", Relation.RENAMED)]),
        (E, "0401", [("09001", Relation.EXACT)]),
        # Rule 3.
        (C, "0506", [("01069", Relation.EXACT)]),
        (C, "0507", [("01070", Relation.EXACT)]),
        (C, "0508", [("01071", Relation.EXACT)]),
        (E, "0602", [("09013", Relation.EXACT)]),
        (E, "0507", [("10001", Relation.RENAMED)]),
        # Emergencies are expected in another part.
        (E, "0501", [("", Relation.NONE)]),
        (E, "0131", [("", Relation.NONE)]),
    ],
)
def test_from_2013_to_2026(kind: CodeKind, code: str, expected: list[tuple[str, Relation]]) -> None:
    assert _targets(SECOND, kind, code) == expected


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (E, "0501", [("09001", Relation.EXACT)]),
        (E, "0511", [("06007", Relation.EXACT)]),
        (E, "0102", [("06010", Relation.RENAMED)]),
        (E, "0407", [("10001", Relation.RENAMED)]),
        (E, "0408", [("10002", Relation.LOSSY)]),
        (E, "0402", [("", Relation.NONE)]),
        (C, "0117", [(f"010{number}", Relation.SPLIT) for number in range(30, 35)]),
        (C, "0603", [("01069", Relation.EXACT)]),
        (C, "0601", [("", Relation.NONE)]),
    ],
)
def test_from_2007_to_2026_over_2013(kind: CodeKind, code: str, expected: list[tuple[str, Relation]]) -> None:
    assert _targets(THROUGH, kind, code) == expected


def test_every_code_of_a_generation_has_an_answer() -> None:
    for crosswalk in (FIRST, SECOND, THROUGH):
        for code in CATALOGUE.lists[crosswalk.from_ref]:
            assert crosswalk.translate(code.kind, code.code)


@pytest.mark.parametrize(("before", "after"), [(CURRENT, OLD), (NEW, CURRENT), (NEW, OLD)])
def test_no_crosswalk_is_read_backwards(before: str, after: str) -> None:
    with pytest.raises(RuleBroken, match="backwards") as broken:
        CATALOGUE.crosswalks.between(before, after)
    assert broken.value.rule == "CROSSWALK_MISSING"
    assert CATALOGUE.crosswalks.reached_from(NEW) == []


def test_a_standard_nobody_maps_has_no_way() -> None:
    with pytest.raises(RuleBroken, match="bring one first"):
        CATALOGUE.crosswalks.between(OLD, "GB/T-1")


def _row(start: str, code: str, end: str, target: str, relation: Relation, mark: Mark = Mark.VERIFIED) -> Candidate:
    return Candidate(start, end, E, code, target, relation, mark, f"{code}>{target}")


def _walk(start: str, end: str, *rows: tuple[str, str, Relation]) -> Crosswalk:
    return Crosswalk(start, end, [_row(start, code, end, target, relation) for code, target, relation in rows])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Relation.EXACT, Relation.EXACT, Relation.EXACT),
        (Relation.EXACT, Relation.RENAMED, Relation.RENAMED),
        (Relation.RENAMED, Relation.RENAMED, Relation.RENAMED),
        (Relation.MERGED, Relation.EXACT, Relation.MERGED),
        (Relation.RENAMED, Relation.MERGED, Relation.MERGED),
        (Relation.LOSSY, Relation.RENAMED, Relation.LOSSY),
        (Relation.MERGED, Relation.LOSSY, Relation.LOSSY),
    ],
)
def test_what_one_half_loses_is_lost(first: Relation, second: Relation, expected: Relation) -> None:
    way = joined(_walk("a", "b", ("1", "2", first)), _walk("b", "c", ("2", "3", second)))
    assert _targets(way, E, "1") == [("3", expected)]


def test_parts_that_end_nowhere_leave_the_others_lossy() -> None:
    split = _walk("a", "b", ("1", "2", Relation.SPLIT), ("1", "3", Relation.SPLIT))
    gone = _walk("b", "c", ("2", "4", Relation.EXACT), ("3", "", Relation.NONE))
    assert _targets(joined(split, gone), E, "1") == [("4", Relation.LOSSY)]
    again = _walk("b", "c", ("2", "4", Relation.MERGED), ("3", "4", Relation.MERGED))
    assert _targets(joined(split, again), E, "1") == [("4", Relation.LOSSY)]


def test_a_split_further_on_is_a_split_of_all() -> None:
    way = joined(
        _walk("a", "b", ("1", "2", Relation.RENAMED)),
        _walk("b", "c", ("2", "3", Relation.SPLIT), ("2", "4", Relation.SPLIT)),
    )
    assert _targets(way, E, "1") == [("3", Relation.SPLIT), ("4", Relation.SPLIT)]


def test_what_the_second_half_does_not_list_is_told() -> None:
    way = joined(_walk("a", "b", ("1", "2", Relation.EXACT)), _walk("b", "c", ("9", "9", Relation.EXACT)))
    (found,) = way.translate(E, "1")
    assert (found.relation, found.to_code, found.mark) == (Relation.NONE, "", Mark.UNVERIFIED)
    assert "2" in found.note


def test_the_weaker_mark_and_both_notes_hold() -> None:
    first = Crosswalk("a", "b", [_row("a", "1", "b", "2", Relation.EXACT, Mark.VERIFIED)])
    second = Crosswalk("b", "c", [_row("b", "2", "c", "3", Relation.EXACT, Mark.UNVERIFIED)])
    (found,) = joined(first, second).translate(E, "1")
    assert found.mark is Mark.UNVERIFIED
    assert found.note == "1>2；2>3"
    assert not found.is_certain


def test_the_shortest_way_is_taken_and_circles_end() -> None:
    direct = _walk("a", "c", ("1", "direct", Relation.EXACT))
    ways = Crosswalks(
        [
            _walk("a", "b", ("1", "2", Relation.EXACT)),
            _walk("b", "a", ("2", "1", Relation.EXACT)),
            _walk("b", "c", ("2", "over", Relation.EXACT)),
            direct,
        ]
    )
    assert ways.between("a", "c") is direct
    assert ways.reached_from("a") == ["b", "c"]
    with pytest.raises(RuleBroken):
        ways.between("c", "a")


def test_an_uncertain_row_is_never_certain_enough_to_apply() -> None:
    for crosswalk in (FIRST, SECOND, THROUGH):
        for one in crosswalk:
            assert not one.is_certain or (one.relation in CERTAIN and one.mark is Mark.INFERRED and one.to_code)


def _codes(pairs: tuple[Pair, ...]) -> set[tuple[str, str]]:
    return {(one.before.code, one.after.code if one.after else "") for one in pairs}


def test_a_comparison_finds_the_swap_and_every_digit_that_changed_its_meaning() -> None:
    found = compare(CATALOGUE.lists[OLD], CATALOGUE.lists[CURRENT], FIRST)
    assert _codes(found.swapped) == {("04", "05"), ("05", "04")}
    assert {one.before.kind for one in found.swapped} == {E}
    hawker = next(one for one in found.clashes if one.before.code == "0501")
    assert (hawker.before.name, hawker.after.name) == ("无照经营游商", "供水管道破裂")
    # All minors that stand below both majors in both lists.
    assert {one.before.code for one in found.clashes} == {f"04{n:02d}" for n in range(1, 10)} | {
        f"05{n:02d}" for n in range(1, 9)
    }
    moved = {("0507", "0136"), ("0508", "0128"), ("0510", "0129"), ("0511", "0107"), ("0513", "0109"), ("0501", "0308")}
    assert _codes(found.moves) == moved
    assert {one.before.code for one in found.unsure if one.relation is Relation.SPLIT} >= {"0117", "0307"}
    assert found.unmapped == ()


def test_a_comparison_of_2013_and_2026_finds_the_moves_between_majors() -> None:
    found = compare(CATALOGUE.lists[CURRENT], CATALOGUE.lists[NEW], SECOND)
    assert found.swapped == ()
    assert _codes(found.moves) == {
        ("0506", "01069"),
        ("0507", "01070"),
        ("0508", "01071"),
        ("0602", "09013"),
        ("0507", "10001"),
        ("0508", "10002"),
    }
    added = {(one.kind, one.code) for one in found.added}
    assert {(E, "09011"), (C, "01077"), (E, "01001"), (C, "04013")} <= added
    assert len([one for one in found.added if one.kind is E and one.code < "06"]) == 153
    assert "0131" in {one.before.code for one in found.dropped}
