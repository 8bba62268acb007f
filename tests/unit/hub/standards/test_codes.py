"""Code lists: spellings, majors, and what regions may add."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import CodeKind
from hub.standards.codes import (
    Code,
    CodeList,
    Mark,
    Standard,
    canonical_code,
    lineage,
    ref_key,
    spelled_code,
    weakest,
)
from hub.standards.limits import RuleBroken
from hub.standards.shipped import shipped_catalogue

C, E = CodeKind.COMPONENT, CodeKind.EVENT
OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
CATALOGUE = shipped_catalogue()
ALL = [code for codes in CATALOGUE.lists.values() for code in codes]


@given(code=st.sampled_from(ALL))
def test_every_code_canonicalises_to_itself_in_every_spelling(code: Code) -> None:
    digits = CATALOGUE.standards[code.standard_ref].minor_digits
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code.code)
    for spelling in (
        code.code,
        spelled_code(code.code),
        wide,
        f" {code.code}\n",
        spelled_code(code.code).replace("-", "－"),
    ):
        assert canonical_code(spelling, digits) == code.code
    assert CATALOGUE.lists[code.standard_ref].find(code.kind, spelled_code(code.code)) == code


@given(text=st.text(max_size=12), digits=st.sampled_from((0, 2, 3)))
def test_what_is_canonical_stays_so_and_all_else_is_refused(text: str, digits: int) -> None:
    try:
        code = canonical_code(text, digits)
    except ValueError:
        return
    assert canonical_code(code, digits) == code
    assert code.isascii()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1", 2),
        ("110", 2),
        ("01010", 2),
        ("01-010", 2),
        ("0101", 3),
        ("01-1", 2),
        ("1-01", 2),
        ("", 2),
        ("01-01-01", 2),
        ("a b", 0),
        ("", 0),
        ("中", 0),
        ("x" * 21, 0),
    ],
)
def test_digits_are_never_added_or_dropped(text: str, digits: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — it has no other text
        canonical_code(text, digits)


def test_components_and_events_share_their_digits_and_nothing_else() -> None:
    codes = CATALOGUE.lists[CURRENT]
    cover, hut = codes.find(C, "01-01"), codes.find(E, "01-01")
    assert cover is not None
    assert hut is not None
    assert (cover.name, hut.name) == ("上水井盖", "私搭乱建")


def test_every_minor_has_its_major() -> None:
    for code in ALL:
        major = CATALOGUE.lists[code.standard_ref].major_of(code)
        assert major is not None
        assert major.is_major
        assert major.kind is code.kind
        assert code.code.startswith(major.code)


def _local(code: str, name: str = "共享单车乱象", ref: str = CURRENT, region: int = 140800, kind: CodeKind = E) -> Code:
    return Code(ref, kind, code, name, region=region)


def test_a_local_class_is_known_in_its_region_and_below_only() -> None:
    codes = CATALOGUE.lists[CURRENT].extended([_local("0499")])
    for region in (140800, 140802):
        found = codes.find(E, "04-99", region)
        assert found is not None
        assert found.region == 140800
    for region in (0, 140000, 140900, 431221):
        assert codes.find(E, "0499", region) is None
    assert CATALOGUE.lists[CURRENT].find(E, "0499", 140800) is None


def test_two_regions_may_use_the_same_number_and_the_nearest_wins() -> None:
    codes = CATALOGUE.lists[CURRENT].extended(
        [_local("0499", "甲"), _local("0499", "乙", region=140802), _local("0499", "丙", region=431200)]
    )
    found = [codes.find(E, "0499", region) for region in (140801, 140802, 431221)]
    assert [one.name if one else "" for one in found] == ["甲", "乙", "丙"]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (_local("0401"), "CODE_TAKEN"),
        (_local("04"), "EXTENSION_MAJOR"),
        (_local("04099"), "EXTENSION_MAJOR"),
        (_local("0799"), "MAJOR_UNKNOWN"),
        (_local("0105", kind=E), "CODE_TAKEN"),
        (_local("0116", kind=C), "CODE_TAKEN"),
        (_local("09007", ref=NEW), "EXTENSION_NOT_FREE"),
        (_local("09079", ref=NEW), "EXTENSION_NOT_FREE"),
        (_local("0199", ref=OLD), "CODE_TAKEN"),
        (_local("0512", ref=OLD), "CODE_TAKEN"),
        (_local("0599", ref=OLD), "CODE_TAKEN"),
    ],
)
def test_a_region_cannot_take_a_number_that_is_the_standards(code: Code, rule: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        CATALOGUE.lists[code.standard_ref].extended([code])
    assert broken.value.rule == rule
    assert broken.value.chinese.endswith("。")
    assert broken.value.english.endswith(".")


@pytest.mark.parametrize(
    "code",
    [
        _local("0499"),
        _local("0478"),
        _local("0411"),
        _local("0199", kind=C),
        _local("09080", ref=NEW),
        _local("09999", ref=NEW),
        _local("2101", ref=OLD),
        _local("2199", ref=OLD, kind=C),
        _local("0514", ref=OLD),
    ],
)
def test_a_region_may_take_a_number_that_is_free(code: Code) -> None:
    codes = CATALOGUE.lists[code.standard_ref].extended([code])
    assert codes.find(code.kind, code.code, code.region) == code


def test_the_way_out_of_a_taken_99_is_major_21_where_there_is_one() -> None:
    with pytest.raises(RuleBroken, match="21"):
        CATALOGUE.lists[OLD].extended([_local("0199", ref=OLD)])


def test_a_list_of_somebodys_own_has_codes_of_any_form() -> None:
    own = CodeList(
        Standard("BOSTON-311-2015", "", 0), [Code("BOSTON-311-2015", E, "12.45.125", "Street Light Outages")]
    )
    found = own.find(E, "12.45.125")
    assert found is not None
    assert own.major_of(found) is None


@pytest.mark.parametrize(
    "text", ["CJ/T-214-2007", "CJ/T 214-2007", "cj/t214—2007", "ＣＪ／Ｔ　２１４－２００７", "《CJ/T 214-2007》"]
)
def test_a_standard_is_found_in_every_spelling(text: str) -> None:
    found = CATALOGUE.find(text)
    assert found is not None
    assert found.standard_ref == OLD
    assert ref_key(text) == "CJT2142007"


@pytest.mark.parametrize(
    ("text", "ref"), [("2013", CURRENT), ("GB/T 30428.2", CURRENT), ("cj/t", OLD), ("47678.5", "")]
)
def test_a_person_may_leave_the_year_out_or_give_nothing_else(text: str, ref: str) -> None:
    if ref:
        assert CATALOGUE.named(text).standard_ref == ref
    else:
        with pytest.raises(RuleBroken, match="标准"):
            CATALOGUE.named(text)


@pytest.mark.parametrize("text", ["", "GB/T", "1999", "GB/T-30428.3-2016"])
def test_a_standard_that_is_not_certain_is_not_guessed(text: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        CATALOGUE.named(text)
    assert broken.value.rule == "STANDARD_UNKNOWN"
    assert CURRENT in str(broken.value)


def test_lineage_ends_at_the_nation() -> None:
    assert lineage(431221) == (431221, 431200, 430000, 0)
    assert lineage(430000) == (430000, 0)
    assert lineage(0) == (0,)


def test_a_chain_is_as_good_as_its_weakest_link() -> None:
    assert weakest((Mark.VERIFIED, Mark.INFERRED)) is Mark.INFERRED
    assert weakest((Mark.UNVERIFIED, Mark.VERIFIED)) is Mark.UNVERIFIED
    assert weakest(()) is Mark.VERIFIED
