"""A position lies where its reference system is used; swapped ones in a Chinese system never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.positions import check_position
from exchange_db.records import Crs, Violated

CHINESE = (Crs.CGCS2000, Crs.GCJ02, Crs.BD09)


@given(crs=st.sampled_from(CHINESE), x=st.floats(73.5, 135.1), y=st.floats(3.8, 53.6))
def test_every_place_in_china_is_taken_and_none_swapped(crs: Crs, x: float, y: float) -> None:
    check_position(crs, x, y, "p")
    with pytest.raises(Violated, match="POSITION_OUT_OF_RANGE p"):
        check_position(crs, y, x, "p")


@pytest.mark.parametrize(
    ("crs", "x", "y"),
    [
        (Crs.CGCS2000, 0.0, 0.0),
        (Crs.CGCS2000, -71.06, 42.36),
        (Crs.WGS84, 180.1, 0.0),
        (Crs.WGS84, 0.0, -90.1),
        (Crs.GCJ02, float("nan"), 27.0),
        (Crs.LOCAL, float("inf"), 0.0),
        (Crs.LOCAL, 0.0, float("nan")),
    ],
)
def test_what_is_no_place_is_refused_with_its_system(crs: Crs, x: float, y: float) -> None:
    with pytest.raises(Violated, match=crs.name):
        check_position(crs, x, y, "p")


@given(x=st.floats(-180, 180), y=st.floats(-90, 90), east=st.floats(allow_nan=False, allow_infinity=False))
def test_wgs84_lies_anywhere_and_a_frame_of_the_city_has_any_numbers(x: float, y: float, east: float) -> None:
    check_position(Crs.WGS84, x, y, "p")
    check_position(Crs.LOCAL, east, -east, "p")
