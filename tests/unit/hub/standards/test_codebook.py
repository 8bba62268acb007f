"""The code book and its suggestions: what fits costs nothing, what does not is explained and never mended."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import CodeKind, Violated
from hub.standards.codebook import CodeBook
from hub.standards.codes import Code, spelled_code
from hub.standards.shipped import shipped_catalogue
from hub.standards.suggestions import MOST_SUGGESTIONS, suggest

C, E = CodeKind.COMPONENT, CodeKind.EVENT
OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
CATALOGUE = shipped_catalogue().with_codes(
    [Code(CURRENT, E, "0499", "共享单车乱象", region=140800), Code("431221-EXT-2020", E, "9901", "共享单车")]
)
BOOK = CodeBook(CATALOGUE.lists, CATALOGUE.crosswalks)


def _suggested(ref: str, kind: CodeKind, code: str, name: str = "") -> list[tuple[str, CodeKind, str]]:
    found = suggest(CATALOGUE.lists, CATALOGUE.crosswalks, ref, kind, code, name)
    return [(one.standard_ref, one.kind, one.code) for one in found]


def test_every_class_of_every_list_is_known_with_and_without_its_hyphen() -> None:
    for codes in CATALOGUE.lists.values():
        for one in codes:
            for spelling in (one.code, spelled_code(one.code)):
                assert BOOK.check(one.standard_ref, one.kind, spelling, one.region) is None


def test_a_local_class_is_known_below_its_region_only() -> None:
    assert BOOK.check(CURRENT, E, "0499", 140802) is None
    assert BOOK.check(CURRENT, E, "04-99", 140800) is None
    for region in (0, 140000, 431221):
        assert BOOK.check(CURRENT, E, "0499", region) is not None
    assert BOOK.check("431221-EXT-2020", E, "9901", 431221) is None


def test_a_standard_may_be_taken_unseen() -> None:
    book = CodeBook(CATALOGUE.lists, CATALOGUE.crosswalks, frozenset({"BOSTON-311-2015"}))
    assert book.check("BOSTON-311-2015", E, "12.45.125") is None
    assert book.check("BOSTON-311", E, "12.45.125") is not None
    assert book.check(CURRENT, E, "0777") is not None


@pytest.mark.parametrize(
    ("ref", "kind", "code", "meant"),
    [
        # Digits of 2007 that 2013 does not have: what they were, translated, and the standard they are of.
        (CURRENT, E, "0511", [(CURRENT, E, "0107"), (OLD, E, "0511")]),
        (CURRENT, E, "05-13", [(CURRENT, E, "0109"), (OLD, E, "0513")]),
        (CURRENT, E, "0409x", []),
        (CURRENT, E, "0199", [(OLD, E, "0199")]),
        # Digits of 2013 or 2007 in a record of 2026: both generations are told, the later first.
        (NEW, E, "0401", [(NEW, E, "09001"), (CURRENT, E, "0401"), (OLD, E, "0401")]),
        (NEW, E, "0506", [(CURRENT, E, "0506"), (NEW, E, "09010"), (OLD, E, "0506")]),
        # Digits of 2026: nothing leads back.
        (CURRENT, E, "06010", [(NEW, E, "06010")]),
        (CURRENT, E, "110", [(CURRENT, E, "0110")]),
        (CURRENT, E, "0140", [(CURRENT, C, "0140")]),
        (CURRENT, E, "0777", []),
    ],
)
def test_an_unknown_code_is_refused_with_what_was_probably_meant(
    ref: str, kind: CodeKind, code: str, meant: list[tuple[str, CodeKind, str]]
) -> None:
    fault = BOOK.check(ref, kind, code)
    assert fault is not None
    assert fault.reason == "CODE_UNKNOWN"
    assert [(one.standard_ref, one.kind, one.code) for one in fault.suggestions] == meant
    violation = Violated(fault.reason, "case.report.class_code.code", fault.value).violation
    for text in (violation.message, violation.message_zh):
        assert code in text
        assert not meant or meant[0][2] in text
    for one in fault.suggestions:
        assert re.search(r"[\u4e00-\u9fff]", one.chinese)
        assert one.english.isprintable()


@pytest.mark.parametrize(
    ("ref", "meant"),
    [("GB/T 30428.2-2013", CURRENT), ("gb/t-30428.2-2013", CURRENT), ("GB/T-30428.2", CURRENT), ("BOSTON-311", "")],
)
def test_an_unknown_standard_is_refused_and_its_right_spelling_told(ref: str, meant: str) -> None:
    fault = BOOK.check(ref, E, "0110")
    assert fault is not None
    assert fault.reason == "STANDARD_UNKNOWN"
    assert [one.standard_ref for one in fault.suggestions] == ([meant] if meant else [])
    assert meant in Violated(fault.reason, "", fault.value).violation.message


def test_the_trap_of_majors_04_and_05_is_seen_by_the_name() -> None:
    # The digits are a class in both standards; only the name shows that a hawker is no burst main.
    assert BOOK.check(CURRENT, E, "0501") is None
    assert _suggested(CURRENT, E, "0501", "无照经营游商") == [(CURRENT, E, "0401"), (OLD, E, "0501")]
    assert _suggested(CURRENT, E, "0405", "热力管道破裂") == [(CURRENT, E, "0504"), (OLD, E, "0405")]
    assert _suggested(OLD, E, "0501", "供水管道破裂") == [(CURRENT, E, "0501")]
    found = suggest(CATALOGUE.lists, CATALOGUE.crosswalks, CURRENT, E, "0501", "无照经营游商")[0]
    assert OLD in found.chinese
    assert OLD in found.english
    assert "04-01" in found.chinese


@pytest.mark.parametrize(
    ("ref", "kind", "code", "name"),
    [
        (CURRENT, E, "0501", "供水管道破裂"),
        (CURRENT, E, "0120", "焚烧垃圾树叶"),
        (CURRENT, C, "01", "市政公用设施"),
        (CURRENT, C, "02", "道路交通设施"),
        (CURRENT, C, "0101", "供水井盖"),
        (CURRENT, C, "0107", "通讯井盖"),
        (CURRENT, E, "0501", "爆管"),
    ],
)
def test_another_label_of_the_same_class_is_no_fault(ref: str, kind: CodeKind, code: str, name: str) -> None:
    assert _suggested(ref, kind, code, name) == []


def test_an_unknown_code_with_a_name_is_found_by_it() -> None:
    assert _suggested(CURRENT, E, "0777", "露天烧烤")[0] == (CURRENT, E, "0129")
    assert _suggested(CURRENT, E, "0777", "自来水管破裂")[0] == (CURRENT, E, "0501")
    assert (NEW, E, "09011") in _suggested(CURRENT, E, "0777", "共享单车乱象")


@given(
    ref=st.sampled_from([OLD, CURRENT, NEW, "X"]) | st.text(max_size=40),
    kind=st.sampled_from(CodeKind),
    code=st.text(max_size=20) | st.from_regex(r"[0-9]{1,6}", fullmatch=True),
    name=st.text(max_size=10),
)
def test_whatever_comes_is_known_or_explained(ref: str, kind: CodeKind, code: str, name: str) -> None:
    fault = BOOK.check(ref, kind, code)
    if fault is not None:
        assert len(fault.suggestions) <= MOST_SUGGESTIONS
        assert Violated(fault.reason, "", fault.value).violation.message.isprintable()
    for one in suggest(CATALOGUE.lists, CATALOGUE.crosswalks, ref, kind, code, name):
        assert CATALOGUE.lists[one.standard_ref].find(one.kind, one.code) is not None
