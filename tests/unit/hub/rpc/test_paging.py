"""Tokens of pages: what was given out is understood, everything else is refused in words."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import Violated
from hub.rpc.ownership_answers import ItemPlace
from hub.rpc.paging import CasePlace, read_size, read_token, write_token

_PLACES = st.builds(CasePlace, st.integers(-(2**62), 2**62), st.binary(min_size=16, max_size=16))
_UNITS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)


@given(_PLACES)
def test_a_token_gives_its_place_back(place: CasePlace) -> None:
    assert read_token(write_token(place), CasePlace) == place


@given(_UNITS, st.binary(min_size=16, max_size=16))
def test_a_token_carries_any_text(unit: str, key: bytes) -> None:
    assert read_token(write_token(ItemPlace(unit, key)), ItemPlace) == (unit, key)


def test_no_token_is_the_first_page() -> None:
    assert read_token("", CasePlace) is None


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "中文",
        "AAAA",
        "A" * 40,
        write_token((1, b"short")),
        write_token((2**63, bytes(16))),
        write_token((1, bytes(16), 1)),
        base64.urlsafe_b64encode(msgspec.msgpack.encode({"reported_time": 1})).decode(),
        write_token(ItemPlace("单位", bytes(16))),
        write_token(CasePlace(1, bytes(16))) + "\n",
    ],
)
def test_other_texts_are_refused(token: str) -> None:
    with pytest.raises(Violated) as refused:
        read_token(token, CasePlace)
    assert refused.value.violation.field_path == "page.token"


def test_a_unit_with_a_zero_character_is_refused() -> None:
    with pytest.raises(Violated):
        read_token(write_token(("单\x00位", bytes(16))), ItemPlace)


def test_the_size_of_a_page_has_bounds() -> None:
    assert (read_size(0), read_size(1_000)) == (100, 1_000)
    for size in (-1, 1_001):
        with pytest.raises(Violated):
            read_size(size)
