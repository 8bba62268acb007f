"""A code that is counted by is written in one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.codes import check_codes
from connectors.mapping_values import half_width
from exchange_db.records import Violated


@given(code=st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12))
def test_what_a_mapping_makes_of_a_code_is_a_code(code: str) -> None:
    made = half_width(code)
    if made.isprintable():
        check_codes(("", made), "s", ("o", "p"))
        check_codes(("", made), "s", ("o", "p"))
    if code != made and code.isprintable():
        with pytest.raises(Violated, match=r"FIELD_INVALID s\.p"):
            check_codes(("", code), "s", ("o", "p"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("０２０３", "FIELD_INVALID"),
        ("0203 ", "FIELD_INVALID"),
        ("02  03", "FIELD_INVALID"),
        ("02\u202e03", "TEXT_INVALID"),
        ("0203\u200b", "TEXT_INVALID"),
        ("02\n03", "TEXT_INVALID"),
    ],
)
def test_what_looks_like_another_code_is_refused(code: str, reason: str) -> None:
    with pytest.raises(Violated, match=rf"{reason} s\.p"):
        check_codes(("", code), "s", ("o", "p"))
