"""Cells of refused rows do nothing in a spreadsheet program, and are read again as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formulas import guarded, unguarded

_SIGNS = "=+-@＝＋－＠\t\r\n"
cells = st.text(st.sampled_from(_SIGNS + "' \u3000\u00a0a1.e") | st.characters(exclude_categories=["Cs"]), max_size=8)


@given(cell=cells)
def test_a_guarded_cell_is_read_as_it_was(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


@given(cell=cells)
def test_no_guarded_cell_begins_like_a_formula_but_a_number_or_a_dash(cell: str) -> None:
    written = guarded(cell)
    if written.strip(" \u3000\u00a0")[:1] in tuple("=@＝＋－＠"):
        raise AssertionError(written)
    if written.startswith(tuple(_SIGNS)):
        float(f"{written}0" if written in "+-" else written)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+86 745", "'+86 745"),
        ("-1-1", "'-1-1"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'词", "'词"),
        ("-71.06", "-71.06"),
        ("+8", "+8"),
        ("-", "-"),
        ("1=1", "1=1"),
        ("", ""),
    ],
)
def test_what_is_guarded_and_what_is_not(cell: str, written: str) -> None:
    assert guarded(cell) == written
