"""Reference systems: there and back is the same place, the offsets have the size they are known for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.crs import CHINA, Converter, FrameInvalid, bd09_of_wgs84, frame_of, gcj02_of_wgs84, is_in_china
from exchange_db.records import Crs, Violated
from hub.settings import ComponentsPart

#: Well inside the rectangle: at its edge the offset begins at once, and no inverse exists on the step.
inside = st.tuples(st.floats(CHINA[0] + 0.1, CHINA[1] - 0.1), st.floats(CHINA[2] + 0.1, CHINA[3] - 0.1))
#: Where the offsets were measured: the mainland's cities.
mainland = st.tuples(st.floats(80, 130), st.floats(20, 50))
outside = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).filter(lambda point: not is_in_china(*point))
degrees = st.sampled_from([Crs.CGCS2000, Crs.WGS84, Crs.GCJ02, Crs.BD09])
FRAME = "+proj=tmerc +lat_0=0 +lon_0=111 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m"


def _metres(first: tuple[float, float], second: tuple[float, float]) -> float:
    east = (first[0] - second[0]) * math.cos(math.radians(first[1]))
    return math.hypot(east, first[1] - second[1]) * 111_319.49


@given(point=inside, source=degrees, target=degrees)
def test_there_and_back_is_the_same_place(point: tuple[float, float], source: Crs, target: Crs) -> None:
    converter = Converter()
    there = converter.convert(source, target, *point)
    back = converter.convert(target, source, *there)
    assert back == pytest.approx(point, abs=1e-6)


@given(point=mainland)
def test_the_offset_of_gcj02_is_100_to_700_metres(point: tuple[float, float]) -> None:
    assert 50 < _metres(point, gcj02_of_wgs84(*point)) < 1_000


@given(point=outside)
def test_outside_there_is_no_offset(point: tuple[float, float]) -> None:
    assert gcj02_of_wgs84(*point) == bd09_of_wgs84(*point) == point


def test_known_places_come_out_where_the_map_programs_have_them() -> None:
    # The values the widely used coordtransform library prints for these points of 北京.
    assert gcj02_of_wgs84(116.404, 39.915) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    bd09 = Converter().convert(Crs.GCJ02, Crs.BD09, 116.404, 39.915)
    assert bd09 == pytest.approx((116.41036949371029, 39.92133699351022), abs=1e-7)


def test_cgcs2000_is_taken_for_wgs84() -> None:
    assert Converter().convert(Crs.CGCS2000, Crs.WGS84, 109.944, 27.44) == (109.944, 27.44)


def test_a_local_frame_is_converted_by_what_is_configured() -> None:
    converter = Converter(FRAME)
    x, y = converter.convert(Crs.CGCS2000, Crs.LOCAL, 111.0, 27.44)
    assert x == pytest.approx(500_000, abs=1e-6)
    # The meridian's arc to 27.44° on GRS80, from an independent series.
    assert y == pytest.approx(3_036_384, abs=5)
    assert converter.convert(Crs.LOCAL, Crs.CGCS2000, x, y) == pytest.approx((111.0, 27.44), abs=1e-9)
    gcj = converter.convert(Crs.LOCAL, Crs.GCJ02, x, y)
    assert converter.convert(Crs.GCJ02, Crs.LOCAL, *gcj) == pytest.approx((x, y), abs=1e-3)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (Crs.NONE, Crs.WGS84, "CRS_MISSING"),
        (Crs.WGS84, Crs.NONE, "CRS_MISSING"),
        (Crs.LOCAL, Crs.WGS84, "CRS_UNCONVERTIBLE"),
        (Crs.WGS84, Crs.LOCAL, "CRS_UNCONVERTIBLE"),
    ],
)
def test_what_has_no_system_or_no_frame_is_refused(source: Crs, target: Crs, reason: str) -> None:
    with pytest.raises(Violated) as refused:
        Converter().convert(source, target, 109.9, 27.4)
    assert refused.value.violation.reason == reason


@pytest.mark.parametrize("frame", ["+proj=nonsense", "EPSG:4490", "hello"])
def test_a_frame_that_is_none_is_told(frame: str) -> None:
    with pytest.raises(FrameInvalid):
        frame_of(frame)
    with pytest.raises(ValidationError, match="local_frame"):
        ComponentsPart(local_frame=frame)


def test_a_frame_that_is_one_is_taken() -> None:
    assert ComponentsPart(local_frame=FRAME).local_frame == FRAME
